"""A network stepped from Python, by whoever closes the loop around it: a body, a game, another simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from neuroalign.chip import ChipNetwork, Numbers
from neuroalign.errors import InputError
from neuroalign.microcode import Program
from neuroalign.recording import Probe
from neuroalign.sim.emulator.changes import ProgramChange, check_changes
from neuroalign.sim.emulator.checks import check_probes
from neuroalign.sim.emulator.memory import recorded_dtype
from neuroalign.sim.emulator.plastic_connection import PLASTIC_STATES
from neuroalign.sim.emulator.prepared import ENDLESS, Plastic, Prepared, carry_over, restore, state_arrays
from neuroalign.sim.emulator.samples import Stretches, given
from neuroalign.sim.emulator.session_inputs import Inputs, SessionInputs

if TYPE_CHECKING:
    from neuroalign.sim.emulator.learning_kernels import LearningRun

STEP, RECEIVED = "session.step", "session.received"
"""Entries of a snapshot beside the states of the run."""


def session_probes(network: ChipNetwork, probes: Sequence[Probe] | None) -> tuple[Probe, ...]:
    """``probes`` without repetition; where None, the spikes of the network's outputs."""
    if probes is None:
        return tuple(dict.fromkeys((population, "s") for _, population in network.outputs))
    return tuple(dict.fromkeys(probes))


class Session:
    """A network between two steps. Made by :meth:`~neuroalign.sim.emulator.driver.Emulator.start`.

    Calls of :meth:`step` and :meth:`advance`, in any mixture, give what a run of the same inputs gives, bit by bit.

    Parameters
    ----------
    network
        A checked network.
    probes
        What steps return.
    implementation, folder
        What updates plastic connections, and where kernels are kept.
    """

    def __init__(
        self,
        network: ChipNetwork,
        probes: tuple[Probe, ...],
        *,
        implementation: Plastic = "kernels",
        folder: Path | None = None,
    ) -> None:
        self.network, self.probes = network, probes
        self._implementation, self._folder = implementation, folder
        self._changes: tuple[ProgramChange, ...] = ()
        self._plastic = tuple(probe for probe in probes if probe[1] in PLASTIC_STATES)
        self._steps = 0
        self._prepare()
        layout = self._prepared.layout
        self._inputs = SessionInputs(network, layout.dtype)
        self._record = np.zeros((1, layout.columns), dtype=layout.dtype)
        self._outputs = self._output_columns()
        self._bind()

    @property
    def steps(self) -> int:
        """Steps done so far."""
        return self._steps

    def step(self, inputs: Inputs = None) -> dict[Probe, Numbers]:
        """One step.

        Parameters
        ----------
        inputs
            (channels,) for each input, as a mapping by name, or alone where there is one input; None: nothing arrives.

        Returns
        -------
        dict
            Probe to its value after the step: (neurons,), or as :meth:`read` gives it of plastic connections.

        Raises
        ------
        InputError
            If an input has another size or values that it does not take; the network is then as before.
        """
        self._inputs.fill(inputs)
        if self._bound is None:
            self._run.advance(self._steps, self._inputs.row, self._record)
        else:
            self._bound(self._steps)
        self._steps += 1
        states = {probe: values.astype(dtype) for probe, values, dtype in self._outputs}
        for name, state in self._plastic:
            states[name, state] = self.read(name, state)
        return states

    def advance(self, inputs: Inputs, steps: int | None = None) -> dict[Probe, Numbers]:
        """Several steps in one call.

        Parameters
        ----------
        inputs
            As in :meth:`step`, with one row for each step: (steps, channels).
        steps
            How many; None: as many as ``inputs`` has rows. Where rows are missing nothing arrives.

        Returns
        -------
        dict
            Probe to (steps, neurons); of plastic connections the state after the last step.
        """
        stimulus, count = self._inputs.stimulus(inputs, steps)
        layout, prepared = self._prepared.layout, self._prepared
        states = {
            probe: np.zeros((count, self.network.population(probe[0]).size), recorded_dtype(self.network, probe))
            for probe in self.probes
            if probe[1] not in PLASTIC_STATES
        }
        stretches = Stretches(layout, ENDLESS, (self._steps + count,))
        start, first = self._steps, self._steps
        while start < first + count:
            stop = stretches.end(start)
            record = np.zeros((stop - start, layout.columns), dtype=layout.dtype)
            self._run.advance(start, given(self.network, stimulus, 0, start - first, stop - first, layout), record)
            for probe, array in states.items():
                column = prepared.columns[probe]
                array[start - first : stop - first] = record[:, column : column + array.shape[1]]
            self._record[0] = record[-1]
            self._steps = start = stop
        return states | {probe: self.read(*probe) for probe in self._plastic}

    def read(self, name: str, state: str) -> Numbers:
        """A state as it is now, whether probed or not: a copy, of the type that a Recording has it in.

        Parameters
        ----------
        name, state
            As in a probe: "s", "u", "v", "a", "r" of a population; "w", "t", "d", "x1", ... of a plastic connection.
        """
        check_probes(self.network, [(name, state)])
        dtype = recorded_dtype(self.network, (name, state))
        if state in PLASTIC_STATES:
            return np.asarray(cast("LearningRun", self._run).read(name, state)).astype(dtype)  # a copy, always
        run, layout = self._run, self._prepared.layout
        if state == "a":
            first = self._prepared.columns[name, state]
            return self._record[0, first : first + self.network.population(name).size].astype(dtype)
        row = layout.populations[[p.name for p in layout.order].index(name)]
        values = run.sent[layout.channels :] if state == "s" else getattr(run, state)
        return np.asarray(values[row["first"] : row["first"] + row["size"]].astype(dtype))

    def counts(self) -> dict[str, int]:
        """Counters so far, as in a Recording."""
        return self._prepared.counts(self._run)

    def change(self, connection: str, program: Program) -> None:
        """Let a plastic connection run another program from the next step on; all else carries on.

        Parameters
        ----------
        connection, program
            As in a :class:`~neuroalign.sim.emulator.changes.ProgramChange`, which does the same in a run.

        Raises
        ------
        InputError, NetworkError, RuleError
            If there is no such connection, or it cannot run the program.
        """
        step = self._steps + 1
        change = ProgramChange(step, connection, program)
        others = [c for c in self._changes if (c.connection, c.step) != (connection, step)]
        changes = check_changes(self.network, [*others, change], step)
        prepared, run, self._changes = self._prepared, self._run, changes
        self._prepare()
        carry_over((prepared, run), (self._prepared, self._run))
        self._bind()

    def snapshot(self) -> Mapping[str, Numbers]:
        """Everything that a later :meth:`restore` goes back to; arrays by name, which ``numpy.savez`` can keep."""
        arrays = {name: array.copy() for name, array in state_arrays(self._run).items()}
        return MappingProxyType(arrays | {STEP: np.array(self._steps), RECEIVED: self._record.copy()})

    def restore(self, snapshot: Mapping[str, Numbers]) -> None:
        """Go back (or on) to a snapshot of a session of the same network, probes and programs.

        Raises
        ------
        InputError
            If it is of another network.
        """
        states = {name: array for name, array in snapshot.items() if name not in (STEP, RECEIVED)}
        wrong = restore(self._run, states) if {STEP, RECEIVED} <= snapshot.keys() else "its step is missing"
        if wrong:
            raise InputError(f"snapshot of another network or other probes ({wrong}); take one from this network")
        self._record[...] = snapshot[RECEIVED]
        self._steps = int(snapshot[STEP])

    def _prepare(self) -> None:
        """Lay the network out with the programs that are known of, and start a run."""
        received = tuple((p.name, "a") for p in self.network.populations)  # the kernels forget it as a step ends
        self._prepared = Prepared(
            self.network,
            tuple(dict.fromkeys((*self.probes, *received))),
            self._changes,
            implementation=self._implementation,
            folder=self._folder,
        )
        self._run = self._prepared.start(self._prepared.draws(ENDLESS))

    def _bind(self) -> None:
        from neuroalign.sim.emulator.bound import BoundStep

        possible = BoundStep.possible(self._run)
        self._bound = BoundStep(self._run, self._inputs.row, self._record, self._steps) if possible else None

    def _output_columns(self) -> tuple[tuple[Probe, Numbers, Any], ...]:
        row, columns = self._record[0], self._prepared.columns
        return tuple(
            (
                probe,
                row[columns[probe] : columns[probe] + self.network.population(probe[0]).size],
                recorded_dtype(self.network, probe),
            )
            for probe in self.probes
            if probe[1] not in PLASTIC_STATES
        )
