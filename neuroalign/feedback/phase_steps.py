"""Alignment phases step by step, compiled: sources or chance, two layers of neurons, and the rule, in one loop.

Sums over synapses are kept from spike to spike, so a step costs as much as there are spikes.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Spikes = NDArray[np.uint8]


@numba.njit(cache=True)
def lif_activity(
    sources: Spikes, weight: FloatArray, drive_out: float, scale: float, dt: float, tau_mem: float, kernel: FloatArray
) -> tuple[Spikes, Spikes]:
    """Spikes of input and output neurons as ``experiments.stdwi_activity.network_steps`` has them.

    Parameters
    ----------
    sources : (steps, inputs)
    weight : (outputs, inputs)
    drive_out
        Constant input of the output neurons.
    kernel : s
        Slow and fast time constant of the synaptic kernel.
    """
    steps, inputs = sources.shape
    outputs = weight.shape[0]
    keep_slow, keep_fast = np.exp(-dt / kernel[0]), np.exp(-dt / kernel[1])
    per_ms = 1e-3 / (kernel[0] - kernel[1])
    slow, fast = np.zeros(inputs), np.zeros(inputs)
    slow_out, fast_out = np.zeros(outputs), np.zeros(outputs)
    v, v_out = np.zeros(inputs), np.zeros(outputs)
    drive = np.zeros(inputs)
    input_spikes = np.zeros((steps, inputs), dtype=np.uint8)
    output_spikes = np.zeros((steps, outputs), dtype=np.uint8)
    columns = weight.T.copy()
    for t in range(steps):
        for j in range(outputs):
            current = drive_out + per_ms * (slow_out[j] - fast_out[j]) if t > 0 else 0.0
            v_out[j] += dt / tau_mem * (current - 2 * v_out[j])
            if v_out[j] >= 1.0:
                v_out[j] = -1.0
                output_spikes[t, j] = 1
            slow_out[j] *= keep_slow
            fast_out[j] *= keep_fast
        for i in range(inputs):
            v[i] += dt / tau_mem * (drive[i] - 2 * v[i])
            if v[i] >= 1.0:
                v[i] = -1.0
                input_spikes[t, i] = 1
                for j in range(outputs):
                    slow_out[j] += columns[i, j]
                    fast_out[j] += columns[i, j]
            slow[i] = keep_slow * slow[i] + sources[t, i]
            fast[i] = keep_fast * fast[i] + sources[t, i]
            drive[i] = scale * per_ms * (slow[i] - fast[i])
    return input_spikes, output_spikes


@numba.njit(cache=True)
def infer_weights(
    input_spikes: Spikes, output_spikes: Spikes, estimate: FloatArray, keep: FloatArray, impulse: float, rate: float,
    decay: float,
) -> None:  # fmt: skip
    """STDWI from recorded spikes; ``estimate`` (outputs, inputs) changes in place.

    ``keep`` is what a step leaves of the fast and of the slow trace, ``impulse`` that of the slow one.
    """
    steps, inputs = input_spikes.shape
    outputs = output_spikes.shape[1]
    fast, slow = np.zeros(inputs), np.zeros(inputs)
    for t in range(steps):
        for i in range(inputs):
            fast[i] = keep[0] * fast[i] + input_spikes[t, i]
            slow[i] = keep[1] * slow[i] + impulse * input_spikes[t, i]
        for j in range(outputs):
            if output_spikes[t, j]:
                for i in range(inputs):
                    estimate[j, i] += rate * (fast[i] - slow[i] - decay * estimate[j, i])


@numba.njit(cache=True)
def sampling_activity(  # noqa: C901 - one loop over steps
    rng: np.random.Generator, forward: FloatArray, feedback: FloatArray, amplitude: float, keep: float, tau: int,
    steps: int,
) -> None:  # fmt: skip
    """SAL between two layers of sampling neurons without biases; ``feedback`` (lower, upper) learns in place.

    As ``experiments.mismatch_steps.align_layer`` with sizes of their own; ``forward`` is (upper, lower). Lower neurons
    come first in all arrays.
    """
    upper, lower = forward.shape
    n = lower + upper
    since = np.full(n, 10 * tau)
    u, trace = np.zeros(n), np.zeros(n)
    spiked = np.zeros(n, dtype=np.bool_)
    columns = forward.T.copy()  # (lower, upper)
    rows = feedback.T.copy()  # (upper, lower): what the loops below run along
    sent = np.zeros((tau, n))
    active = np.zeros(lower, dtype=np.int64)
    for t in range(steps):
        slot = t % tau
        for k in range(n):
            free = since[k] > tau
            spiked[k] = free and rng.random() * (1 + tau * np.exp(-u[k])) < 1
            since[k] = 1 if spiked[k] else since[k] + 1
            trace[k] = keep * trace[k] + spiked[k]
            u[k] -= sent[slot, k]
            sent[slot, k] = 0.0
        for j in range(lower):
            if spiked[j]:
                for i in range(upper):
                    sent[slot, lower + i] += columns[j, i]
        for i in range(upper):
            if spiked[lower + i]:
                for j in range(lower):
                    sent[slot, j] += rows[i, j]
        for k in range(n):
            u[k] += sent[slot, k]
        count = 0
        for j in range(lower):
            if spiked[j]:
                active[count] = j
                count += 1
        for i in range(upper):
            for k in range(count):
                rows[i, active[k]] -= amplitude * trace[lower + i]
            if spiked[lower + i]:
                for j in range(lower):
                    rows[i, j] += amplitude * trace[j]
    feedback[:] = rows.T
