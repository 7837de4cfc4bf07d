"""SVHN with cropped digits (Netzer et al. 2011): ``train_32x32.mat`` and ``test_32x32.mat``, MATLAB files of version 5.

Such a file is a header of 128 bytes and elements ``type, bytes, content``, those of 4 bytes or less packed into 8; type 15
is another element compressed with zlib, type 14 an array: flags, sizes, name and values, in column order. ``X`` holds
images (32, 32, 3, N) as unsigned bytes, ``y`` labels (N, 1) where 10 stands for the digit 0.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuroalign.datasets.images import Images
from neuroalign.datasets.reading import MOST_BYTES, first_existing, read_bytes, require_folder
from neuroalign.errors import FileFormatError, InputError

HOW = (
    "fetch train_32x32.mat and test_32x32.mat from http://ufldl.stanford.edu/housenumbers, and give their folder as "
    "--data svhn=FOLDER"
)
HEADER = 128
COMPRESSED, MATRIX = 15, 14
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}
"""Numbers of a MATLAB file, by type."""


def load_svhn(folder: Path | None = None) -> Images:
    """SVHN, pixels divided by 255 in the order (channel, row, column).

    Raises
    ------
    InputError
        If the folder or one of the files is missing.
    FileFormatError
        If a file is no such MATLAB file.
    """
    if folder is None:
        raise InputError(f"svhn: its files do not ship with this package; {HOW}")
    require_folder(folder, "svhn", HOW)
    splits = []
    for name in ("train_32x32.mat", "test_32x32.mat"):
        path = first_existing(folder, name)
        if path is None:
            raise InputError(f"svhn: {folder} has no {name}; {HOW}")
        splits.append(read_split(path))
    (train, train_labels), (test, test_labels) = splits
    return Images("svhn", train, train_labels, test, test_labels)


def read_split(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Pixels (N, 3072) and labels (N,) of one file."""
    arrays = read_matlab(path)
    images, labels = arrays.get("X"), arrays.get("y")
    if (
        images is None
        or labels is None
        or images.ndim != 4
        or images.shape[:3] != (32, 32, 3)
        or images.dtype.kind != "u"
    ):
        shape = "none" if images is None else " x ".join(map(str, images.shape))
        raise FileFormatError(f"{path}: needs X, unsigned bytes 32 x 32 x 3 x N (it is {shape}), and y; fetch it again")
    found = labels.ravel().astype(np.int64)
    if found.size and not (found.min() >= 1 and found.max() <= 10):
        raise FileFormatError(f"{path}: labels are {found.min()} to {found.max()}; SVHN has 1 to 10; fetch it again")
    flat = images.transpose(3, 2, 0, 1).reshape(images.shape[3], -1)
    return flat.astype(np.float32) / np.float32(255), found % 10


def read_matlab(path: Path) -> dict[str, NDArray[np.generic]]:
    """The real numeric arrays of a MATLAB file of version 5, by name.

    Raises
    ------
    FileFormatError
        If it is another file, or damaged.
    """
    content = read_bytes(path)
    if (
        len(content) < HEADER
        or not content.startswith(b"MATLAB 5.0 MAT-file")
        or content[126:128] not in (b"IM", b"MI")
    ):
        raise FileFormatError(f"{path}: no MATLAB file of version 5; fetch the original file")
    order = "<" if content[126:128] == b"IM" else ">"
    found = {}
    try:
        for kind, body in _elements(content[HEADER:], order):
            if kind == COMPRESSED:
                ((kind, body),) = _elements(_inflated(body), order)
            if kind == MATRIX:
                name, array = _matrix(body, order)
                found[name] = array
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}; fetch it again") from error
    except (ValueError, struct.error, zlib.error, KeyError, IndexError) as error:
        raise FileFormatError(f"{path}: damaged ({type(error).__name__}); fetch it again") from error
    return found


def _inflated(body: bytes) -> bytes:
    engine = zlib.decompressobj()
    content = engine.decompress(body, MOST_BYTES)
    if not engine.eof:
        raise FileFormatError("compressed data end early, or are larger than any known data set")
    return content


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """(type, content) of one element after the other."""
    at = 0
    while at < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, at)
        if kind >> 16:  # a small one: size and type share four bytes, and the content follows at once
            size, kind = kind >> 16, kind & 0xFFFF
            start, step = at + 4, 8
            if size > 4:
                raise FileFormatError(f"a small element of {size} bytes")
        else:
            start = at + 8
            step = 8 + (size if kind == COMPRESSED else -(-size // 8) * 8)
        if start + size > len(content):
            raise FileFormatError("an element ends after the end of the file")
        yield kind, content[start : start + size]
        at += step


def _matrix(body: bytes, order: str) -> tuple[str, NDArray[np.generic]]:
    parts = list(_elements(body, order))
    if len(parts) < 4:
        raise FileFormatError("an array without values")
    (_, flags), (_, sizes), (_, name), (kind, values) = parts[:4]
    if flags[:4] and struct.unpack(f"{order}I", flags[:4])[0] & 0x800:
        raise FileFormatError("an array of complex numbers")
    if kind not in TYPES:
        raise FileFormatError(f"an array of type {kind}, which holds no numbers")
    shape = struct.unpack(f"{order}{len(sizes) // 4}i", sizes)
    return name.decode("latin-1"), np.frombuffer(values, order + TYPES[kind]).reshape(shape, order="F")
