"""A user's Lava network, taken out of memory into the emulator, run there, and compared with Lava bit for bit.

::

    taken = neuroalign.network_from_lava(lif)        # any process of the connected network
    run = taken.run(1000, record=[lif.v])
    run[lif.s_out], run[lif.v], run[dense.weights]   # arrays as Lava's monitors and Var.get give them
    print(taken.compare(1000))                       # Lava runs the same processes, in a copy; every state is compared
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, SparsePattern
from neuroalign.errors import InputError
from neuroalign.fidelity import EqualStates, equal_states
from neuroalign.recording import PLASTIC, SYNAPSES, Probe, Recording, Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.own_run import LAVA_NAMES, NEURON_STATES, SYNAPSE_STATES, run_own
from neuroalign.sim.lava_processes.process_graph import title
from neuroalign.sim.lava_processes.taken_network import TakenNetwork, take_network

_STATES = {name: state for state, name in LAVA_NAMES.items()}
READS = 10
"""How often what learns is read where :meth:`LavaNetwork.compare` is not told when."""

Implementation = Literal["auto", "kernels", "reference"]


@dataclass(frozen=True, eq=False)
class LavaNetwork:
    """A network of Lava processes and its ChipNetwork.

    Parameters
    ----------
    taken
        The ChipNetwork, the process of each of its names, and what was noted on the way.
    """

    taken: TakenNetwork

    @property
    def network(self) -> ChipNetwork:
        """What the emulator runs."""
        return self.taken.network

    @property
    def notes(self) -> tuple[str, ...]:
        """What Lava holds differently than it was written, and which processes were left out."""
        return self.taken.notes

    def __str__(self) -> str:
        """What each process is called in the ChipNetwork, a line each, and the notes."""
        lines = [f"{name}: {title(process)}" for name, process in self.taken.processes.items()]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def stimulus(self, steps: int, inputs: Mapping[Any, ArrayLike] | None = None) -> Stimulus:
        """What enters in ``steps`` steps: what the RingBuffers hold, or ``inputs`` in their place.

        Parameters
        ----------
        inputs
            RingBuffer (or its name in the ChipNetwork) to data as a RingBuffer takes them, (..., steps), or several samples of
            it, (samples, ..., steps). Shorter data start over, as in Lava.

        Raises
        ------
        InputError
            If steps is below 1, or data do not fit their RingBuffer.
        """
        if steps != int(steps) or steps < 1:
            raise InputError(f"steps is {steps}; a whole number from 1 is needed")
        given = dict(self.taken.stimulus(int(steps)).inputs)
        for source, data in (inputs or {}).items():
            name = source if isinstance(source, str) else self.taken.name_of(source)
            given[name] = self._sent(name, np.asarray(data), int(steps))
        samples = max(a.shape[0] for a in given.values())
        repeated = {n: np.broadcast_to(a, (samples, *a.shape[1:])) if len(a) == 1 else a for n, a in given.items()}
        return Stimulus(repeated, description="data of Lava's RingBuffers")

    def run(
        self,
        steps: int,
        *,
        record: Sequence[Any] = (),
        read_steps: Sequence[int] | None = None,
        inputs: Mapping[Any, ArrayLike] | None = None,
        implementation: Implementation = "auto",
    ) -> LavaRun:
        """Run the network in the emulator, from the state that the processes were given.

        Parameters
        ----------
        record
            Vars and ports of the processes, as ``lif.v``, ``lif.a_in``, ``dense.weights``. Spikes of all neurons, and weights
            and tags of what learns, are always recorded.
        read_steps : from 1
            Steps at whose end weights, tags and traces are read; None: the last one.
        inputs
            As in :meth:`stimulus`.

        Raises
        ------
        InputError
            If something to record is no part of the network.
        """
        probes: list[Probe] = [(p.name, "s") for p in self.network.populations]
        probes += [(c.name, state) for c in self._learning() for state in ("w", "t")]
        probes += [self.probe(member) for member in record]
        stimulus = self.stimulus(steps, inputs)
        started = time.perf_counter()
        recording = Emulator().run(
            self.network,
            stimulus,
            list(dict.fromkeys(probes)),
            read_steps=read_steps,
            implementation=implementation,
        )
        return LavaRun(self, recording, time.perf_counter() - started)

    def compare(
        self,
        steps: int,
        *,
        read_steps: Sequence[int] | None = None,
        run_config: Any = None,
        time_limit_s: float = 600.0,
    ) -> LavaComparison:
        """Let Lava run the processes themselves, in a forked copy of this Python, and compare every state at every step.

        Compared are s, u and v of all neurons in every step, and weights, tags and traces of what learns at ``read_steps``
        (None: ten times, evenly). The processes here stay as they are, not compiled and not run.

        Raises
        ------
        InputError
            If the processes were run already.
        BackendMissing, BackendFailed
            If Lava is not installed, failed, or took longer than ``time_limit_s``.
        """
        stimulus = self.stimulus(steps)
        reads = tuple(read_steps or sorted({-(-steps * k // READS) for k in range(1, READS + 1)}))
        probes: list[Probe] = [(p.name, state) for p in self.network.populations for state in NEURON_STATES]
        probes += [(c.name, state) for c in self._learning() for state in SYNAPSE_STATES]
        started = time.perf_counter()
        emulated = Emulator().run(self.network, stimulus, probes, read_steps=reads)
        between = time.perf_counter()
        lava = run_own(self.taken, steps, reads, run_config=run_config, time_limit_s=time_limit_s)
        seconds = between - started, time.perf_counter() - between
        return LavaComparison(equal_states(emulated, lava), self._values(emulated, lava), *seconds)

    def probe(self, member: Any) -> Probe:
        """The probe of a Var or port such as ``lif.v`` (InputError if it is none of this network's)."""
        process, name = getattr(member, "process", None), getattr(member, "name", None)
        if process is None or name is None:
            raise InputError(f"{member!r} is no Var or port of a Lava process; give one, as lif.v or dense.weights")
        found = self.taken.name_of(process), _STATES.get(str(name), "")
        plastic = {c.name for c in self._learning()}
        neurons = {p.name for p in self.network.populations}
        states = (*NEURON_STATES, "a") if found[0] in neurons else SYNAPSE_STATES if found[0] in plastic else ()
        if found[1] not in states:
            known = ", ".join(LAVA_NAMES[state] for state in states)
            rest = f"record one of {known}" if known else "nothing of this process changes in a run"
            raise InputError(f"{name} of {title(process)} cannot be recorded; {rest}")
        return found

    def _learning(self) -> list[ChipConnection]:
        return [c for c in self.network.connections if c.plasticity is not None]

    def _sent(self, name: str, data: NDArray[Any], steps: int) -> NDArray[np.int64]:
        if name not in self.taken.data:
            raise InputError(f"input {name!r} is none of the network's: {', '.join(self.taken.data) or 'it has none'}")
        shape = tuple(self.taken.processes[name].s_out.shape)
        if data.ndim not in (len(shape) + 1, len(shape) + 2) or data.shape[-1 - len(shape) : -1] != shape:
            raise InputError(
                f"data of input {name!r} have shape {data.shape}; {(*shape, 'steps')} is needed, or samples of it"
            )
        if data.shape[-1] < 1 or (data != np.floor(data)).any():
            raise InputError(f"data of input {name!r} hold no steps of whole numbers; encode them first")
        rows = data.reshape(-1, int(np.prod(shape)), data.shape[-1]).astype(np.int64)
        return rows.transpose(0, 2, 1)[:, np.arange(steps) % data.shape[-1]][:, :, self.taken.orders[name]]

    def _values(self, emulated: Recording, lava: Recording) -> tuple[int, int] | None:
        """The emulator's value and Lava's at the first difference."""
        found = equal_states(emulated, lava).first
        if found is None:
            return None
        name, state, place = found
        held = [r.states[name, state] for r in (emulated, lava)]
        row = emulated.read_steps.index(place.step + 1) if state in PLASTIC else place.step
        left, right = (int(a[0, row].ravel()[place.neuron]) for a in held)
        return left, right


@dataclass(frozen=True, eq=False)
class LavaRun:
    """What the emulator recorded, to be read as Lava numbers it.

    Parameters
    ----------
    recording
        As the emulator gave it, by names of the ChipNetwork.
    seconds
        What the run took.
    """

    lava: LavaNetwork
    recording: Recording
    seconds: float

    def __getitem__(self, member: Any) -> NDArray[Any]:
        """Values of a Var or port: (steps, *shape) of neurons, (*shape) of what learns at the last read.

        With several reads of what learns (reads, *shape); with several samples they come first.

        Raises
        ------
        InputError
            If it was not recorded.
        """
        probe = self.lava.probe(member)
        if probe not in self.recording.states:
            raise InputError(f"{member.name} of {title(member.process)} was not recorded; add it to record=[...]")
        held = self.recording.states[probe]
        name, state = probe
        if state not in PLASTIC:
            order = self.lava.taken.orders[name]
            values = held[..., np.argsort(order)].reshape(*held.shape[:2], *member.process.s_out.shape)
        else:
            values = self._learnt(name, state, held)
            values = values[:, 0] if values.shape[1] == 1 else values
        return values[0] if values.shape[0] == 1 else values

    def compare(self, data: Mapping[str, Mapping[str, ArrayLike]]) -> LavaComparison:
        """Compare with what monitors of a run of yours recorded, ``monitor.get_data()``, value by value.

        Raises
        ------
        InputError
            If nothing in the data was recorded here, or shapes differ.
        """
        names = {p.name: p for p in self.lava.taken.processes.values()}
        left, right = dict[Probe, NDArray[Any]](), dict[Probe, NDArray[Any]]()
        for process, members in data.items():
            for member, values in members.items():
                if process not in names:
                    raise InputError(f"monitor data are of {process!r}, which is no process of this network")
                place = getattr(names[process], member)
                probe, mine, theirs = self.lava.probe(place), self[place], np.asarray(values)
                if mine.shape != theirs.shape:
                    raise InputError(
                        f"{member} of {process!r} has shape {theirs.shape} in the data and {mine.shape} here; run equally many steps"
                    )
                left[probe], right[probe] = (a.reshape(1, len(a), -1) for a in (mine, theirs))
        found = equal_states(Recording("emulator", left, {}), Recording("lava", right, {}))
        values_there = None
        if found.first is not None:
            name, state, where = found.first
            values_there = int(left[name, state][where]), int(right[name, state][where])
        return LavaComparison(found, values_there, self.seconds, None)

    def _learnt(self, name: str, state: str, held: NDArray[Any]) -> NDArray[Any]:
        orders, connection = self.lava.taken.orders, next(c for c in self.lava.network.connections if c.name == name)
        rows, columns = (np.argsort(orders[name, side]) for side in ("rows", "columns"))
        if state not in SYNAPSES:
            return held[..., columns if state.startswith("x") else rows]
        if isinstance(connection.pattern, SparsePattern):
            full = np.zeros((*held.shape[:2], *connection.shape), held.dtype)
            full[..., connection.pattern.target, connection.pattern.source] = held
            held = full
        return held[..., rows[:, None], columns]


@dataclass(frozen=True)
class LavaComparison:
    """The emulator against Lava, value by value.

    Parameters
    ----------
    equal
        Values compared, equal ones that never change counted apart, and the first difference.
    values
        The emulator's value and Lava's at the first difference.
    seconds, lava_seconds
        What the runs took; Lava's includes its start. None where it was run elsewhere.
    """

    equal: EqualStates
    values: tuple[int, int] | None
    seconds: float
    lava_seconds: float | None

    @property
    def holds(self) -> bool:
        """Whether every value is equal and something changed at all."""
        return self.equal.mismatches == 0 and self.equal.compared > 0

    def __str__(self) -> str:
        times = f"; emulator {self.seconds:.3g} s"
        times += "" if self.lava_seconds is None else f", Lava {self.lava_seconds:.3g} s with its start, as threads"
        if self.equal.first is not None and self.values is not None:
            name, state, place = self.equal.first
            return (
                f"{self.equal.mismatches:,} values differ, first {state} of {name} at step {place.step + 1}, entry {place.neuron}: "
                f"{self.values[0]} here, {self.values[1]} in Lava{times}"
            )
        if not self.equal.compared:
            return f"nothing changed in this run, so that its equality shows nothing; run more steps{times}"
        return f"bit-equal: {self.equal.compared:,} values that change{times}"


def network_from_lava(process: Any, *, name: str = "lava", dt: float = 1e-3) -> LavaNetwork:
    """Take the network that a Lava process is part of into the emulator.

    Parameters
    ----------
    process
        Any process of the connected network, not yet run. Taken are RingBuffer sources, LIF, LIFReset, TernaryLIF, Dense,
        DelayDense, Sparse, DelaySparse, Conv, LearningDense and LearningSparse with two- and three-factor rules, between
        reshaped, flattened or transposed ports; monitors and sinks are left out.
    name, dt
        Name of the ChipNetwork, and what a step means in seconds, which changes nothing in a run.

    Raises
    ------
    InputError
        If the object is no Lava process.
    ConversionRefused, RuleError
        If some part computes what the emulator does not; the message names the process, the reason and the remedy.

    Examples
    --------
    Of the last process of a script, before its ``run``::

        network = neuroalign.network_from_lava(lif)

    >>> import neuroalign
    >>> try:
    ...     neuroalign.network_from_lava("no process")
    ... except neuroalign.NeuroalignError as error:
    ...     print(type(error).__name__)
    InputError
    """
    return LavaNetwork(take_network(process, name=name, dt=dt))
