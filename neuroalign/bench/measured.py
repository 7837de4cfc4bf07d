"""What a benchmark measured: chunks of steps on each side, the figures that follow from them, and where it ran."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["stretch", "must", "missed", ""]
Value = int | float | str


@dataclass(frozen=True)
class Series:
    """One side of a comparison.

    Parameters
    ----------
    name
        Who ran.
    steps, seconds
        Of each chunk, in order. What counts as a step is the case's business.
    """

    name: str
    steps: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def per_step(self) -> tuple[float, ...]:
        """Seconds a step of each chunk."""
        return tuple(s / n for s, n in zip(self.seconds, self.steps, strict=True))

    @property
    def median(self) -> float:
        """Seconds a step."""
        return statistics.median(self.per_step)

    @property
    def best(self) -> float:
        """Seconds a step of the fastest chunk."""
        return min(self.per_step)

    @property
    def spread(self) -> float:
        """Slowest minus fastest chunk, as a share of the median."""
        return (max(self.per_step) - self.best) / self.median


@dataclass(frozen=True)
class Figure:
    """A figure, and the ones that it is to reach where there are such.

    Parameters
    ----------
    at_most
        Whether less is better.
    """

    name: str
    value: float
    unit: str = ""
    must: float | None = None
    stretch: float | None = None
    at_most: bool = False

    @property
    def verdict(self) -> Verdict:
        """The best mark that the value reaches; "" where there is none to reach."""
        if self.must is None:
            return ""
        if self.stretch is not None and self._reaches(self.stretch):
            return "stretch"
        return "must" if self._reaches(self.must) else "missed"

    def _reaches(self, mark: float) -> bool:
        return self.value <= mark if self.at_most else self.value >= mark


@dataclass(frozen=True)
class Result:
    """One measurement of a case.

    Parameters
    ----------
    case, label
        Name of the case, and what of it this is ("N = 128").
    parameters
        What it ran on: sizes, rates, seeds.
    series
        Sides in the order in which they took turns.
    figures
        In the order in which they are shown.
    notes
        What was checked, and how to read the figures.
    others_cpus
        Processors that other programs kept busy, just before or just after (whichever was more).
    """

    case: str
    label: str
    parameters: Mapping[str, Value]
    series: tuple[Series, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()
    others_cpus: float = 0.0

    def figure(self, name: str) -> Figure:
        """The figure called ``name`` (KeyError if there is none)."""
        return {f.name: f for f in self.figures}[name]


@dataclass(frozen=True)
class Left:
    """A measurement that was not made, and why."""

    case: str
    label: str
    reason: str


@dataclass
class Benchmark:
    """All that one call of the command measured.

    Parameters
    ----------
    machine, versions
        Where it ran and on what.
    settings
        What it was asked for: cases, sizes, seed.
    started
        Date and time, UTC.
    results, left
        What was measured so far and what could not be.
    interrupted
        Whether it was ended before it was through.
    """

    machine: Mapping[str, Value]
    versions: Mapping[str, str]
    settings: Mapping[str, object]
    started: str
    results: list[Result] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    interrupted: bool = False
