from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from neuroalign.errors import OutputError
from neuroalign.export.atomic import require_writable, write_atomically


def test_the_file_appears_whole_and_alone(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    assert write_atomically(target, lambda p: p.write_text("whole")) == target
    assert target.read_text() == "whole"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_the_target_does_not_exist_while_it_is_written(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    seen: list[bool] = []

    def writer(path: Path) -> None:
        path.write_text("half")
        seen.append(target.exists())

    write_atomically(target, writer)
    assert seen == [False]


def test_a_failing_writer_leaves_nothing_and_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def writer(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_atomically(target, writer)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_writers_that_choose_a_suffix_hit_the_same_file(tmp_path: Path) -> None:
    target = tmp_path / "a.npz"
    write_atomically(target, lambda p: np.savez(p, x=np.arange(3)))
    assert np.load(target)["x"].tolist() == [0, 1, 2]
    assert os.listdir(tmp_path) == ["a.npz"]


def test_a_new_file_gets_the_mode_of_the_umask_and_a_replaced_one_keeps_its_own(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    plain = tmp_path / "plain.txt"
    plain.write_text("")
    write_atomically(target, lambda p: p.write_text("1"))
    assert target.stat().st_mode == plain.stat().st_mode
    target.chmod(0o640)
    write_atomically(target, lambda p: p.write_text("2"))
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["absent/a.txt", "file/a.txt", "."])
def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError) as caught:
        write_atomically(tmp_path / name, lambda p: p.write_text("x"))
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]


def test_a_dash_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="give a file name"):
        write_atomically("-", lambda p: p.write_text("x"))
    with pytest.raises(OutputError, match="give a file name"):
        require_writable(None, Path("-"))
    assert os.listdir(tmp_path) == []
