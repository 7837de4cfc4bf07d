"""Case after case: what fails is named, what is interrupted keeps what there is."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from synthetic_benchmark import result

from neuroalign.bench import run
from neuroalign.bench.measured import Benchmark, Result
from neuroalign.bench.settings import Settings
from neuroalign.errors import BackendFailed, BackendMissing, InputError


def working(settings: Settings) -> Iterator[Result]:
    yield result(128)
    yield result(256)


def missing(settings: Settings) -> Iterator[Result]:
    raise BackendMissing("lava is not installed")


def failing(settings: Settings) -> Iterator[Result]:
    yield result(512)
    raise BackendFailed("lava failed")


def interrupted(settings: Settings) -> Iterator[Result]:
    yield result(1024)
    raise KeyboardInterrupt


CASES = {f.__name__: SimpleNamespace(measure=lambda f=f: f) for f in (working, missing, failing, interrupted)}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Measure cases on a machine whose others keep 0.1, 0.2, 0.3, ... processors busy."""
    loads = iter(n / 10 for n in range(1, 100))
    monkeypatch.setattr(run, "others_cpus", lambda: next(loads))
    monkeypatch.setattr(run, "CASES", CASES)
    benchmark = run.new_benchmark(("working",), Settings())
    kept: list[int] = []

    def keep(so_far: Benchmark) -> None:
        kept.append(len(so_far.results))

    def call(*cases: str) -> tuple[Benchmark, list[int]]:
        run.measure(benchmark, cases, Settings(), keep)
        return benchmark, kept

    call.benchmark, call.kept = benchmark, kept  # type: ignore[attr-defined]
    return call


def test_a_case_that_fails_does_not_stop_the_others(measured: Any) -> None:
    benchmark, kept = measured("missing", "failing", "working")
    assert [r.label for r in benchmark.results] == ["N = 512", "N = 128", "N = 256"]
    assert [(left.case, left.reason) for left in benchmark.left] == [
        ("missing", "lava is not installed"),
        ("failing", "lava failed"),
    ]
    assert kept == [0, 1, 1, 2, 3]
    assert not benchmark.interrupted


def test_load_is_the_larger_of_before_and_after(measured: Any) -> None:
    benchmark, _ = measured("working")
    assert [r.others_cpus for r in benchmark.results] == [0.2, 0.3]


def test_an_interrupt_keeps_what_was_measured(measured: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        measured("working", "interrupted", "working")
    assert [r.label for r in measured.benchmark.results] == ["N = 128", "N = 256", "N = 1024"]
    assert measured.benchmark.interrupted
    assert measured.kept == [1, 2, 3, 3]


def test_an_unknown_case_is_refused_before_anything_runs(measured: Any) -> None:
    with pytest.raises(InputError, match="'speed' is unknown; one of working"):
        measured("working", "speed")
    assert not measured.benchmark.results


def test_every_case_that_is_offered_exists() -> None:
    from neuroalign.bench.cases import CASES as OFFERED

    assert all(callable(case.measure()) for case in OFFERED.values())
