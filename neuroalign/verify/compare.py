"""Runs a case in the emulator's implementations and holds each against what another room recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast, get_args

import numpy as np

from neuroalign.errors import BackendMissing, NeuroalignError
from neuroalign.fidelity import equal_states
from neuroalign.recording import Recording
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.driver import Implementation
from neuroalign.verify.case import PLASTIC_STATES, Case

FAILURES = (NeuroalignError, ArithmeticError, ValueError, TypeError, LookupError, AttributeError)
"""What a defect raises."""

IMPLEMENTATIONS: tuple[str, ...] = get_args(Implementation)


class Runner(Protocol):
    """Records every state of a case at every step."""

    def __call__(self, case: Case) -> Recording:
        """The recording of :attr:`Case.probes` at :attr:`Case.read_steps`."""


@dataclass(frozen=True)
class EmulatorRunner:
    """The emulator in one of its implementations; ``folder`` keeps the kernels that it compiles."""

    implementation: str
    folder: Path | None = None

    def __call__(self, case: Case) -> Recording:
        """The recording; raises whatever the emulator raises."""
        return Emulator(self.folder).run(
            case.network,
            case.stimulus,
            case.probes,
            read_steps=case.read_steps,
            implementation=cast("Implementation", self.implementation),
        )


@dataclass(frozen=True)
class Difference:
    """Where two recordings of one case first differ.

    Parameters
    ----------
    left, right
        What recorded them.
    state, of
        The state, and the population or connection that has it; "" where one of the two did not run at all.
    step
        Chip step, from 1.
    index
        Of the neuron, or (target, source) of the synapse, or as the weights of a pattern are numbered.
    values
        What ``left`` and ``right`` hold there.
    mismatches
        Values that differ, in all states and steps.
    failure
        What was raised, where one of the two did not run.
    """

    left: str
    right: str
    state: str = ""
    of: str = ""
    sample: int = 0
    step: int = 0
    index: tuple[int, ...] = ()
    values: tuple[float, float] = (0, 0)
    mismatches: int = 0
    failure: str = ""

    def __str__(self) -> str:
        if self.failure:
            return self.failure
        place = ", ".join(map(str, self.index))
        sample = f", sample {self.sample}" if self.sample else ""
        return (
            f"{self.state} of {self.of}[{place}] at chip step {self.step}{sample}: {self.left} {self.values[0]:g}, "
            f"{self.right} {self.values[1]:g} ({self.mismatches:,} values differ in all)"
        )

    @property
    def kind(self) -> tuple[str, ...]:
        """What a smaller case must share to show the same defect."""
        return (self.left, self.right, self.state) if not self.failure else (self.left, self.right, "failure")


@dataclass(frozen=True)
class Compared:
    """Two recordings of one case: values that change and that do not, and the first difference."""

    changing: int
    constant: int
    difference: Difference | None


def compare(case: Case, left: Recording, right: Recording, names: tuple[str, str]) -> Compared:
    """Hold two recordings of a case against each other, value by value."""
    equal = equal_states(left, right)
    if equal.first is None:
        return Compared(equal.compared, equal.constant, None)
    of, state, place = equal.first
    shape = left.states[of, state].shape[2:]
    index = tuple(int(k) for k in np.unravel_index(place.neuron, shape))
    at = (place.sample, place.step, *index)
    values = (left.states[of, state][at].item(), right.states[of, state][at].item())
    difference = Difference(*names, state, of, place.sample, place.step + 1, index, values, mismatches=equal.mismatches)
    return Compared(equal.compared, equal.constant, difference)


def attempt(runner: Runner, case: Case, names: tuple[str, str]) -> Recording | Difference:
    """The recording, or what kept the emulator from one: a crash in it is a finding like a difference."""
    try:
        return runner(case)
    except BackendMissing:
        raise
    except FAILURES as error:
        line = str(error).splitlines()[0] if str(error) else ""
        return Difference(*names, failure=f"{names[1]} did not run: {type(error).__name__}: {line}")


__all__ = [
    "FAILURES",
    "IMPLEMENTATIONS",
    "PLASTIC_STATES",
    "Compared",
    "Difference",
    "EmulatorRunner",
    "Runner",
    "attempt",
    "compare",
]
