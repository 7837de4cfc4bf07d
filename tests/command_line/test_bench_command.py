"""The ``bench`` command as a user meets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command_calls import Call, caller
from synthetic_benchmark import benchmark, result

from neuroalign.bench import run
from neuroalign.bench.document import read_benchmark, to_text
from neuroalign.bench.measured import Result
from neuroalign.bench.settings import Settings


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run ``neuroalign bench`` in an empty directory, on a machine that seems to be idle."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "others_cpus", lambda: 0.0)
    return caller(monkeypatch, capsys, "bench")


def use_case(monkeypatch: pytest.MonkeyPatch, measure: Callable[[Settings], Iterator[Result]]) -> None:
    case: dict[str, Any] = {"static": SimpleNamespace(measure=lambda: measure)}
    monkeypatch.setattr(run, "CASES", case)


def test_a_measurement_is_shown_and_written(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Settings] = []

    def measure(settings: Settings) -> Iterator[Result]:
        asked.append(settings)
        yield result(128)

    use_case(monkeypatch, measure)
    code, out, _ = call("--case", "static", "--size", 128, "--chunks", 9, "--seed", 4, "--python", "p", "--out", "o")
    assert code == 0
    assert "200 (≥ 100, 250: must)" in out
    assert "1 must, 1 missed" in out
    assert (asked[0].sizes, asked[0].chunks, asked[0].seed, asked[0].pythons) == ((128,), 9, 4, ("p",))
    found = read_benchmark(tmp_path / "o" / "bench.json")
    assert found.results == [result(128)]
    assert found.settings["seed"] == 4
    assert found.versions["neuroalign"]
    assert (tmp_path / "o" / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_an_interrupt_shows_and_keeps_what_there_is(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import os
    import signal

    def measure(settings: Settings) -> Iterator[Result]:
        yield result(128)
        os.kill(os.getpid(), signal.SIGINT)
        yield result(256)

    use_case(monkeypatch, measure)
    code, out, err = call("--case", "static")
    assert code == 130
    assert "interrupted" in err
    assert "N = 128" in out
    found = read_benchmark(tmp_path / "neuroalign-bench" / "bench.json")
    assert found.interrupted
    assert [r.label for r in found.results] == ["N = 128"]


def test_an_interrupt_before_the_first_figure_leaves_nothing(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import os
    import signal

    def measure(settings: Settings) -> Iterator[Result]:
        os.kill(os.getpid(), signal.SIGINT)
        yield result(128)

    use_case(monkeypatch, measure)
    code, _, err = call("--case", "static")
    assert code == 130
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_file_becomes_tables_and_markdown(call: Call, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(to_text(benchmark()), encoding="utf-8")
    (tmp_path / "page.md").write_text("# Speed\n", encoding="utf-8")
    code, out, _ = call("--from", "b.json", "--markdown", "page.md")
    assert code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.json", "page.md"]
    assert "N = 256 †" in out
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert page.startswith("# Speed\n\n<!-- bench")
    assert "| median / median (times) | 250 | 250 |" in page
    call("--from", "b.json", "--markdown", "page.md")
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page


def test_every_figure_with_its_mark_as_json(call: Call, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(to_text(benchmark()), encoding="utf-8")
    code, out, _ = call("--from", "b.json", "--json", "rows.json", "--quiet")
    assert code == 0
    assert out.splitlines()[-1] == "rows.json"
    assert "N = 256" not in out
    document = json.loads((tmp_path / "rows.json").read_text())
    assert set(document) == {"command", "versions", "seed", "rows"}
    figures = [f for r in benchmark().results for f in r.figures]
    assert [row["measured"] for row in document["rows"]][: len(figures)] == [f.value for f in figures]
    assert [row["passed"] for row in document["rows"]][: len(figures)] == [
        None if f.must is None else f.verdict != "missed" for f in figures
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--case", "speed"), "--case 'speed' is unknown; one of static"),
        (("--size", 1), "--size 1; 2 to 8192 neurons"),
        (("--from", "absent.json"), "cannot read absent.json"),
    ],
)
def test_mistakes_are_refused_in_one_line(call: Call, arguments: tuple[object, ...], message: str) -> None:
    code, out, err = call(*arguments)
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not out
