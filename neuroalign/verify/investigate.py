"""From a case that went wrong to a small file that shows it; and such a file run again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from neuroalign.verify.case import Case
from neuroalign.verify.compare import Difference, Runner
from neuroalign.verify.files import write_case
from neuroalign.verify.oracles import EmulatorOracle, Oracle
from neuroalign.verify.run import Result, Work
from neuroalign.verify.shrink import TIME_LIMIT_S, Shrunk, difference_of, shrink

Shares = Mapping[str, tuple[Runner, int]]


def smallest(
    case: Case,
    difference: Difference,
    oracle: Oracle,
    runners: Shares,
    *,
    time_limit_s: float = TIME_LIMIT_S,
    progress: Callable[[int], None] | None = None,
) -> Shrunk:
    """The smallest case found that shows the difference.

    Where the reference does what the oracle does, it stands in for it first: it answers at once, where Lava has to be
    started for every few candidates. What is found is then shrunk further against the oracle itself.
    """
    if difference.right not in runners:  # the oracle itself failed: there is nothing to hold against it
        return Shrunk(case, difference, 0)
    runner, quick = runners[difference.right][0], EmulatorOracle()
    found = Shrunk(case, difference, 0)
    if oracle.name != quick.name and difference.right != quick.name and not difference.failure:
        found = _with_stand_in(found, oracle, quick, runner, time_limit_s / 2, progress)
    final = shrink(found.case, found.difference, oracle, runner, time_limit_s=time_limit_s, progress=progress)
    return replace(final, runs=final.runs + found.runs)


def _with_stand_in(
    found: Shrunk,
    oracle: Oracle,
    quick: Oracle,
    runner: Runner,
    time_limit_s: float,
    progress: Callable[[int], None] | None,
) -> Shrunk:
    stop = threading.Event()
    names = found.difference.right
    first = difference_of(found.case, quick([found.case], stop)[0], quick.name, runner, names)
    if first is None:
        return found
    smaller = shrink(found.case, first, quick, runner, time_limit_s=time_limit_s, progress=progress)
    if not oracle.takes(smaller.case):
        return found
    seen = difference_of(smaller.case, oracle([smaller.case], stop)[0], oracle.name, runner, names)
    return found if seen is None else Shrunk(smaller.case, seen, smaller.runs)


def save(folder: Path, shrunk: Shrunk, versions: Mapping[str, str]) -> Path:
    """Write a case to ``folder``, named by what it was drawn from and what differs."""
    case, difference = shrunk.case, shrunk.difference
    what = difference.state or "failure"
    name = f"seed{case.seed}-case{case.number}-{difference.right}-{what}.json"
    return write_case(folder / name, case, difference, versions)


def replay(case: Case, oracle: Oracle, runners: Shares) -> Result:
    """A case run again, in every implementation."""
    every_one = {name: (runner, 1) for name, (runner, _) in runners.items()}
    (result,) = Work(oracle, every_one, lambda _: case).batch([case.number])
    return result
