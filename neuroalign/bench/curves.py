"""What of a Benchmark is drawn: lines over size or rate, as plain numbers for the room that draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuroalign.bench.measured import Benchmark, Result


@dataclass(frozen=True)
class Line:
    """Points of one line; ``kind`` is "line", "marks" (figures to reach) or "band" (low and high of each x)."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    kind: str = "line"
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Panel:
    """One pair of axes, both logarithmic."""

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]


RATIO = "Lava's best / emulator's median"


def panels(benchmark: Benchmark) -> tuple[Panel, ...]:
    """The panels that the benchmark has data for."""
    drawn: list[Panel] = []
    for case, title in (("static", "LIF + Dense"), ("plastic", "pair STDP, all pairs")):
        results = [r for r in benchmark.results if r.case == case]
        if results:
            drawn += [_ratios(title, results), _times(title, results)]
    drawn += _costs([r for r in benchmark.results if r.case == "scaling"])
    return tuple(drawn)


def _ratios(title: str, results: Sequence[Result]) -> Panel:
    sizes = tuple(float(r.parameters["N"]) for r in results)
    lines = [Line("best of Lava / median", sizes, tuple(r.figure(RATIO).value for r in results))]
    lines.append(Line("median / median", sizes, tuple(r.figure("median / median").value for r in results)))
    for name in ("must", "stretch"):
        marked = [(n, getattr(r.figure(RATIO), name)) for n, r in zip(sizes, results, strict=True)]
        known = [(n, mark) for n, mark in marked if mark is not None]
        if known:
            lines.append(Line(name, tuple(n for n, _ in known), tuple(mark for _, mark in known), "marks"))
    return Panel(f"{title}: times as fast as Lava", "neurons", "ratio", tuple(lines))


def _times(title: str, results: Sequence[Result]) -> Panel:
    """Median of each side, and from its fastest to its slowest chunk."""
    sizes = tuple(float(r.parameters["N"]) for r in results)
    lines: list[Line] = []
    for name in dict.fromkeys(s.name for r in results for s in r.series):
        sides = [next(s for s in r.series if s.name == name) for r in results]
        lines.append(Line(name, sizes, tuple(1e6 * s.median for s in sides)))
        low, high = tuple(1e6 * s.best for s in sides), tuple(1e6 * max(s.per_step) for s in sides)
        lines.append(Line(name, sizes, low, "band", high))
    return Panel(f"{title}: a step", "neurons", "microseconds", tuple(lines))


def _costs(results: Sequence[Result]) -> list[Panel]:
    """Cost over rate of spikes, one panel a size; a line for each way to compute."""
    found = []
    for size in dict.fromkeys(r.parameters["N"] for r in results):
        of_size = sorted((r for r in results if r.parameters["N"] == size), key=lambda r: float(r.parameters["rate"]))
        rates = tuple(100 * float(r.parameters["rate"]) for r in of_size)
        names = dict.fromkeys(s.name for r in of_size for s in r.series)
        lines = tuple(
            Line(name, rates, tuple(1e6 * next(s for s in r.series if s.name == name).median for r in of_size))
            for name in names
        )
        found.append(Panel(f"learning, {size} x {size}", "neurons spiking a step (%)", "microseconds", lines))
    return found
