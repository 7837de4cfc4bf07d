"""Synapses of sparse plastic connections as lists of places, in rows of one source and in columns of one target each.

Synapses are held in the order of their sources (then targets): what a source's spike changes lies side by side. The
pattern's own order, by target, is that of the columns; ``column_places`` leads from it to where a synapse is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, SparsePattern


def sparse_lists(connections: Sequence[ChipConnection], table: NDArray[Any]) -> NDArray[np.int32]:
    """All lists one after the other; fills in where they begin, in the rows of ``table``."""
    lists: list[NDArray[Any]] = [np.zeros(0)]
    end = 0
    for connection, row in zip(connections, table, strict=True):
        if not isinstance(connection.pattern, SparsePattern):
            continue
        row["sparse"], row["synapses"] = True, connection.pattern.target.size
        for name, entries in _lists(connection.pattern).items():
            row[name], end = end, end + entries.size
            lists.append(entries)
    return np.concatenate(lists).astype(np.int32)


def _lists(pattern: SparsePattern) -> dict[str, NDArray[Any]]:
    by_source = np.argsort(pattern.source, kind="stable")
    places = np.empty_like(by_source)
    places[by_source] = np.arange(by_source.size)
    return {
        "rows": np.searchsorted(pattern.source[by_source], np.arange(pattern.shape[1] + 1)),
        "row_targets": pattern.target[by_source],
        "column_starts": np.searchsorted(pattern.target, np.arange(pattern.shape[0] + 1)),
        "column_sources": pattern.source,
        "column_places": places,
    }


def places_held(lists: NDArray[np.int32], row: Any) -> NDArray[np.int32]:
    """Where the synapses of a sparse connection are held, in the pattern's order."""
    first = int(row["column_places"])
    return lists[first : first + int(row["synapses"])]
