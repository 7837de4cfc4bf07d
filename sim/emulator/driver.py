"""The emulator as a backend: what is asked of it is checked, planned and run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from neuroalign.chip import ChipNetwork
from neuroalign.compiled_code import with_repairs
from neuroalign.errors import InputError
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.backend import steps_to_read
from neuroalign.sim.emulator import memory
from neuroalign.sim.emulator.batch import Batch
from neuroalign.sim.emulator.changes import ProgramChange, check_changes
from neuroalign.sim.emulator.checkpoint import Checkpoints
from neuroalign.sim.emulator.checks import check_network, check_probes, check_stimulus
from neuroalign.sim.emulator.digest import digest
from neuroalign.sim.emulator.entries import Entry, entries_of, members_of
from neuroalign.sim.emulator.first_run import run_uncompiled
from neuroalign.sim.emulator.jobs import run_jobs, usable_threads
from neuroalign.sim.emulator.memory import recorded_dtype, recorded_shape
from neuroalign.sim.emulator.plastic_connection import PLASTIC_STATES
from neuroalign.sim.emulator.prepared import Plastic, require_kernels
from neuroalign.sim.emulator.samples import KernelSamples, Plan, ReferenceSamples
from neuroalign.sim.emulator.session import Session, session_probes
from neuroalign.sim.emulator.settings_checks import check_word
from neuroalign.sim.emulator.store import Store

Implementation = Literal["auto", "kernels", "generated", "interpreter", "reference"]
Progress = Callable[[int, int], None]


class Emulator:
    """Runs a ChipNetwork on the CPU: under Fixed bit-equal to Lava's processes, under Float64 the ideal control."""

    name = "emulator"

    def __init__(self, kernel_folder: str | Path | None = None) -> None:
        """``kernel_folder`` keeps the kernels compiled for rules; None: the user's folder for what can be made again."""
        self.kernel_folder = None if kernel_folder is None else Path(kernel_folder)

    def missing(self) -> str | None:
        """None: the emulator needs nothing but what neuroalign itself needs; else what to install."""
        return None if find_spec("numba") else "the emulator needs numba: pip install numba"

    @with_repairs
    def run(
        self,
        network: ChipNetwork,
        stimulus: Stimulus,
        probes: Sequence[Probe],
        *,
        read_steps: Sequence[int] | None = None,
        implementation: Implementation = "auto",
        batch: Batch | None = None,
        threads: int | None = 1,
        store: Store | str | Path | None = None,
        changes: Sequence[ProgramChange] = (),
        progress: Progress | None = None,
    ) -> Recording:
        """Run ``stimulus.steps + network.latency_steps`` steps of each sample, input 0 after its end.

        Parameters
        ----------
        probes
            (population, state) is recorded in every step, (plastic connection, state) after each of ``read_steps``.
        read_steps
            Chip steps, from 1, at whose end plastic connections are read; None: the last one.
        implementation
            "kernels" (compiled) or "reference" (readable numpy); they agree, bit for bit under Fixed. "kernels" updates
            plastic connections by "generated" kernels, compiled for their rule, where that is worth its time, and
            elsewhere by the "interpreter", which needs no compilation; either can be asked for by name. "auto": kernels,
            but the reference for a short run while no kernel has been compiled on this machine.
        batch
            Variants of the network; axis 0 of the recording is then sample x member, as :class:`Batch` says, and
            counts are totals over all.
        threads
            How many samples and members run at the same time: no more than there are processors; None: one a processor.
            The result does not depend on it.
        store
            A folder (or :class:`Store`, which also says how often) for a checkpoint from which the same call goes on
            after it was interrupted, bit by bit. The emulator writes nothing anywhere else but compiled kernels.
        changes
            Programs of plastic connections from a chip step on; synapses, traces and random streams carry on.
        progress
            Called now and then with (steps done, steps in all), samples and members counted together.

        Returns
        -------
        Recording
            "s" as bool (int8 of ternary neurons), "r" as int64; "u", "v", "a" as int64 (Fixed) or float64; states of
            plastic connections as int32 or float64.
            Counts, under Fixed: ``<population>.u_wrapped``, ``.v_saturated`` and, for populations that should not
            spike, ``.nonspiking_spikes``; ``<connection>.weight_limited``, ``.delay_limited`` and ``.tag_limited``
            where a Program changes them: updates of a synapse that ran out of a range.

        Raises
        ------
        NetworkError, InputError
            If the network, stimulus or probes cannot be used, the run does not fit the memory, or the store holds the
            checkpoint of another run.
        FileFormatError
            If the checkpoint is damaged.
        OutputError
            If the store cannot be written.
        BackendMissing
            If numba is not installed and the reference was not asked for.
        """
        check_word("run", "implementation", implementation, get_args(Implementation), InputError)
        entries = entries_of(stimulus.samples, batch)
        count = usable_threads(threads, len(entries))
        plan = _plan(network, stimulus, probes, read_steps, batch, entries, count)
        plan = replace(plan, changes=_checked_changes(network, changes, plan, batch))
        if implementation == "reference":
            if store is not None:
                raise InputError(
                    "checkpoints are written by the kernels; leave out store, or implementation='reference'"
                )
            return _run(network, plan, ReferenceSamples(plan), 0, progress)
        plastic: Plastic = "kernels" if implementation == "auto" else implementation
        plan = replace(plan, implementation=plastic, kernel_folder=self.kernel_folder)
        require_kernels()
        if implementation == "auto" and store is None:
            counts = run_uncompiled(network, plan)
            if counts is not None:
                return _recorded(network, plan, counts, progress)
        if store is None:
            return _run(network, plan, KernelSamples(plan), count if count > 1 else 0, progress)
        return _run_stored(
            network, plan, batch, store if isinstance(store, Store) else Store(Path(store)), count, progress
        )

    @with_repairs
    def start(
        self,
        network: ChipNetwork,
        probes: Sequence[Probe] | None = None,
        *,
        implementation: Plastic = "kernels",
    ) -> Session:
        """A session: the network before step 1, stepped from Python by whoever closes the loop around it.

        Parameters
        ----------
        probes
            What each step returns: (population, state); None: the spikes of the network's outputs.
        implementation
            As in :meth:`run`, but for the reference.

        Raises
        ------
        NetworkError, InputError
            If the network or a probe cannot be used, or the network does not fit the memory.
        BackendMissing
            If numba is not installed.
        """
        check_word("start", "implementation", implementation, get_args(Plastic), InputError)
        check_network(network)
        probes = session_probes(network, probes)
        check_probes(network, probes)
        memory.check_memory(memory.memory_needed(network, 1, 1, ()), memory.available_bytes())
        return Session(network, probes, implementation=implementation, folder=self.kernel_folder)


def _plan(
    network: ChipNetwork,
    stimulus: Stimulus,
    probes: Sequence[Probe],
    read_steps: Sequence[int] | None,
    batch: Batch | None,
    entries: tuple[Entry, ...],
    at_once: int,
) -> Plan:
    """The run laid out, everything checked; the recording is made where it fits."""
    check_network(network)
    check_stimulus(network, stimulus)
    check_probes(network, probes)
    probes = tuple(dict.fromkeys(probes))
    steps = stimulus.steps + network.latency_steps
    reads = steps_to_read(read_steps, steps) if any(state in PLASTIC_STATES for _, state in probes) else ()
    need = memory.memory_needed(network, len(entries), steps, probes, reads=len(reads), at_once=at_once)
    memory.check_memory(need, memory.available_bytes(), at_once)
    states = {
        probe: np.zeros(
            (len(entries), *recorded_shape(network, probe, steps, len(reads))), recorded_dtype(network, probe)
        )
        for probe in probes
    }
    return Plan(members_of(network, batch), entries, stimulus, steps, probes, reads, states)


def _checked_changes(
    network: ChipNetwork, changes: Sequence[ProgramChange], plan: Plan, batch: Batch | None
) -> tuple[ProgramChange, ...]:
    """The changes in the order of their steps, fit for every member; members keep the seeds of their own."""
    for number in range(batch.size if batch is not None and changes else 0):
        check_changes(plan.member(number), changes, plan.steps, seeds=False)
    return check_changes(network, changes, plan.steps)


def _run(
    network: ChipNetwork, plan: Plan, samples: KernelSamples | ReferenceSamples, threads: int, progress: Progress | None
) -> Recording:
    """Run all entries that are not finished, and put the recording together."""
    kept = plan.checkpoints
    finished = {} if kept is None else kept.finished
    report = _Steps(progress, len(plan.entries) * plan.steps, 0 if kept is None else kept.done)
    for counts in finished.values():
        samples.counts.update(counts)
    if report.done:
        report.add(0)
    run_jobs([e for e in plan.entries if e.row not in finished], samples.run, report.add, threads)
    return _recorded(network, plan, samples.counts)


def _recorded(network: ChipNetwork, plan: Plan, counts: Counter[str], progress: Progress | None = None) -> Recording:
    """The recording of a plan whose entries have all run, after telling so where nobody has been told."""
    if progress is not None:
        total = len(plan.entries) * plan.steps
        progress(total, total)
    latency = {p.name: p.latency_steps for p in network.populations}
    return Recording(Emulator.name, plan.states, latency, dict(counts), plan.reads)


def _run_stored(
    network: ChipNetwork, plan: Plan, batch: Batch | None, store: Store, threads: int, progress: Progress | None
) -> Recording:
    """The same with a checkpoint; in threads of its own even if there is one, so that an interrupt finds whole states."""
    stimulus = [(port.name, plan.stimulus.inputs[port.name]) for port in network.inputs]
    identity = {
        "network": digest(network),
        "stimulus": digest([plan.stimulus.samples, plan.stimulus.steps, stimulus]),
        "probes": digest([plan.probes, plan.reads]),
        "batch": digest([batch, plan.changes]) if plan.changes else digest(batch),
    }
    plastic = frozenset(probe for probe in plan.probes if probe[1] in PLASTIC_STATES)
    checkpoints = Checkpoints(store, identity, plan.states, len(plan.entries), plan.steps, plan.reads, plastic)
    try:
        plan = replace(plan, checkpoints=checkpoints, longest=store.steps)
        return _run(network, plan, KernelSamples(plan), threads, progress)
    finally:
        checkpoints.close()


class _Steps:
    """Counts steps over all entries for the progress callback."""

    def __init__(self, callback: Progress | None, total: int, done: int) -> None:
        self.callback, self.total, self.done = callback, total, done

    def add(self, steps: int) -> None:
        self.done += steps
        if self.callback is not None:
            self.callback(self.done, self.total)
