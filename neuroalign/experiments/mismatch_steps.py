"""Compiled loops of :mod:`neuroalign.experiments.mismatch`, which says what they do."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Spikes = NDArray[np.uint8]


@numba.njit(cache=True)
def infer_stdwi(
    input_spikes: Spikes, output_spikes: Spikes, keep: FloatArray, impulses: FloatArray, rates: FloatArray, decay: float
) -> FloatArray:
    """Weights (outputs, inputs) after all steps; ``keep`` (2, inputs) is what a step leaves of the traces."""
    steps, inputs = input_spikes.shape
    outputs = output_spikes.shape[1]
    fast, slow = np.zeros(inputs), np.zeros(inputs)
    weight = np.zeros((outputs, inputs))
    for t in range(steps):
        for i in range(inputs):
            fast[i] = keep[0, i] * fast[i] + impulses[0] * input_spikes[t, i]
            slow[i] = keep[1, i] * slow[i] + impulses[1] * input_spikes[t, i]
        for j in range(outputs):
            if output_spikes[t, j]:
                for i in range(inputs):
                    weight[j, i] += rates[j, i] * (fast[i] - slow[i] - decay * weight[j, i])
    return weight


@numba.njit(cache=True)
def align_layer(  # noqa: C901 - one loop over steps
    rng: np.random.Generator, forward: FloatArray, feedback: FloatArray, biases: FloatArray, amplitudes: FloatArray,
    keep: FloatArray, tau: int, steps: int,
) -> None:  # fmt: skip
    """Run SAL's layer; ``feedback`` (lower, upper) learns in place.

    Parameters
    ----------
    forward : (upper, lower)
    biases, keep : (2, N)
        Of lower and upper neurons; ``keep`` is what a step leaves of their traces.
    amplitudes : (lower, upper)
        Of depression (at spikes of lower neurons) and potentiation (at spikes of upper neurons).
    """
    n = biases.shape[1]
    since = np.full((2, n), 10 * tau)
    u = biases.copy()
    traces = np.zeros((2, n))
    sent = np.zeros((tau, 2, n))  # what each spike of the last tau steps added to u, to be taken away again
    spiked = np.zeros((2, n), dtype=np.bool_)
    for t in range(steps):
        for layer in range(2):
            for k in range(n):
                free = since[layer, k] > tau
                spiked[layer, k] = free and rng.random() < 1 / (1 + tau * np.exp(-u[layer, k]))
                since[layer, k] = 1 if spiked[layer, k] else since[layer, k] + 1
                traces[layer, k] = keep[layer, k] * traces[layer, k] + spiked[layer, k]
        slot = t % tau
        for layer in range(2):
            for k in range(n):
                u[layer, k] -= sent[slot, layer, k]
                sent[slot, layer, k] = 0.0
        for j in range(n):
            if spiked[0, j]:
                for i in range(n):
                    sent[slot, 1, i] += forward[i, j]
            if spiked[1, j]:
                for i in range(n):
                    sent[slot, 0, i] += feedback[i, j]
        for layer in range(2):
            for k in range(n):
                u[layer, k] += sent[slot, layer, k]
        for i in range(n):  # lower neuron i is the postsynaptic one
            if spiked[0, i]:
                for j in range(n):
                    feedback[i, j] -= amplitudes[i, j] * traces[1, j]
        for j in range(n):
            if spiked[1, j]:
                for i in range(n):
                    feedback[i, j] += amplitudes[i, j] * traces[0, i]
