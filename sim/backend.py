"""What every backend offers: a name, whether it can run here, and one function from arrays to arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from neuroalign.chip import ChipNetwork
from neuroalign.errors import InputError
from neuroalign.recording import Probe, Recording, Stimulus


class Backend(Protocol):
    """Something that runs a ChipNetwork."""

    @property
    def name(self) -> str:
        """Short name, as given to ``--backend``."""

    def missing(self) -> str | None:
        """One line saying what to install, or None when the backend can run here."""

    def run(
        self,
        network: ChipNetwork,
        stimulus: Stimulus,
        probes: Sequence[Probe],
        *,
        read_steps: Sequence[int] | None = None,
    ) -> Recording:
        """Run ``stimulus.steps + network.latency_steps`` steps of each sample (input 0 after its end).

        Parameters
        ----------
        read_steps
            Chip steps, from 1, at whose end plastic connections are read; None: the last one.
        """


def steps_to_read(read_steps: Sequence[int] | None, steps: int) -> tuple[int, ...]:
    """The steps, from 1, at whose end plastic connections are read, ascending; None stands for the last of ``steps``.

    Raises
    ------
    InputError
        If one is no step of the run.
    """
    if read_steps is None:
        return (steps,) if steps else ()
    for step in read_steps:
        if step != int(step) or not 1 <= step <= steps:
            raise InputError(f"read_steps has {step}; the run has steps 1 to {steps}")
    return tuple(sorted({int(step) for step in read_steps}))
