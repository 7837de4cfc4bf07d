"""What all results of a run add up to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from neuroalign.verify.compare import Difference
from neuroalign.verify.run import Result


@dataclass
class Line:
    """What one implementation of the emulator was compared in."""

    cases: int = 0
    changing: int = 0
    constant: int = 0
    wrong: int = 0
    mismatches: int = 0
    failures: int = 0


@dataclass
class Tally:
    """Counts that grow with every result.

    Parameters
    ----------
    lines
        By implementation.
    covered
        Cases by entry of :mod:`neuroalign.verify.coverage`.
    wrong
        Results with a difference, in the order in which they came.
    """

    cases: int = 0
    lines: dict[str, Line] = field(default_factory=dict)
    covered: Counter[str] = field(default_factory=Counter)
    wrong: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count one result."""
        self.cases += 1
        self.covered.update(result.entries)
        for name, compared in result.compared.items():
            line = self.lines.setdefault(name, Line())
            line.cases += 1
            line.changing += compared.changing
            line.constant += compared.constant
            if compared.difference is not None:
                line.wrong += 1
                line.mismatches += compared.difference.mismatches
                line.failures += bool(compared.difference.failure)
        if result.differences:
            self.wrong.append(result)

    @property
    def compared(self) -> int:
        """Values of changing states that were compared, over all implementations."""
        return sum(line.changing for line in self.lines.values())

    @property
    def mismatches(self) -> int:
        """Values that differ, over all implementations."""
        return sum(line.mismatches for line in self.lines.values())

    def shares(self, entries: tuple[str, ...]) -> dict[str, float]:
        """Share of the cases in which each of ``entries`` was found."""
        return {entry: self.covered[entry] / max(self.cases, 1) for entry in entries}

    def first_of_each_kind(self, most: int = 3) -> list[tuple[Result, Difference]]:
        """The first cases that went wrong, one for each implementation and state, ``most`` at the most."""
        kinds: dict[tuple[str, ...], tuple[Result, Difference]] = {}
        for result in self.wrong:
            for difference in result.differences:
                kinds.setdefault(difference.kind, (result, difference))
        return list(kinds.values())[:most]
