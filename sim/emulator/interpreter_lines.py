"""Lines of synapses as the interpreter goes through them: where a row or column lies, read and written back.

A line's variables are those of a row as they are held, or a column's copied together. Traces along a line differ from
synapse to synapse, those across it are one number each: in a row the target's and the source's, in a column the other
way round. A sparse connection has lines of those synapses that exist, with the numbers of the neurons along them beside.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from neuroalign.sim.emulator.plastic_tables import ACROSS, SOURCE_TRACE, TARGET_TRACE, VALUES


class Place(NamedTuple):
    """A line: number ``index`` of the rows or columns, and the traces along and across it.

    Of a sparse connection: ``ids`` are the neurons along the line, ``places`` the synapses of a column.
    """

    index: Any
    by_column: Any
    sparse: Any
    size: Any
    first: Any
    stride: Any
    ids: Any
    places: Any
    along: Any
    along_count: Any
    along_size: Any
    across: Any
    across_count: Any
    across_size: Any
    across_kind: Any
    at_source: Any
    at_target: Any


@numba.njit(inline="always")
def place_of(index: Any, by_column: Any, connection: Any, tables: Any, s: Any) -> Any:
    sources, targets = connection.sources, connection.targets
    x, y = s.x[connection.x :], s.y[connection.y :]
    sparse = connection.sparse != 0
    ids = places = tables.lists[:0]
    if by_column:
        size, first, stride = sources, index, connection.pitch
        if sparse:
            first = np.int64(tables.lists[connection.column_starts + index])
            end = np.int64(tables.lists[connection.column_starts + index + 1])
            ids = tables.lists[connection.column_sources + first : connection.column_sources + end]
            places = tables.lists[connection.column_places + first : connection.column_places + end]
            size, first = end - first, 0
        at_target = np.int64(s.spiked_at[connection.target_spikes + index])
        return Place(
            index, by_column, sparse, size, first, stride, ids, places, x, 2, sources, y, 3, targets, TARGET_TRACE, 0,
            at_target,
        )  # fmt: skip
    size, first = targets, index * connection.pitch
    if sparse:
        first = np.int64(tables.lists[connection.rows + index])
        end = np.int64(tables.lists[connection.rows + index + 1])
        ids = tables.lists[connection.row_targets + first : connection.row_targets + end]
        size = end - first
    # in a row of an epoch of several steps, each target has its own time
    at_source = np.int64(s.spiked_at[connection.source_spikes + index])
    at_target = np.int64(1 if connection.t_epoch == 1 else -1)
    return Place(
        index, by_column, sparse, size, first, 1, ids, places, y, 3, targets, x, 2, sources, SOURCE_TRACE, at_source,
        at_target,
    )  # fmt: skip


@numba.njit(inline="always")
def held_line(c: Any, v: Any, place: Any, tables: Any, s: Any) -> Any:
    """A line of a variable as it is held; of a column a copy."""
    if place.by_column:
        return s.column[v, : place.size]
    first = tables.variables[3 * c + v].first + place.first
    return s.values[first : first + place.size]


@numba.njit(inline="always")
def load(c: Any, connection: Any, place: Any, any_target: Any, tables: Any, s: Any) -> None:
    """Copy a column's variables, variables that factors read, and the traces across at the targets' last spikes."""
    size = place.size
    for v in range(3):
        variable = tables.variables[3 * c + v]
        if variable.first < 0:
            continue
        held = held_line(c, v, place, tables, s)
        if place.by_column and (connection.reads_synapse or variable.product < variable.product_end):
            values = s.values[variable.first + place.first :]
            for k in range(size):
                held[k] = values[np.int64(place.places[k]) if place.sparse else k * place.stride]
        if connection.reads_synapse:
            line = s.lines[VALUES + v, :size]
            for k in range(size):
                line[k] = held[k]
    if place.at_target < 0 and any_target:
        for n in range(place.across_count):
            for k in range(size):
                target = np.int64(place.ids[k]) if place.sparse else k
                at = s.spiked_at[connection.target_spikes + target]
                s.lines[ACROSS + n, k] = place.across[(at * place.across_count + n) * place.across_size + place.index]


@numba.njit(inline="always")
def store_column(c: Any, v: Any, connection: Any, place: Any, tables: Any, s: Any) -> None:
    """Write a column back and count what was limited, but for what it shares with rows that have been run."""
    variable, new = tables.variables[3 * c + v], s.column[v, : place.size]
    first = variable.first + place.first
    for k in range(place.size):
        source = np.int64(place.ids[k]) if place.sparse else k
        if connection.gated == 0 or s.spiked_at[connection.source_spikes + source] == 0:
            s.values[first + (np.int64(place.places[k]) if place.sparse else k * place.stride)] = new[k]
            s.limited[c, v] += s.marks[k] != 0
            s.status[c, 1] |= variable.restless == new[k]
