r"""The exact gradient: from errors of output spikes to all weights, through the times of hidden spikes.

Every spike that reaches a neuron has a virtual weight of its own. From ``P(t_l) = threshold``::

    V_l        = P'(t_l) > 0
    dt_l/dw_ij = -(sign_i xi(t_l - t_ij) - sum over k<l of eta'(t_l - t_k) dt_k/dw_ij) / V_l
    dt_l/dt_ij =  (sign_i w_ij xi'(t_l - t_ij) + sum over k<l of eta'(t_l - t_k) dt_k/dt_ij) / V_l

A synapse's gradient is the sum over its spikes; a hidden spike's is the sum over all neurons downstream and their spikes.
:func:`spike_jacobians` has the recursion as it stands; :func:`pull_back_layer` goes through it backwards, which costs no more
than finding the slopes.

Source: Banerjee 2016, Neural Computation 28(5), 826-848; derived anew from the model's equations. Whether the paper sums or
averages a synapse's virtual weights is unverified: here they are summed, which is the gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.exact_spikes.error import HORIZON, train_error, train_gradient
from neuroalign.exact_spikes.kernels import jacobians, pull_back
from neuroalign.exact_spikes.model import Layer, Response, Trains
from neuroalign.exact_spikes.simulate import arrivals_at

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gradient:
    """Error of the outputs, and its derivative by the weights of every layer, each (N_target, N_source)."""

    error: float
    weights: tuple[FloatArray, ...]


def network_gradient(
    layers: Sequence[Layer], source: Trains, spikes: Sequence[Trains], desired: Trains, instants: FloatArray,
    response: Response, horizon: float = HORIZON, *, equal_counts: bool = False,
) -> Gradient:  # fmt: skip
    """Error summed over output neurons and instants, and its exact gradient.

    Parameters
    ----------
    spikes
        Of every layer, as :func:`~neuroalign.exact_spikes.simulate.run_layers` found them.
    desired
        Of the last layer.
    instants : (K,), ms
        When the error is looked at.
    equal_counts
        Leave out of an output neuron's gradient the instants before which it has another number of spikes than desired:
        the gradient moves spikes, and can neither make nor take away one. The error counts them all the same.
    """
    error, adjoint = output_adjoint(spikes[-1], desired, instants, horizon, equal_counts=equal_counts)
    found: list[FloatArray] = []
    for k in reversed(range(len(layers))):
        by_weight, adjoint = pull_back_layer(layers[k], spikes[k - 1] if k else source, spikes[k], adjoint, response)
        found.insert(0, by_weight)
    return Gradient(error, tuple(found))


def output_adjoint(
    actual: Trains, desired: Trains, instants: FloatArray, horizon: float = HORIZON, *, equal_counts: bool = False
) -> tuple[float, FloatArray]:
    """Error over all neurons, and dE/dt of every spike of ``actual``, (spikes,); see :func:`network_gradient`."""
    error, adjoint = 0.0, np.zeros(actual.times.size)
    for neuron in range(actual.size):
        own, wanted = actual.of(neuron), desired.of(neuron)
        error += train_error(wanted, own, instants, horizon)
        teaching = instants[_counts(own, instants) == _counts(wanted, instants)] if equal_counts else instants
        adjoint[actual.neurons == neuron] = train_gradient(wanted, own, teaching, horizon)
    return error, adjoint


def _counts(times: FloatArray, instants: FloatArray) -> NDArray[np.int64]:
    """Spikes before each of the instants."""
    return np.searchsorted(times, instants)


def pull_back_layer(
    layer: Layer, source: Trains, spikes: Trains, adjoint: FloatArray, response: Response
) -> tuple[FloatArray, FloatArray]:
    """From dE/dt of a layer's spikes to dE/dw (N_target, N_source) and dE/dt of the source's spikes."""
    by_weight = np.zeros(layer.weight.shape)
    by_time = np.zeros(source.times.size)
    for target in range(layer.weight.shape[0]):
        mine = spikes.neurons == target
        if not mine.any():
            continue
        a = arrivals_at(layer, target, source, response)
        weights, times = pull_back(
            adjoint[mine], spikes.times[mine], a.times, a.weights, a.alphas, a.taus, response.constants
        )
        sources = source.neurons[a.spike]
        by_weight[target] = layer.sign * np.bincount(sources, weights, minlength=source.size)
        by_time[a.spike] += times
    return by_weight, by_time


def spike_jacobians(
    layer: Layer, target: int, source: Trains, spikes: Trains, response: Response
) -> tuple[FloatArray, FloatArray]:
    """dt_l/dw_ij (virtual weights, at least 0 as the weights) and dt_l/dt_ij of one neuron, each (own spikes, source's spikes)."""
    a = arrivals_at(layer, target, source, response)
    by_weight, by_time = jacobians(spikes.of(target), a.times, a.weights, a.alphas, a.taus, response.constants)
    ordered = np.zeros_like(by_weight), np.zeros_like(by_time)
    ordered[0][:, a.spike] = by_weight * layer.sign[source.neurons[a.spike]]
    ordered[1][:, a.spike] = by_time
    return ordered
