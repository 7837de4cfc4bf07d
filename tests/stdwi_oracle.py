"""STDWI by itself, in plain numpy: a row of weights changes at each spike of its output neuron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.network import Network
from neuroalign.recording import Stimulus

FloatArray = NDArray[np.float64]

TAU_FAST, TAU_SLOW, RATE, DECAY = 0.020, 0.200, 1e-4, 0.1


def stdwi_oracle(network: Network, stimulus: Stimulus, read_steps: Sequence[int]) -> FloatArray:
    """The published rule with its published constants on the recorded spikes: (reads, inputs, outputs)."""
    pre, post = stimulus.inputs["output_spikes"][0], stimulus.inputs["input_spikes"][0]
    estimate = next(c.weight for c in network.connections if c.rule is not None).T.copy()
    fast, slow = np.zeros(post.shape[1]), np.zeros(post.shape[1])
    keep_fast, keep_slow = np.exp(-network.dt / TAU_FAST), np.exp(-network.dt / TAU_SLOW)
    spiking: list[Any] = [np.flatnonzero(s) for s in pre]
    wanted, reads = set(read_steps), []
    for t in range(len(pre)):
        fast = fast * keep_fast + post[t]
        slow = slow * keep_slow + post[t] * (TAU_FAST / TAU_SLOW)
        for j in spiking[t]:
            estimate[j] += RATE * ((fast - slow) - DECAY * estimate[j])
        if t + 1 in wanted:
            reads.append(estimate.T.copy())
    return np.array(reads)
