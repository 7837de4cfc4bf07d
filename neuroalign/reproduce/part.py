"""A part of an experiment: cases to run for each seed, bars, and what must hold between cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from neuroalign.reproduce.table import Bar, Check

Values = Mapping[str, Mapping[str, Sequence[float]]]
"""Case to figure to its values over the seeds."""


@dataclass(frozen=True)
class Case:
    """One row: a task function, its arguments, and what replaces some of them in a quick run (None: not run then)."""

    label: str
    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    quick: Mapping[str, Any] | None = field(default_factory=dict)
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class Part:
    """A part of an experiment.

    Parameters
    ----------
    seeds
        How many are run unless asked otherwise.
    checks
        From the values of all cases to statements about them; not asked in quick runs.
    quick_note
        How a quick run differs from the published protocol.
    """

    name: str
    title: str
    source: str
    cases: tuple[Case, ...]
    seeds: int = 5
    checks: Callable[[Values], tuple[Check, ...]] = lambda _: ()
    quick_note: str = "shorter runs, so bars do not apply"
    notes: tuple[str, ...] = ()
    x_label: str = "time, s"
