"""Runs the cases: Lava in worker processes, the emulator beside it, results as they come.

Cases go to Lava in batches, since starting it costs more than most of them; each batch is a thread of its own, which
waits for its worker process and then runs the emulator on the same cases.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from neuroalign.errors import BackendMissing
from neuroalign.recording import Recording
from neuroalign.verify import coverage
from neuroalign.verify.case import Case
from neuroalign.verify.compare import (
    FAILURES,
    IMPLEMENTATIONS,
    Compared,
    Difference,
    EmulatorRunner,
    Runner,
    attempt,
    compare,
)
from neuroalign.verify.draw import draw_case
from neuroalign.verify.oracles import LavaOracle, Oracle, Stopped

BATCH = 16
TICK_S = 0.2
SHARES = {"kernels": 1, "reference": 8, "generated": 25}
"""An implementation runs every n-th case: all take the usual one, few those that are slow or compile for each rule."""


@dataclass(frozen=True)
class VerifyOptions:
    """What to verify, and how.

    Parameters
    ----------
    cases, seed
        Cases 0 to ``cases - 1`` of the series ``seed``.
    only
        Number of the one case to run, or None.
    workers
        Batches under way at once; None: as many as there are processors, at most 4.
    time_limit_s
        No batch starts later than this; None: no limit.
    """

    cases: int = 200
    seed: int = 0
    only: int | None = None
    workers: int | None = None
    time_limit_s: float | None = None

    @property
    def numbers(self) -> range:
        """The cases to run."""
        return range(self.cases) if self.only is None else range(self.only, self.only + 1)


@dataclass(frozen=True)
class Result:
    """What came of one case: what each implementation compared, and what the case exercised."""

    case: Case
    compared: Mapping[str, Compared]
    entries: frozenset[str] = frozenset()

    @property
    def differences(self) -> list[Difference]:
        """The first difference of every implementation that has one."""
        return [c.difference for c in self.compared.values() if c.difference is not None]


@dataclass
class Work:
    """What a thread does with a batch."""

    oracle: Oracle
    runners: Mapping[str, tuple[Runner, int]]
    draw: Callable[[int], Case]
    stop: threading.Event = field(default_factory=threading.Event)

    def batch(self, numbers: Sequence[int]) -> list[Result]:
        """Results of some cases; none of those that were not begun when :attr:`stop` was set."""
        cases = [self.draw(number) for number in numbers]
        recordings = recorded(self.oracle, cases, self.stop)
        return [
            self._result(case, recording)
            for case, recording in zip(cases, recordings, strict=True)
            if recording is not None and not self.stop.is_set()
        ]

    def _result(self, case: Case, expected: Recording | Difference) -> Result:
        if isinstance(expected, Difference):
            return Result(case, {self.oracle.name: Compared(0, 0, expected)})
        compared, entries = {}, frozenset[str]()
        for name, (runner, every) in self.runners.items():
            if name == self.oracle.name or case.number % every:
                continue
            compared[name], recording = self._compared(case, expected, name, runner)
            if recording is not None and not entries:
                entries = coverage.found(case, recording)
        return Result(case, compared, entries)

    def _compared(
        self, case: Case, expected: Recording, name: str, runner: Runner
    ) -> tuple[Compared, Recording | None]:
        names = (self.oracle.name, name)
        recording = attempt(runner, case, names)
        if isinstance(recording, Difference):
            return Compared(0, 0, recording), None
        return compare(case, expected, recording, names), recording


def emulator_runners(folder: Path | None = None) -> dict[str, tuple[Runner, int]]:
    """The emulator's implementations, and the share of cases that each takes.

    ``folder`` keeps the kernels compiled for drawn rules, which nobody needs again; None: where all kernels are kept.
    """
    return {name: (EmulatorRunner(name, folder), every) for name, every in SHARES.items() if name in IMPLEMENTATIONS}


def recorded(oracle: Oracle, cases: Sequence[Case], stop: threading.Event) -> list[Recording | Difference | None]:
    """The oracle's recordings; where a batch fails, of its cases one by one, so that one failure is not all of theirs."""
    if stop.is_set():
        return [None] * len(cases)
    try:
        return list(oracle(cases, stop))
    except Stopped:
        return [None] * len(cases)
    except BackendMissing:
        raise
    except FAILURES as error:
        if len(cases) == 1:
            return [Difference(oracle.name, oracle.name, failure=f"{oracle.name} did not run: {error}")]
        return [one for case in cases for one in recorded(oracle, [case], stop)]


def results(
    options: VerifyOptions,
    *,
    oracle: Oracle | None = None,
    runners: Mapping[str, tuple[Runner, int]] | None = None,
    draw: Callable[[int], Case] | None = None,
) -> Generator[Result, None, None]:
    """Results of all cases in the order in which they are finished; closing the iterator ends what is under way.

    Parameters
    ----------
    oracle, runners
        What the states should be, and what is held against it; Lava, and every implementation of the emulator.
    draw
        Case of a number; :func:`draw_case` of the options' seed if absent.
    """
    work = Work(
        LavaOracle() if oracle is None else oracle,
        emulator_runners() if runners is None else runners,
        draw or (lambda number: draw_case(options.seed, number)),
    )
    workers = options.workers or min(os.cpu_count() or 1, 4)
    deadline = None if options.time_limit_s is None else time.monotonic() + options.time_limit_s
    pool = ThreadPoolExecutor(workers)
    try:
        yield from _stream(pool, workers, work, _batches(options.numbers, deadline))
    finally:
        work.stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _batches(numbers: range, deadline: float | None) -> Iterator[Sequence[int]]:
    for first in range(0, len(numbers), BATCH):
        if deadline is not None and time.monotonic() > deadline:
            return
        yield numbers[first : first + BATCH]


def _stream(pool: ThreadPoolExecutor, workers: int, work: Work, batches: Iterator[Sequence[int]]) -> Iterator[Result]:
    """Keep every worker busy with one batch, and hand out what they bring."""
    pending: set[Future[list[Result]]] = set()
    while True:
        while len(pending) < workers:
            batch = next(batches, None)
            if batch is None:
                break
            pending.add(pool.submit(work.batch, batch))
        if not pending:
            return
        done, pending = wait(pending, timeout=TICK_S, return_when=FIRST_COMPLETED)
        for future in done:
            yield from future.result()
