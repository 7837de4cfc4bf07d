"""What spikes do to the synapses they reach, compiled: :mod:`~neuroalign.sim.emulator.synapses`, event by event.

Only the synapses of sources that sent something are read. Where nothing but the sum modulo 2**32 matters, each synapse
adds to the ring buffer of its target at once; where the sum is rounded or wrapped by itself, to int64 ``sums`` first.
:mod:`~neuroalign.sim.emulator.wire_layout` describes the arrays. Loops over targets go through slices, or LLVM would
not vectorise them.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import overload

from neuroalign import fixed_point
from neuroalign.sim.emulator.wire_shapes import DENSE, EXACT_SUMS, SPARSE, SUMS

INNER = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of functions that only kernels call."""

_wrap_int32 = numba.njit(fixed_point.wrap_int32)
_wrap = numba.njit(fixed_point.wrap)


def product(weight: Any, by: Any) -> Any:
    """Weight times payload and scale, which wraps to int32 in integers."""


@overload(product)
def _product(weight: Any, by: Any) -> Any:
    def real(weight: Any, by: Any) -> Any:
        return weight * by

    def fixed(weight: Any, by: Any) -> Any:
        return np.int64(np.int32(weight * by))

    return real if isinstance(by, numba.types.Float) else fixed


@numba.njit(inline="always")
def _find_events(sent: Any, events: Any) -> Any:
    """Write the indices of all that is not 0 to ``events``; returns their number."""
    count = 0
    whole = sent.size - sent.size % 8
    for k in range(0, whole, 8):
        eight = sent[k : k + 8]
        if (
            (eight[0] != 0)
            | (eight[1] != 0)
            | (eight[2] != 0)
            | (eight[3] != 0)
            | (eight[4] != 0)
            | (eight[5] != 0)
            | (eight[6] != 0)
            | (eight[7] != 0)
        ):
            for i in range(8):
                if eight[i] != 0:
                    events[count] = k + i
                    count += 1
    for k in range(whole, sent.size):
        if sent[k] != 0:
            events[count] = k
            count += 1
    return count


@numba.njit(inline="always")
def _add_row(out: Any, row: Any, by: Any) -> None:
    if by == 1:
        for k in range(out.size):
            out[k] += row[k]
    else:
        for k in range(out.size):
            out[k] += product(row[k], by)


@numba.njit(inline="always")
def _add_four_rows(out: Any, values: Any, places: Any, by: Any) -> None:
    """Add four rows at once: ``out`` is read and written once, and four rows are on their way from memory."""
    size = out.size
    a, b = values[places[0] : places[0] + size], values[places[1] : places[1] + size]
    c, d = values[places[2] : places[2] + size], values[places[3] : places[3] + size]
    if by == 1:
        for k in range(size):
            out[k] += (a[k] + b[k]) + (c[k] + d[k])
    else:
        for k in range(size):
            out[k] += product((a[k] + b[k]) + (c[k] + d[k]), by)


@numba.njit(inline="always")
def _spread_dense(wire: Any, by: Any, sent: Any, events: Any, values: Any, out: Any, now: Any) -> None:
    """Rows of one source each, all arriving together."""
    size = wire.target_size
    arriving = out[now * size : (now + 1) * size]
    done = 0
    if not wire.graded:
        while done + 4 <= events.size:
            p0 = wire.weight + events[done] * wire.pitch
            p1 = wire.weight + events[done + 1] * wire.pitch
            p2 = wire.weight + events[done + 2] * wire.pitch
            p3 = wire.weight + events[done + 3] * wire.pitch
            _add_four_rows(arriving, values, (p0, p1, p2, p3), by)
            done += 4
    for e in range(done, events.size):
        first = wire.weight + events[e] * wire.pitch
        payload = sent[wire.source + events[e]]
        _add_row(arriving, values[first : first + size], by * payload if wire.graded else by)


@numba.njit(inline="always")
def _spread_dense_delayed(
    wire: Any, by: Any, sent: Any, events: Any, values: Any, delays: Any, out: Any, now: Any, slots: Any
) -> None:
    """Rows of one source each, every synapse with its own delay."""
    size = wire.target_size
    for e in range(events.size):
        source = events[e]
        row = values[wire.weight + source * wire.pitch : wire.weight + source * wire.pitch + size]
        own = delays[wire.delays + source * size : wire.delays + (source + 1) * size]
        each = by * sent[wire.source + source] if wire.graded else by
        for k in range(size):
            slot = now + own[k]
            slot -= slots * (slot >= slots)
            out[slot * size + k] += product(row[k], each)


@numba.njit(inline="always")
def _spread_sparse(
    wire: Any, by: Any, sent: Any, events: Any, values: Any, static: Any, out: Any, now: Any, slots: Any
) -> None:
    """Synapses of one source after the other, from ``first[source]`` to ``first[source + 1]``."""
    size = wire.target_size
    for e in range(events.size):
        source = events[e]
        low, high = static.first[wire.rows + source], static.first[wire.rows + source + 1]
        row = values[wire.weight + low : wire.weight + high]
        target = static.target[wire.synapses + low : wire.synapses + high]
        each = by * sent[wire.source + source] if wire.graded else by
        if wire.delay >= 0:
            arriving = out[now * size : (now + 1) * size]
            for k in range(row.size):
                arriving[target[k]] += product(row[k], each)
        else:
            own = static.delays[wire.delays + low : wire.delays + high]
            for k in range(row.size):
                slot = now + own[k]
                slot -= slots * (slot >= slots)
                out[slot * size + target[k]] += product(row[k], each)


@numba.njit(inline="always")
def _find_taps(c: Any, place: Any, taps: Any) -> Any:
    """Which entries of the kernel lead from a place of the source to one of the target; returns their number.

    ``taps`` becomes pairs of a place of the target and an entry.
    """
    y, x = place // c.columns + c.pad_rows, place % c.columns + c.pad_columns
    count = 0
    for ky in range(c.kernel_rows):
        row, between = divmod(y - ky * c.reach_rows, c.step_rows)
        if between != 0 or row < 0 or row >= c.target_rows:
            continue
        for kx in range(c.kernel_columns):
            column, between = divmod(x - kx * c.reach_columns, c.step_columns)
            if between == 0 and 0 <= column < c.target_columns:
                taps[2 * count] = row * c.target_columns + column
                taps[2 * count + 1] = ky * c.kernel_columns + kx
                count += 1
    return count


@numba.njit(inline="always")
def _spread_convolution(
    wire: Any, by: Any, sent: Any, events: Any, values: Any, static: Any, taps: Any, out: Any, now: Any, slots: Any
) -> None:
    """Each event reaches, through some entries of the kernel, a place each of every target channel of its group.

    Weights (and delays) lie [source channel, target channel of the group, row, column].
    """
    c = static.convolutions[wire.convolution]
    size, entries, places = wire.target_size, c.kernel_rows * c.kernel_columns, c.target_rows * c.target_columns
    for e in range(events.size):
        source = events[e]
        channel = source // (c.rows * c.columns)
        count = _find_taps(c, source % (c.rows * c.columns), taps)
        each = by * sent[wire.source + source] if wire.graded else by
        for k in range(c.targets):
            first = (channel * c.targets + k) * entries
            weight = values[wire.weight + first : wire.weight + first + entries]
            target = (channel // c.sources * c.targets + k) * places
            if wire.delay >= 0:
                image = out[now * size + target : now * size + target + places]
                for i in range(count):
                    image[taps[2 * i]] += product(weight[taps[2 * i + 1]], each)
            else:
                own = static.delays[wire.delays + first : wire.delays + first + entries]
                for i in range(count):
                    slot = now + own[taps[2 * i + 1]]
                    slot -= slots * (slot >= slots)
                    out[slot * size + target + taps[2 * i]] += product(weight[taps[2 * i + 1]], each)


@numba.njit(**INNER)
def _spread(
    wire: Any, by: Any, sent: Any, events: Any, values: Any, static: Any, taps: Any, out: Any, now: Any, slots: Any
) -> None:
    """Add what the events deliver to ``out``, rows of a slot each; ``now`` is the row that a delay of 0 leads to.

    Where all synapses have one delay, ``now`` is its row.
    """
    if wire.pattern == DENSE:
        if wire.delay >= 0:
            _spread_dense(wire, by, sent, events, values, out, now)
        else:
            _spread_dense_delayed(wire, by, sent, events, values, static.delays, out, now, slots)
    elif wire.pattern == SPARSE:
        _spread_sparse(wire, by, sent, events, values, static, out, now, slots)
    else:
        _spread_convolution(wire, by, sent, events, values, static, taps, out, now, slots)


@numba.njit(**INNER)
def _sum_exactly(wire: Any, sent: Any, events: Any, values: Any, delays: Any, sums: Any) -> None:
    """The sum of each delay over dense synapses, in 64 bits."""
    size = wire.target_size
    for e in range(events.size):
        payload = np.int64(sent[wire.source + events[e]]) if wire.graded else np.int64(1)
        first, own = wire.weight + events[e] * wire.pitch, wire.delays + events[e] * size
        for k in range(size):
            place = 0 if wire.delay >= 0 else delays[own + k] - wire.first_bin
            sums[place * size + k] += _wrap_int32(values[first + k] * payload)


@numba.njit(**INNER)
def _deliver_sums(t: Any, wire: Any, sums: Any, ring: Any) -> None:
    """Round and wrap the sum of each delay, and add it to the ring; the sums are 0 again afterwards."""
    size = wire.target_size
    for place in range(wire.bins):
        slot = (t + wire.first_bin + place) % wire.slots
        arriving, total = ring[slot * size : (slot + 1) * size], sums[place * size : (place + 1) * size]
        for k in range(size):
            rounded = np.int64(total[k]) >> wire.right_shift
            arriving[k] += _wrap(rounded, wire.wrap_bits)
            total[k] = 0


@numba.njit(inline="always")
def _send_fixed(t: Any, wire: Any, by: Any, sent: Any, events: Any, values: Any, static: Any, transit: Any) -> None:
    ring = transit.ring[wire.ring : wire.ring + wire.slots * wire.target_size]
    if wire.sums == EXACT_SUMS:
        _sum_exactly(wire, sent, events, values, static.delays, transit.exact_sums)
        _deliver_sums(t, wire, transit.exact_sums, ring)
        return
    out, now, slots = ring, (t + max(wire.delay, 0)) % wire.slots, wire.slots
    if wire.sums == SUMS:
        out, now, slots = transit.sums, (0 if wire.delay >= 0 else -wire.first_bin), wire.slots + wire.bins
    _spread(wire, by, sent, events, values, static, transit.taps, out, now, slots)
    if wire.sums == SUMS:
        _deliver_sums(t, wire, transit.sums, ring)


@numba.njit(**INNER)
def send_fixed(t: Any, wires: Any, scales: Any, sent: Any, static: Any, plastic: Any, transit: Any) -> None:
    """Send on what the sources of some wires sent at step t; wires of one source follow each other."""
    source, size, count = -1, 0, 0
    for w in range(wires.size):
        wire = wires[w]
        if wire.source != source or wire.source_size != size:
            source, size = wire.source, wire.source_size
            count = _find_events(sent[source : source + size], transit.events)
        if count == 0:
            continue
        events, by = transit.events[:count], np.int64(scales[w])
        if wire.plastic:
            _send_fixed(t, wire, by, sent, events, plastic, static, transit)
        else:
            _send_fixed(t, wire, by, sent, events, static.weights, static, transit)


@numba.njit(**INNER)
def send_float(t: Any, wires: Any, scales: Any, sent: Any, static: Any, plastic: Any, transit: Any) -> None:
    """As :func:`send_fixed`."""
    source, size, count = -1, 0, 0
    for w in range(wires.size):
        wire = wires[w]
        if wire.source != source or wire.source_size != size:
            source, size = wire.source, wire.source_size
            count = _find_events(sent[source : source + size], transit.events)
        ring = transit.ring[wire.ring : wire.ring + wire.slots * wire.target_size]
        now, events = (t + max(wire.delay, 0)) % wire.slots, transit.events[:count]
        values = plastic if wire.plastic else static.weights
        _spread(wire, scales[w], sent, events, values, static, transit.taps, ring, now, wire.slots)
