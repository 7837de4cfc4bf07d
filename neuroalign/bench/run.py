"""Measuring case after case; what has been measured is kept whatever happens to the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from neuroalign.bench.cases import CASES, Case
from neuroalign.bench.machine import machine, others_cpus
from neuroalign.bench.measured import Benchmark, Left
from neuroalign.bench.settings import Settings
from neuroalign.errors import BackendFailed, BackendMissing, InputError
from neuroalign.pipeline import versions

Keep = Callable[[Benchmark], object]


def new_benchmark(cases: Sequence[str], settings: Settings) -> Benchmark:
    """A benchmark with nothing measured yet."""
    asked: dict[str, object] = {
        "cases": " ".join(cases),
        "chunks": settings.chunks,
        "chunk seconds": settings.chunk_seconds,
        "seed": settings.seed,
    }
    if settings.quick:
        asked["quick"] = "yes"
    started = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M")
    return Benchmark(machine(), versions(), asked, started)


def measure(benchmark: Benchmark, cases: Sequence[str], settings: Settings, keep: Keep) -> None:
    """Measure ``cases`` in order into ``benchmark``.

    Parameters
    ----------
    keep
        Called after every result, and once more where the measurement is interrupted.

    Raises
    ------
    InputError
        If a case is unknown.
    """
    for name in cases:
        check_case(name)
    try:
        for name in cases:
            _measure_case(benchmark, name, CASES[name], settings, keep)
    except BaseException:
        benchmark.interrupted = True
        keep(benchmark)
        raise


def check_case(name: str) -> None:
    """Refuse an unknown case (InputError)."""
    if name not in CASES:
        raise InputError(f"--case {name!r} is unknown; one of {', '.join(CASES)}")


def _measure_case(benchmark: Benchmark, name: str, case: Case, settings: Settings, keep: Keep) -> None:
    before = others_cpus()
    try:
        for result in case.measure()(settings):
            after = others_cpus()
            benchmark.results.append(replace(result, others_cpus=round(max(before, after), 2)))
            keep(benchmark)
            before = after
    except (BackendMissing, BackendFailed) as error:
        benchmark.left.append(Left(name, "", str(error)))
        keep(benchmark)
