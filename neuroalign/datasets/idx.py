"""IDX files, plain or gzipped: the format of MNIST and Fashion-MNIST.

A file is ``00 00 type dimensions``, the sizes as big-endian 32-bit integers, then the values; images and labels are
unsigned bytes (type 08). Fashion-MNIST: Xiao, Rasul, Vollgraf 2017 (arXiv 1708.07747), MIT licence.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuroalign.datasets.images import Images
from neuroalign.datasets.reading import first_existing, read_bytes, require_folder
from neuroalign.errors import FileFormatError, InputError

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
HOW = (
    "install Debian's package (apt-get install dataset-fashion-mnist), or fetch the four .gz files from "
    "https://github.com/zalandoresearch/fashion-mnist and give their folder as --data fashion-mnist=FOLDER"
)
UNSIGNED_BYTES = 8


def load_idx_folder(name: str, folder: Path | None = None) -> Images:
    """The four files of a data set like MNIST, pixels divided by 255.

    Parameters
    ----------
    folder
        None: where Debian's package puts Fashion-MNIST.

    Raises
    ------
    InputError
        If the folder or one of the files is missing, or images and labels do not fit each other.
    FileFormatError
        If a file is no IDX file of images or labels.
    """
    folder = folder or DEBIAN_FOLDER
    require_folder(folder, name, HOW)
    found = []
    for file in FILES:
        path = first_existing(folder, file, f"{file}.gz", file.replace("-idx", ".idx"))
        if path is None:
            raise InputError(f"{name}: {folder} has no {file}(.gz); {HOW}")
        found.append(read_idx(path, 3 if "images" in file else 1))
    train, train_labels, test, test_labels = found
    return Images(name, _flat(train), train_labels.astype(np.int64), _flat(test), test_labels.astype(np.int64))


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The unsigned bytes of an IDX file with that many dimensions (FileFormatError if it is another file)."""
    content = read_bytes(path)
    start = 4 + 4 * dimensions
    if content[:4] != bytes((0, 0, UNSIGNED_BYTES, dimensions)) or len(content) < start:
        raise FileFormatError(
            f"{path}: no IDX file of unsigned bytes with {dimensions} dimensions (it begins with {content[:4].hex() or 'nothing'}); "
            "take the original file"
        )
    sizes = struct.unpack(f">{dimensions}I", content[4:start])
    wanted = 1
    for size in sizes:
        wanted *= size
    if len(content) - start != wanted:
        shape = " x ".join(map(str, sizes))
        raise FileFormatError(
            f"{path}: {shape} values are announced, {len(content) - start} are there; the file is damaged, fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes)


def _flat(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    pixels = images.shape[1] * images.shape[2]
    return images.reshape(len(images), pixels).astype(np.float32) / np.float32(255)
