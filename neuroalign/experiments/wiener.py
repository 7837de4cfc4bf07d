r"""STDWI against a Bayesian estimator that knows the membrane: neurons whose voltage is a Wiener process with one synapse.

Each of 501 independent neurons has one synapse, weights linspace(-0.1, 0.1, 501). In a step of ``dt``::

    v := v + mu dt + sqrt(D dt) normal + w [pre spike in the previous step];    v := v - 1 and a post spike where v >= 1

with ``mu`` = 10 / s and ``D`` = 0.5 / s; pre spikes are Poisson, 10 Hz. The first second is not used.

**STDWI**, at a post spike: ``e := e + eta ((fast - slow) - 0.1 e)``, traces as published (all spikes), or of the nearest
spike only: a spike sets the traces to 1, and the slow one is scaled by (sum of fast) / (sum of slow) over all steps so far.

**Bayes**, at each post spike whose last pre spike, T before it, is more recent than the previous post spike; with
``gap = 1 - v`` just before the pre spike arrived::

    b = (mu T + sqrt((mu T)^2 + 4 D T)) / 2          the likeliest barrier that was left to cross
    estimate gap - b, variance 1 / (1 / b^2 + 1 / (D T)), joined to a Gaussian prior of mean 0 and variance 1

It needs the membrane and both constants: a reference, no rule for a synapse.

Source: Ahmad, Ambrogioni, van Gerven 2020 (arXiv 2003.03988), code of the authors (github nasiryahm/STDWI); the running
sums replace their scaling over the whole record, which no synapse could know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError

FloatArray = NDArray[np.float64]

DRIFT, VARIANCE, PRE_RATE = 10.0, 0.5, 10.0
TAU_FAST, TAU_SLOW = 0.020, 0.200
LEARNING_RATE, DECAY = 1e-3, 0.1
IGNORED = 1.0
METHODS = ("STDWI, all spikes", "STDWI, nearest spike", "Bayes")
CHUNK = 20_000


@dataclass(frozen=True, eq=False)
class WienerResult:
    """Estimates (methods, reads, neurons) of the ``weight`` (neurons,) after ``times`` (reads,), in s."""

    times: FloatArray
    weight: FloatArray
    estimates: FloatArray
    output_rate: float


def run_wiener(
    seconds: float, seed: int, read_times: Sequence[float], *, neurons: int = 501, dt: float = 0.25e-3
) -> WienerResult:
    """Simulate and infer with the three :data:`METHODS`.

    Parameters
    ----------
    seconds : s
        The authors take 1000.
    read_times : s
        When the estimates are read; ascending.
    """
    steps = round(seconds / dt)
    reads = np.array([round(t / dt) for t in read_times], dtype=np.int64)
    if reads.size == 0 or (np.diff(reads) <= 0).any() or reads[0] < 1 or reads[-1] > steps:
        raise InputError(f"read times {list(read_times)} s; ascending times within the {seconds:g} s are needed")
    rng = np.random.default_rng([seed, 5])
    weight = np.linspace(-0.1, 0.1, neurons)
    state, estimate = np.zeros((11, neurons)), np.zeros((3, neurons))
    state[0] = rng.random(neurons)  # voltages spread over one interval, or all neurons would start in step
    state[5] = state[6] = -1.0  # no spike yet
    estimate_variance = np.ones(neurons)
    found = np.zeros((3, reads.size, neurons))
    spikes = 0
    for start in range(0, steps, CHUNK):
        count = min(CHUNK, steps - start)
        noise = rng.standard_normal((count, neurons))
        pre = rng.random((count, neurons)) < PRE_RATE * dt
        spikes += _compiled()(start, dt, weight, noise, pre, state, estimate, estimate_variance, reads, found)
    return WienerResult(np.asarray(reads * dt, dtype=np.float64), weight, found, spikes / (neurons * steps * dt))


def wiener_steps(  # noqa: C901 - one loop, compiled as it stands
    start: int, dt: float, weight: FloatArray, noise: FloatArray, pre: NDArray[np.bool_], state: FloatArray,
    estimate: FloatArray, variance: FloatArray, reads: NDArray[np.int64], found: FloatArray,
) -> int:  # fmt: skip
    """Some steps of all neurons; numba compiles it as it stands. Returns the number of post spikes.

    ``state`` rows: v, fast, slow, nearest fast, nearest slow, time of the last pre spike, time of the last post spike
    (s, negative for none), gap at the last pre spike, 1 where a pre spike arrives in this step, sums of the nearest traces.
    """
    keep_fast, keep_slow = np.exp(-dt / TAU_FAST), np.exp(-dt / TAU_SLOW)
    count, neurons = noise.shape
    spikes = 0
    for n in range(neurons):
        v, fast, slow, near_fast, near_slow, pre_time, post_time, gap, arriving, sum_fast, sum_slow = state[:, n]
        for k in range(count):
            now = (start + k + 1) * dt
            if arriving > 0:
                gap, pre_time = 1.0 - v, now - dt
            v += DRIFT * dt + np.sqrt(VARIANCE * dt) * noise[k, n] + weight[n] * arriving
            arriving = 1.0 if pre[k, n] else 0.0
            fast, slow = keep_fast * fast, keep_slow * slow
            near_fast, near_slow = keep_fast * near_fast, keep_slow * near_slow
            if arriving > 0:
                fast, slow = fast + 1.0, slow + TAU_FAST / TAU_SLOW
                near_fast, near_slow = 1.0, 1.0
            sum_fast, sum_slow = sum_fast + near_fast, sum_slow + near_slow
            found_post = v >= 1.0
            if found_post:
                v -= 1.0
                spikes += 1
            if now > IGNORED and found_post:
                estimate[0, n] += LEARNING_RATE * (fast - slow - DECAY * estimate[0, n])
                nearest = near_fast - near_slow * sum_fast / sum_slow if sum_slow > 0 else 0.0
                estimate[1, n] += LEARNING_RATE * (nearest - DECAY * estimate[1, n])
                if pre_time > post_time:
                    waited = now - pre_time
                    drift = DRIFT * waited
                    barrier = (drift + np.sqrt(drift * drift + 4 * VARIANCE * waited)) / 2
                    precision = 1 / (barrier * barrier) + 1 / (VARIANCE * waited)
                    joined = 1 / (1 / variance[n] + precision)
                    estimate[2, n] = joined * (estimate[2, n] / variance[n] + (gap - barrier) * precision)
                    variance[n] = joined
            if found_post:
                post_time = now
            for r in range(reads.size):
                if reads[r] == start + k + 1:
                    found[:, r, n] = estimate[:, n]
        state[0, n], state[1, n], state[2, n], state[3, n], state[4, n] = v, fast, slow, near_fast, near_slow
        state[9, n], state[10, n] = sum_fast, sum_slow
        state[5, n], state[6, n], state[7, n], state[8, n] = pre_time, post_time, gap, arriving
    return spikes


@cache
def _compiled() -> Any:
    from numba import njit

    return njit(wiener_steps)
