"""Arrays in blocks of rows: large ones need not lie in memory, nor a second time while they are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, Numbers

BLOCK_BYTES = 4 << 20
"""Size of a block, as int64: large against the cost of reading one, small against the arrays that need blocks."""


def row_blocks(array: Any) -> Iterator[tuple[int, Numbers]]:
    """First row and content of blocks of consecutive rows that together are ``array``.

    Parameters
    ----------
    array
        Anything with ``shape``, ``dtype`` and slices by row, of one dimension or more: a numpy array, a memory map, or
        an array in a file.
    """
    row_bytes = 8 * int(np.prod(array.shape[1:], dtype=np.int64))
    rows = max(1, BLOCK_BYTES // max(row_bytes, 1))
    for first in range(0, array.shape[0], rows):
        yield first, np.asarray(array[first : first + rows])


def extent(array: Any) -> tuple[Any, Any]:
    """Smallest and largest value of ``array``, and 0 between them: (0, 0) of none."""
    ends = [(block.min(initial=0), block.max(initial=0)) for _, block in row_blocks(array)]
    return min((low for low, _ in ends), default=0), max((high for _, high in ends), default=0)


def narrowed(array: Any) -> Numbers:
    """``array`` in memory: itself where it lies there, else read in blocks, integers into 16 bits where these hold all."""
    if isinstance(array, np.ndarray):
        return array
    low, high = extent(array)
    narrow = array.dtype.kind in "iu" and -(1 << 15) <= low <= high < 1 << 15
    held = np.empty(array.shape, dtype=np.int16 if narrow else array.dtype)
    for first, block in row_blocks(array):
        held[first : first + len(block)] = block
    return held


def in_memory(network: ChipNetwork) -> ChipNetwork:
    """The network with weights and tags that lie elsewhere as numpy arrays."""

    def loaded(c: ChipConnection) -> ChipConnection:
        plasticity = c.plasticity
        if plasticity is not None and not isinstance(plasticity.tag, np.ndarray):
            plasticity = replace(plasticity, tag=narrowed(plasticity.tag))
        if plasticity is c.plasticity and isinstance(c.weight, np.ndarray):
            return c
        return replace(c, weight=narrowed(c.weight), plasticity=plasticity)

    return replace(network, connections=tuple(loaded(c) for c in network.connections))
