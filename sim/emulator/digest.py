"""What tells two runs apart: a digest of anything made of dataclasses, arrays, texts and numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from neuroalign.sim.emulator.blocks import row_blocks


def digest(value: Any) -> str:
    """32 hexadecimal digits that differ where values do: arrays by type, shape and content, dataclasses by class."""
    into = hashlib.blake2b(digest_size=16)
    _feed(into, value)
    return into.hexdigest()


def _feed(into: Any, value: Any) -> None:
    if value is None or isinstance(value, bool | int | float | str | np.generic):
        into.update(f"{type(value).__name__}:{value!r};".encode())
    elif is_dataclass(value) and not isinstance(value, type):
        into.update(f"class {type(value).__name__};".encode())
        for field in fields(value):
            into.update(f"{field.name}=".encode())
            _feed(into, getattr(value, field.name))
    elif isinstance(value, Mapping):
        into.update(f"mapping {len(value)};".encode())
        for key in sorted(value, key=repr):
            _feed(into, key)
            _feed(into, value[key])
    elif hasattr(value, "shape") and hasattr(value, "dtype"):
        _feed_array(into, value)
    elif isinstance(value, Sequence | range):
        into.update(f"sequence {len(value)};".encode())
        for entry in value:
            _feed(into, entry)
    else:
        raise TypeError(f"a {type(value).__name__} has no digest")


def _feed_array(into: Any, array: Any) -> None:
    into.update(f"array {np.dtype(array.dtype).str} {tuple(array.shape)};".encode())
    if len(array.shape) == 0:
        into.update(np.asarray(array).tobytes())
        return
    for _, block in row_blocks(array):
        into.update(np.ascontiguousarray(block).data)
