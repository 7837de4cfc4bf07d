"""A network stepped from Python, by whoever closes the loop around it: a body, a game, another simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from neuroalign.chip import ChipInput, ChipNetwork, Numbers
from neuroalign.errors import InputError
from neuroalign.recording import Probe, Stimulus
from neuroalign.sim.emulator.checks import check_probes, check_stimulus
from neuroalign.sim.emulator.memory import recorded_dtype
from neuroalign.sim.emulator.plastic_connection import PLASTIC_STATES
from neuroalign.sim.emulator.prepared import ENDLESS, Prepared, restore, state_arrays
from neuroalign.sim.emulator.samples import Stretches, given

if TYPE_CHECKING:
    from neuroalign.sim.emulator.learning_kernels import LearningRun

Inputs = Mapping[str, Any] | Any | None
"""Input name to values; the values alone where the network has one input; None: nothing arrives."""

_STEP = "step"


def session_probes(network: ChipNetwork, probes: Sequence[Probe] | None) -> tuple[Probe, ...]:
    """``probes`` without repetition; where None, the spikes of the network's outputs."""
    if probes is None:
        return tuple(dict.fromkeys((population, "s") for _, population in network.outputs))
    return tuple(dict.fromkeys(probes))


class Session:
    """A network between two steps. Made by :meth:`~neuroalign.sim.emulator.driver.Emulator.start`.

    ``steps`` calls of :meth:`step` and one call of :meth:`advance` give what a run of the same inputs gives, bit by bit.

    Parameters
    ----------
    network
        A checked network.
    probes
        What steps return.
    """

    def __init__(self, network: ChipNetwork, probes: tuple[Probe, ...]) -> None:
        self.network, self.probes = network, probes
        received = tuple((p.name, "a") for p in network.populations)  # the kernels forget it at the end of a step
        self._prepared = Prepared(network, tuple(dict.fromkeys((*probes, *received))))
        from neuroalign.sim.emulator.bound import BoundStep
        from neuroalign.sim.emulator.input_kernels import first_not_binary

        self._first_not_binary = first_not_binary
        layout = self._prepared.layout
        self._run = self._prepared.start(self._prepared.draws(ENDLESS))
        self._record = np.zeros((1, layout.columns), dtype=layout.dtype)
        self._given = np.zeros((1, layout.channels), dtype=layout.dtype)
        self._bound = BoundStep(self._run, self._given, self._record) if BoundStep.possible(self._run) else None
        self._binary = np.concatenate(
            [np.zeros(0, dtype=bool), *(np.full(port.size, port.message_bits == 0) for port in network.inputs)]
        )
        self._ports = _places(network.inputs, self._given[0])
        self._outputs = self._output_columns()
        self._plastic = tuple(probe for probe in probes if probe[1] in PLASTIC_STATES)
        self._steps = 0

    @property
    def steps(self) -> int:
        """Steps done so far."""
        return self._steps

    def step(self, inputs: Inputs = None) -> dict[Probe, Numbers]:
        """One step.

        Parameters
        ----------
        inputs
            (channels,) for each input, as a mapping by name, or alone where there is one input.

        Returns
        -------
        dict
            Probe to its value after the step: (neurons,), or as :meth:`read` gives it of plastic connections.

        Raises
        ------
        InputError
            If an input has another size or values that it does not take; the network is then as before.
        """
        if inputs is None:
            self._given[:] = 0
        else:
            self._fill(inputs)
        if self._bound is None:
            self._run.advance(self._steps, self._given, self._record)
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
        stimulus, count = self._stimulus(inputs, steps)
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
        """A state as it is now, whether probed or not: a copy.

        Parameters
        ----------
        name, state
            As in a probe: "s", "u", "v", "a" of a population; "w", "t", "d", "x1", ... of a plastic connection.
        """
        check_probes(self.network, [(name, state)])
        if state in PLASTIC_STATES:
            return np.array(cast("LearningRun", self._run).read(name, state))
        dtype = recorded_dtype(self.network, (name, state))
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

    def snapshot(self) -> Mapping[str, Numbers]:
        """Everything that a later :meth:`restore` goes back to; arrays by name, which ``numpy.savez`` can keep."""
        arrays = {name: array.copy() for name, array in state_arrays(self._run).items()}
        return MappingProxyType(arrays | {_STEP: np.array(self._steps), "received": self._record.copy()})

    def restore(self, snapshot: Mapping[str, Numbers]) -> None:
        """Go back (or on) to a snapshot of a session of the same network and probes.

        Raises
        ------
        InputError
            If it is of another network.
        """
        states = {name: array for name, array in snapshot.items() if name not in (_STEP, "received")}
        wrong = restore(self._run, states) if {_STEP, "received"} <= snapshot.keys() else "its step is missing"
        if wrong:
            raise InputError(f"snapshot of another network or other probes ({wrong}); take one from this network")
        self._record[...] = snapshot["received"]
        self._steps = int(snapshot[_STEP])

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

    def _fill(self, inputs: Any) -> None:
        """Put the inputs of a step side by side."""
        by_name = inputs if isinstance(inputs, Mapping) else self._single(inputs)
        if len(by_name) != len(self._ports):
            _refuse_names(self.network, by_name)
        for name, values in by_name.items():
            if name not in self._ports:
                _refuse_names(self.network, by_name)
            place, accept = self._ports[name]
            place[:] = accept(values)
        bad = self._first_not_binary(self._given[0], self._binary)
        if bad >= 0:
            raise InputError(
                f"a binary input is {self._given[0, bad]} at channel {bad}; it takes 0 or 1; encode it first"
            )

    def _single(self, inputs: Any) -> dict[str, Any]:
        if len(self.network.inputs) != 1:
            raise InputError(
                f"network {self.network.name!r} has {len(self.network.inputs)} inputs; give a mapping from their names to values"
            )
        return {self.network.inputs[0].name: inputs}

    def _stimulus(self, inputs: Inputs, steps: int | None) -> tuple[Stimulus, int]:
        """The inputs of several steps, checked, and how many steps there are."""
        if inputs is None:
            inputs = {port.name: np.zeros((0, port.size), dtype=np.uint8) for port in self.network.inputs}
        by_name = inputs if isinstance(inputs, Mapping) else self._single(inputs)
        arrays = {name: np.asarray(values)[np.newaxis] for name, values in by_name.items()}
        stimulus = Stimulus(arrays)
        if arrays:
            check_stimulus(self.network, stimulus)
        count = stimulus.steps if steps is None else steps
        if count < stimulus.steps:
            raise InputError(f"advance: {stimulus.steps} rows of input for {count} steps; give no more rows than steps")
        return stimulus, count


def _places(ports: Sequence[ChipInput], row: Numbers) -> dict[str, tuple[Numbers, Callable[[Any], Numbers]]]:
    """Input name to its part of the row, and what turns values into numbers that it takes."""
    places = {}
    first = 0
    for port in ports:
        places[port.name] = (row[first : first + port.size], _accepting(port, row.dtype.kind == "i"))
        first += port.size
    return places


def _accepting(port: ChipInput, fixed: bool) -> Callable[[Any], Numbers]:
    shape, safe = (port.size,), ("b1", "i1", "u1", "i2", "u2", "i4")

    def accept(values: Any) -> Numbers:
        array = np.asarray(values)
        if array.shape != shape:
            raise InputError(f"input {port.name!r} has shape {array.shape} in one step; {shape} is needed")
        if array.dtype.str[1:] not in safe:
            check_stimulus(_only(port, fixed), Stimulus({port.name: array[np.newaxis, np.newaxis]}))
        return array

    return accept


def _only(port: ChipInput, fixed: bool) -> Any:
    """What the check of a stimulus asks of a network."""
    from types import SimpleNamespace

    return SimpleNamespace(name="", inputs=(port,), is_fixed=fixed)


def _refuse_names(network: ChipNetwork, by_name: Mapping[str, Any]) -> None:
    wanted = ", ".join(repr(port.name) for port in network.inputs) or "none"
    raise InputError(
        f"inputs {', '.join(map(repr, by_name)) or 'none'}; network {network.name!r} has {wanted}: give all"
    )
