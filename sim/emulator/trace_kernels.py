"""Traces compiled: the arithmetic of traces.py for int32 and float64 arrays, neurons side by side."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import overload


def decayed(trace: Any, decay: Any, draw: Any) -> Any:
    """One trace of one neuron a step later."""


@overload(decayed)
def _decayed(trace: Any, decay: Any, draw: Any) -> Any:
    def real(trace: Any, decay: Any, draw: Any) -> Any:
        return decay * trace

    def fixed(trace: Any, decay: Any, draw: Any) -> Any:
        exact = decay * trace
        whole = np.floor(exact)
        return np.int32(np.int32(whole) + np.int32(draw < exact - whole))

    return real if isinstance(trace, numba.types.Float) else fixed


@numba.njit
def record_spikes(sent: Any, spiked_at: Any, now: Any, traces: Any, impulse: Any, limit: Any, draw: Any) -> None:
    """Take in the spikes of one step; a spike that is not the first of its epoch raises the traces at once."""
    size = spiked_at.size
    for k in range(size):
        if sent[k] == 0:
            continue
        if spiked_at[k] > 0:
            for n in range(impulse.shape[0]):
                raised = traces[n * size + k] + impulse[n, 0] + (1 if draw < impulse[n, 1] else 0)
                traces[n * size + k] = min(raised, limit)
        spiked_at[k] = now


@numba.njit
def run_traces(
    traces: Any, spiked_at: Any, t_epoch: Any, decay: Any, impulse: Any, limit: Any, draw: Any, impulse_draw: Any
) -> None:
    """Fill in the traces (t_epoch + 1, traces, neurons) after each step of an epoch."""
    size, count = spiked_at.size, decay.size
    as_held = traces.dtype.type
    for n in range(count):
        if impulse[n, 0] == 0 and impulse[n, 1] == 0:
            continue  # nothing ever raised it
        more = as_held(impulse[n, 0] + (1 if impulse_draw < impulse[n, 1] else 0))
        for step in range(1, t_epoch + 1):
            first = (step * count + n) * size
            before = traces[first - count * size : first - count * size + size]
            after = traces[first : first + size]
            for k in range(size):
                value = decayed(before[k], decay[n], draw)
                after[k] = min(as_held(value + more), limit) if spiked_at[k] == step else value


@numba.njit
def begin_epoch(traces: Any, spiked_at: Any, last: Any) -> None:
    """Start from the traces' last values, which begin at entry ``last``."""
    first = traces[: traces.size - last]
    for k in range(first.size):
        first[k] = traces[last + k]
    spiked_at[:] = 0
