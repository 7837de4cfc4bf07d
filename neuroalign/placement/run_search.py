"""The longest runs of large sparse populations, in a compiled loop: synapse by synapse, without sorting.

It counts what :mod:`neuroalign.placement.layouts` measures, while neurons are added one by one; the run it finds is
measured there in the end, so that an error here could cost cores but never a limit.
"""

from __future__ import annotations

from collections.abc import Mapping

import numba
import numpy as np

from neuroalign.placement.capacity import IN_SLOTS, NEURONS, OUT_SLOTS, WORDS
from neuroalign.placement.layouts import Indices, SparseRows
from neuroalign.placement.packing import LARGEST_BASE, NO_PACKING, EntryScheme, entry_words

MOST_NEURONS = 1 << 14
"""Neurons of a run at most: tables of words reach so far."""
COUNT, FIRST, LAST, HELD = range(4)
"""Rows of what is known of each axon: synapses, first and last compartment, words."""


class RunSearch:
    """Finds runs of one population.

    Parameters
    ----------
    rows : connections
        Everything that enters the population.
    slots : (connections,)
        Slots of the input map that an axon of each takes.
    out_slots : (N,)
        Slots of the output map that each neuron takes.
    neurons
        Most neurons of a run.
    """

    def __init__(self, rows: list[SparseRows], slots: list[int], out_slots: Indices, neurons: int):
        self._source, self._offsets = _joined(rows)
        axons = [r.sources for r in rows]
        self._group = np.repeat(np.arange(len(rows), dtype=np.int64), axons)
        self._slots = np.repeat(np.array(slots, dtype=np.int64), axons)
        self._out = out_slots
        self._most = min(neurons, MOST_NEURONS, out_slots.size)
        schemes = [_tables(r, self._most) for r in rows]
        self._ends = np.array(_index_ends(rows[0].format.scheme), dtype=np.int64)
        self._sparse = np.stack([s for s, _ in schemes])
        self._dense = np.stack([d for _, d in schemes])
        self._learning = np.array([r.format.learning for r in rows])
        self._seen = np.full(self._group.size, -1, dtype=np.int64)
        self._state = np.zeros((4, self._group.size), dtype=np.int64)
        self._touched = np.zeros(self._group.size, dtype=np.int64)

        self._mark = -1

    def stop(self, start: int, bounds: Mapping[str, int]) -> int:
        """Where the longest run from neuron ``start`` ends, by what is counted here; at least one neuron behind it."""
        limits = np.array([bounds.get(name, NO_PACKING) for name in (IN_SLOTS, WORDS, OUT_SLOTS)], dtype=np.int64)
        most = min(self._most, max(bounds[NEURONS], 1))
        tables = (self._ends, self._sparse, self._dense, self._learning, self._group, self._slots, self._out)
        scratch = (self._seen, self._state, self._touched)
        self._mark += 1
        return int(_longest(start, most, self._mark, limits, self._source, self._offsets, tables, scratch))


def _joined(rows: list[SparseRows]) -> tuple[Indices, Indices]:
    """All synapses as those of one connection, whose axons are numbered one connection after another."""
    if len(rows) == 1:
        return rows[0].source, rows[0].offsets
    offsets = np.sum([r.offsets for r in rows], axis=0)
    source = np.empty(int(offsets[-1]), dtype=np.int64)
    first, taken = 0, offsets[:-1].copy()
    for r in rows:
        fan_in = np.diff(r.offsets)
        places = np.arange(r.source.size) + np.repeat(taken - r.offsets[:-1], fan_in)
        source[places] = r.source + first
        taken += fan_in
        first += r.sources
    return source, offsets


def _index_ends(scheme: EntryScheme) -> list[int]:
    """First compartment that an index of each width does not reach."""
    return [1 << width for width in scheme.index_bits]


def _tables(rows: SparseRows, most: int) -> tuple[Indices, Indices]:
    """Words of axons with so many synapses: sparse, by the width of the index, and dense."""
    form, count = rows.format, np.arange(most + 1)
    none = np.full(most + 1, NO_PACKING, dtype=np.int64)
    sparse = [
        entry_words(count, form.bits + width, form.scheme) if form.scheme.sparse else none
        for width in form.scheme.index_bits
    ]
    dense = entry_words(count, form.bits, form.scheme) if form.scheme.dense else none
    return np.stack([*sparse, none]), dense


@numba.njit(cache=True)
def _words(axon, run, width, tables, state):  # type: ignore[no-untyped-def]
    """Words of an axon as it is now."""
    _, sparse, dense, learning, group, _, _ = tables
    packed = sparse[group[axon], width, state[COUNT, axon]]
    if learning[group[axon]] and run != state[COUNT, axon]:
        return packed
    return min(packed, dense[group[axon], run])


@numba.njit(cache=True)
def _widened(wanted, width, touched, tables, state):  # type: ignore[no-untyped-def]
    """Words that the axons of a connection take more once their indices are of another width."""
    group, more = tables[4], 0
    for axon in touched:
        if group[axon] == wanted:
            run = state[LAST, axon] - min(state[FIRST, axon], LARGEST_BASE) + 1
            now = _words(axon, run, width, tables, state)
            more += now - state[HELD, axon]
            state[HELD, axon] = now
    return more


@numba.njit(cache=True)
def _longest(start, most, mark, limits, source, offsets, tables, scratch):  # type: ignore[no-untyped-def]
    """Adds neurons until a bound is passed; returns the first neuron that is too much."""
    ends, _, _, _, group, slots, out = tables
    seen, state, touched = scratch
    used, bounds, number = np.zeros(3, dtype=np.int64), limits.copy(), 0
    widths = np.zeros(tables[1].shape[0], dtype=np.int64)
    for target in range(start, min(start + most, out.size)):
        place = target - start
        for k in range(offsets[target], offsets[target + 1]):
            axon = source[k]
            width = widths[group[axon]]
            while width < ends.size and place >= ends[width]:
                width += 1
            if width != widths[group[axon]]:
                widths[group[axon]] = width
                used[1] += _widened(group[axon], width, touched[:number], tables, state)
            if seen[axon] != mark:
                seen[axon], touched[number] = mark, axon
                number += 1
                state[COUNT, axon], state[FIRST, axon], state[HELD, axon] = 0, place, 0
                used[0] += slots[axon]
            state[COUNT, axon] += 1
            state[LAST, axon] = place
            now = _words(axon, place - min(state[FIRST, axon], LARGEST_BASE) + 1, width, tables, state)
            used[1] += now - state[HELD, axon]
            state[HELD, axon] = now
        used[2] += out[target]
        if target == start:
            # What one neuron alone exceeds cannot be mended by cutting.
            bounds = np.maximum(bounds, used)
        elif (used > bounds).any():
            return target
    return min(start + most, out.size)
