"""Compiled loops of :mod:`neuroalign.experiments.sal_sampling`, which says what they do."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

TAU, SLEEP_STEPS = 50, 50_000
WEIGHT_LIMIT = 2.0
READ_EVERY = TAU // 2


@numba.njit(cache=True)
def sleep(  # noqa: C901 - one loop over events
    rng: np.random.Generator, weight: FloatArray, bias: FloatArray, steps: int, last: NDArray[np.int64], overlap: FloatArray, order: FloatArray,
    spikes: FloatArray, counts: FloatArray,
) -> None:  # fmt: skip
    """Run ``steps`` steps of sleep and add to what was counted.

    Parameters
    ----------
    last
        Step of each neuron's last spike, at most 0; on return relative to the end.
    overlap, order : (N, N)
        Sums of ``(tau - |dt|)+`` over pairs, and of ``+-(1 - |dt|/tau)+``: + for [i, j] where j follows i.
    counts : (2**N,) or empty
        How often each state was found, every 25 steps.
    """
    n = bias.size
    idle = np.zeros((1 << n, n))  # log of the chance that neuron k does not spike, by state
    for state in range(1 << n):
        for k in range(n):
            u = bias[k]
            for j in range(n):
                if state >> j & 1:
                    u += weight[k, j]
            idle[state, k] = -np.log1p(np.exp(u) / TAU)
    t = 1
    while t <= steps:
        state, none, until = 0, 0.0, steps + 1
        for k in range(n):
            since = t - last[k]
            if since < TAU:
                state |= 1 << k
        for k in range(n):
            since = t - last[k]
            if since > TAU:
                none += idle[state, k]
            if since < TAU:
                until = min(until, last[k] + TAU)
            elif since <= TAU:
                until = min(until, last[k] + TAU + 1)
        # steps t, t + 1, ... until - 1 have the same chances
        wait = until - t
        if none < 0:
            drawn = np.log(1 - rng.random()) / none
            wait = min(wait, int(drawn)) if drawn < wait else wait
        if counts.size:
            first = (t + READ_EVERY - 1) // READ_EVERY * READ_EVERY
            stop = min(t + wait, until - 1)
            if first <= stop:
                counts[state] += (stop - first) // READ_EVERY + 1
        t += wait
        if t >= until:
            continue
        _spike_some(t, state, none, idle, last, overlap, order, spikes, rng)
        t += 1
    for k in range(n):
        last[k] -= steps


@numba.njit(cache=True)
def _spike_some(
    t: int, state: int, none: float, idle: FloatArray, last: NDArray[np.int64], overlap: FloatArray, order: FloatArray,
    spikes: FloatArray, rng: np.random.Generator,
) -> None:  # fmt: skip
    """At least one free neuron spikes in step t: each by its chance, given that."""
    n = last.size
    missing = 1.0
    some = False
    left = none
    previous = last.copy()
    for k in range(n):
        if t - previous[k] <= TAU:
            continue
        chance = 1 - np.exp(idle[state, k])
        if not some:  # condition on a spike among those not yet decided
            chance = chance / (1 - np.exp(left)) if left < 0 else missing
            left -= idle[state, k]
        if rng.random() < chance:
            some = True
            spikes[k] += 1
            last[k] = t
            for j in range(n):
                since = t - previous[j]
                if j != k and since < TAU and last[j] != t:
                    overlap[k, j] += TAU - since
                    overlap[j, k] += TAU - since
                    order[j, k] += 1 - since / TAU
                    order[k, j] -= 1 - since / TAU
                elif j != k and last[j] == t:
                    overlap[k, j] += TAU
                    overlap[j, k] += TAU


@numba.njit(cache=True)
def learn_cycles(
    rng: np.random.Generator, weight: FloatArray, bias: FloatArray, first: FloatArray, second: FloatArray, factors: FloatArray,
    rate: float, sal_rate: float, cycles: int,
) -> None:  # fmt: skip
    """Sleep and learn; ``weight`` and ``bias`` change in place."""
    n = bias.size
    last = np.full(n, -10 * TAU)
    nothing = np.zeros(0)
    for _ in range(cycles):
        overlap, order, spikes = np.zeros((n, n)), np.zeros((n, n)), np.zeros(n)
        sleep(rng, weight, bias, SLEEP_STEPS, last, overlap, order, spikes, nothing)
        for i in range(n):
            for j in range(n):
                if i != j:
                    change = rate * factors[0, i, j] * (second[i, j] - overlap[i, j] / SLEEP_STEPS)
                    change += sal_rate * factors[1, i, j] * order[i, j] * TAU / SLEEP_STEPS
                    weight[i, j] = min(max(weight[i, j] + change, -WEIGHT_LIMIT), WEIGHT_LIMIT)
            change = rate * (first[i] - spikes[i] * TAU / SLEEP_STEPS)
            bias[i] = min(max(bias[i] + change, -WEIGHT_LIMIT), WEIGHT_LIMIT)


@numba.njit(cache=True)
def sample_states(rng: np.random.Generator, weight: FloatArray, bias: FloatArray, sleeps: int) -> FloatArray:
    """How often each state is found in some sleeps."""
    n = bias.size
    last = np.full(n, -10 * TAU)
    counts = np.zeros(1 << n)
    overlap, order, spikes = np.zeros((n, n)), np.zeros((n, n)), np.zeros(n)
    for _ in range(sleeps):
        sleep(rng, weight, bias, SLEEP_STEPS, last, overlap, order, spikes, counts)
    return counts
