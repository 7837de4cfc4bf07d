from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuroalign.errors import FileFormatError
from neuroalign.export.hdf5 import MAX_DEPTH, read_tree


def _refusal(path: Path) -> str:
    with pytest.raises(FileFormatError) as caught:
        read_tree(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_values_come_back_as_plain_types(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["text"] = "Grüße"
        file["names"] = ["a", "b"]
        file["g/array"] = np.arange(6, dtype=np.int8).reshape(2, 3)
        file["g/scalar"] = 2.5
        file["g/nothing"] = h5py.Empty("f8")
        file["g"].attrs["dt"] = 0.5
    tree = read_tree(path)
    assert tree["text"] == "Grüße"
    assert tree["names"].tolist() == ["a", "b"]
    assert tree["g"]["array"].dtype == np.int8
    assert tree["g"]["array"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert tree["g"]["scalar"].shape == ()
    assert tree["g"]["nothing"] is None
    assert "@dt" not in tree["g"]
    assert read_tree(path, attributes=True)["g"]["@dt"] == 0.5


def test_missing_directory_empty_and_other_files_are_named(tmp_path: Path) -> None:
    assert "no such file" in _refusal(tmp_path / "absent.nir")
    assert "directory" in _refusal(tmp_path)
    empty = tmp_path / "empty.nir"
    empty.touch()
    assert "empty" in _refusal(empty)
    text = tmp_path / "text.nir"
    text.write_text("not a network")
    assert "not an HDF5 file" in _refusal(text)


def test_every_truncation_is_one_clear_line(tmp_path: Path) -> None:
    whole = tmp_path / "whole.h5"
    with h5py.File(whole, "w") as file:
        file.create_dataset("group/weight", data=np.random.default_rng(0).normal(size=(40, 40)), compression="gzip")
    content = whole.read_bytes()
    cut = tmp_path / "cut.h5"
    for length in np.linspace(9, len(content) - 1, 40).astype(int):
        cut.write_bytes(content[:length])
        assert "truncated or damaged" in _refusal(cut)


def test_flipped_bytes_give_data_or_one_clear_line(tmp_path: Path) -> None:
    whole = tmp_path / "whole.h5"
    with h5py.File(whole, "w") as file:
        file["names"] = ["a", "b"]
        file.create_dataset("group/weight", data=np.ones((4, 4)), compression="gzip", fletcher32=True)
    content = bytearray(whole.read_bytes())
    random = np.random.default_rng(0)
    damaged = tmp_path / "damaged.h5"
    refused = 0
    for _ in range(200):
        changed = content.copy()
        for position in random.integers(0, len(content), 8):
            changed[position] = random.integers(0, 256)
        damaged.write_bytes(changed)
        message = ""
        try:
            read_tree(damaged)
        except FileFormatError as error:
            message = str(error)
            refused += 1
        assert "\n" not in message
    assert refused > 20


def test_a_text_heap_without_end_is_refused_instead_of_read_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["name"] = "text"
    content = bytearray(path.read_bytes())
    free = content.index(b"GCOL") + 16 + 16 + 8  # behind the header and the one text, which is padded to 8 bytes
    assert content[free : free + 2] == b"\0\0"
    assert any(content[free + 8 : free + 16])
    assert read_tree(path)["name"] == "text"
    content[free + 8 : free + 16] = bytes(8)
    path.write_bytes(content)
    assert "heap without end" in _refusal(path)


def _huge(file: h5py.File) -> None:
    file.create_dataset("weight", shape=(10**6, 10**6), dtype="f8", chunks=(1000, 1000))


def _sequences(file: h5py.File) -> None:
    file.create_dataset("weight", shape=(3,), dtype=h5py.vlen_dtype(np.uint8))


def _self_containing(file: h5py.File) -> None:
    group = file.create_group("node")
    group["node"] = group


def _fanning_out(file: h5py.File) -> None:
    group = file.create_group("bottom")
    for level in range(MAX_DEPTH - 2):
        upper = file.create_group(f"level{level}")
        upper["a"], upper["b"] = group, group
        group = upper


def _linking_out(file: h5py.File) -> None:
    file["link"] = h5py.ExternalLink("other.h5", "/")


def _dangling_link(file: h5py.File) -> None:
    file["link"] = h5py.SoftLink("/absent")


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (_huge, "unpacks to more than"),
        (_sequences, "/weight holds neither numbers nor text"),
        (_self_containing, "nested deeper"),
        (_fanning_out, "more than 20000 groups"),
        (_linking_out, "links to another file"),
        (_dangling_link, "/link cannot be read"),
    ],
)
def test_files_made_to_do_harm_are_refused(tmp_path: Path, build: Callable[[h5py.File], None], expected: str) -> None:
    path = tmp_path / "harm.h5"
    with h5py.File(path, "w") as file:
        build(file)
    assert expected in _refusal(path)


def test_content_stored_in_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    other = tmp_path / "secret"
    other.write_bytes(bytes(80))
    with h5py.File(path, "w") as file:
        file.create_dataset("weight", shape=(10,), dtype="f8", external=[(str(other), 0, 80)])
    assert "stored in another file" in _refusal(path)


def test_a_text_that_claims_more_than_the_file_holds_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """The library would take 3 GB for it first."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["names"] = ["first", "second"]
        place = file["names"].id.get_offset()
    content = bytearray(path.read_bytes())
    assert content[place : place + 4] == (5).to_bytes(4, "little")
    assert read_tree(path)["names"].tolist() == ["first", "second"]
    content[place : place + 4] = (3 * 10**9).to_bytes(4, "little")
    path.write_bytes(content)
    assert "/names holds a text longer than the file" in _refusal(path)
