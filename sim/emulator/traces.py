"""Traces of a plastic connection in both number formats: decay, impulse, and the values within an epoch.

One step of a trace (decay before impulse)::

    Fixed     h := floor(q) + (D < q mod 1),  q = exp(-1/tau) h;     at a spike  h := clip(h + p + (I < f), 0, 127)
    Float64   h := exp(-1/tau) h;                                    at a spike  h := h + impulse

``p`` and ``f`` are the whole part of the impulse and its fraction in 256ths; ``D`` and ``I`` are the draws of the epoch
(:mod:`streams`). I lies in 0..127 and f in 0..255, so a fraction rounds up with twice its chance: that is Lava's.
tau 0 clears the trace in every step, in Float64 too (Lava's float model makes it NaN); an infinite tau keeps it.

A connection with modulators has no post traces of its own: y1, y2, y3 are what was received last. Fixed still decays
them within the epoch, with tau 65535 and an impulse of 0, which limits them to 0..127 where the target spiked; that is
Lava's three-factor rule. Float64 leaves them as they are.
Source: Lava 0.10, ``magma/core/model/py/connection.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import Numbers
from neuroalign.microcode import POST_TRACES, PRE_TRACES, TRACE_LIMIT, Program, Trace

FRACTION_BITS = 8
RECEIVED = Trace(0, 2**16 - 1)
"""What Lava takes a third factor for within an epoch."""


@dataclass(frozen=True, eq=False)
class FixedTraces:
    """Constants of integer traces: ``decay`` float64, ``whole`` and ``fraction`` int64, each (traces, 1)."""

    decay: NDArray[np.float64]
    whole: NDArray[np.int64]
    fraction: NDArray[np.int64]

    dtype = np.int64

    def decayed(self, trace: Numbers, draw: float) -> Numbers:
        """The trace one step later."""
        exact = self.decay * trace
        return np.asarray((np.floor(exact) + (draw < exact % 1)).astype(np.int64))

    def raised(self, trace: Numbers, draw: int) -> Numbers:
        """The trace after an impulse."""
        return np.asarray(np.clip(trace + self.whole + (draw < self.fraction), 0, TRACE_LIMIT - 1))


@dataclass(frozen=True, eq=False)
class FloatTraces:
    """Constants of real traces, each (traces, 1); the draws are not used."""

    decay: NDArray[np.float64]
    impulse: NDArray[np.float64]

    dtype = np.float64

    def decayed(self, trace: Numbers, draw: float) -> Numbers:
        """The trace one step later."""
        return np.asarray(self.decay * trace)

    def raised(self, trace: Numbers, draw: int) -> Numbers:
        """The trace after an impulse."""
        return np.asarray(trace + self.impulse)


TraceArithmetic = FixedTraces | FloatTraces


def trace_arithmetic(traces: Sequence[Trace], fixed: bool) -> TraceArithmetic:
    """Constants of some traces, in integers or in float64."""
    tau = np.array([[trace.tau] for trace in traces], dtype=np.float64)
    impulse = np.array([[trace.impulse] for trace in traces], dtype=np.float64)
    # tau 1 stands in for 0 so that nothing divides by it
    decay = np.where(tau > 0, np.exp(-1 / np.where(tau > 0, tau, 1.0)), 0.0)
    if not fixed:
        return FloatTraces(decay, impulse)
    whole = np.floor(impulse)
    fraction = np.round((impulse - whole) * 2**FRACTION_BITS)
    return FixedTraces(decay, whole.astype(np.int64), fraction.astype(np.int64))


def connection_traces(
    program: Program, fixed: bool, *, graded: bool = False, modulated: bool = False
) -> tuple[TraceArithmetic, TraceArithmetic]:
    """Constants of the source traces x1, x2 and the target traces y1, y2, y3 of a plastic connection.

    Parameters
    ----------
    graded
        Whether payloads set x1, which then has no impulse.
    modulated
        Whether the target traces are received.
    """
    pre = [program.trace(name) for name in PRE_TRACES]
    if graded:
        pre[0] = Trace(0, pre[0].tau)
    x = trace_arithmetic(pre, fixed)
    if not modulated:
        return x, trace_arithmetic([program.trace(name) for name in POST_TRACES], fixed)
    count = len(POST_TRACES)
    if fixed:
        return x, trace_arithmetic([RECEIVED] * count, fixed)
    return x, FloatTraces(np.ones((count, 1)), np.zeros((count, 1)))


def history(
    arithmetic: TraceArithmetic, start: Numbers, spiked_at: Numbers, t_epoch: int, decay_draw: float, impulse_draw: int
) -> Numbers:
    """Values of the traces after each step of an epoch.

    Parameters
    ----------
    start : (traces, N)
        Values at the start of the epoch; impulses of repeated spikes are already in them.
    spiked_at : (N,)
        Step 1..t_epoch of the last spike in the epoch, 0 for none.

    Returns
    -------
    (t_epoch + 1, traces, N); entry 0 is ``start``.
    """
    values = np.zeros((t_epoch + 1, *start.shape), dtype=start.dtype)
    values[0] = start
    for step in range(1, t_epoch + 1):
        decayed = arithmetic.decayed(values[step - 1], decay_draw)
        values[step] = np.where(spiked_at == step, arithmetic.raised(decayed, impulse_draw), decayed)
    return values
