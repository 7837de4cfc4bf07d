"""CIFAR-10 (Krizhevsky 2009), as binary or as Python batches.

Binary: records of one label and 3072 bytes (red, green, blue plane of 32 x 32), ``data_batch_1.bin`` .. ``test_batch.bin``.
Python: pickles of a dict with ``data`` (N, 3072) and ``labels``. Unpickling runs what a file asks for, so only numpy's own
functions that make an array of unsigned bytes are known here; a file that names anything else is refused.
"""

from __future__ import annotations

import codecs
import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.datasets.images import Images
from neuroalign.datasets.reading import first_existing, read_bytes, require_folder
from neuroalign.errors import FileFormatError, InputError

PIXELS = 3072
HOW = (
    "fetch cifar-10-binary.tar.gz or cifar-10-python.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it, and "
    "give the folder as --data cifar10=FOLDER"
)
TRAIN, TEST = tuple(f"data_batch_{k}" for k in range(1, 6)), "test_batch"


def load_cifar10(folder: Path | None = None) -> Images:
    """CIFAR-10, pixels divided by 255, from the folder that its archive unpacks to.

    Raises
    ------
    InputError
        If the folder or one of the files is missing.
    FileFormatError
        If a file is no batch of CIFAR-10.
    """
    if folder is None:
        raise InputError(f"cifar10: its files do not ship with this package; {HOW}")
    require_folder(folder, "cifar10", HOW)
    parts = [_batch(folder, name) for name in (*TRAIN, TEST)]
    train, test = parts[:-1], parts[-1]
    pixels, labels = (np.concatenate(arrays) for arrays in zip(*train, strict=True))
    return Images("cifar10", _scaled(pixels), labels.astype(np.int64), _scaled(test[0]), test[1].astype(np.int64))


def read_binary_batch(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pixels (N, 3072) and labels (N,) of a binary batch (FileFormatError if its length is no number of records)."""
    content = read_bytes(path)
    if not content or len(content) % (PIXELS + 1):
        raise FileFormatError(
            f"{path}: {len(content)} bytes are no whole number of records of {PIXELS + 1}; fetch the file again"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, PIXELS + 1)
    return records[:, 1:], records[:, 0]


def read_python_batch(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The same of a Python batch (FileFormatError if it asks for anything but such arrays)."""
    content = read_bytes(path)
    try:
        found = _Unpickler(io.BytesIO(content)).load()
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from error
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise FileFormatError(
            f"{path}: no Python batch of CIFAR-10 ({type(error).__name__}); fetch it again"
        ) from error
    entries = {_text(key): value for key, value in found.items()} if isinstance(found, Mapping) else {}
    data, labels = entries.get("data"), entries.get("labels")
    if not (
        isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim == 2 and data.shape[1] == PIXELS
        and isinstance(labels, list) and len(labels) == len(data)
        and all(isinstance(label, int) and 0 <= label < 10 for label in labels)
    ):  # fmt: skip
        raise FileFormatError(
            f"{path}: needs 'data', unsigned bytes (N, {PIXELS}), and as many 'labels' of 0 to 9; fetch it again"
        )
    return data, np.array(labels, np.int64)


class _Unpickler(pickle.Unpickler):
    """Knows what an array of unsigned bytes is made of, and nothing else."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, encoding="bytes")

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): _plain_dtype,
            ("_codecs", "encode"): _encode,
        }
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return _reconstruct
        if (module, name) not in known:
            raise FileFormatError(f"asks for {module}.{name}, which no batch of CIFAR-10 does; do not use this file")
        return known[module, name]


def _reconstruct(kind: Any, shape: Any, code: Any) -> NDArray[np.uint8]:
    """An empty array, whatever is asked for; its state gives it shape and bytes."""
    return np.ndarray.__new__(np.ndarray, (0,), np.uint8)


def _plain_dtype(code: Any, *options: Any) -> np.dtype[Any]:
    if _text(code) not in ("u1", "|u1"):
        raise FileFormatError(f"has an array of {code!r}; unsigned bytes are needed")
    return np.dtype(np.uint8, copy=True)  # its state will be set, and the original is shared by all arrays


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """How protocol 2 writes bytes."""
    if not isinstance(text, str) or _text(encoding) not in ("latin1", "latin-1"):
        raise FileFormatError("encodes text in a way that no batch of CIFAR-10 does; do not use this file")
    return codecs.encode(text, "latin-1")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _batch(folder: Path, name: str) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    path = first_existing(folder, f"{name}.bin", name)
    if path is None:
        raise InputError(f"cifar10: {folder} has neither {name}.bin nor {name}; {HOW}")
    return read_binary_batch(path) if path.suffix == ".bin" else read_python_batch(path)


def _scaled(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels.astype(np.float32) / np.float32(255)
