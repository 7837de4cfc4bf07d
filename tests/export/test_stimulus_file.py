"""Stimulus files: what is read from them, and one line for each thing that may be wrong with them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest
from nir.data_ir import EventData, NIRGraphData, NIRNodeData
from numpy.typing import NDArray

from neuroalign.errors import FileFormatError, InputError
from neuroalign.export.stimulus_file import read_stimulus
from neuroalign.network import InputPort
from neuroalign.recording import Stimulus

DT = 1e-3
SPIKES = (np.random.default_rng(0).random((5, 20, 2)) < 0.3).astype(np.uint8)


@pytest.fixture(autouse=True)
def _no_warning_reaches_the_user() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def read(path: Path) -> Stimulus:
    return read_stimulus(path, (InputPort("input", (2,)),), DT)


def refused(path: Path, kind: type[InputError], *words: str) -> None:
    """One line naming the file and every word."""
    with pytest.raises(kind) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    for word in (path.name, *words):
        assert word in text


def labelled(folder: Path, labels: NDArray[Any]) -> Path:
    path = folder / "labelled.npz"
    np.savez(path, input=SPIKES, labels=labels)
    return path


def events(folder: Path, **attributes: Any) -> Path:
    """Two spikes of the first sample and one of the second, 50 steps; ``attributes`` are overwritten afterwards."""
    path = folder / "events.nir"
    data = EventData(
        idx=np.array([[0, 1], [1, -1]]), time=np.array([[0.0, 0.0035], [0.049, np.nan]]), n_neurons=2, t_max=0.05
    )
    nir.write_data(path, NIRGraphData({"input": NIRNodeData({"spikes": data})}))
    with h5py.File(path, "a") as file:
        group = file["nodes/input/observables/spikes"]
        for name, value in attributes.items():
            if name in group.attrs:
                group.attrs[name] = value
            else:
                del group[name]
                group[name] = value
    return path


@pytest.mark.parametrize("labels", [[0, 1, 2, 1, 0], [0.0, 1.0, 2.0, 1.0, 0.0], [[0], [1], [2], [1], [0]]])
def test_labels_are_read_as_classes(tmp_path: Path, labels: Any) -> None:
    found = read(labelled(tmp_path, np.array(labels))).labels
    assert found is not None
    assert found.tolist() == [0, 1, 2, 1, 0]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["a", "b", "c", "d", "e"], ("labels", "the first a", "whole number")),
        ([0, 1, np.nan, 0, 1], ("sample 2", "nan", "whole number")),
        ([0, 1, np.inf, 0, 1], ("sample 2", "inf")),
        ([0, 1, 1, 0, 0.5], ("sample 4", "0.5")),
        ([0, 1, 1], ("(3,)", "5 samples")),
        (np.eye(5)[:, :2], ("(5, 2)", "argmax")),
    ],
)
def test_labels_that_are_no_classes(tmp_path: Path, labels: Any, words: tuple[str, ...]) -> None:
    refused(labelled(tmp_path, np.array(labels)), InputError, *words)


def test_an_input_may_be_called_y(tmp_path: Path) -> None:
    np.savez(tmp_path / "y.npz", y=SPIKES)
    found = read_stimulus(tmp_path / "y.npz", (InputPort("y", (2,)),), DT)
    np.testing.assert_array_equal(found.inputs["y"], SPIKES)


@pytest.mark.parametrize("text", ["1,0\n0,1\n", "a,b\n1,0\n0,1\n", "# t\n1,0\n\n0,1\n"])
def test_a_table_with_or_without_a_heading(tmp_path: Path, text: str) -> None:
    (tmp_path / "table.csv").write_text(text)
    assert read(tmp_path / "table.csv").inputs["input"].tolist() == [[[1, 0], [0, 1]]]


@pytest.mark.parametrize("text", ["", "\n\n", "a,b\n", "# nothing\n"])
def test_a_table_without_rows(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.csv").write_text(text)
    refused(tmp_path / "empty.csv", FileFormatError, "no row of numbers")


def test_events_become_spikes_over_time(tmp_path: Path) -> None:
    found = read(events(tmp_path)).inputs["input"]
    assert found.shape == (2, 50, 2)
    assert np.argwhere(found).tolist() == [[0, 0, 0], [0, 3, 1], [1, 49, 1]]


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"t_max": np.nan}, ("t_max = nan", "finite")),
        ({"t_max": np.inf}, ("t_max = inf", "finite")),
        ({"t_max": -1.0}, ("t_max = -1", "positive")),
        ({"t_max": "x"}, ("numbers", "'x'")),
        ({"t_max": 1e12}, ("t_max = 1e+12", "GiB", "shorten")),
        ({"n_neurons": -2}, ("n_neurons = -2", "at least 1")),
        ({"n_neurons": 2**40}, (str(2**40), "GiB")),
        ({"time": np.zeros((2, 3))}, ("(2, 2)", "(2, 3)")),
        ({"idx": np.zeros(2, dtype=np.int64), "time": np.zeros(2)}, ("(2,)", "(samples, events)")),
        ({"time": np.full((2, 2), 1e300)}, ("beyond",)),
    ],
)
def test_events_that_make_no_array(tmp_path: Path, attributes: dict[str, Any], words: tuple[str, ...]) -> None:
    refused(events(tmp_path, **attributes), InputError, "input", *words)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["", "left{}right\n"])
def test_tables_of_any_usual_separator(tmp_path: Path, separator: str, header: str) -> None:
    path = tmp_path / "table.csv"
    rows = "\n".join(separator.join(map(str, row)) for row in SPIKES[0])
    path.write_text(header.format(separator) + rows, encoding="utf-8")
    assert (read(path).inputs["input"] == SPIKES[:1]).all()


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 20), ("axis 0", "numpy.moveaxis")),
        ((5, 2, 20), ("axis 1", "numpy.moveaxis")),
        ((20, 3), ("first column is time", "leave it out")),
        ((20, 7), ("(samples, steps, 2)",)),
    ],
)
def test_an_array_of_another_shape_is_told_what_it_probably_is(
    tmp_path: Path, shape: tuple[int, ...], words: tuple[str, ...]
) -> None:
    np.save(tmp_path / "odd.npy", np.zeros(shape))
    refused(tmp_path / "odd.npy", InputError, str(shape), *words)


def test_a_tensor_on_disk_names_the_way_to_an_array(tmp_path: Path) -> None:
    (tmp_path / "x.pt").touch()
    refused(tmp_path / "x.pt", FileFormatError, "'.pt'", "numpy.save")
