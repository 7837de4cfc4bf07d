"""Runs any Program on a whole connection without compiling anything for it: an interpreter over lines of synapses.

A line is a row (all synapses of one source) or a column (all of one target). Each step of the interpretation is a loop
over a line, which LLVM vectorises, so that the cost of interpreting is shared by all synapses of the line. Only lines
that can change are run: products with x0 act in the rows of sources that spiked, those with y0 in the columns of
targets that did. All rows are run

*   in an epoch of u,
*   in the first epoch, which brings initial values into their ranges,
*   while some tag is -257, Lava's lower end, which limits and rounds to another value by itself, and
*   when so many targets spiked that columns, which lie across the memory, would cost more.

Where a line lies is in :mod:`~neuroalign.sim.emulator.interpreter_lines`, its factors in
:mod:`~neuroalign.sim.emulator.interpreter_factors`. The loops serve int32 and float64 arrays;
:mod:`~neuroalign.sim.emulator.accumulator` holds what differs between the number formats.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from neuroalign.sim.emulator.accumulator import (
    accumulate,
    accumulate_shared,
    finish,
    finish_shared,
    may_rest,
    shared_change,
    start,
)
from neuroalign.sim.emulator.interpreter_factors import shared_part, spread
from neuroalign.sim.emulator.interpreter_lines import held_line, load, place_of, store_column
from neuroalign.sim.emulator.plastic_tables import ALONG, AT_END, AT_SOURCE, OFFSETS, TERM, TOTAL
from neuroalign.sim.emulator.streams import DRAW_SHIFT, ROUNDING_BITS, absorb

_absorb = numba.njit(absorb)
HIGHEST_DRAW = np.int32((1 << ROUNDING_BITS) - 1)
COLUMN_COST, ROW_COST = 6, 300
"""Of a synapse reached across the memory, and of starting a row; in synapses of a row."""


@numba.njit(inline="always")
def _acts(product: Any, source_spiked: Any, target_spiked: Any, u: Any) -> Any:
    return (
        (source_spiked or product.needs_source == 0)
        and (target_spiked or product.needs_target == 0)
        and (u or product.at != AT_END)
    )


@numba.njit
def _draw_offsets(v: Any, epoch: Any, connection: Any, place: Any, offsets: Any) -> None:
    """Fill a line with the rounding offset 127 - draw of each of its synapses; as streams.synapse_draws has them."""
    state = _absorb(_absorb(_absorb(np.uint64(0), np.uint64(connection.rounding_seed)), np.uint64(v)), np.uint64(epoch))
    if place.by_column:
        target = np.uint64(place.index)
        for k in range(place.size):
            source = np.uint64(place.ids[k]) if place.sparse else np.uint64(k)
            offsets[k] = HIGHEST_DRAW - np.int32(_absorb(_absorb(state, source), target) >> DRAW_SHIFT)
    else:
        state = _absorb(state, np.uint64(place.index))
        for k in range(place.size):
            target = np.uint64(place.ids[k]) if place.sparse else np.uint64(k)
            offsets[k] = HIGHEST_DRAW - np.int32(_absorb(state, target) >> DRAW_SHIFT)


@numba.njit
def _run_line(
    c: Any, connection: Any, place: Any, limit_all: Any, any_target: Any, u: Any, epoch: Any, offset: Any, tables: Any,
    s: Any,
) -> None:  # fmt: skip
    """Update the variables of one line; with ``limit_all`` also those on which no product acts."""
    source_spiked, loaded = place.at_source > 0, False
    for v in range(3):
        variable = tables.variables[3 * c + v]
        acts = limit_all and variable.product < variable.product_end
        for p in range(variable.product, variable.product_end):
            acts = acts or _acts(tables.products[p], source_spiked, any_target, u)
        if acts:
            if not loaded:
                load(c, connection, place, any_target, tables, s)
                loaded = True
            _update_variable(c, v, variable, connection, place, limit_all, any_target, u, epoch, offset, tables, s)


@numba.njit(inline="always")
def _update_variable(
    c: Any, v: Any, variable: Any, connection: Any, place: Any, limit_all: Any, any_target: Any, u: Any, epoch: Any,
    offset: Any, tables: Any, s: Any,
) -> None:  # fmt: skip
    """Update one variable of a line.

    The first product whose change is the same wherever it acts waits until another one acts: mostly none does, and one
    loop does everything. A product of 0 does nothing under Fixed: values are within their ranges unless ``limit_all``.
    """
    size = place.size
    line, total, marks, flags = s.lines[TERM, :size], s.lines[TOTAL, :size], s.marks[:size], s.flags[:size]
    held, as_held = held_line(c, v, place, tables, s), s.lines.dtype.type
    begun, waits, awaited = False, False, as_held(0)
    for p in range(variable.product, variable.product_end):
        product = tables.products[p]
        acts = _acts(product, place.at_source > 0, any_target, u)
        if not acts and not limit_all:
            continue
        at = _read_at(product, connection, place)
        shared, f = shared_part(product, tables.coefficients[p], place, at, tables, as_held)
        if not acts:
            shared, f = as_held(0), np.int64(product.factor_end)
        change, some = shared_change(shared, product.right, product.left, product.bound)
        same = f == product.factor_end and (not some or _is_flagged(product, place))
        if same and not some and not limit_all:
            continue
        if same and not begun and not waits:
            waits, awaited = True, change
            continue
        if not begun:
            start(total, held, marks)
            begun = True
            if waits:
                accumulate_shared(total, awaited, flags, marks)
        if same:
            accumulate_shared(total, change, flags, marks)
        else:
            spread(line, shared, f, product, place, at, tables, s)
            accumulate(total, line, marks, product.right, product.left, product.bound)
    if begun or waits:
        _finish_variable(c, v, connection, place, limit_all, begun, awaited, epoch, offset, tables, s)


@numba.njit(inline="always")
def _read_at(product: Any, connection: Any, place: Any) -> Any:
    """Step in the epoch at which a product reads traces, -1 where it differs along the line."""
    if product.at == AT_END:
        return connection.t_epoch
    return place.at_source if product.at == AT_SOURCE else place.at_target


@numba.njit(inline="always")
def _is_flagged(product: Any, place: Any) -> Any:
    """Whether a product acts on a line just where the flags of the targets are 1, in their order."""
    return product.needs_target != 0 and not place.by_column and not place.sparse


@numba.njit(inline="always")
def _finish_variable(
    c: Any, v: Any, connection: Any, place: Any, limit_all: Any, begun: Any, awaited: Any, epoch: Any, offset: Any,
    tables: Any, s: Any,
) -> None:  # fmt: skip
    """Add what still waits, round, limit, and count what was limited."""
    size, variable = place.size, tables.variables[3 * c + v]
    total, marks, flags = s.lines[TOTAL, :size], s.marks[:size], s.flags[:size]
    held, simple = held_line(c, v, place, tables, s), not begun and not limit_all and not connection.own_draws
    if simple and not place.by_column and not place.sparse and may_rest(variable, offset):
        s.limited[c, v] += finish_shared(held, awaited, flags, variable, offset)
        return
    if not begun:
        start(total, held, marks)
        accumulate_shared(total, awaited, flags, marks)
    if connection.own_draws:
        offsets = s.lines[OFFSETS, :size]
        _draw_offsets(v, epoch, connection, place, offsets)
        limited, moves = finish(held, total, marks, variable, offsets)
    else:
        limited, moves = finish(held, total, marks, variable, offset)
    if place.by_column:
        store_column(c, v, connection, place, tables, s)
    else:
        s.limited[c, v] += limited
        s.status[c, 1] |= moves


@numba.njit
def _mark_targets(connection: Any, s: Any) -> Any:
    """Number of targets that spiked; if any, their flags and traces at that time become scratch lines."""
    targets = connection.targets
    spiked_at = s.spiked_at[connection.target_spikes : connection.target_spikes + targets]
    flags, count = s.flags[:targets], 0
    for k in range(targets):
        spiked = spiked_at[k] > 0
        count += spiked
        flags[k] = spiked
    if count > 0 and connection.t_epoch > 1:
        for n in range(3):
            for k in range(targets):
                s.lines[ALONG + n, k] = s.y[connection.y + (spiked_at[k] * 3 + n) * targets + k]
    return count


@numba.njit(inline="always")
def update_synapses(c: Any, epoch: Any, offset: Any, tables: Any, s: Any) -> None:
    """Update w, d and t of connection ``c`` at the end of an epoch, traces being those of :func:`~neuroalign.sim.emulator.trace_kernels.run_traces`.

    ``offset`` is 127 - floor(128 draw) with the draw of this epoch: what rounds a fraction up by chance. A connection
    whose synapses have draws of their own does not use it.
    """
    connection = tables.connections[c]
    sources, targets = connection.sources, connection.targets
    u = connection.period > 0 and epoch % connection.period == 0
    limit_all = s.status[c, 0] == 0 or s.status[c, 1] != 0
    s.status[c, 0], s.status[c, 1] = 1, 0
    spiking = _mark_targets(connection, s)
    synapses = connection.synapses if connection.sparse else sources * targets
    column_cost = connection.columns * spiking * (synapses // max(targets, 1)) * COLUMN_COST
    every_row = limit_all or (u and connection.everywhere) or column_cost > sources * ROW_COST + synapses
    columns = targets if connection.columns and spiking > 0 and not every_row else np.int64(0)
    for line in range(sources + columns):  # rows, then columns, in one loop: :func:`place_of` is compiled into it
        by_column = line >= sources
        index = line - sources if by_column else line
        spikes = connection.target_spikes if by_column else connection.source_spikes
        if (every_row or by_column or connection.gated) and (every_row or s.spiked_at[spikes + index] > 0):
            place = place_of(index, by_column, connection, tables, s)
            _run_line(c, connection, place, limit_all, spiking > 0, u, epoch, offset, tables, s)
