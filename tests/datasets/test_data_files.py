"""Readers of data set files, on small files made here: whole ones, damaged ones, hostile ones."""

from __future__ import annotations

import gzip
import os
import pickle
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.datasets import load_images
from neuroalign.datasets.cifar10 import read_binary_batch, read_python_batch
from neuroalign.datasets.idx import read_idx
from neuroalign.datasets.svhn import read_matlab, read_split
from neuroalign.errors import FileFormatError, InputError

Bytes = NDArray[np.uint8]


def idx(values: Bytes) -> bytes:
    return bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def idx_folder(folder: Path, *, compressed: bool) -> dict[str, Bytes]:
    rng = np.random.default_rng(0)
    parts = {}
    for split, count in (("train", 6), ("t10k", 3)):
        parts[f"{split}-images-idx3-ubyte"] = rng.integers(0, 256, (count, 4, 5)).astype(np.uint8)
        parts[f"{split}-labels-idx1-ubyte"] = rng.integers(0, 10, count).astype(np.uint8)
    for name, values in parts.items():
        path = folder / (f"{name}.gz" if compressed else name)
        path.write_bytes(gzip.compress(idx(values)) if compressed else idx(values))
    return parts


@pytest.mark.parametrize("compressed", [False, True])
def test_idx_files_are_read_plain_and_compressed(tmp_path: Path, compressed: bool) -> None:
    parts = idx_folder(tmp_path, compressed=compressed)
    data = load_images(f"fashion-mnist={tmp_path}")
    np.testing.assert_allclose(data.train[2], parts["train-images-idx3-ubyte"][2].ravel() / 255, rtol=1e-6)
    np.testing.assert_array_equal(data.test_labels, parts["t10k-labels-idx1-ubyte"])
    assert data.pixels == 20


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="apt-get install dataset-fashion-mnist"):
        load_images(f"fashion-mnist={tmp_path}")
    with pytest.raises(InputError, match=r"no folder .*apt-get install"):
        load_images(f"fashion-mnist={tmp_path / 'nowhere'}")
    for name in ("cifar10", "svhn"):
        with pytest.raises(InputError, match=f"--data {name}=FOLDER"):
            load_images(name)
        with pytest.raises(InputError, match=f"--data {name}=FOLDER"):
            load_images(f"{name}={tmp_path}")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00\x00", b"\x00\x00\x0d\x03" + bytes(12), idx(np.zeros((2, 3, 3), np.uint8))[:-1],
        idx(np.zeros((2, 3, 3), np.uint8)) + b"x", bytes((0, 0, 8, 3)) + b"\xff" * 12,
        idx(np.zeros(4, np.uint8)),
    ],
)  # fmt: skip
def test_damaged_idx_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        read_idx(path, 3)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_damaged_gzip_is_refused_in_one_line(tmp_path: Path) -> None:
    whole = gzip.compress(idx(np.zeros((2, 3, 3), np.uint8)))
    for name, content in (
        ("short.gz", whole[:-6]),
        ("other.gz", b"no gzip at all"),
        ("bits.gz", whole[:12] + b"\xff" * 20),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=name):
            read_idx(path, 3)


def cifar_batch(seed: int, count: int = 2) -> tuple[Bytes, Bytes]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 3072)).astype(np.uint8), rng.integers(0, 10, count).astype(np.uint8)


NAMES = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]


def test_cifar_binary_batches(tmp_path: Path) -> None:
    for seed, name in enumerate(NAMES):
        pixels, labels = cifar_batch(seed)
        (tmp_path / f"{name}.bin").write_bytes(np.hstack([labels[:, None], pixels]).tobytes())
    data = load_images(f"cifar10={tmp_path}")
    np.testing.assert_allclose(data.train[4], cifar_batch(2)[0][0] / 255, rtol=1e-6)
    np.testing.assert_array_equal(data.test_labels, cifar_batch(5)[1])


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_cifar_python_batches_of_protocols_up_to_4(tmp_path: Path, protocol: int) -> None:
    for seed, name in enumerate(NAMES):
        pixels, labels = cifar_batch(seed)
        batch = {b"batch_label": b"x", b"labels": labels.tolist(), b"data": pixels, b"filenames": [b"a", b"b"]}
        (tmp_path / name).write_bytes(pickle.dumps(batch, protocol=protocol))
    data = load_images(f"cifar10={tmp_path}")
    np.testing.assert_allclose(data.train[9], cifar_batch(4)[0][1] / 255, rtol=1e-6)
    np.testing.assert_array_equal(data.train_labels[:2], cifar_batch(0)[1])


class Runs:
    """Unpickling this runs a command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


def test_a_pickle_that_runs_something_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    path, mark = tmp_path / "data_batch_1", tmp_path / "it ran"
    for hostile in (Runs(mark), {"data": Runs(mark), "labels": []}, np.load, np.array([Runs(mark)], object)):
        path.write_bytes(pickle.dumps(hostile))
        with pytest.raises(FileFormatError) as caught:
            read_python_batch(path)
        assert "\n" not in str(caught.value)
        assert not mark.exists()


@pytest.mark.parametrize(
    "batch",
    [
        [], {"labels": [1]}, {"data": np.zeros((1, 3072), np.float64), "labels": [1]},
        {"data": np.zeros((1, 3071), np.uint8), "labels": [1]}, {"data": np.zeros((2, 3072), np.uint8), "labels": [1]},
        {"data": np.zeros((1, 3072), np.uint8), "labels": [11]}, {"data": np.zeros((1, 3072), np.uint8), "labels": ["1"]},
    ],
)  # fmt: skip
def test_pickles_of_something_else_are_refused(tmp_path: Path, batch: object) -> None:
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps(batch))
    with pytest.raises(FileFormatError, match="data_batch_1"):
        read_python_batch(path)


def test_damaged_pickles_and_records_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "data_batch_1"
    whole = pickle.dumps({"data": cifar_batch(0)[0], "labels": [1, 2]})
    for content in (b"", whole[:100], whole[50:], b"\x80\x04\x95" + b"\xff" * 30):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="data_batch_1"):
            read_python_batch(path)
    for content in (b"", b"\x00" * 3072):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="3073"):
            read_binary_batch(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_svhn_files_as_scipy_writes_them(tmp_path: Path, compressed: bool) -> None:
    io = pytest.importorskip("scipy.io", reason="scipy is not installed")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (32, 32, 3, 5)).astype(np.uint8)
    labels = np.array([[1], [10], [3], [9], [10]], np.uint8)
    for name in ("train_32x32.mat", "test_32x32.mat"):
        io.savemat(tmp_path / name, {"X": images, "y": labels}, do_compression=compressed)
    data = load_images(f"svhn={tmp_path}")
    assert data.train_labels.tolist() == [1, 0, 3, 9, 0]
    channel, row, column = 2, 5, 17
    expected = images[row, column, channel, 3] / 255
    assert data.train[3, channel * 1024 + row * 32 + column] == pytest.approx(expected, rel=1e-6)


def test_matlab_numbers_of_every_type(tmp_path: Path) -> None:
    io = pytest.importorskip("scipy.io", reason="scipy is not installed")
    arrays = {
        kind: np.arange(6).reshape(2, 3).astype(kind) for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8")
    }
    io.savemat(tmp_path / "all.mat", arrays)
    for name, array in read_matlab(tmp_path / "all.mat").items():
        np.testing.assert_array_equal(array, arrays[name])


def test_damaged_matlab_files_are_refused_in_one_line(tmp_path: Path) -> None:
    io = pytest.importorskip("scipy.io", reason="scipy is not installed")
    path = tmp_path / "train_32x32.mat"
    images, labels = np.ones((32, 32, 3, 2), np.uint8), np.array([[1], [2]], np.uint8)
    for compression in (False, True):
        io.savemat(path, {"X": images, "y": labels}, do_compression=compression)
        whole = path.read_bytes()
        for cut in (0, 100, 130, 140, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:cut])
            with pytest.raises(FileFormatError, match=r"train_32x32\.mat"):
                read_split(path)
        rng = np.random.default_rng(1)
        for _ in range(200):
            changed = bytearray(whole)
            changed[rng.integers(128, min(len(whole), 300))] = rng.integers(256)
            path.write_bytes(bytes(changed))
            with suppress(FileFormatError):  # a change may leave a readable file; nothing but this may be raised
                read_split(path)
    for other in ({"X": images}, {"X": images[:16], "y": labels}, {"X": images, "y": labels + 10}):
        io.savemat(path, other)
        with pytest.raises(FileFormatError, match=r"train_32x32\.mat"):
            read_split(path)


@pytest.mark.parametrize("data", ["mnist", "digits=/tmp", "svhn=", "cats=/tmp"])
def test_impossible_choices_are_refused(data: str) -> None:
    with pytest.raises(InputError):
        load_images(data)
