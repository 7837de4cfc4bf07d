"""The steps of RDD's spiking phase, whose equations :mod:`neuroalign.experiments.rdd_activity` has, in one loop that is compiled."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.stdwi_activity import Spikes

FloatArray = NDArray[np.float64]

DT = 1e-3
TAU_SLOW, TAU_FAST = 10.0, 3.0
"""Of the kernel, in steps."""
MEMORY = 30
"""Steps that the kernel lasts."""
LEAK, GAIN = 0.1, 0.6
"""``v += LEAK (0 - v) + GAIN (B - v)``: conductances of 100 and 600 /s times the step."""
THRESHOLD, RESET = 1.0, -1.0


class PhaseState(NamedTuple):
    """Everything that a step leaves to the next; n driven neurons, m of the next layer. Changed in place."""

    step: NDArray[np.int64]  # (1,)
    v: FloatArray  # (n,), as are the next four
    u: FloatArray
    largest: FloatArray
    left: NDArray[np.int64]  # steps that the window still lasts
    spiked: NDArray[np.int64]  # in the window
    resting: NDArray[np.int64]
    v_next: FloatArray  # (m,)
    resting_next: NDArray[np.int64]
    source_past: NDArray[np.uint8]  # (MEMORY, n): spikes of the last steps
    past: NDArray[np.uint8]  # (MEMORY, n)
    past_next: NDArray[np.uint8]  # (MEMORY, m)
    drive: FloatArray  # (2, n): slow and fast sums of the sources' spikes
    drive_next: FloatArray  # (2, m): of the driven neurons' spikes, weighted
    sent: FloatArray  # (2, m): of the next layer's spikes
    total: FloatArray  # (m,): sum of q over all steps
    total_open: FloatArray  # (n, m): that sum where the window opened
    before: FloatArray  # (n, m)


def initial_state(driven: int, above: int) -> PhaseState:
    """The state before the first step: membranes at reset, nothing sent."""
    whole = np.int64
    return PhaseState(
        np.zeros(1, whole),
        np.full(driven, RESET),
        np.full(driven, RESET),
        np.zeros(driven),
        np.zeros(driven, whole),
        np.zeros(driven, whole),
        np.zeros(driven, whole),
        np.full(above, RESET),
        np.zeros(above, whole),
        np.zeros((MEMORY, driven), np.uint8),
        np.zeros((MEMORY, driven), np.uint8),
        np.zeros((MEMORY, above), np.uint8),
        np.zeros((2, driven)),
        np.zeros((2, above)),
        np.zeros((2, above)),
        np.zeros(above),
        np.zeros((driven, above)),
        np.zeros((driven, above)),
    )


def kernel() -> FloatArray:
    """``kappa(1..30)``."""
    n = np.arange(1, MEMORY + 1)
    return np.asarray((np.exp(-n / TAU_SLOW) - np.exp(-n / TAU_FAST)) / (TAU_SLOW - TAU_FAST))


def phase_steps(  # noqa: C901 - one loop, compiled as it stands
    sources: Spikes, weight: FloatArray, scale: float, window: int, near: float, refractory: int, p: PhaseState,
    neuron: NDArray[np.int64], above: NDArray[np.bool_], drive: FloatArray, response: FloatArray, before: FloatArray,
    ended: NDArray[np.int64], spikes: Spikes, spikes_next: Spikes,
) -> int:  # fmt: skip
    """The steps of ``sources``; fills in the windows that end and the spikes, and returns how many windows did.

    The kernel's sums run recursively: ``slow := k (slow + S[t]) - k^31 S[t - 30]``.
    """
    steps, n = sources.shape
    m = weight.shape[0]
    keep = np.array((np.exp(-1 / TAU_SLOW), np.exp(-1 / TAU_FAST)))
    lost = keep ** (MEMORY + 1)
    unit = 1 / (TAU_SLOW - TAU_FAST)
    retain = 1 - LEAK - GAIN
    count = 0
    q = np.zeros(m)
    for t in range(steps):
        row = p.step[0] % MEMORY
        p.step[0] += 1
        for j in range(m):
            q[j] = unit * (p.sent[0, j] - p.sent[1, j])
            p.total[j] += q[j]
            for k in range(2):
                p.drive_next[k, j] *= keep[k]
        for i in range(n):
            open_now = p.left[i] > 0
            if open_now:
                p.largest[i] = max(p.largest[i], p.u[i])
            for k in range(2):
                p.drive[k, i] = keep[k] * (p.drive[k, i] + sources[t, i]) - lost[k] * p.source_past[row, i]
            p.source_past[row, i] = sources[t, i]
            given = GAIN * scale * unit * (p.drive[0, i] - p.drive[1, i])
            if p.past[row, i]:
                for j in range(m):
                    for k in range(2):
                        p.drive_next[k, j] -= lost[k] * weight[j, i]
            p.v[i] = retain * p.v[i] + given
            p.u[i] = retain * p.u[i] + given
            fires = p.v[i] >= THRESHOLD and p.resting[i] == 0
            p.resting[i] = refractory if fires else max(p.resting[i] - 1, 0)
            p.past[row, i] = fires
            if fires:
                p.v[i] = RESET
                spikes[t, i] = 1
                for j in range(m):
                    for k in range(2):
                        p.drive_next[k, j] += keep[k] * weight[j, i]
            if open_now:
                p.spiked[i] |= fires
                p.left[i] -= 1
                if p.left[i] == 0:
                    neuron[count], above[count], drive[count] = i, p.spiked[i] > 0, p.largest[i]
                    ended[count] = p.step[0]
                    for j in range(m):
                        response[count, j] = (p.total[j] - p.total_open[i, j]) / window
                        before[count, j] = p.before[i, j]
                    count += 1
            else:
                p.u[i] = p.v[i]
            if p.left[i] == 0 and abs(THRESHOLD - p.u[i]) <= near:
                p.left[i], p.spiked[i], p.largest[i] = window, 0, 0.0
                for j in range(m):
                    p.before[i, j], p.total_open[i, j] = q[j], p.total[j]
        for j in range(m):
            given = GAIN * unit * (p.drive_next[0, j] - p.drive_next[1, j])
            p.v_next[j] = retain * p.v_next[j] + given
            fires = p.v_next[j] >= THRESHOLD and p.resting_next[j] == 0
            p.resting_next[j] = refractory if fires else max(p.resting_next[j] - 1, 0)
            if fires:
                p.v_next[j] = RESET
                spikes_next[t, j] = 1
            for k in range(2):
                p.sent[k, j] = keep[k] * (p.sent[k, j] + fires) - lost[k] * p.past_next[row, j]
            p.past_next[row, j] = fires
    return count


@cache
def compiled_steps() -> Any:
    """:func:`phase_steps`, compiled."""
    from numba import njit

    return njit(phase_steps)
