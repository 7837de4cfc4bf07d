"""Cases as files: nothing lost, and damage told in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuroalign.chip import first_difference
from neuroalign.errors import FileFormatError
from neuroalign.verify.draw import draw_case
from neuroalign.verify.files import is_smaller, read_case, size, write_case


@pytest.mark.parametrize("number", range(12))
def test_a_case_comes_back_as_it_was(number: int, tmp_path: Path) -> None:
    case = draw_case(1, number)
    again = read_case(write_case(tmp_path / "case.json", case, None, {}))
    assert (again.seed, again.number) == (1, number)
    assert first_difference(again.network, case.network) is None
    assert set(again.stimulus.inputs) == set(case.stimulus.inputs)
    for name, values in case.stimulus.inputs.items():
        np.testing.assert_array_equal(again.stimulus.inputs[name], values)


def test_the_same_case_gives_the_same_bytes(tmp_path: Path) -> None:
    files = [write_case(tmp_path / f"{k}.json", draw_case(1, 3), None, {"a": "1"}) for k in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()


def _without_arrays(document: Any) -> None:
    del document["arrays"]


def _with_other_schema(document: Any) -> None:
    document["schema"] = "neuroalign verify 0"


def _with_text_in_an_array(document: Any) -> None:
    next(iter(document["arrays"].values()))["values"] = ["x"]


def _with_another_shape(document: Any) -> None:
    next(iter(document["arrays"].values()))["shape"] = [99, 99]


def _with_objects(document: Any) -> None:
    next(iter(document["arrays"].values()))["dtype"] = "|O"


def _with_unknown_class(document: Any) -> None:
    document["case"]["network"]["class"] = "Popen"


def _as_a_list(document: Any) -> None:
    document["case"] = []


@pytest.mark.parametrize(
    "damage",
    [
        _without_arrays,
        _with_other_schema,
        _with_text_in_an_array,
        _with_another_shape,
        _with_objects,
        _with_unknown_class,
        _as_a_list,
    ],
)
def test_a_damaged_file_is_refused(damage: Any, tmp_path: Path) -> None:
    path = write_case(tmp_path / "case.json", draw_case(1, 0), None, {})
    document = json.loads(path.read_text())
    damage(document)
    path.write_text(json.dumps(document))
    with pytest.raises(FileFormatError, match=r"case\.json"):
        read_case(path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": 1}'])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=r"case\.json"):
        read_case(path)
    with pytest.raises(FileFormatError, match="absent"):
        read_case(tmp_path / "absent.json")


def test_a_smaller_case_has_a_smaller_size() -> None:
    cases = [draw_case(1, number) for number in range(8)]
    for one in cases:
        assert not is_smaller(one, one)
        for other in cases:
            assert is_smaller(one, other) == (size(one) < size(other))
