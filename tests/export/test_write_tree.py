from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuroalign.errors import InputError, OutputError
from neuroalign.export.hdf5 import read_tree, write_tree


def test_what_is_written_is_read(tmp_path: Path) -> None:
    large = np.random.default_rng(0).integers(-5, 5, (80, 60)).astype(np.int8)
    tree = {
        "text": "Grüße",
        "group": {"large": large, "small": np.arange(3.0), "none": np.zeros((0, 3)), "deep": {}},
        "edges": [("a", "b"), ("b", "c")],
        "truth": True,
        "number": 3,
        "real": 2.5,
    }
    path = write_tree(tmp_path / "a.h5", tree)
    back = read_tree(path)
    assert back["text"] == "Grüße"
    assert back["edges"].tolist() == [["a", "b"], ["b", "c"]]
    assert (bool(back["truth"]), int(back["number"]), float(back["real"])) == (True, 3, 2.5)
    for name in ("large", "small", "none"):
        np.testing.assert_array_equal(back["group"][name], tree["group"][name])  # type: ignore[index]
        assert back["group"][name].dtype == tree["group"][name].dtype  # type: ignore[index]
    assert back["group"]["deep"] == {}
    with h5py.File(path) as file:
        assert file["group/large"].compression == "gzip"
    assert path.read_bytes() == write_tree(tmp_path / "b.h5", dict(reversed(tree.items()))).read_bytes()


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"a": {"b/c": 1}}, "'/a/b/c' cannot be a name"),
        ({".": 1}, "cannot be a name"),
        ({"a": {"b": None}}, "/a/b: a NoneType cannot be stored"),
        ({"a": np.array(["x"])}, "a ndarray cannot be stored"),
        ({"a": "x\0y"}, "NUL"),
        ({"a": [("x", "y\0")]}, "NUL"),
    ],
)
def test_what_cannot_be_stored_leaves_no_file(tree: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        write_tree(tmp_path / "a.h5", tree)
    assert not list(tmp_path.iterdir())


def test_an_absent_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        write_tree(tmp_path / "absent" / "a.h5", {"a": 1})
