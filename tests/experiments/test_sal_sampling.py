"""Sampling networks: the distribution they sample, what wake-sleep cannot change, and what SAL does."""

from __future__ import annotations

import numpy as np

from neuroalign.experiments.sal_sampling import NEURONS, boltzmann, run_sampling
from neuroalign.experiments.sal_sampling_steps import TAU, sample_states, sleep


def small_network(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.uniform(-1, 1, (NEURONS, NEURONS)), 1)
    return upper + upper.T, rng.uniform(-1, 1, NEURONS)


def test_boltzmann_against_an_enumeration_by_hand() -> None:
    weight, bias = small_network(1)
    p = boltzmann(weight, bias)
    state = np.array([1, 0, 0, 1, 0, 0, 0])
    energy = weight[0, 3] + bias[0] + bias[3]
    np.testing.assert_allclose(p[0b0001001] / p[0], np.exp(energy))
    assert state.sum() == 2
    np.testing.assert_allclose(p.sum(), 1)


def test_a_symmetric_network_samples_the_boltzmann_distribution() -> None:
    weight, bias = small_network(2)
    counts = sample_states(np.random.default_rng(1), weight, bias, 40)
    sampled, p = counts / counts.sum(), boltzmann(weight, bias)
    assert np.sum(sampled * np.log(np.maximum(sampled, 1e-12) / p)) < 0.02


def test_a_lone_neuron_spikes_as_often_as_its_chance_and_refractory_time_allow() -> None:
    weight, bias = np.zeros((NEURONS, NEURONS)), np.linspace(-1, 2, NEURONS)
    spikes, last = np.zeros(NEURONS), np.full(NEURONS, -1000)
    empty = np.zeros((NEURONS, NEURONS))
    steps = 2_000_000
    sleep(np.random.default_rng(3), weight, bias, steps, last, empty, empty.copy(), spikes, np.zeros(0))
    interval = TAU + 1 + TAU * np.exp(-bias)  # the refractory steps, then the mean of a geometric time
    np.testing.assert_allclose(spikes / steps, 1 / interval, rtol=0.02)


def test_pairs_are_ordered_by_the_direction_of_the_weight() -> None:
    """A strong synapse from 0 to 1 makes 1 follow 0: the order sum is positive in [0, 1] and opposite in [1, 0]."""
    weight, bias = np.zeros((NEURONS, NEURONS)), np.full(NEURONS, -1.0)
    weight[1, 0] = 3.0
    overlap, order, spikes = np.zeros((NEURONS, NEURONS)), np.zeros((NEURONS, NEURONS)), np.zeros(NEURONS)
    last = np.full(NEURONS, -1000)
    sleep(np.random.default_rng(4), weight, bias, 400_000, last, overlap, order, spikes, np.zeros(0))
    assert order[0, 1] > 100
    np.testing.assert_allclose(order, -order.T)
    np.testing.assert_allclose(overlap, overlap.T)


def test_wake_sleep_alone_keeps_every_asymmetry_and_sal_removes_it() -> None:
    options = {"cycles": 400, "validation_sleeps": 2}
    start = run_sampling(5, 0.3, aligned=False, cycles=0, validation_sleeps=2)
    without = run_sampling(5, 0.3, aligned=False, **options)  # type: ignore[arg-type]
    aligned = run_sampling(5, 0.3, aligned=True, **options)  # type: ignore[arg-type]
    np.testing.assert_allclose(without.weight - without.weight.T, start.weight - start.weight.T, atol=1e-9)
    assert aligned.asymmetry < 0.5 * without.asymmetry
