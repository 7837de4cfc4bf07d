r"""Steps whose length does not depend on how steeply a spike's potential crosses the threshold.

Every spike of the output is paired with the desired one next to it, and asks for the smallest change of all weights that
would move it there, to first order; a step is a share of what all of them ask for::

    r_l = t_l - d_l                  where t_l and d_l are each other's nearest, and less than ``near`` apart; else 0
    w  := max(0, w - rate * sum over l of  r_l (dt_l/dw) / (|dt_l/dw|^2 + FLOOR))

``dt_l/dw`` is the exact derivative by the weights of all layers (:func:`network_jacobians`), through hidden spikes and the
AHP's chain. The gradient of a squared error has ``r_l dt_l/dw`` without the denominator: where the crossing has hardly any
slope, and the time of the spike says the least about the weights, ``|dt_l/dw|`` is largest and takes the whole step.

Source: normalised least mean squares (Nagumo, Noda 1967; also Kaczmarz) with the derivatives of Banerjee 2016; the
combination is our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.exact_spikes.gradient import spike_jacobians
from neuroalign.exact_spikes.model import Layer, Response, Trains

FloatArray = NDArray[np.float64]
NEAR = 3.0
"""How far apart an actual and a desired spike may be to be a pair, ms."""
FLOOR = 1e-3
"""Added to the squared length of a spike's derivative, ms^2: a spike that no weight moves asks for nothing."""


def paired_residuals(actual: Trains, desired: Trains, near: float = NEAR) -> FloatArray:
    """How much too late each spike of ``actual`` is, ms; NaN where it has no partner.

    Two spikes of the same neuron are partners if each is the other's nearest, less than ``near`` ms apart.

    Raises
    ------
    InputError
        If ``near`` is not a positive number.
    """
    if not (np.isfinite(near) and near > 0):
        raise InputError(f"near is {near} ms; a positive number is needed")
    found = np.full(actual.times.size, np.nan)
    for neuron in range(actual.size):
        mine = np.flatnonzero(actual.neurons == neuron)
        wanted = desired.of(neuron)
        if not mine.size or not wanted.size:
            continue
        late = actual.times[mine][:, None] - wanted
        nearest = np.abs(late).argmin(axis=1)
        mutual = np.abs(late).argmin(axis=0)[nearest] == np.arange(mine.size)
        apart = late[np.arange(mine.size), nearest]
        found[mine] = np.where(mutual & (np.abs(apart) < near), apart, np.nan)
    return found


def network_jacobians(
    layers: Sequence[Layer], source: Trains, spikes: Sequence[Trains], response: Response
) -> tuple[FloatArray, ...]:
    """dt/dw of every output spike by the weights of every layer, each (output spikes, N_target, N_source), ms.

    ``spikes`` are those of all layers, as :func:`~neuroalign.exact_spikes.simulate.run_layers` found them.
    """
    found: list[FloatArray] = []
    through = np.eye(spikes[-1].times.size)
    for k in reversed(range(len(layers))):
        by_weight, by_time = _layer_jacobians(layers[k], spikes[k - 1] if k else source, spikes[k], response)
        found.insert(0, np.tensordot(through, by_weight, 1))
        through = through @ by_time
    return tuple(found)


def _layer_jacobians(layer: Layer, source: Trains, spikes: Trains, response: Response) -> tuple[FloatArray, FloatArray]:
    """dt/dw (spikes, N_target, N_source) and dt/dt (spikes, spikes of the source) of one layer."""
    by_weight = np.zeros((spikes.times.size, *layer.weight.shape))
    by_time = np.zeros((spikes.times.size, source.times.size))
    belongs = np.equal.outer(source.neurons, np.arange(source.size)).astype(np.float64)
    for target in range(layer.weight.shape[0]):
        mine = spikes.neurons == target
        if mine.any():
            virtual, by_time[mine] = spike_jacobians(layer, target, source, spikes, response)
            by_weight[mine, target] = virtual @ belongs
    return by_weight, by_time


def normalised_step(
    layers: Sequence[Layer], source: Trains, spikes: Sequence[Trains], desired: Trains, response: Response, rate: float,
    near: float = NEAR,
) -> tuple[Layer, ...]:  # fmt: skip
    """Layers after one step; see above.

    Parameters
    ----------
    spikes
        Of every layer; ``desired`` are those of the last.
    rate
        Share of what the spikes ask for; with n spikes that ask for the same, n times the rate must be below 2.
    """
    late = paired_residuals(spikes[-1], desired, near)
    taught = ~np.isnan(late)
    if not taught.any():
        return tuple(layers)
    by_layer = [found[taught] for found in network_jacobians(layers, source, spikes, response)]
    squares = sum((np.square(found).sum(axis=(1, 2)) for found in by_layer), np.zeros(int(taught.sum())))
    asked = late[taught] / (squares + FLOOR)
    return tuple(
        replace(layer, weight=np.maximum(layer.weight - rate * np.tensordot(asked, found, 1), 0.0))
        for layer, found in zip(layers, by_layer, strict=True)
    )
