"""Text of variable length in an HDF5 file, looked at before the library does: damaged text makes it loop or take all memory.

Such text lies in heaps. A heap is a header of 16 bytes with its size, then objects: index (2 bytes), count (2), padding (4),
size (8), content padded to 8; the size of object 0 counts its own header. A dataset holds 16 bytes for each text: length
(4), address of the heap (8), index (4).
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np

_HEAP = b"GCOL\x01\x00\x00\x00"
_REFERENCE = 16
"""Bytes of a reference to a text."""


def heaps_end(path: Path) -> bool:
    """Whether walking every heap of variable-length text comes to an end.

    The HDF5 library (2.0 and before) loops for ever where a heap's free space, its object 0, claims to have no size.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = content.find(_HEAP)
        while 0 <= start < len(content) - 16:
            end = min(start + int.from_bytes(content[start + 8 : start + 16], "little"), len(content))
            at = start + 16
            while at + 16 <= end:
                index = int.from_bytes(content[at : at + 2], "little")
                size = int.from_bytes(content[at + 8 : at + 16], "little")
                if index == 0 and size == 0:
                    return False
                at += size if index == 0 else 16 + (size + 7) // 8 * 8
            start = content.find(_HEAP, max(start + 1, min(at, end)))
    return True


def longest_text(path: Path, dataset: Any) -> int:
    """Bytes that the longest text of a dataset claims; 0 where it is not stored in one piece.

    The library takes so much memory before it looks whether the heap holds as much.
    """
    offset = dataset.id.get_offset()
    count = int(dataset.size or 0)
    if offset is None or not count:
        return 0
    with path.open("rb") as stream:
        stream.seek(offset)
        stored = stream.read(_REFERENCE * count)
    lengths = np.frombuffer(stored[: len(stored) // _REFERENCE * _REFERENCE], dtype="<u4")[::4]
    return int(lengths.max(initial=0))
