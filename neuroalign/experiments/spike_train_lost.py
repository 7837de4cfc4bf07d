r"""What the local form loses against the exact gradient, one thing at a time, on one neuron of the exact model.

``no slope``
    dt_l/dw has a constant in the place of the slope V_l at each crossing.
``no chain``
    What earlier own spikes do to later ones through the AHP is left out.
``one time scale``
    The error is ``r^2`` with one time constant instead of the integral over all; see :mod:`~neuroalign.exact_spikes.error`.
``all three``
    The local form's gradient, in double precision and with exact spike times.

Source: our own; the exact gradient is that of :mod:`neuroalign.exact_spikes`.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.exact_spikes import Gradient, Layer, Response, Trains, potential_at, spike_jacobians, train_gradient
from neuroalign.exact_spikes.kernels import response as xi

FloatArray = NDArray[np.float64]
Lost = Literal["nothing", "no slope", "no chain", "one time scale", "all three"]
LOST: tuple[Lost, ...] = get_args(Lost)
PLAIN_SLOPE = 0.2
"""In thresholds of 1 a ms: the constant in the place of V."""
HORIZON = 8.0
"""Time constant of r, ms."""


def reduced_gradient(
    layer: Layer, source: Trains, spikes: Trains, desired: Trains, instants: FloatArray, response: Response, lost: Lost
) -> Gradient:
    """dE/dw of one neuron, less what is lost.

    Raises
    ------
    InputError
        If the layer has more neurons than one.
    """
    if layer.weight.shape[0] != 1:
        raise InputError(f"what is lost is measured on one neuron; the layer has {layer.weight.shape[0]}")
    own, wanted = spikes.of(0), desired.of(0)
    by_time = train_gradient(wanted, own, instants)
    if lost in ("one time scale", "all three"):
        by_time = one_scale_gradient(wanted, own, instants)
    if lost in ("nothing", "one time scale"):
        moved = spike_jacobians(layer, 0, source, spikes, response)[0]
    else:
        moved = _direct(layer, source, own, response, graded=lost == "no chain")
    virtual = by_time @ moved
    by_weight = np.bincount(source.neurons, virtual, minlength=source.size).astype(np.float64)
    return Gradient(0.0, (by_weight[None],))


def one_scale_gradient(desired: FloatArray, actual: FloatArray, instants: FloatArray) -> FloatArray:
    """dE/dt of every spike of ``actual`` for ``E = sum over instants of r^2``, r with one time constant."""

    def filtered(times: FloatArray) -> FloatArray:
        age = instants[:, None] - times[None]
        return np.asarray(np.where(age > 0, np.exp(-np.maximum(age, 0) / HORIZON), 0.0))

    each = filtered(actual)
    r = filtered(desired).sum(axis=1) - each.sum(axis=1)
    return np.asarray(-2 / HORIZON * (r @ each))


def _direct(layer: Layer, source: Trains, own: FloatArray, response: Response, *, graded: bool) -> FloatArray:
    """-xi / V of every own spike and arrival, (own spikes, arrivals), V graded or constant."""
    alphas, taus = layer.shapes(response)
    found = np.zeros((own.size, source.times.size))
    for k, time in enumerate(own):
        slope = potential_at(layer, 0, source, own, time, response)[1] if graded else PLAIN_SLOPE
        for j, (arrival, i) in enumerate(
            zip(source.times + layer.delays()[0, source.neurons], source.neurons, strict=True)
        ):
            found[k, j] = -layer.sign[i] * xi(time - arrival, alphas[i], taus[i], response.beta) / slope
    return found
