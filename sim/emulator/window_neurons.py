"""Window neurons on the emulator: readable numpy, which is the definition, and the same compiled.

See :mod:`neuroalign.chip.window_neurons` for the equations. Bit-equal to the Lava process of our own in
``sim/lava_processes/window_lif``.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip.window_neurons import CLEAR, DECAY_BITS, LARGEST_SENT, STATE_BITS, WindowNeurons
from neuroalign.errors import InputError
from neuroalign.fixed_point import decay_towards_zero, saturate, wrap_int32

Integers = NDArray[np.int64]
STATES = ("v", "free", "slow", "fast", "largest", "left", "spiked", "resting")
LARGEST_STATE = (1 << (STATE_BITS - 1)) - 1
UNITY = 1 << DECAY_BITS


class Sent(NamedTuple):
    """What window neurons sent, each (steps, N): spikes, and the three third factors."""

    spikes: NDArray[np.int8]
    inside: NDArray[np.int16]
    outcome: NDArray[np.int16]
    clear: NDArray[np.int16]


class WindowRun:
    """Window neurons between two steps.

    Parameters
    ----------
    neurons
        What they are.
    implementation
        "kernels" (compiled) or "reference" (readable numpy); they agree, bit for bit.
    """

    def __init__(self, neurons: WindowNeurons, implementation: Literal["kernels", "reference"] = "kernels") -> None:
        self.neurons, self.implementation = neurons, implementation
        self.states = np.zeros((len(STATES), neurons.size), np.int64)
        self.states[:2] = neurons.reset

    def advance(self, given: NDArray[Any]) -> Sent:
        """Steps with the summed input ``given`` (steps, N), one after the other.

        Raises
        ------
        InputError
            If it has another number of neurons, or is no whole numbers.
        """
        given = np.asarray(given)
        if given.ndim != 2 or given.shape[1] != self.neurons.size or given.dtype.kind not in "iu":
            raise InputError(
                f"window neurons {self.neurons.name!r}: input {given.dtype} of shape {given.shape}; whole numbers (steps, "
                f"{self.neurons.size}) are needed"
            )
        sent = Sent(np.zeros(given.shape, np.int8), *(np.zeros(given.shape, np.int16) for _ in range(3)))
        if self.implementation == "reference":
            for t, arrived in enumerate(given.astype(np.int64)):
                values = reference_step(self.neurons, self.states, arrived)
                sent.spikes[t], sent.inside[t], sent.outcome[t], sent.clear[t] = values
        else:
            _compiled()(self.states, np.ascontiguousarray(given, np.int64), _row(self.neurons), *sent)
        return sent


def reference_step(neurons: WindowNeurons, states: Integers, given: Integers) -> tuple[Integers, ...]:
    """One step: ``states`` (rows as in STATES) are replaced, what is sent is returned."""
    v, free, slow, fast, largest, left, spiked, resting = states.copy()
    within = left > 1
    largest = np.where(within, np.maximum(largest, free), largest)
    arrived = wrap_int32(given << neurons.weight_shift)
    slow = saturate(decay_towards_zero(slow + arrived, UNITY - neurons.slow_decay, DECAY_BITS), STATE_BITS)
    fast = saturate(decay_towards_zero(fast + arrived, UNITY - neurons.fast_decay, DECAY_BITS), STATE_BITS)
    v, free = (
        saturate(decay_towards_zero(x, UNITY - neurons.v_decay, DECAY_BITS) + slow - fast, STATE_BITS)
        for x in (v, free)
    )
    s = (v >= neurons.threshold) & (resting == 0)
    v = np.where(s, neurons.reset, v)
    resting = np.where(s, neurons.refractory_steps, np.maximum(resting - 1, 0))

    spiked = np.where(within, spiked | s, spiked)
    inside = np.where(within, neurons.flag, 0)
    free = np.where(within, free, v)
    ends = left == 1
    size = np.minimum((neurons.threshold + largest) >> neurons.outcome_shift, LARGEST_SENT)
    outcome = np.where(ends, np.where(spiked > 0, size, -size), 0)
    left = np.where(left > 0, left - 1, 0)
    opens = ~within & (left == 0) & (neurons.near > 0) & (np.abs(neurons.threshold - free) <= neurons.near)
    inside = np.where(opens, -neurons.flag * neurons.window, inside)
    left = np.where(opens, neurons.window + 1, left)
    largest, spiked = np.where(opens, 0, largest), np.where(opens, 0, spiked)
    states[:] = v, free, slow, fast, largest, left, spiked, resting
    return s.astype(np.int64), inside, outcome, np.where(ends, CLEAR, 0)


def _row(n: WindowNeurons) -> Integers:
    return np.array(
        (
            UNITY - n.slow_decay, UNITY - n.fast_decay, UNITY - n.v_decay, n.threshold, n.reset, n.near, n.window, n.flag,
            n.outcome_shift, n.refractory_steps, n.weight_shift,
        )
    )  # fmt: skip


@cache
def _compiled() -> Any:
    from numba import njit

    decay, wrap = njit(decay_towards_zero), njit(wrap_int32)

    @njit  # type: ignore[untyped-decorator,unused-ignore]
    def limited(x: Any) -> Any:
        return min(max(x, -LARGEST_STATE), LARGEST_STATE)

    @njit  # type: ignore[untyped-decorator,unused-ignore]
    def steps(
        states: Any, given: Any, row: Any, spikes: Any, inside: Any, outcome: Any, clear: Any
    ) -> None:  # fmt: skip
        keep_slow, keep_fast, keep, threshold, reset, near, window, flag, shift, refractory, weight_shift = row
        v, free, slow, fast, largest, left, spiked, resting = states
        for t in range(given.shape[0]):
            for i in range(given.shape[1]):
                within = left[i] > 1
                if within:
                    largest[i] = max(largest[i], free[i])
                arrived = wrap(given[t, i] << weight_shift)
                slow[i] = limited(decay(slow[i] + arrived, keep_slow, DECAY_BITS))
                fast[i] = limited(decay(fast[i] + arrived, keep_fast, DECAY_BITS))
                v[i] = limited(decay(v[i], keep, DECAY_BITS) + slow[i] - fast[i])
                free[i] = limited(decay(free[i], keep, DECAY_BITS) + slow[i] - fast[i])
                s = v[i] >= threshold and resting[i] == 0
                if s:
                    v[i] = reset
                    spikes[t, i] = 1
                resting[i] = refractory if s else max(resting[i] - 1, 0)
                if within:
                    spiked[i] |= s
                    inside[t, i] = flag
                    left[i] -= 1
                    continue
                free[i] = v[i]
                if left[i] == 1:
                    size = min((threshold + largest[i]) >> shift, LARGEST_SENT)
                    outcome[t, i] = size if spiked[i] else -size
                    clear[t, i] = CLEAR
                    left[i] = 0
                if near > 0 and abs(threshold - free[i]) <= near:
                    inside[t, i] = -flag * window
                    left[i], largest[i], spiked[i] = window + 1, 0, 0

    return steps
