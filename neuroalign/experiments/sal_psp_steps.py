"""Compiled loop of :mod:`neuroalign.experiments.sal_psp`, which says what it does."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@numba.njit(cache=True)
def learn_pair(
    rng: np.random.Generator, kernel: FloatArray, weights: FloatArray, biases: FloatArray, tau: int, rate: float,
    epochs: int, epoch_steps: int,
) -> FloatArray:  # fmt: skip
    """Weights (epochs, 2) of two neurons; ``weights[k]`` is the one into neuron k."""
    length = kernel.size
    coming = np.zeros((2, length))  # what the spikes so far add to u of each neuron in the next steps
    since = np.full(2, 10 * tau)
    traces, keep = np.zeros(2), np.exp(-1.0 / tau)
    held = weights.copy()
    found = np.zeros((epochs, 2))
    at = 0
    for epoch in range(epochs):
        for _ in range(epoch_steps):
            spiked = np.zeros(2)
            for k in range(2):
                u = biases[k] + held[k] * coming[1 - k, at]
                if since[k] > tau and rng.random() < 1 / (1 + tau * np.exp(-u)):
                    spiked[k] = 1.0
            for k in range(2):
                coming[k, at] = 0.0
                traces[k] = keep * traces[k] + spiked[k]
                since[k] = 1 if spiked[k] else since[k] + 1
                if spiked[k]:
                    for x in range(length):
                        coming[k, (at + 1 + x) % length] += kernel[x]
            for k in range(2):  # into k from 1 - k: less at a spike of k, more at one of the other
                held[k] += rate * (spiked[1 - k] * traces[k] - spiked[k] * traces[1 - k])
            at = (at + 1) % length
        found[epoch] = held
    return found
