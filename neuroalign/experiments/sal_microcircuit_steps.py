"""Compiled loop of :mod:`neuroalign.experiments.sal_microcircuit`, which says what it does."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

TAU = 10
BIAS = -1.0
AVERAGE_STEPS = 2000
RATE_HIDDEN, RATE_OUTPUT, RATE_BACKWARD = 0.2, 0.003, 0.001
APICAL, NUDGE = 0.02, 0.6
FORWARD, ALIGNING, OBSERVING = 0, 1, 2


@numba.njit(cache=True)
def present_pattern(  # noqa: C901 - one loop over steps
    rng: np.random.Generator, logit: float, target: float, steps: int, phase: int, copied: bool, weights: FloatArray, state: FloatArray,
    windows: FloatArray,
) -> float:  # fmt: skip
    """One pattern, step by step; weights W1, W2, B, ``state`` and ``windows`` change in place.

    Returns the mean output u from step 2000 on.
    """
    since_in, since_hidden, since_inter, since_out = state[0], state[1], state[2], state[3]
    sums, at, filled = state[4:8], int(state[8]), int(state[9])
    keep = np.exp(-1.0 / TAU)
    total = 0.0
    apical = 1.0 if phase == ALIGNING else APICAL
    inter_gain = 0.0 if phase == ALIGNING else 1.0
    nudge = 0.0 if phase == OBSERVING else NUDGE
    for t in range(steps):
        w1, w2, b = weights[0], weights[1], weights[2]
        feedback = b * (since_out < TAU) - inter_gain * b * (since_inter < TAU)
        since_in, since_hidden, since_inter, since_out = since_in + 1, since_hidden + 1, since_inter + 1, since_out + 1
        was_in, was_hidden = since_in == 1, since_hidden == 1
        if since_in >= TAU and rng.random() < 1 / (1 + TAU * np.exp(-logit)):
            since_in = 0.0
        v_hidden = w1 * (since_in < TAU)
        u_hidden = BIAS + v_hidden + apical * feedback
        if since_hidden >= TAU and rng.random() < 1 / (1 + TAU * np.exp(-u_hidden)):
            since_hidden = 0.0
        u_inter = BIAS + inter_gain * w2 * (since_hidden < TAU)
        if since_inter >= TAU and rng.random() < 1 / (1 + TAU * np.exp(-u_inter)):
            since_inter = 0.0
        v_out = w2 * (since_hidden < TAU)
        mean_v_out = sums[3] / max(filled, 1)
        u_out = BIAS + v_out + nudge * (target - mean_v_out - BIAS)
        if since_out >= TAU and rng.random() < 1 / (1 + TAU * np.exp(-u_out)):
            since_out = 0.0
        values = (u_hidden, v_hidden, u_out, v_out)
        for k in range(4):
            sums[k] += values[k] - (windows[k, at] if filled == AVERAGE_STEPS else 0.0)
            windows[k, at] = values[k]
        at, filled = (at + 1) % AVERAGE_STEPS, min(filled + 1, AVERAGE_STEPS)
        if t >= AVERAGE_STEPS:
            total += u_out
        if phase == FORWARD and t >= AVERAGE_STEPS:
            if was_in:
                with_error = 1 / (1 + TAU * np.exp(-sums[0] / filled))
                without = 1 / (1 + TAU * np.exp(-(sums[1] / filled + BIAS)))
                weights[0] += RATE_HIDDEN * (with_error - without)
            if was_hidden:
                with_error = 1 / (1 + TAU * np.exp(-sums[2] / filled))
                without = 1 / (1 + TAU * np.exp(-(sums[3] / filled + BIAS)))
                weights[1] += RATE_OUTPUT * (with_error - without)
            if copied:
                weights[2] = weights[1]
        elif phase == ALIGNING:
            if since_out == 0:
                weights[2] += RATE_BACKWARD * keep**since_hidden
            if since_hidden == 0:
                weights[2] -= RATE_BACKWARD * keep**since_out
    state[0], state[1], state[2], state[3] = since_in, since_hidden, since_inter, since_out
    state[8], state[9] = at, filled
    return total / max(steps - AVERAGE_STEPS, 1)
