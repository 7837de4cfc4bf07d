"""JSON and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from synthetic_benchmark import benchmark

from neuroalign.bench.document import SCHEMA, read_benchmark, to_text
from neuroalign.errors import FileFormatError


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text(to_text(benchmark()), encoding="utf-8")
    assert read_benchmark(path) == benchmark()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "has schema 'list'"),
        ('{"schema": "other"}', "has schema 'other'"),
        (json.dumps({"schema": SCHEMA}), "lacks or misstates 'machine'"),
        (to_text(benchmark()).replace('"steps"', '"stops"'), "lacks or misstates 'steps'"),
        (to_text(benchmark()).replace('"at_most"', '"at_least"'), "at_least"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bench.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message) as refused:
        read_benchmark(path)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"cannot read .*bench\.json: No such file"):
        read_benchmark(tmp_path / "bench.json")
