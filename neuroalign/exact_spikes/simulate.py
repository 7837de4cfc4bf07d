"""Spike trains of feedforward layers, event by event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import NetworkError
from neuroalign.exact_spikes.kernels import potential, sampled_responses, spike_times
from neuroalign.exact_spikes.model import Layer, Response, Trains, trains_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
GRID = 0.5
"""How often the potential is looked at, in ms; maxima between are found by its slope, roots to machine precision."""


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Spikes as they reach one neuron, by arrival; ``spike`` is their index in the source's trains."""

    times: FloatArray
    weights: FloatArray
    alphas: FloatArray
    taus: FloatArray
    spike: IntArray


def arrivals_at(layer: Layer, target: int, source: Trains, response: Response) -> Arrivals:
    """What reaches neuron ``target`` of a layer."""
    alphas, taus = layer.shapes(response)
    times = source.times + layer.delays()[target, source.neurons]
    order = np.argsort(times, kind="stable") if layer.delay is not None else np.arange(times.size)
    neurons = source.neurons[order]
    weights = (layer.weight[target] * layer.sign)[neurons]
    return Arrivals(times[order], weights, alphas[neurons], taus[neurons], order)


def run_layer(
    layer: Layer, source: Trains, stop: float, response: Response, start: float = 0.0, grid: float = GRID
) -> Trains:
    """Spikes of a layer's neurons in start <= t < stop (ms)."""
    if source.size != layer.weight.shape[1]:
        raise NetworkError(f"layer: {source.size} sources spike, weights are for {layer.weight.shape[1]}")
    at = np.append(np.arange(start, stop, grid), stop)
    found = []
    for target, (value, slope) in enumerate(zip(*_sampled(layer, source, at, response), strict=True)):
        a = arrivals_at(layer, target, source, response)
        threshold = float(layer.threshold[target])
        found.append(spike_times(at, value, slope, a.times, a.weights, a.alphas, a.taus, threshold, response.constants))
    return trains_of(found)


def _sampled(layer: Layer, source: Trains, at: FloatArray, response: Response) -> tuple[FloatArray, FloatArray]:
    """Potentials without AHP and their slopes, each (N_target, times)."""
    alphas, taus = layer.shapes(response)
    signed = layer.weight * layer.sign
    if layer.delay is None:
        value, slope = sampled_responses(source.times, source.neurons, alphas, taus, at, response.constants)
        return signed @ value, signed @ slope
    found = []
    for row, delay in zip(signed, layer.delay, strict=True):
        late = source.times + delay[source.neurons]
        value, slope = sampled_responses(late, source.neurons, alphas, taus, at, response.constants)
        found.append((row @ value, row @ slope))
    values, slopes = zip(*found, strict=True)
    return np.array(values), np.array(slopes)


def run_layers(
    layers: Sequence[Layer], source: Trains, stop: float, response: Response, start: float = 0.0, grid: float = GRID
) -> tuple[Trains, ...]:
    """Spikes of every layer, the first one's first."""
    found: list[Trains] = []
    for layer in layers:
        found.append(run_layer(layer, found[-1] if found else source, stop, response, start, grid))
    return tuple(found)


def potential_at(
    layer: Layer, target: int, source: Trains, own: FloatArray, t: float, response: Response
) -> tuple[float, float]:
    """P and its slope at ``t``, given own spikes (those before t count)."""
    a = arrivals_at(layer, target, source, response)
    before = np.asarray(own)[np.asarray(own) < t]
    value, slope = potential(t, a.times, a.weights, a.alphas, a.taus, before, before.size, response.constants)
    return float(value), float(slope)
