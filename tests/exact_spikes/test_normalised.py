"""Pairs of spikes, derivatives through two layers, and steps that move a spike to where it belongs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuroalign.errors import InputError
from neuroalign.exact_spikes import (
    Layer,
    Response,
    Trains,
    network_gradient,
    network_jacobians,
    normalised_step,
    paired_residuals,
    run_layers,
    trains_of,
)
from neuroalign.exact_spikes.gradient import output_adjoint

STOP = 120.0
INSTANTS = np.arange(20.0, 121.0, 10.0)
RESPONSE = Response()


def network(seed: int) -> tuple[tuple[Layer, ...], Trains]:
    rng = np.random.default_rng(seed)
    source = trains_of([np.sort(rng.uniform(0, STOP, rng.poisson(6))) for _ in range(8)])
    signs = np.where(np.arange(8) < 6, 1, -1), np.array([1, 1, 1, -1])
    layers = (
        Layer(rng.uniform(1.5, 4, (4, 8)), signs[0], np.full(4, 1.5), rng.uniform(0.5, 3, (4, 8))),
        Layer(rng.uniform(1.5, 4, (3, 4)), signs[1], np.full(3, 1.5)),
    )
    return layers, source


def test_derivatives_of_all_layers_add_up_to_the_gradient() -> None:
    """The gradient goes backwards through all spikes at once, the derivatives forwards from each weight."""
    layers, source = network(1)
    spikes = run_layers(layers, source, STOP, RESPONSE)
    assert spikes[-1].times.size > 10
    desired = trains_of([np.array([30.0, 60.0]), np.array([40.0]), np.array([50.0, 80.0])])
    _, adjoint = output_adjoint(spikes[-1], desired, INSTANTS)
    gradient = network_gradient(layers, source, spikes, desired, INSTANTS, RESPONSE)
    for found, whole in zip(network_jacobians(layers, source, spikes, RESPONSE), gradient.weights, strict=True):
        np.testing.assert_allclose(np.tensordot(adjoint, found, 1), whole, rtol=1e-9, atol=1e-12)


def test_spikes_of_the_output_move_as_the_derivatives_say() -> None:
    layers, source = network(2)
    spikes = run_layers(layers, source, STOP, RESPONSE)
    found = network_jacobians(layers, source, spikes, RESPONSE)
    compared = 0
    for k, (row, column) in ((0, (1, 2)), (0, (3, 0)), (1, (0, 3)), (1, (2, 1))):
        ends = []
        for change in (-1e-6, 1e-6):
            weight = layers[k].weight.copy()
            weight[row, column] += change
            moved = [replace(a, weight=weight) if n == k else a for n, a in enumerate(layers)]
            ends.append(run_layers(moved, source, STOP, RESPONSE)[-1])
        if any(end.times.size != spikes[-1].times.size for end in ends):
            continue
        seen = (ends[1].times - ends[0].times) / 2e-6
        off = np.abs(seen - found[k][:, row, column]) / np.maximum(np.abs(seen), 1e-3)
        assert (off < 1e-4).mean() >= 0.95
        compared += 1
    assert compared >= 3


def test_partners_are_each_others_nearest_of_the_same_neuron() -> None:
    actual = trains_of([np.array([10.0, 12.0, 40.0]), np.array([20.0])])
    desired = trains_of([np.array([11.5, 45.0]), np.array([10.0, 19.0])])
    # in order of time: 10 (12 is nearer to 11.5), 12, 20 of the other neuron, 40 (5 ms away)
    np.testing.assert_allclose(paired_residuals(actual, desired, 3.0), [np.nan, 0.5, 1.0, np.nan])
    np.testing.assert_allclose(paired_residuals(actual, desired, 6.0), [np.nan, 0.5, 1.0, -5.0])
    with pytest.raises(InputError, match="near is 0"):
        paired_residuals(actual, desired, 0.0)


def test_a_whole_step_moves_a_spike_onto_its_partner() -> None:
    """To first order: what is left falls with the square of what was asked for."""
    layers, source = network(3)
    spikes = run_layers(layers, source, STOP, RESPONSE)
    lengths = sum(np.square(found).sum(axis=(1, 2)) for found in network_jacobians(layers, source, spikes, RESPONSE))
    taught = int(np.flatnonzero(lengths > 0.1)[0])  # where the floor is nothing
    neuron = int(spikes[-1].neurons[taught])
    left = []
    for asked in (0.02, 0.01):
        wanted: list[np.ndarray] = [np.zeros(0)] * spikes[-1].size
        wanted[neuron] = spikes[-1].times[[taught]] - asked
        moved = normalised_step(layers, source, spikes, trains_of(wanted), RESPONSE, 1.0)
        after = run_layers(moved, source, STOP, RESPONSE)[-1]
        left.append(float(np.abs(after.of(neuron) - wanted[neuron]).min()))
        assert left[-1] < 0.1 * asked
        assert all((a.weight != b.weight).any() for a, b in zip(moved, layers, strict=True))


def test_without_partners_nothing_changes_and_weights_stay_positive() -> None:
    layers, source = network(3)
    spikes = run_layers(layers, source, STOP, RESPONSE)
    nothing = trains_of([np.zeros(0)] * 3)
    assert normalised_step(layers, source, spikes, nothing, RESPONSE, 1.0) == layers
    shifted = Trains(spikes[-1].times + 1.0, spikes[-1].neurons, 3)
    moved = normalised_step(layers, source, spikes, shifted, RESPONSE, 50.0)
    assert min(float(layer.weight.min()) for layer in moved) == 0.0
