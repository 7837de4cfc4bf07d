"""Arrays in blocks of rows: large ones need not lie in memory, nor a second time while they are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neuroalign.chip import Numbers

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
