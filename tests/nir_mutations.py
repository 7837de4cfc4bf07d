"""Random damage to NIR files: bytes flipped or cut off, and members of the file replaced, removed or linked elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Rng = np.random.Generator
VALUES: tuple[Any, ...] = (
    np.nan, np.inf, -np.inf, 0.0, -1.0, 1e308, 5e-324, 2**63 - 1, -(2**31), "", "LIF", "NIRGraph", "\u2603" * 40,
    b"\xff\xfe", True, h5py.Empty("f8"), np.zeros(0), np.zeros((0, 3)), np.zeros((2, 0)), np.ones((1, 1, 1, 1)),
    np.arange(6), np.array([1, -1]), np.full(3, np.nan), np.array(["a", "b"], dtype="S1"), np.ones(3, dtype=complex),
    np.float16(1e-8), np.array([2**40, 2**40]), np.arange(4, dtype=np.uint8),
)  # fmt: skip


def mutate(source: Path, target: Path, seed: int) -> str:
    """Write ``source`` damaged as ``seed`` says to ``target``; gives what was done."""
    rng = np.random.default_rng(seed)
    content = source.read_bytes()
    if rng.random() < 0.3:
        target.write_bytes(_bytes(content, rng))
        return "bytes"
    target.write_bytes(content)
    done = []
    with h5py.File(target, "a") as file:
        for _ in range(int(rng.integers(1, 4))):
            change = CHANGES[int(rng.integers(len(CHANGES)))]
            with suppress(
                OSError, ValueError, TypeError, KeyError, IndexError, MemoryError, RuntimeWarning
            ):  # damage upon damage that HDF5 does not take
                done.append(change(file, rng))
    return ", ".join(done)


def _bytes(content: bytes, rng: Rng) -> bytes:
    if rng.random() < 0.3:
        return content[: int(rng.integers(len(content)))]
    damaged = bytearray(content)
    for _ in range(int(rng.integers(1, 30))):
        damaged[int(rng.integers(len(damaged)))] = int(rng.integers(256))
    return bytes(damaged)


def _members(file: h5py.File) -> list[str]:
    names: list[str] = []
    file.visit(names.append)
    return names


def _pick(file: h5py.File, rng: Rng) -> str:
    names = _members(file) or ["/"]
    return names[int(rng.integers(len(names)))]


def _replaced(file: h5py.File, rng: Rng) -> str:
    name, value = _pick(file, rng), VALUES[int(rng.integers(len(VALUES)))]
    if name in file:
        del file[name]
    file[name] = value
    return f"{name} := {str(value)[:20]}"


def _one_value(file: h5py.File, rng: Rng) -> str:
    name = _pick(file, rng)
    item = file[name]
    if not isinstance(item, h5py.Dataset) or not item.size or item.dtype.kind not in "iuf":
        return _replaced(file, rng)
    values = item[()].ravel() if item.shape else np.array([item[()]])
    odd = (np.nan, np.inf, 0, -1, 1e9)[int(rng.integers(5))] if values.dtype.kind == "f" else 0
    values[int(rng.integers(values.size))] = odd
    item[...] = values.reshape(item.shape)
    return f"one value of {name}"


def _reshaped(file: h5py.File, rng: Rng) -> str:
    name = _pick(file, rng)
    item = file[name]
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "iuf" or not item.shape:
        return _replaced(file, rng)
    values = item[()]
    del file[name]
    file[name] = (values[..., None], values.ravel()[:-1], values[None], values.astype(np.int8), values.T)[
        int(rng.integers(5))
    ]
    return f"{name} reshaped"


def _huge(file: h5py.File, rng: Rng) -> str:
    name = _pick(file, rng)
    if name in file:
        del file[name]
    shape = ((2**40,), (2**20, 2**20), (1, 2**33))[int(rng.integers(3))]
    file.create_dataset(name, shape=shape, dtype="f4", chunks=(1,) * (len(shape) - 1) + (1024,))
    return f"{name} huge"


def _removed(file: h5py.File, rng: Rng) -> str:
    name = _pick(file, rng)
    if name in file:
        del file[name]
    return f"{name} removed"


def _linked(file: h5py.File, rng: Rng) -> str:
    name = _pick(file, rng)
    links = (
        h5py.ExternalLink("/etc/passwd", "/node"),
        h5py.SoftLink("/node"),
        h5py.SoftLink("/nowhere"),
        h5py.SoftLink(f"/{name}"),
    )
    if name in file:
        del file[name]
    file[name] = links[int(rng.integers(len(links)))]
    return f"{name} linked"


def _cyclic(file: h5py.File, rng: Rng) -> str:
    groups = [n for n in _members(file) if isinstance(file.get(n), h5py.Group)]
    if not groups:
        return "nothing"
    group = groups[int(rng.integers(len(groups)))]
    file[group]["again"] = file["/" if rng.random() < 0.5 else group]
    return f"{group} holds itself"


def _renamed(file: h5py.File, rng: Rng) -> str:
    name = _pick(file, rng)
    if name not in file:
        return "nothing"
    parent = name.rpartition("/")[0]
    free = f"{parent}/{('a/b', 'x' * 300, '..', 'type2', 'ü b')[int(rng.integers(5))]}"
    if free not in file:
        file.move(name, free)
    return f"{name} renamed"


def _nested(file: h5py.File, rng: Rng) -> str:
    group: Any = file["node/nodes"] if "node/nodes" in file and isinstance(file["node/nodes"], h5py.Group) else file
    for _ in range(int(rng.integers(1, 60))):
        group = group.require_group("deep")
        group["type"] = "NIRGraph" if "type" not in group else "x"
        group = group.require_group("nodes")
    return "deeply nested"


def _edges(file: h5py.File, rng: Rng) -> str:
    item = file.get("node/edges")
    if not isinstance(item, h5py.Dataset) or item.ndim != 2 or not len(item):
        return "nothing"
    pairs = [[str(end, "utf-8") if isinstance(end, bytes) else str(end) for end in row] for row in item[()].tolist()]
    names = sorted({end for row in pairs for end in row})
    for _ in range(int(rng.integers(1, 4))):
        kind, row = int(rng.integers(4)), int(rng.integers(len(pairs)))
        if kind == 0:
            pairs[row] = [names[int(k)] for k in rng.integers(len(names), size=2)]
        elif kind == 1:
            pairs.append([names[int(k)] for k in rng.integers(len(names), size=2)])
        elif kind == 2 and len(pairs) > 1:
            pairs.pop(row)
        else:
            pairs[row % len(pairs)][int(rng.integers(2))] = "nobody"
    del file["node/edges"]
    file["node"].create_dataset("edges", data=pairs, dtype=h5py.string_dtype())
    return "edges"


def _copied(file: h5py.File, rng: Rng) -> str:
    """A member under another's name, so that types and fields no longer fit."""
    first, second = _pick(file, rng), _pick(file, rng)
    if first in file and second in file and not second.startswith(first) and not first.startswith(second):
        del file[second]
        file.copy(first, second)
    return f"{first} copied to {second}"


CHANGES: tuple[Callable[[h5py.File, Rng], str], ...] = (
    _replaced, _replaced, _one_value, _one_value, _reshaped, _huge, _removed, _linked, _cyclic, _renamed, _nested, _edges, _edges, _copied, _copied,
)  # fmt: skip
