"""What an experiment found: rows of cases, columns of figures, every seed kept, bars beside them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Sense = Literal[">=", "<="]
Statistic = Literal["mean", "median", "smallest", "largest"]
Known = Literal["measured", "goal", "must"]


@dataclass(frozen=True)
class Bar:
    """What a figure of a case has to reach, over the seeds; ``known`` says whether it was ever seen."""

    figure: str
    sense: Sense
    value: float
    statistic: Statistic = "mean"
    known: Known = "measured"


@dataclass(frozen=True)
class Figure:
    """One figure of one case: a value for every seed."""

    case: str
    name: str
    values: tuple[float, ...]
    bar: Bar | None = None

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.values)

    @property
    def spread(self) -> float | None:
        """Standard deviation over the seeds; None for a single one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def passed(self) -> bool | None:
        """Whether the bar is reached; None without one."""
        if self.bar is None:
            return None
        found = statistic(self.bar.statistic, self.values)
        return found >= self.bar.value if self.bar.sense == ">=" else found <= self.bar.value


@dataclass(frozen=True)
class Check:
    """A statement about several cases, and whether it holds; None where the run was too short to tell."""

    statement: str
    holds: bool | None
    found: str


@dataclass(frozen=True)
class Curve:
    """A figure of a case over time: means over the seeds, and their standard deviations."""

    case: str
    name: str
    x: tuple[float, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True)
class Table:
    """Everything a part of an experiment found.

    Parameters
    ----------
    shortened
        How the protocol differs from the published one, or "".
    """

    experiment: str
    part: str
    title: str
    source: str
    seeds: tuple[int, ...]
    backend: str
    figures: tuple[Figure, ...]
    checks: tuple[Check, ...]
    curves: tuple[Curve, ...]
    notes: tuple[str, ...] = ()
    shortened: str = ""
    x_label: str = "time"

    @property
    def passed(self) -> bool:
        """Whether every bar that can be judged is reached, goals apart, and every check holds."""
        bars = [f.passed for f in self.figures if f.bar is not None and f.bar.known != "goal"]
        return all(bars) and all(c.holds is not False for c in self.checks)


def statistic(name: Statistic, values: Sequence[float]) -> float:
    """``name`` of the values."""
    if name == "mean":
        return statistics.fmean(values)
    if name == "median":
        return float(statistics.median(values))
    return min(values) if name == "smallest" else max(values)


def to_json(table: Table) -> dict[str, Any]:
    """The table as JSON holds it, with means and verdicts beside the values."""
    stored = asdict(table)
    for figure, entry in zip(table.figures, stored["figures"], strict=True):
        entry.update(mean=figure.mean, spread=figure.spread, passed=figure.passed)
    stored["passed"] = table.passed
    return stored


def gathered(
    cases: Mapping[str, Sequence[Bar]], results: Mapping[str, Sequence[Mapping[str, Any]]]
) -> tuple[tuple[Figure, ...], tuple[Curve, ...]]:
    """Figures and curves of the cases; ``results`` are by case, one for each seed."""
    figures: list[Figure] = []
    curves: list[Curve] = []
    for case, bars in cases.items():
        found = results[case]
        wanted = {bar.figure: bar for bar in bars}
        for name in found[0]["figures"]:
            figures.append(Figure(case, name, tuple(float(r["figures"][name]) for r in found), wanted.get(name)))
        for name, (x, _) in found[0].get("curves", {}).items():
            rows = list(zip(*(r["curves"][name][1] for r in found), strict=True))
            spread = tuple(statistics.stdev(row) if len(row) > 1 else 0.0 for row in rows)
            curves.append(Curve(case, name, tuple(x), tuple(statistics.fmean(row) for row in rows), spread))
    return tuple(figures), tuple(curves)
