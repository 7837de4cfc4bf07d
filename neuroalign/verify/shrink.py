"""Makes a case that shows a difference smaller, until nothing that can be left out is left.

Candidates come from :mod:`neuroalign.verify.reductions`; one is taken when its file is shorter and it still shows a
difference between the same two. Several are tried at once where trying them together costs little more than one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from neuroalign.errors import InputError, RuleError
from neuroalign.recording import Recording
from neuroalign.verify.case import Case
from neuroalign.verify.compare import FAILURES, Difference, Runner, attempt, compare
from neuroalign.verify.files import is_smaller, size
from neuroalign.verify.oracles import Oracle
from neuroalign.verify.reductions import REDUCTIONS, Reduction
from neuroalign.verify.rule_reductions import rules

TIME_LIMIT_S = 300.0
ALL_REDUCTIONS: tuple[Reduction, ...] = (*REDUCTIONS, rules)


@dataclass(frozen=True)
class Shrunk:
    """A small case and where it goes wrong; ``runs`` counts what was tried."""

    case: Case
    difference: Difference
    runs: int


def shrink(
    case: Case,
    difference: Difference,
    oracle: Oracle,
    runner: Runner,
    *,
    time_limit_s: float = TIME_LIMIT_S,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] | None = None,
) -> Shrunk:
    """The smallest case found, with its own first difference.

    Parameters
    ----------
    oracle, runner
        The two that differ.
    time_limit_s
        Seconds after which the smallest case so far is taken.
    progress
        Called with the number of candidates tried.
    """
    search = _Search(oracle, runner, stop or threading.Event(), time.monotonic() + time_limit_s, progress)
    return search.smallest(Shrunk(case, difference, 0))


@dataclass
class _Search:
    oracle: Oracle
    runner: Runner
    stop: threading.Event
    deadline: float
    progress: Callable[[int], None] | None
    runs: int = 0

    def smallest(self, found: Shrunk) -> Shrunk:
        """Every reduction over and over, until none of them makes the case smaller."""
        before = None
        while before != (before := size(found.case)) and not self._over():
            for reduction in ALL_REDUCTIONS:
                found = self._reduced(found, reduction)
        return Shrunk(found.case, found.difference, self.runs)

    def _reduced(self, found: Shrunk, reduction: Reduction) -> Shrunk:
        """One reduction until it yields nothing more."""
        while not self._over():
            smaller = self._first_that_differs(found, reduction)
            if smaller is None:
                return found
            found = smaller
        return found

    def _first_that_differs(self, found: Shrunk, reduction: Reduction) -> Shrunk | None:
        candidates = self._worth_trying(found, reduction)
        while not self._over():
            group = list(islice(candidates, self.oracle.width))
            if not group:
                return None
            for case, difference in zip(group, self._differences(group), strict=True):
                if difference is not None and bool(difference.failure) == bool(found.difference.failure):
                    return Shrunk(case, difference, self.runs)
        return None

    def _worth_trying(self, found: Shrunk, reduction: Reduction) -> Iterator[Case]:
        for candidate in _formed(reduction(found.case, found.difference)):
            if candidate.probes and is_smaller(candidate, found.case) and self.oracle.takes(candidate):
                yield candidate

    def _differences(self, cases: Sequence[Case]) -> list[Difference | None]:
        self.runs += len(cases)
        if self.progress is not None:
            self.progress(self.runs)
        try:
            recordings: list[Recording | None] = list(self.oracle(cases, self.stop))
        except FAILURES:
            if len(cases) > 1:
                return [one for case in cases for one in self._differences([case])]
            recordings = [None]
        return [
            None if recording is None else difference_of(case, recording, self.oracle.name, self.runner)
            for case, recording in zip(cases, recordings, strict=True)
        ]

    def _over(self) -> bool:
        return self.stop.is_set() or time.monotonic() > self.deadline


def difference_of(case: Case, expected: Recording, oracle: str, runner: Runner, name: str = "") -> Difference | None:
    """Where ``runner`` parts from what is expected, or what it failed with."""
    names = (oracle, name or getattr(runner, "implementation", type(runner).__name__))
    recording = attempt(runner, case, names)
    return recording if isinstance(recording, Difference) else compare(case, expected, recording, names).difference


def _formed(candidates: Iterator[Case]) -> Iterator[Case]:
    """The candidates up to one that cannot even be formed, such as a Program without products."""
    while True:
        try:
            yield next(candidates)
        except StopIteration:
            return
        except (RuleError, InputError):
            return
