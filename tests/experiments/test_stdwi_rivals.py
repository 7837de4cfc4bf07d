"""The methods that STDWI is compared with, against slow re-implementations that work on whole recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.stdwi_activity import (
    Activity,
    Protocol,
    forward_weights,
    poisson_sources,
    record_activity,
)
from neuroalign.experiments.stdwi_rivals import infer_by_rate_mirror, infer_by_rdd
from neuroalign.fidelity.learning import pearson

FloatArray = NDArray[np.float64]


def psp(spikes: NDArray[np.uint8], dt: float) -> FloatArray:
    """Kappa * spikes by convolution, in 1/ms."""
    t = np.arange(round(0.2 / dt)) * dt
    kernel = (np.exp(-t / 0.010) - np.exp(-t / 0.003)) / (10.0 - 3.0)
    columns = [np.convolve(spikes[:, k].astype(float), kernel)[: len(spikes)] for k in range(spikes.shape[1])]
    return np.stack(columns, axis=1)


def membranes(current: FloatArray, dt: float, resets: bool) -> FloatArray:
    """Membranes just before a reset (steps, neurons); the current of a step acts in the next."""
    v = np.zeros(current.shape[1])
    found = np.zeros_like(current)
    for t in range(len(current)):
        previous = current[t - 1] if t else np.zeros_like(v)
        v = v + dt / 0.020 * (-v + (previous - v))
        found[t] = v
        if resets:
            v = np.where(v >= 1, -1.0, v)
    return found


def rdd_after_the_fact(protocol: Protocol, seconds: float, seed: int) -> tuple[FloatArray, int]:
    """RDD from recordings: windows are found first, then the regressions run over them in order of their ends."""
    steps = round(seconds / protocol.dt)
    activity = record_activity(protocol, seconds, seed)
    sources = poisson_sources(protocol, steps, np.random.default_rng([seed, 1]))
    drive = protocol.scale * psp(sources, protocol.dt)
    v, free = membranes(drive, protocol.dt, True), membranes(drive, protocol.dt, False)
    response = psp(activity.output_spikes, protocol.dt)
    length = round(0.035 / protocol.dt)
    windows = []
    for i in range(protocol.inputs):
        t = 0
        while t < steps:
            if v[t, i] >= 1 - 0.025 and t + length <= steps:
                windows.append((t + length - 1, i, t))
                t += length
            else:
                t += 1
    c = np.zeros((4, protocol.outputs, protocol.inputs))
    for end, i, start in sorted(windows):
        u = free[start : end + 1, i].max()
        change = response[start : end + 1].mean(axis=0) - response[start]
        side = 0 if u < 1 else 2
        c[side, :, i] -= 1e-4 * u * (c[side, :, i] * u + c[side + 1, :, i] - change)
        c[side + 1, :, i] -= 1e-4 * (c[side, :, i] * u + c[side + 1, :, i] - change)
    return c[2] + c[3] - c[0] - c[1], len(windows)


def test_rdd_equals_regressions_over_windows_found_afterwards() -> None:
    protocol = Protocol(inputs=20, outputs=3)
    expected, windows = rdd_after_the_fact(protocol, 3.0, 4)
    found = infer_by_rdd(protocol, 3.0, 4, [round(3.0 / protocol.dt)])[0]
    assert windows > 50
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


def test_a_guess_is_what_rdd_starts_from() -> None:
    protocol = Protocol(inputs=10, outputs=2)
    start = infer_by_rdd(protocol, 0.001, 1, [1], from_guess=True)[0]
    # (c3 + c4) - (c1 + c2) of numbers within +-5e-4
    assert 0 < abs(start).max() <= 4 * 5e-4
    assert not infer_by_rdd(protocol, 0.001, 1, [1])[0].any()


def test_the_mirror_waits_for_a_batch_and_then_follows_the_covariance() -> None:
    activity = record_activity(Protocol(inputs=10, outputs=2, active_share=0.5), 40.0, 3)
    early, at_batch, late = infer_by_rate_mirror(activity, [39_999, 40_000, 160_000], seed=3)
    assert abs(early).max() <= 5e-4
    assert (at_batch != early).any()
    assert infer_by_rate_mirror(activity, [160_000], seed=3)[0].tolist() == late.tolist()
    counts = [
        s.reshape(400, 400, -1).sum(axis=1).astype(float) for s in (activity.input_spikes, activity.output_spikes)
    ]
    covariance = np.cov(np.concatenate(counts, axis=1).T)[10:, :10]
    similarity = pearson(covariance, late)
    assert similarity is not None
    assert similarity > 0.95


def test_forward_weights_are_those_of_the_activity() -> None:
    protocol = Protocol(inputs=10, outputs=2)
    activity: Activity = record_activity(protocol, 0.01, 7)
    assert (activity.weight == forward_weights(protocol, np.random.default_rng([7, 0]))).all()


def test_correlated_sources_keep_their_rate_and_share_spikes() -> None:
    steps = 40_000
    for correlation in (0.0, 0.5, 1.0):
        protocol = Protocol(inputs=8, active_share=1.0, correlation=correlation)
        spikes = poisson_sources(protocol, steps, np.random.default_rng(1)).astype(float)
        chance = 200 * protocol.dt
        assert abs(spikes.mean() - chance) < 5 * np.sqrt(chance / steps)
        # copies with probability c of one train: covariance c^2 p (1 - p)
        covariance = np.cov(spikes.T)[np.triu_indices(8, 1)].mean()
        assert abs(covariance - correlation**2 * chance * (1 - chance)) < 0.003
