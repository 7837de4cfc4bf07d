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
from neuroalign.placement.packing import LARGEST_BASE, NO_PACKING, entry_words

MOST_NEURONS = 1 << 14
"""Neurons of a run at most: tables of words reach so far."""
SEEN, COUNT, FIRST, LAST, HELD, GROUP, SLOTS, WIDTH = range(8)
"""What is known of each axon, in one cache line: the run that it was last seen in, its synapses there, their first and
last compartment and the words they take; its connection, and its slots."""


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
        self._out = np.ascontiguousarray(out_slots, dtype=np.int64)
        self._most = min(neurons, MOST_NEURONS, out_slots.size)
        schemes = [_tables(r, self._most) for r in rows]
        ends = np.array([1 << width for width in rows[0].format.scheme.index_bits], dtype=np.int64)
        learning = np.array([r.format.learning for r in rows])
        self._tables = ends, np.stack([s for s, _ in schemes]), np.stack([d for _, d in schemes]), learning
        axons = [r.sources for r in rows]
        self._axons = np.zeros((sum(axons), WIDTH), dtype=np.int64)
        self._axons[:, SEEN] = -1
        self._axons[:, GROUP] = np.repeat(np.arange(len(rows)), axons)
        self._axons[:, SLOTS] = np.repeat(np.array(slots), axons)
        self._touched = np.zeros(sum(axons), dtype=np.int64)
        self._mark = -1

    def stop(self, start: int, bounds: Mapping[str, int]) -> int:
        """Where the longest run from neuron ``start`` ends, by what is counted here; at least one neuron behind it."""
        limits = np.array([bounds.get(name, NO_PACKING) for name in (IN_SLOTS, WORDS, OUT_SLOTS)], dtype=np.int64)
        most = min(self._most, max(bounds[NEURONS], 1))
        self._mark += 1
        synapses = self._source, self._offsets, self._out
        return int(_longest(start, most, self._mark, limits, *synapses, self._tables, self._axons, self._touched))

    def stops(self, bounds: Mapping[str, int]) -> list[int]:
        """Where each run ends, one after another."""
        found: list[int] = []
        while not found or found[-1] < self._out.size:
            found.append(self.stop(found[-1] if found else 0, bounds))
        return found


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
def _words(row, width, sparse, dense, learning):  # type: ignore[no-untyped-def]
    """Words of an axon as it is now."""
    group, run = row[GROUP], row[LAST] - min(row[FIRST], LARGEST_BASE) + 1
    packed = sparse[group, width, row[COUNT]]
    if learning[group] and run != row[COUNT]:
        return packed
    return min(packed, dense[group, run])


@numba.njit(cache=True)
def _widened(wanted, width, touched, sparse, dense, learning, axons):  # type: ignore[no-untyped-def]
    """Words that the axons of a connection take more once their indices are of another width."""
    more = 0
    for axon in touched:
        row = axons[axon]
        if row[GROUP] == wanted:
            now = _words(row, width, sparse, dense, learning)
            more += now - row[HELD]
            row[HELD] = now
    return more


@numba.njit(cache=True)
def _longest(start, most, mark, limits, source, offsets, out, tables, axons, touched):  # type: ignore[no-untyped-def]
    """Adds neurons until a bound is passed; returns the first neuron that is too much."""
    ends, sparse, dense, learning = tables
    used, bounds, number = np.zeros(3, dtype=np.int64), limits.copy(), 0
    widths = np.zeros(sparse.shape[0], dtype=np.int64)
    for target in range(start, min(start + most, out.size)):
        place = target - start
        for k in range(offsets[target], offsets[target + 1]):
            row = axons[source[k]]
            group = row[GROUP]
            width = widths[group]
            while width < ends.size and place >= ends[width]:
                width += 1
            if width != widths[group]:
                widths[group] = width
                used[1] += _widened(group, width, touched[:number], sparse, dense, learning, axons)
            if row[SEEN] != mark:
                row[SEEN], touched[number] = mark, source[k]
                number += 1
                row[COUNT], row[FIRST], row[HELD] = 0, place, 0
                used[0] += row[SLOTS]
            row[COUNT] += 1
            row[LAST] = place
            now = _words(row, width, sparse, dense, learning)
            used[1] += now - row[HELD]
            row[HELD] = now
        used[2] += out[target]
        if target == start:
            # What one neuron alone exceeds cannot be mended by cutting.
            bounds = np.maximum(bounds, used)
        elif (used > bounds).any():
            return target
    return min(start + most, out.size)
