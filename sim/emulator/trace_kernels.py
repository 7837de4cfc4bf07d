"""Traces compiled: the arithmetic of traces.py for int32 and float64 arrays, neurons side by side."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import overload

from neuroalign.microcode import TRACE_LIMIT
from neuroalign.sim.emulator.plastic_tables import GRADED_MODES

OVERWRITE, ADD_SATURATE = GRADED_MODES.index("overwrite"), GRADED_MODES.index("add-saturate")


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


def graded_trace(trace: Any, payload: Any, mode: Any) -> Any:
    """The trace x1 of one source after a payload, and whether that counts as a spike; as graded.py has it."""


@overload(graded_trace)
def _graded_trace(trace: Any, payload: Any, mode: Any) -> Any:
    def real(trace: Any, payload: Any, mode: Any) -> Any:
        if mode == OVERWRITE:
            return (payload / 2 if payload != 0 else trace), payload != 0
        return trace + payload / 2, payload != 0

    def fixed(trace: Any, payload: Any, mode: Any) -> Any:
        half = payload >> 1
        byte = np.int32((half + (payload & half & 1)) & 255)  # ties to even
        if mode == OVERWRITE:
            return (byte if payload != 0 else trace), payload != 0
        total = np.int32((trace + byte) & 255)
        if mode == ADD_SATURATE:
            return (total if total < TRACE_LIMIT else np.int32(TRACE_LIMIT - 1)), payload != 0
        carried = total >= TRACE_LIMIT
        return (np.int32(total - (TRACE_LIMIT - 1)) if carried else total), carried and payload != 0

    return real if isinstance(trace, numba.types.Float) else fixed


@numba.njit
def record_payloads(sent: Any, spiked_at: Any, now: Any, traces: Any, impulse: Any, limit: Any, mode: Any) -> None:
    """Take in the graded spikes of one step, which set x1; x2 as in :func:`record_spikes`, with the draw 0."""
    size = spiked_at.size
    for k in range(size):
        traces[k], spiked = graded_trace(traces[k], sent[k], mode)
        if not spiked:
            continue
        if spiked_at[k] > 0:
            raised = traces[size + k] + impulse[1, 0] + (1 if impulse[1, 1] > 0 else 0)
            traces[size + k] = min(raised, limit)
        spiked_at[k] = now


@numba.njit
def receive(sent: Any, sender: Any, stride: Any, trace: Any) -> None:
    """Set a target trace to what its modulator sends; 0 without one."""
    for k in range(trace.size):
        trace[k] = sent[sender + k * stride] if sender >= 0 else 0


@numba.njit
def record_spikes(sent: Any, spiked_at: Any, now: Any, traces: Any, impulse: Any, limit: Any, draw: Any) -> None:
    """Take in the spikes of one step; a spike that is not the first of its epoch raises the traces at once."""
    size = spiked_at.size
    if now == 1:  # no spike is a repeated one
        for k in range(size):
            spiked_at[k] = sent[k] != 0
        return
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
    traces: Any, spiked_at: Any, t_epoch: Any, decay: Any, impulse: Any, driven: Any, limits: Any, draw: Any,
    impulse_draw: Any,
) -> None:  # fmt: skip
    """Fill in the traces (t_epoch + 1, traces, neurons) after each step of an epoch."""
    size, count = spiked_at.size, decay.size
    as_held = traces.dtype.type
    highest, lowest = limits[0], limits[1]
    for n in range(count):
        if not driven[n]:
            continue  # it stays 0
        more = as_held(impulse[n, 0] + (1 if impulse_draw < impulse[n, 1] else 0))
        for step in range(1, t_epoch + 1):
            first = (step * count + n) * size
            before = traces[first - count * size : first - count * size + size]
            after = traces[first : first + size]
            for k in range(size):
                value = decayed(before[k], decay[n], draw)
                after[k] = max(min(as_held(value + more), highest), lowest) if spiked_at[k] == step else value


@numba.njit
def begin_epoch(traces: Any, spiked_at: Any, last: Any, driven: Any) -> None:
    """Start from the traces' last values, which begin at entry ``last``."""
    size = spiked_at.size
    for n in range(driven.size):
        if driven[n]:
            before, after = traces[last + n * size : last + (n + 1) * size], traces[n * size : (n + 1) * size]
            for k in range(size):
                after[k] = before[k]
    spiked_at[:] = 0
