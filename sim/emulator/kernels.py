"""The emulator compiled by numba: the same numbers as reference.py, a whole stretch of steps per call.

Spikes are events: only the weights of sources that sent something are read, one contiguous row [source, target] each,
and added to a ring buffer per target population whose row ``t % slots`` arrives at step t. Ring and states are int32
under Fixed, and an int32 store wraps, which is exactly the arithmetic wanted. :mod:`~neuroalign.sim.emulator.layout`
describes the arrays. Indices are formed so that LLVM vectorises the loops over neurons: through slices.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np

from neuroalign import fixed_point
from neuroalign.chip import Numbers
from neuroalign.sim.emulator import escape, neuron_kernels, neuron_shapes, wire_kernels, wire_shapes
from neuroalign.sim.emulator.escape import EscapeDraws
from neuroalign.sim.emulator.layout import Layout
from neuroalign.sim.emulator.neuron_kernels import update_fixed, update_float, update_more_fixed, update_more_float
from neuroalign.sim.emulator.wire_kernels import send_fixed, send_float
from neuroalign.sim.emulator.wire_shapes import Transit

COMPILED = {"cache": True, "nogil": True, "_nrt": False}
"""Options of the kernels. They allocate nothing, so numba need not count references to arrays: every slice and every
field of a tuple would cost an atomic operation otherwise, half the time of a learning step of 256 neurons."""

SOURCES = (fixed_point, escape, neuron_shapes, neuron_kernels, wire_shapes, wire_kernels)


@numba.njit
def _record(record: Any, row: Any, column: Any, values: Any) -> None:
    if column >= 0:
        for k in range(values.size):
            record[row, column + k] = values[k]


@numba.njit(inline="always")
def fixed_step(
    t: Any, row: Any, given: Any, record: Any, populations: Any, input_wires: Any, wires: Any, scales: Any,
    static: Any, keep_u: Any, keep_v: Any, threshold: Any, bias: Any, u: Any, v: Any, sent: Any,
    transit: Any, counts: Any, more: Any, plastic: Any,
) -> None:  # fmt: skip
    """One step of all inputs and populations; ``more`` serves neurons beyond LIF, ``plastic`` holds what learns."""
    channels = sent.size - u.size
    for k in range(channels):
        sent[k] = given[row, k] if row < given.shape[0] else 0
    if input_wires > 0:
        send_fixed(t, wires[:input_wires], scales, sent, static, plastic, transit)
    for i in range(populations.size):
        p = populations[i]
        low, high = p.first, p.first + p.size
        arrived = p.ring + (t % p.slots) * p.size
        a = transit.ring[arrived : arrived + p.size]
        s = sent[channels + low : channels + high]
        if p.plain:
            update_fixed(
                p, a, u[low:high], v[low:high], s, keep_u[low:high], keep_v[low:high], threshold[low:high],
                bias[low:high], counts[i],
            )  # fmt: skip
        else:
            update_more_fixed(
                t, row, p, a, u[low:high], v[low:high], s, keep_u[low:high], keep_v[low:high], threshold[low:high],
                bias[low:high], counts[i], more,
            )  # fmt: skip
        _record(record, row, p.column_a, a)
        _record(record, row, p.column_u, u[low:high])
        _record(record, row, p.column_v, v[low:high])
        _record(record, row, p.column_s, s)
        _record(record, row, p.column_r, more[1][low:high])
        a[:] = 0
        first, end = p.wires, p.wires_end
        if end > first:
            send_fixed(t, wires[first:end], scales[first:end], sent, static, plastic, transit)


@numba.njit(inline="always")
def float_step(
    t: Any, row: Any, given: Any, record: Any, populations: Any, input_wires: Any, wires: Any, scales: Any,
    static: Any, keep_u: Any, keep_v: Any, threshold: Any, bias: Any, u: Any, v: Any, sent: Any,
    transit: Any, more: Any, plastic: Any,
) -> None:  # fmt: skip
    """As :func:`fixed_step`."""
    channels = sent.size - u.size
    for k in range(channels):
        sent[k] = given[row, k] if row < given.shape[0] else 0.0
    if input_wires > 0:
        send_float(t, wires[:input_wires], scales, sent, static, plastic, transit)
    for i in range(populations.size):
        p = populations[i]
        low, high = p.first, p.first + p.size
        arrived = p.ring + (t % p.slots) * p.size
        a = transit.ring[arrived : arrived + p.size]
        s = sent[channels + low : channels + high]
        if p.plain:
            update_float(
                p, a, u[low:high], v[low:high], s, keep_u[low:high], keep_v[low:high], threshold[low:high],
                bias[low:high],
            )  # fmt: skip
        else:
            update_more_float(
                t, row, p, a, u[low:high], v[low:high], s, keep_u[low:high], keep_v[low:high], threshold[low:high],
                bias[low:high], more,
            )  # fmt: skip
        _record(record, row, p.column_a, a)
        _record(record, row, p.column_u, u[low:high])
        _record(record, row, p.column_v, v[low:high])
        _record(record, row, p.column_s, s)
        _record(record, row, p.column_r, more[1][low:high])
        a[:] = 0.0
        first, end = p.wires, p.wires_end
        if end > first:
            send_float(t, wires[first:end], scales[first:end], sent, static, plastic, transit)


@lru_cache(maxsize=1)
def step_kernels() -> tuple[Callable[..., int], Callable[..., int]]:
    """The kernels (Fixed, Float64), each running the steps t0 to t0 + len(record) and returning the source's stamp.

    numba's disk cache notices a change of this file, but not of those the arithmetic comes from. So the kernels
    are closures over a stamp of their source: numba keys its cache by the values a function closes over.
    """
    stamp = zlib.crc32("".join(inspect.getsource(module) for module in SOURCES).encode())

    @numba.njit(**COMPILED)
    def fixed_steps(
        t0: Any, given: Any, record: Any, populations: Any, input_wires: Any, wires: Any, scales: Any, static: Any,
        keep_u: Any, keep_v: Any, threshold: Any, bias: Any, u: Any, v: Any, sent: Any, transit: Any,
        counts: Any, more: Any, plastic: Any,
    ) -> int:  # fmt: skip
        for row in range(record.shape[0]):
            fixed_step(
                t0 + row, row, given, record, populations, input_wires, wires, scales, static, keep_u, keep_v,
                threshold, bias, u, v, sent, transit, counts, more, plastic,
            )  # fmt: skip
        return stamp

    @numba.njit(**COMPILED)
    def float_steps(
        t0: Any, given: Any, record: Any, populations: Any, input_wires: Any, wires: Any, scales: Any, static: Any,
        keep_u: Any, keep_v: Any, threshold: Any, bias: Any, u: Any, v: Any, sent: Any, transit: Any,
        more: Any, plastic: Any,
    ) -> int:  # fmt: skip
        for row in range(record.shape[0]):
            float_step(
                t0 + row, row, given, record, populations, input_wires, wires, scales, static, keep_u, keep_v,
                threshold, bias, u, v, sent, transit, more, plastic,
            )  # fmt: skip
        return stamp

    return fixed_steps, float_steps


class Call(NamedTuple):
    """``kernel(t0, *before, skip, *after)``, or ``kernel(t0, *before)`` where nothing follows; t0 from ``until`` on needs others."""

    kernel: Callable[..., int]
    before: tuple[Any, ...]
    skip: int = 0
    after: tuple[Any, ...] = ()
    until: int = 1 << 62


class KernelRun:
    """The state of one sample between calls of a kernel."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.u, self.v = layout.u0.copy(), layout.v0.copy()
        self.r = np.zeros(layout.u0.size, dtype=np.int32)
        rows = layout.populations
        self.window = np.zeros(int((rows["window_steps"] * rows["size"]).sum()), dtype=layout.dtype)
        self.window_sum = np.zeros(layout.u0.size if self.window.size else 0, dtype=layout.dtype)
        self.escape_draws = EscapeDraws(layout.order)
        self.sent = np.zeros(layout.channels + layout.u0.size, dtype=layout.dtype)
        self.ring = np.zeros(layout.ring_size, dtype=layout.dtype)
        self.sums = np.zeros(layout.sums_sizes[0], dtype=layout.dtype)
        self.exact_sums = np.zeros(layout.sums_sizes[1], dtype=np.int64)
        self.events = np.zeros(self.sent.size, dtype=np.int64)
        kernels = layout.static.convolutions
        self.taps = np.zeros(
            2 * int((kernels["kernel_rows"] * kernels["kernel_columns"]).max(initial=0)), dtype=np.int64
        )
        self.counts = np.zeros((len(layout.populations), 3), dtype=np.int64)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What every call of a kernel gets after t0, given and record, but for :meth:`more` and plastic weights."""
        x = self.layout
        static = (
            x.populations, x.input_wires, x.wires, x.scales, x.static, x.keep_u, x.keep_v, x.threshold,
            x.bias,
        )  # fmt: skip
        states = (self.u, self.v, self.sent, Transit(self.ring, self.sums, self.exact_sums, self.events, self.taps))
        return (*static, *states, self.counts) if x.dtype == np.int32 else (*static, *states)

    def more(self, t0: int, steps: int) -> tuple[Numbers, ...]:
        """What neurons beyond LIF need in the steps from t0: lower thresholds, refractory steps left, noise, windows."""
        x = self.layout
        draws = self.escape_draws.rows(t0, steps)
        return x.threshold_low, self.r, x.escape_shapes, draws, self.window, self.window_sum

    def advance(self, t0: int, given: Any, record: Any) -> None:
        """Run ``len(record)`` steps from t0, ``given`` being the input of the first of them; fills ``record``."""
        call = self.call(t0, given, record)
        call.kernel(t0, *call.before)

    def call(self, t0: int, given: Any, record: Any) -> Call:
        """The kernel that runs these steps, and its arguments."""
        fixed_steps, float_steps = step_kernels()
        kernel = fixed_steps if self.layout.dtype == np.int32 else float_steps
        more = self.more(t0, len(record))
        return Call(kernel, (given, record, *self.arguments, more, self.layout.plastic.start.values))
