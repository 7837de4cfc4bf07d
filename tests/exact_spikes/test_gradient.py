"""Spike times and weights' gradients against differences of what the network itself does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from neuroalign.exact_spikes import (
    Layer,
    Response,
    Trains,
    network_gradient,
    run_layer,
    run_layers,
    spike_jacobians,
    trains_of,
)
from neuroalign.exact_spikes.gradient import output_adjoint

STOP = 160.0
INSTANTS = np.arange(60.0, 161.0, 10.0)
RESPONSES = (Response(), Response(ahp=-1.5, gamma=8.0))
"""The second has an AHP that outlasts the time between spikes, so that the chain over own spikes matters."""


def poisson(rng: np.random.Generator, size: int, rate: float) -> Trains:
    return trains_of([np.sort(rng.uniform(0, STOP, rng.poisson(rate * STOP / 1000))) for _ in range(size)])


def layer(rng: np.random.Generator, targets: int, sources: int, low: float, high: float, threshold: float) -> Layer:
    sign = np.where(np.arange(sources) < sources * 3 / 4, 1, -1)
    delay = rng.uniform(0.5, 5.0, (targets, sources))
    return Layer(rng.uniform(low, high, (targets, sources)), sign, np.full(targets, threshold), delay)


def difference(value: Callable[[float], np.ndarray], step: float) -> np.ndarray | None:
    """Fourth-order central difference at 0; None where the number of spikes changes."""
    ends = [value(k * step) for k in (-2, -1, 1, 2)]
    if len({end.shape for end in ends}) > 1:
        return None
    return np.asarray((ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * step))


def with_weight(layer: Layer, index: tuple[int, int], change: float) -> Layer:
    weight = layer.weight.copy()
    weight[index] += change
    return replace(layer, weight=weight)


@pytest.mark.parametrize("response", RESPONSES)
def test_spike_times_move_as_the_jacobians_say(response: Response) -> None:
    rng = np.random.default_rng(3)
    source, one = poisson(rng, 12, 30), layer(rng, 1, 12, 1.5, 3.0, 1.5)
    spikes = run_layer(one, source, STOP, response)
    by_weight, by_time = spike_jacobians(one, 0, source, spikes, response)
    assert spikes.times.size > 4

    for i in range(12):  # a synapse's weight moves all its virtual weights

        def times(change: float, i: int = i) -> np.ndarray:
            return run_layer(with_weight(one, (0, i), change), source, STOP, response).times

        found = difference(times, 1e-4)
        assert found is not None
        expected = by_weight[:, source.neurons == i].sum(axis=1)
        np.testing.assert_allclose(expected, found, rtol=1e-6, atol=1e-6 * np.abs(by_weight).max())

    for j in range(0, source.times.size, 5):

        def moved(change: float, j: int = j) -> np.ndarray:
            each = [source.of(n) for n in range(source.size)]
            neuron = source.neurons[j]
            each[neuron] = each[neuron] + change * (each[neuron] == source.times[j])
            return run_layer(one, trains_of(each), STOP, response).times

        found = difference(moved, 1e-4)
        assert found is not None
        np.testing.assert_allclose(by_time[:, j], found, rtol=1e-6, atol=1e-6 * np.abs(by_time).max())


@pytest.mark.parametrize("response", RESPONSES)
def test_two_layers_weights(response: Response) -> None:
    rng = np.random.default_rng(5)
    source = poisson(rng, 8, 40)
    layers = (layer(rng, 4, 8, 1.5, 4.0, 1.5), layer(rng, 2, 4, 2.0, 5.0, 1.0))
    desired = trains_of([np.array([40.0, 90.0, 130.0]), np.array([70.0, 150.0])])
    spikes = run_layers(layers, source, STOP, response)
    gradient = network_gradient(layers, source, spikes, desired, INSTANTS, response)
    assert min(trains.times.size for trains in spikes) > 4

    close = []
    for k in range(2):
        for index in np.ndindex(layers[k].weight.shape):

            def error(change: float, k: int = k, index: tuple[int, ...] = index) -> np.ndarray:
                changed = list(layers)
                changed[k] = with_weight(layers[k], (index[0], index[1]), change)
                found = run_layers(changed, source, STOP, response)
                value = network_gradient(changed, source, found, desired, INSTANTS, response).error
                return np.full(1 + sum(trains.times.size for trains in found), value)  # its length tells spike counts

            ends = error(1e-6), error(-1e-6)
            if ends[0].shape == ends[1].shape:
                slope = (ends[0] - ends[1]) / 2e-6
                close.append(abs(gradient.weights[k][index] - slope[0]) <= 1e-4 * abs(slope[0]) + 1e-12)
    assert len(close) >= 36  # of 40
    assert np.mean(close) >= 0.95


def test_where_spikes_are_missing_or_too_many_a_train_does_not_teach() -> None:
    actual, desired = trains_of([np.array([20.0, 50.0])]), trains_of([np.array([22.0, 48.0, 80.0])])
    instants = np.array([15.0, 21.0, 30.0, 49.0, 60.0, 90.0, 100.0])
    agreeing = np.array([30.0, 60.0])  # 0 and 0 spikes before 15 ms teach nothing
    error, adjoint = output_adjoint(actual, desired, instants, equal_counts=True)
    whole_error, whole = output_adjoint(actual, desired, instants)
    _, expected = output_adjoint(actual, desired, agreeing)
    assert error == whole_error
    np.testing.assert_allclose(adjoint, expected, rtol=1e-12)
    assert np.abs(adjoint - whole).max() > 1e-3 * np.abs(whole).max()
