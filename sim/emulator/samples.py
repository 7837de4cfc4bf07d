"""Runs every sample of every member of a batch, a stretch of steps at a time, and fills the recording."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuroalign.chip import ChipNetwork, Numbers
from neuroalign.recording import Probe, Stimulus
from neuroalign.sim.emulator import reference
from neuroalign.sim.emulator.blocks import in_memory
from neuroalign.sim.emulator.changes import ProgramChange
from neuroalign.sim.emulator.checkpoint import Checkpoints
from neuroalign.sim.emulator.entries import Entry
from neuroalign.sim.emulator.jobs import Tell
from neuroalign.sim.emulator.layout import Layout
from neuroalign.sim.emulator.plastic_connection import PLASTIC_STATES
from neuroalign.sim.emulator.prepared import Plastic, Prepared, restore, state_arrays
from neuroalign.sim.emulator.streams import CHUNK

if TYPE_CHECKING:
    from neuroalign.sim.emulator.kernels import KernelRun
    from neuroalign.sim.emulator.learning_kernels import ChunkedDraws, LearningRun

STRETCH_BYTES = 8 << 20
"""Size of the input and record of one kernel call: large against a call's cost, small against memory."""
STRETCH_SECONDS = 0.2
"""How long a kernel call may take: so long an interrupt waits."""
FIRST_STRETCH = 256


@dataclass(frozen=True, eq=False)
class Plan:
    """What is run; ``member(n)`` is the n-th network of the batch."""

    member: Callable[[int], ChipNetwork]
    entries: tuple[Entry, ...]
    stimulus: Stimulus
    steps: int
    probes: tuple[Probe, ...]
    reads: tuple[int, ...]
    states: Mapping[Probe, Numbers]
    checkpoints: Checkpoints | None = None
    longest: int | None = None
    changes: tuple[ProgramChange, ...] = ()
    implementation: Plastic = "kernels"
    kernel_folder: Path | None = None


class ReferenceSamples:
    """Runs entries in readable numpy."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.counts: Counter[str] = Counter()

    def run(self, entry: Entry, tell: Tell) -> None:
        """Run one entry from its first step to its last."""
        plan, network = self.plan, in_memory(self.plan.member(entry.member))
        dtype = np.int64 if network.is_fixed else np.float64
        inputs = {port.name: plan.stimulus.inputs[port.name][entry.sample].astype(dtype) for port in network.inputs}
        record = {probe: array[entry.row] for probe, array in plan.states.items()}
        counts = reference.run_sample(network, inputs, plan.steps, record, plan.reads, lambda _: tell(1), plan.changes)
        self.counts.update(counts)


class KernelSamples:
    """Runs entries with the kernels, from several threads where wanted."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._own = threading.local()

    def run(self, entry: Entry, tell: Tell) -> None:
        """Run one entry from its first step, or that of its checkpoint, to its last."""
        plan, kept = self.plan, self.plan.checkpoints
        prepared, draws = self._prepared(entry.member)
        run = prepared.start(draws)
        start = self._restored(entry, run)
        stretches = Stretches(prepared.layout, plan.steps, plan.reads, plan.longest)
        while start < plan.steps:
            stop, began = stretches.end(start), time.perf_counter()
            if kept is not None:
                kept.before()
            self._stretch(prepared, run, entry, start, stop)
            if kept is not None:
                kept.after(entry.row, start, stop, lambda: state_arrays(run), lambda: prepared.counts(run))
            stretches.took(stop - start, time.perf_counter() - began)
            tell(stop - start)
            start = stop
        with self._lock:
            self.counts.update(prepared.counts(run))

    def _prepared(self, member: int) -> tuple[Prepared, ChunkedDraws | None]:
        """The member laid out; a thread keeps the last one, since its samples follow each other."""
        if getattr(self._own, "member", None) != member:
            plan = self.plan
            self._own.prepared = Prepared(
                plan.member(member),
                plan.probes,
                plan.changes,
                implementation=plan.implementation,
                steps=plan.steps * len(plan.entries),
                folder=plan.kernel_folder,
            )
            self._own.draws = self._own.prepared.draws(plan.steps)
            self._own.member = member
        return self._own.prepared, self._own.draws

    def _restored(self, entry: Entry, run: KernelRun) -> int:
        """The step that the entry goes on from, its state restored."""
        if self.plan.checkpoints is None:
            return 0
        start, saved = self.plan.checkpoints.saved(entry.row)
        if start:
            wrong = restore(run, saved)
            if wrong:
                self.plan.checkpoints.refuse(entry.row, wrong)
        return start

    def _stretch(self, prepared: Prepared, run: KernelRun, entry: Entry, start: int, stop: int) -> None:
        plan, layout = self.plan, prepared.layout
        record = np.zeros((stop - start, layout.columns), dtype=layout.dtype)
        run.advance(start, given(prepared.network, plan.stimulus, entry.sample, start, stop, layout), record)
        reading = stop in plan.reads
        for probe, array in plan.states.items():
            if probe[1] not in PLASTIC_STATES:
                column = prepared.columns[probe]
                array[entry.row, start:stop] = record[:, column : column + array.shape[2]]
            elif reading:
                learning: LearningRun = run  # type: ignore[assignment]
                array[entry.row, plan.reads.index(stop)] = learning.read(*probe)


class Stretches:
    """Divides the steps so that each part is small and short, and one ends at each step that is read.

    Parts of networks that learn lie within one chunk of random draws.
    """

    def __init__(self, layout: Layout, steps: int, reads: Sequence[int], longest: int | None = None) -> None:
        self.steps, self.reads = steps, reads
        fitting = max(
            16, STRETCH_BYTES // (layout.dtype.itemsize * (layout.columns + layout.channels + layout.noisy + 1))
        )
        self.longest = min(fitting, longest or fitting)
        self.length = min(FIRST_STRETCH, self.longest)
        self.chunk = CHUNK if layout.plastic.names else max(steps, 1)

    def end(self, start: int) -> int:
        """The step before which the part that begins at ``start`` ends."""
        following = bisect_right(self.reads, start)
        read = self.reads[following] if following < len(self.reads) else self.steps
        return min(start + self.length, start - start % self.chunk + self.chunk, read, self.steps)

    def took(self, steps: int, seconds: float) -> None:
        """Learn from what a part took how long the next may be."""
        possible = int(steps * STRETCH_SECONDS / max(seconds, 1e-9))
        self.length = max(1, min(possible, 4 * self.length, self.longest))


def given(network: ChipNetwork, stimulus: Stimulus, sample: int, start: int, stop: int, layout: Layout) -> Numbers:
    """The inputs of some steps side by side; fewer rows where the stimulus has ended."""
    parts = [stimulus.inputs[port.name][sample, start:stop].astype(layout.dtype) for port in network.inputs]
    return np.concatenate(parts, axis=1) if parts else np.zeros((0, 0), dtype=layout.dtype)
