"""What the states of a case should be: Lava's, or those of the emulator's readable form."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from neuroalign.chip import ChipNetwork
from neuroalign.recording import Recording
from neuroalign.sim.emulator.checks import check_network as check_emulator
from neuroalign.sim.emulator.checks import check_stimulus
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.holdable import check_network as check_lava
from neuroalign.verify.case import Case
from neuroalign.verify.compare import FAILURES, EmulatorRunner

SECONDS_A_CASE = 30.0
STARTUP_S = 60.0


class Stopped(Exception):
    """The run was asked to end."""


class Oracle(Protocol):
    """Records every state of some cases at every step."""

    @property
    def name(self) -> str:
        """As differences name it."""

    @property
    def width(self) -> int:
        """How many cases it likes to be given at once."""

    def takes(self, case: Case) -> bool:
        """Whether it can run the case at all."""

    def __call__(self, cases: Sequence[Case], stop: threading.Event) -> list[Recording]:
        """Recordings of all cases; raises :class:`Stopped` soon after ``stop`` was set."""


@dataclass(frozen=True)
class LavaOracle:
    """Lava's own bit-accurate models, many cases in one worker process."""

    name: str = "lava"
    width: int = 8

    def takes(self, case: Case) -> bool:
        """Whether Lava holds the network exactly as it is, and the emulator takes it."""
        return _accepted(case, check_emulator, check_lava)

    def __call__(self, cases: Sequence[Case], stop: threading.Event) -> list[Recording]:
        """Recordings of all cases."""

        def ended(done: int, total: int) -> None:
            if stop.is_set():
                raise Stopped

        jobs = [(case.network, case.stimulus, case.probes, case.read_steps) for case in cases]
        return LavaBackend().run_cases(jobs, time_limit_s=STARTUP_S + SECONDS_A_CASE * len(cases), progress=ended)


@dataclass(frozen=True)
class EmulatorOracle:
    """One of the emulator's implementations; the readable one defines what the others compute."""

    name: str = "reference"
    width: int = 1

    def takes(self, case: Case) -> bool:
        """Whether the emulator takes the network."""
        return _accepted(case, check_emulator)

    def __call__(self, cases: Sequence[Case], stop: threading.Event) -> list[Recording]:
        """Recordings of all cases."""
        recordings = []
        for case in cases:
            if stop.is_set():
                raise Stopped
            recordings.append(EmulatorRunner(self.name)(case))
        return recordings


def _accepted(case: Case, *checks: Callable[[ChipNetwork], None]) -> bool:
    try:
        for check in checks:
            check(case.network)
        check_stimulus(case.network, case.stimulus)
    except FAILURES:
        return False
    return True
