"""The recorded network of the STDWI experiment against its equations and the rates measured from the authors' code."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.experiments.stdwi_activity import (
    Activity,
    Protocol,
    binned,
    forward_weights,
    network_steps,
    poisson_sources,
    record_activity,
)

FloatArray = NDArray[np.float64]
SMALL = Protocol(inputs=20, outputs=4)


def test_the_spikes_are_those_of_the_equations_with_the_kernel_convolved_in_full() -> None:
    """Two inputs, two outputs: the drive as a sum of the kernel over all earlier spikes, instead of by traces."""
    dt, steps, scale = 0.25, 1200, 12.0  # ms
    rng = np.random.default_rng(0)
    sources = (rng.random((steps, 2)) < 0.06).astype(np.uint8)
    weight = np.array([[60.0, -4.0], [25.0, 40.0]])
    inputs, outputs = network_steps(sources, weight, scale, dt * 1e-3)
    t = dt * np.arange(steps)
    kappa = (np.exp(-t / 10) - np.exp(-t / 3)) / 7
    assert dt * kappa.sum() == pytest.approx(1, abs=0.01)
    expected_inputs = membrane(scale * filtered(kappa, sources))
    np.testing.assert_array_equal(inputs, expected_inputs)
    np.testing.assert_array_equal(outputs, membrane(filtered(kappa, expected_inputs) @ weight.T))
    assert inputs.sum() >= 20
    assert (outputs.sum(axis=0) >= 5).all()


def filtered(kappa: FloatArray, spikes: NDArray[np.uint8]) -> FloatArray:
    return np.stack([np.convolve(kappa, s)[: len(s)] for s in spikes.T.astype(float)], axis=1)


def membrane(drive: FloatArray) -> NDArray[np.uint8]:
    """Spikes of LIF neurons: 20 ms, rest 0, threshold 1, reset -1, the drive of the step before."""
    v, spikes = np.zeros(drive.shape[1]), np.zeros(drive.shape, dtype=np.uint8)
    for step in range(1, len(drive)):
        v = v + 0.25 / 20 * ((0 - v) + (drive[step - 1] - v))
        spikes[step] = v >= 1
        v = np.where(v >= 1, -1.0, v)
    return spikes


def test_compiled_and_plain_steps_agree() -> None:
    activity = record_activity(SMALL, 0.4, seed=3)
    sources = poisson_sources(SMALL, 1600, np.random.default_rng([3, 1]))
    inputs, outputs = network_steps(sources, activity.weight, SMALL.scale, SMALL.dt)
    np.testing.assert_array_equal(activity.input_spikes, inputs)
    np.testing.assert_array_equal(activity.output_spikes, outputs)


def test_weights_have_the_published_mean_and_spread() -> None:
    weight = forward_weights(Protocol(outputs=2000), np.random.default_rng(1))
    n = weight.size
    assert weight.mean() == pytest.approx(4.5, abs=4 * 10.06 / np.sqrt(n))
    assert weight.std() == pytest.approx(90 * 0.5 / np.sqrt(20), rel=4 / np.sqrt(2 * n))


def test_a_fifth_of_the_sources_is_active_and_changes_every_stimulus() -> None:
    protocol = Protocol()
    spikes = poisson_sources(protocol, 4000, np.random.default_rng(2)).reshape(10, 400, 100)
    active = np.asarray(spikes.sum(axis=1) > 0)
    assert active.sum(axis=1).max() <= 20
    assert len({row.tobytes() for row in active}) == 10
    trials = 10 * 400 * 20
    assert spikes.sum() == pytest.approx(0.05 * trials, abs=4 * np.sqrt(trials * 0.05 * 0.95))


def test_rates_are_those_measured_from_the_published_setting() -> None:
    """6.8 Hz of the input and 54 to 72 Hz of the output neurons, measured over seeds from another implementation."""
    rates = np.array([record_activity(Protocol(), 10, seed).rates for seed in range(3)])
    assert rates[:, 0].mean() == pytest.approx(6.8, abs=0.2)
    assert 54 <= rates[:, 1].mean() <= 72


def test_the_same_seed_gives_the_same_activity_and_another_does_not() -> None:
    first, again, other = (record_activity(SMALL, 0.2, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.output_spikes, again.output_spikes)
    np.testing.assert_array_equal(first.weight, again.weight)
    assert (first.weight != other.weight).all()


def test_bins_hold_one_spike_and_count_the_lost_ones() -> None:
    spikes = np.zeros((11, 1), dtype=np.uint8)
    spikes[[0, 3, 4, 10]] = 1  # bins of 4: two, one, and an incomplete bin that is dropped
    found, lost = binned(Activity(0.25e-3, np.ones((1, 1)), spikes, np.zeros_like(spikes)), 4)
    assert found.dt == 1e-3
    assert found.input_spikes.tolist() == [[1], [1]]
    assert lost == 1


def test_a_setting_without_active_sources_or_with_impossible_rates_is_refused() -> None:
    with pytest.raises(InputError, match="at least one must be active"):
        Protocol(inputs=2)
    with pytest.raises(InputError, match="no probability"):
        Protocol(dt=0.01)
    with pytest.raises(InputError, match="no step"):
        record_activity(SMALL, 0.0, 1)
