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
from typing import Any

import numba
import numpy as np

from neuroalign import fixed_point
from neuroalign.chip import Numbers
from neuroalign.sim.emulator import escape, neuron_kernels
from neuroalign.sim.emulator.escape import EscapeDraws
from neuroalign.sim.emulator.layout import Layout
from neuroalign.sim.emulator.neuron_kernels import update_fixed, update_float, update_more_fixed, update_more_float

COMPILED = {"cache": True, "nogil": True, "_nrt": False}
"""Options of the kernels. They allocate nothing, so numba need not count references to arrays: every slice and every
field of a tuple would cost an atomic operation otherwise, half the time of a learning step of 256 neurons."""

_wrap_int32 = numba.njit(fixed_point.wrap_int32)


@numba.njit
def _send(t: Any, wire: Any, sent: Any, weights: Any, delays: Any, ring: Any) -> None:
    """Add the weights of every source that sends at step t to the ring of the target."""
    size = wire.target_size
    targets = ring[wire.ring : wire.ring + wire.slots * size]
    for source in range(wire.source_size):
        payload = sent[wire.source + source]
        if payload == 0:
            continue
        first = wire.weight + source * size
        row = weights[first : first + size]
        if wire.delay < 0:
            own = delays[wire.delays + source * size : wire.delays + (source + 1) * size]
            for k in range(size):
                slot = (t + own[k]) % wire.slots
                targets[slot * size + k] += row[k] * payload if wire.graded else row[k]
        else:
            slot = (t + wire.delay) % wire.slots
            arriving = targets[slot * size : (slot + 1) * size]
            if wire.graded:
                for k in range(size):
                    arriving[k] += row[k] * payload
            else:
                for k in range(size):
                    arriving[k] += row[k]


@numba.njit
def _send_shifted_right(t: Any, wire: Any, sent: Any, weights: Any, delays: Any, ring: Any, scratch: Any) -> None:
    """As :func:`_send` for a negative exponent: the sum of each delay is formed first, then rounded down."""
    size = wire.target_size
    sums = scratch[: wire.bins * size]
    sums[:] = 0
    for source in range(wire.source_size):
        payload = np.int64(sent[wire.source + source])
        if payload == 0:
            continue
        if not wire.graded:
            payload = np.int64(1)
        first = wire.weight + source * wire.pitch
        for k in range(size):
            place = 0 if wire.delay >= 0 else delays[wire.delays + source * size + k] - wire.first_bin
            sums[place * size + k] += _wrap_int32(weights[first + k] * payload)
    for place in range(wire.bins):
        slot = (t + wire.first_bin + place) % wire.slots
        for k in range(size):
            total = sums[place * size + k]
            if wire.wrap_sum:
                total = _wrap_int32(total)
            ring[wire.ring + slot * size + k] += total >> wire.right_shift


@numba.njit
def _send_plastic(t: Any, wire: Any, scale: Any, sent: Any, weights: Any, delays: Any, ring: Any) -> None:
    """As :func:`_send`, for weights as they are held: the exponent acts here."""
    size = wire.target_size
    targets = ring[wire.ring : wire.ring + wire.slots * size]
    for source in range(wire.source_size):
        payload = sent[wire.source + source]
        if payload == 0:
            continue
        by = scale * payload if wire.graded else scale
        first = wire.weight + source * wire.pitch
        row = weights[first : first + size]
        if wire.delay < 0:
            own = delays[wire.delays + source * size : wire.delays + (source + 1) * size]
            for k in range(size):
                targets[((t + own[k]) % wire.slots) * size + k] += row[k] * by
        else:
            slot = (t + wire.delay) % wire.slots
            arriving = targets[slot * size : (slot + 1) * size]
            for k in range(size):
                arriving[k] += row[k] * by


@numba.njit
def _send_fixed(
    t: Any, wires: Any, scales: Any, sent: Any, weights: Any, plastic: Any, delays: Any, ring: Any, scratch: Any
) -> None:
    for w in range(wires.size):
        wire = wires[w]
        if wire.right_shift > 0:
            if wire.plastic:
                _send_shifted_right(t, wire, sent, plastic, delays, ring, scratch)
            else:
                _send_shifted_right(t, wire, sent, weights, delays, ring, scratch)
        elif wire.plastic:
            _send_plastic(t, wire, scales[w], sent, plastic, delays, ring)
        else:
            _send(t, wire, sent, weights, delays, ring)


@numba.njit
def _send_float(t: Any, wires: Any, scales: Any, sent: Any, weights: Any, plastic: Any, delays: Any, ring: Any) -> None:
    for w in range(wires.size):
        if wires[w].plastic:
            _send_plastic(t, wires[w], scales[w], sent, plastic, delays, ring)
        else:
            _send(t, wires[w], sent, weights, delays, ring)


@numba.njit
def _record(record: Any, row: Any, column: Any, values: Any) -> None:
    if column >= 0:
        for k in range(values.size):
            record[row, column + k] = values[k]


@numba.njit(inline="always")
def fixed_step(
    t: Any, row: Any, given: Any, record: Any, populations: Any, input_wires: Any, wires: Any, scales: Any,
    weights: Any, delays: Any, keep_u: Any, keep_v: Any, threshold: Any, bias: Any, u: Any, v: Any, sent: Any,
    ring: Any, scratch: Any, counts: Any, more: Any, plastic: Any,
) -> None:  # fmt: skip
    """One step of all inputs and populations; ``more`` serves neurons beyond LIF, ``plastic`` holds what learns."""
    channels = sent.size - u.size
    for k in range(channels):
        sent[k] = given[row, k] if row < given.shape[0] else 0
    _send_fixed(t, wires[:input_wires], scales, sent, weights, plastic, delays, ring, scratch)
    for i in range(populations.size):
        p = populations[i]
        low, high = p.first, p.first + p.size
        arrived = p.ring + (t % p.slots) * p.size
        a = ring[arrived : arrived + p.size]
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
        _send_fixed(t, wires[first:end], scales[first:end], sent, weights, plastic, delays, ring, scratch)


@numba.njit(inline="always")
def float_step(
    t: Any, row: Any, given: Any, record: Any, populations: Any, input_wires: Any, wires: Any, scales: Any,
    weights: Any, delays: Any, keep_u: Any, keep_v: Any, threshold: Any, bias: Any, u: Any, v: Any, sent: Any,
    ring: Any, more: Any, plastic: Any,
) -> None:  # fmt: skip
    """As :func:`fixed_step`."""
    channels = sent.size - u.size
    for k in range(channels):
        sent[k] = given[row, k] if row < given.shape[0] else 0.0
    _send_float(t, wires[:input_wires], scales, sent, weights, plastic, delays, ring)
    for i in range(populations.size):
        p = populations[i]
        low, high = p.first, p.first + p.size
        arrived = p.ring + (t % p.slots) * p.size
        a = ring[arrived : arrived + p.size]
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
        _send_float(t, wires[first:end], scales[first:end], sent, weights, plastic, delays, ring)


@lru_cache(maxsize=1)
def step_kernels() -> tuple[Callable[..., int], Callable[..., int]]:
    """The kernels (Fixed, Float64), each running the steps t0 to t0 + len(record) and returning the source's stamp.

    numba's disk cache notices a change of this file, but not of those the arithmetic comes from. So the kernels
    are closures over a stamp of their source: numba keys its cache by the values a function closes over.
    """
    stamp = zlib.crc32("".join(inspect.getsource(module) for module in (fixed_point, escape, neuron_kernels)).encode())

    @numba.njit(**COMPILED)
    def fixed_steps(
        t0: Any, given: Any, record: Any, populations: Any, input_wires: Any, wires: Any, scales: Any, weights: Any,
        delays: Any, keep_u: Any, keep_v: Any, threshold: Any, bias: Any, u: Any, v: Any, sent: Any, ring: Any,
        scratch: Any, counts: Any, more: Any, plastic: Any,
    ) -> int:  # fmt: skip
        for row in range(record.shape[0]):
            fixed_step(
                t0 + row, row, given, record, populations, input_wires, wires, scales, weights, delays, keep_u, keep_v,
                threshold, bias, u, v, sent, ring, scratch, counts, more, plastic,
            )  # fmt: skip
        return stamp

    @numba.njit(**COMPILED)
    def float_steps(
        t0: Any, given: Any, record: Any, populations: Any, input_wires: Any, wires: Any, scales: Any, weights: Any,
        delays: Any, keep_u: Any, keep_v: Any, threshold: Any, bias: Any, u: Any, v: Any, sent: Any, ring: Any,
        more: Any, plastic: Any,
    ) -> int:  # fmt: skip
        for row in range(record.shape[0]):
            float_step(
                t0 + row, row, given, record, populations, input_wires, wires, scales, weights, delays, keep_u, keep_v,
                threshold, bias, u, v, sent, ring, more, plastic,
            )  # fmt: skip
        return stamp

    return fixed_steps, float_steps


class KernelRun:
    """The state of one sample between calls of a kernel."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.u, self.v = layout.u0.copy(), layout.v0.copy()
        self.r = np.zeros(layout.u0.size, dtype=np.int32)
        self.escape_draws = EscapeDraws(layout.order)
        self.sent = np.zeros(layout.channels + layout.u0.size, dtype=layout.dtype)
        self.ring = np.zeros(layout.ring_size, dtype=layout.dtype)
        self.scratch = np.zeros(layout.scratch_size, dtype=np.int64)
        self.counts = np.zeros((len(layout.populations), 3), dtype=np.int64)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What every call of a kernel gets after t0, given and record, but for :meth:`more` and plastic weights."""
        x = self.layout
        static = (
            x.populations, x.input_wires, x.wires, x.scales, x.weights, x.delays, x.keep_u, x.keep_v, x.threshold,
            x.bias,
        )  # fmt: skip
        states = (self.u, self.v, self.sent, self.ring)
        return (*static, *states, self.scratch, self.counts) if x.dtype == np.int32 else (*static, *states)

    def more(self, t0: int, steps: int) -> tuple[Numbers, ...]:
        """What neurons beyond LIF need in the steps from t0: lower thresholds, refractory steps left, noise."""
        x = self.layout
        return x.threshold_low, self.r, x.escape_shapes, self.escape_draws.rows(t0, steps)

    def advance(self, t0: int, given: Any, record: Any) -> None:
        """Run ``len(record)`` steps from t0, ``given`` being the input of the first of them; fills ``record``."""
        fixed_steps, float_steps = step_kernels()
        kernel = fixed_steps if self.layout.dtype == np.int32 else float_steps
        more = self.more(t0, len(record))
        kernel(t0, given, record, *self.arguments, more, self.layout.plastic.start.values)
