r"""The methods that STDWI is compared with, on the same activity: regression discontinuity and a rate mirror.

**RDD** in the form of STDWI's authors. A window of 35 ms opens for input neuron i when its membrane reaches
``1 - alpha`` and none is open. With ``a_i`` the drive that is never reset, ``u`` its largest value in the window and
``R_j`` the change of ``kappa * S_j`` (the window's mean minus its value at the opening), at the end of the window::

    u < 1 :  c1 := c1 - eta u (c1 u + c2 - R_j);    c2 := c2 - eta (c1 u + c2 - R_j)
    u >= 1:  the same with c3, c4                   (c2 and c4 see the new c1 and c3)
    estimate W[j, i] = (c3 + c4) - (c1 + c2)

**Rate mirror**: with the spike counts n of each stimulus of 100 ms and their means over a batch of 100 stimuli::

    W[j, i] := W[j, i] + eta ((n_j - <n_j>) (n_i - <n_i>) - lambda W[j, i])

Both estimates are affine in W, like STDWI's. RDD's coefficients start at 0, or at STDWI's random guess as the authors
have it: what they reach in 100 s is of the guess's size, so the guess makes RDD look slow.

Source: Ahmad, Ambrogioni, van Gerven 2020 (arXiv 2003.03988), code of the authors (github nasiryahm/STDWI), after
Guerguiev, Kording, Richards 2020 (RDD) and Akrout et al. 2019 (weight mirror).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.stdwi_activity import (
    RESET,
    TAU_FAST,
    TAU_MEM,
    TAU_SLOW,
    THRESHOLD,
    Activity,
    Protocol,
    Spikes,
    forward_weights,
    poisson_sources,
)

FloatArray = NDArray[np.float64]

RDD_ALPHA, RDD_WINDOW = 0.025, 0.035
"""How near to threshold a window opens, and its length in s."""
LEARNING_RATE = 1e-4
IMPLAUSIBLE_DRIVE = 10.0
"""Windows whose largest drive is further from threshold than this are left out."""
MIRROR_BATCH, MIRROR_DECAY = 100, 0.2
GUESS = 5e-4


def infer_by_rdd(
    protocol: Protocol, seconds: float, seed: int, read_steps: Sequence[int], *, from_guess: bool = False
) -> FloatArray:
    """Weights (reads, outputs, inputs) that RDD infers from the activity of ``record_activity(protocol, seconds, seed)``.

    Parameters
    ----------
    read_steps
        Steps of the activity, from 1 and ascending, after which the estimate is read.
    from_guess
        Whether the four coefficients start at random values of +-5e-4, as the authors have it; else at 0.
    """
    steps = round(seconds / protocol.dt)
    weight = forward_weights(protocol, np.random.default_rng([seed, 0]))
    sources = poisson_sources(protocol, steps, np.random.default_rng([seed, 1]))
    start = np.zeros((4, *weight.shape))
    if from_guess:
        start[:] = np.random.default_rng([seed, 3]).uniform(-GUESS, GUESS, start.shape)
    window = round(RDD_WINDOW / protocol.dt)
    reads = np.array(sorted(read_steps), dtype=np.int64)
    return np.asarray(_compiled_rdd()(sources, weight, protocol.scale, protocol.dt, window, start, reads))


def infer_by_rate_mirror(
    activity: Activity, read_steps: Sequence[int], *, stimulus: float = 0.1, seed: int = 0
) -> FloatArray:
    """Weights (reads, outputs, inputs) that the rate mirror infers; they change when a batch of stimuli is complete.

    Parameters
    ----------
    read_steps
        Steps of the activity, from 1 and ascending.
    stimulus : s
        How long one stimulus lasts.
    seed
        Of the initial guess.
    """
    length = round(stimulus / activity.dt)
    n_in, n_out = _counts(activity.input_spikes, length), _counts(activity.output_spikes, length)
    estimate = np.random.default_rng([seed, 4]).uniform(-GUESS, GUESS, activity.weight.shape)
    batch_steps = MIRROR_BATCH * length
    found, done = [], 0
    for read in sorted(read_steps):
        while (done + 1) * batch_steps <= read:
            rows = slice(done * MIRROR_BATCH, (done + 1) * MIRROR_BATCH)
            x, y = n_in[rows] - n_in[rows].mean(axis=0), n_out[rows] - n_out[rows].mean(axis=0)
            for pre, post in zip(x, y, strict=True):
                estimate = estimate + LEARNING_RATE * (np.outer(post, pre) - MIRROR_DECAY * estimate)
            done += 1
        found.append(estimate)
    return np.array(found)


def _counts(spikes: Spikes, length: int) -> FloatArray:
    """Spikes of each neuron in each stimulus (stimuli, neurons)."""
    stimuli = len(spikes) // length
    return np.asarray(spikes[: stimuli * length].reshape(stimuli, length, -1).sum(axis=1, dtype=np.float64))


def rdd_steps(  # noqa: C901 - one loop, compiled as it stands
    sources: Spikes, weight: FloatArray, scale: float, dt: float, window: int, start: FloatArray,
    reads: NDArray[np.int64],
) -> FloatArray:  # fmt: skip
    """The network of ``network_steps`` with RDD beside it, step by step; numba compiles it as it stands.

    ``start`` (4, outputs, inputs) holds the coefficients c1 to c4.
    """
    steps, inputs = sources.shape
    outputs = weight.shape[0]
    keep_slow, keep_fast, per_ms = np.exp(-dt / TAU_SLOW), np.exp(-dt / TAU_FAST), 1e-3 / (TAU_SLOW - TAU_FAST)
    slow, fast = np.zeros((2, inputs)), np.zeros((2, inputs))
    v, drive, free = np.zeros(inputs), np.zeros(inputs), np.zeros(inputs)
    v_out, drive_out = np.zeros(outputs), np.zeros(outputs)
    slow_out, fast_out, response = np.zeros(outputs), np.zeros(outputs), np.zeros(outputs)
    left, largest = np.zeros(inputs, dtype=np.int64), np.zeros(inputs)
    opened, total = np.zeros((inputs, outputs)), np.zeros((inputs, outputs))
    c = start.copy()
    found = np.zeros((reads.size, outputs, inputs))
    read = 0
    for t in range(steps):
        for j in range(outputs):
            v_out[j] += dt / TAU_MEM * (drive_out[j] - 2 * v_out[j])
            spiked = v_out[j] >= THRESHOLD
            if spiked:
                v_out[j] = RESET
            slow_out[j] = keep_slow * slow_out[j] + spiked
            fast_out[j] = keep_fast * fast_out[j] + spiked
            response[j] = per_ms * (slow_out[j] - fast_out[j])
        for i in range(inputs):
            v[i] += dt / TAU_MEM * (drive[i] - 2 * v[i])
            free[i] += dt / TAU_MEM * (drive[i] - 2 * free[i])
            opens = left[i] == 0 and v[i] >= THRESHOLD - RDD_ALPHA
            spiked = v[i] >= THRESHOLD
            if spiked:
                v[i] = RESET
            if opens:
                left[i] = window
                largest[i] = free[i]
                for j in range(outputs):
                    opened[i, j], total[i, j] = response[j], 0.0
            if left[i] > 0:
                largest[i] = max(largest[i], free[i])
                for j in range(outputs):
                    total[i, j] += response[j]
                left[i] -= 1
                if left[i] == 0 and abs(largest[i] - THRESHOLD) <= IMPLAUSIBLE_DRIVE:
                    u, side = largest[i], 0 if largest[i] < THRESHOLD else 2
                    for j in range(outputs):
                        change = total[i, j] / window - opened[i, j]
                        c[side, j, i] -= LEARNING_RATE * u * (c[side, j, i] * u + c[side + 1, j, i] - change)
                        c[side + 1, j, i] -= LEARNING_RATE * (c[side, j, i] * u + c[side + 1, j, i] - change)
            slow[0, i] = keep_slow * slow[0, i] + sources[t, i]
            fast[0, i] = keep_fast * fast[0, i] + sources[t, i]
            slow[1, i] = keep_slow * slow[1, i] + spiked
            fast[1, i] = keep_fast * fast[1, i] + spiked
            drive[i] = scale * per_ms * (slow[0, i] - fast[0, i])
        for j in range(outputs):
            drive_out[j] = 0.0
            for i in range(inputs):
                drive_out[j] += weight[j, i] * per_ms * (slow[1, i] - fast[1, i])
        if read < reads.size and reads[read] == t + 1:
            found[read] = c[2] + c[3] - c[0] - c[1]
            read += 1
    return found


@cache
def _compiled_rdd() -> Any:
    from numba import njit

    return njit(rdd_steps)
