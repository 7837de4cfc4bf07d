"""Values of a .net file, checked: a file from elsewhere may hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuroalign.errors import FileFormatError
from neuroalign.export.hdf5 import Tree
from neuroalign.export.netx_weights import Integers


def group(where: str, layer: Tree, key: str) -> Tree:
    found = layer.get(key)
    if not isinstance(found, dict):
        raise FileFormatError(f"{where} has no group {key!r}; export the network again")
    return found


def text(where: str, layer: Tree, key: str) -> str:
    found = layer.get(key)
    if isinstance(found, np.ndarray) and found.size and found.dtype.kind == "O":
        found = found.ravel()[0]
    if not isinstance(found, str):
        raise FileFormatError(f"{where} has no {key!r}; export the network again")
    return found


def integers(where: str, layer: Mapping[str, Any], key: str) -> Integers:
    """Whole numbers; lava-dl cuts fractions off, and so does this."""
    values = layer.get(key)
    if isinstance(values, int | np.integer):
        return np.array(values, dtype=np.int64)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise FileFormatError(f"{where}: {key} is missing or holds no finite numbers; export the network again")
    if (np.abs(values) >= 1 << 31).any():
        raise FileFormatError(f"{where}: {key} reaches {np.abs(values).max():g}; 32 bits hold what a chip takes")
    return values.astype(np.int64)


def number(where: str, layer: Tree, key: str) -> float:
    values = layer.get(key)
    if not isinstance(values, np.ndarray) or values.size != 1 or values.dtype.kind not in "biuf":
        raise FileFormatError(f"{where}: {key} is missing or no single number; export the network again")
    found = float(values.ravel()[0])
    if not np.isfinite(found) or abs(found) >= 1 << 31:
        raise FileFormatError(f"{where}: {key} is {found:g}; a finite number is needed")
    return found


def per_neuron(where: str, neuron: Mapping[str, Any], key: str, size: int) -> Integers:
    values = integers(where, neuron, key)
    if values.size not in (1, size):
        raise FileFormatError(f"{where}: {key} has shape {values.shape}; one number, or one a neuron, is needed")
    return np.broadcast_to(values.ravel(), (size,)).copy() if values.size == 1 else values.ravel()


def pair(where: str, layer: Tree, key: str) -> tuple[int, int]:
    values = integers(where, layer, key).ravel()
    if values.size not in (1, 2):
        raise FileFormatError(f"{where}: {key} has {values.size} numbers; (rows, columns) are needed")
    return int(values[0]), int(values[-1])


def shape_of(where: str, layer: Tree) -> tuple[int, ...]:
    values = integers(where, layer, "shape").ravel()
    if not 1 <= values.size <= 3 or (values < 1).any() or float(np.prod(values.astype(float))) >= 1 << 31:
        raise FileFormatError(f"{where}: shape is {values.tolist()}; (channels, rows, columns) is needed")
    return tuple(int(n) for n in values)
