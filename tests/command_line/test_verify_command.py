"""The ``verify`` command as a user meets it."""

from __future__ import annotations

import json
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from command_calls import Call, caller
from faulty_emulators import Faulty, fast_membrane

from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.verify import run
from neuroalign.verify.compare import EmulatorRunner


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run ``neuroalign verify`` in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return caller(monkeypatch, capsys, "verify")


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernels with a wrong membrane decay, held against sound ones."""
    runners: dict[str, Any] = {"kernels": (Faulty(fast_membrane, "kernels"), 1)}
    monkeypatch.setattr(run, "emulator_runners", lambda folder: runners)


def test_sound_cases(call: Call) -> None:
    ended = call("--cases", 4, "--seed", 2, "--against", "reference", "--json", "rows.json")
    assert ended.code == 0, ended.err
    assert "0 mismatches" in ended.out.splitlines()[-1]
    assert "coverage:" in ended.out
    assert "not drawn: reset by subtraction" in ended.out
    rows = {row["case"]: row for row in json.loads(Path("rows.json").read_text())["rows"]}
    assert rows["cases"]["measured"] == 4
    assert rows["emulator (kernels) against reference: mismatches"]["measured"] == 0
    assert rows["emulator (kernels) against reference: mismatches"]["passed"] is True
    lines = [row["measured"] for case, row in rows.items() if case.endswith("values of changing states")]
    compared = rows["values of changing states compared"]["measured"]
    assert compared == sum(lines) > 0
    assert f"{compared:,} values" in ended.out.splitlines()[-1]
    assert 0 <= rows["coverage: post spikes"]["measured"] <= 1


def test_quiet_says_only_the_result(call: Call) -> None:
    ended = call("--only", 2, "--against", "reference", "--quiet")
    assert ended.code == 0, ended.err
    (line,) = ended.out.splitlines()
    assert "in 1 cases, 0 mismatches" in line


@pytest.mark.usefixtures("faulty")
def test_a_defect_is_shrunk_written_and_replayed(call: Call) -> None:
    ended = call("--cases", 2, "--against", "reference", "--out", "found", "--quiet")
    assert ended.code == 5
    (line,) = ended.err.splitlines()
    (file,) = Path("found").glob("*.json")
    assert str(file) in line
    assert "v of p" in line
    document = json.loads(file.read_text())
    assert document["difference"]["text"] in line
    again = call("--replay", file, "--against", "reference")
    assert again.code == 5
    assert document["difference"]["text"] in again.err


def test_a_replay_of_what_was_mended(call: Call, faulty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("--only", 1, "--against", "reference", "--out", "found", "--quiet").code == 5
    (file,) = Path("found").glob("*.json")
    sound: dict[str, Any] = {"kernels": (EmulatorRunner("kernels"), 1)}
    monkeypatch.setattr(run, "emulator_runners", lambda folder: sound)
    mended = call("--replay", file, "--against", "reference")
    assert mended.code == 0, mended.err
    assert "equal those of reference" in mended.out


def test_lava_missing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LavaBackend, "missing", lambda self: "lava is not installed; pip install it")
    ended = call("--cases", 1)
    assert ended.code == 4
    (line,) = ended.err.splitlines()
    assert "pip install it" in line
    assert "--against reference" in line


def test_a_file_that_is_no_case(call: Call) -> None:
    Path("other.json").write_text("{}")
    ended = call("--replay", "other.json", "--against", "reference")
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert "other.json" in line


def test_an_interruption_leaves_a_summary(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run.results

    def interrupted(*arguments: Any, **options: Any) -> Generator[run.Result, None, None]:
        stream = whole(*arguments, **options)
        yield next(stream)
        signal.raise_signal(signal.SIGINT)
        yield from stream

    monkeypatch.setattr(run, "results", interrupted)
    ended = call("--cases", 100_000, "--against", "reference", "--workers", 1, "--json", "rows.json")
    assert ended.code == 130
    assert "1 cases, every state at every step, against reference" in ended.out
    assert "interrupted" in ended.err
    assert json.loads(Path("rows.json").read_text())["rows"][0]["measured"] == 1
