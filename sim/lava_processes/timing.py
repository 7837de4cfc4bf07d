"""How long Lava takes for chunks of steps, measured inside its worker on Lava's own models without any recorder.

Between two chunks Lava waits (at no cost in CPU time) while the caller does its own share, so that both sides of a
comparison see the same machine at the same time.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.errors import BackendMissing
from neuroalign.recording import Probe, Stimulus
from neuroalign.sim.lava_processes.backend import LavaBackend, Watch, run_worker
from neuroalign.sim.lava_processes.holdable import check_network, check_stimulus
from neuroalign.sim.lava_processes.job import Case, write_job
from neuroalign.sim.lava_processes.probes import check_probes

PLAN_FILE = "plan.json"
"""The states to read between chunks."""

WORKER = ("-m", "neuroalign.sim.lava_processes.timing_worker")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Lava is processes that wait for each other; inside each of them numpy shall use one thread."""


@dataclass(frozen=True, eq=False)
class LavaChunk:
    """A chunk of steps that Lava has run.

    Parameters
    ----------
    steps : int
    seconds : s
        From the call of ``run`` to its return, in the worker.
    states
        (process, state) to its values after the chunk.
    """

    steps: int
    seconds: float
    states: Mapping[Probe, NDArray[np.float64]]


def go_file(folder: Path, chunk: int) -> Path:
    """The caller's word to the worker: the steps of chunk number ``chunk``, 0 to end."""
    return folder / f"go{chunk}"


def done_file(folder: Path, chunk: int) -> Path:
    """What the worker leaves after a chunk: its seconds and the states that were read."""
    return folder / f"chunk{chunk}.npz"


def time_chunks(
    network: ChipNetwork,
    stimulus: Stimulus,
    first: int,
    between: Callable[[int, LavaChunk], int],
    *,
    reads: Sequence[Probe] = (),
    time_limit_s: float = 3600.0,
    worker: Sequence[str] = WORKER,
) -> list[LavaChunk]:
    """Run ``network`` in Lava chunk by chunk and time each.

    Parameters
    ----------
    stimulus
        One sample. Lava's sources start over after their last step.
    first : steps
        Of the first chunk, which includes what Lava does at its start.
    between
        Called with the number of each chunk (from 0) and what was measured, while Lava waits; returns the steps of the
        next chunk, 0 to end.
    reads
        (population or plastic connection, state) read after each chunk, outside its time: "u" and "v", or traces.

    Returns
    -------
    list of LavaChunk
        In order.

    Raises
    ------
    BackendMissing
        Lava is not installed.
    BackendFailed
        Lava failed or reached the time limit.
    ConversionRefused, InputError
        Lava would hold the network differently; the stimulus or a read does not fit.
    """
    missing = LavaBackend().missing()
    if missing:
        raise BackendMissing(missing)
    check_network(network)
    check_stimulus(network, stimulus)
    check_probes(network, reads)
    with tempfile.TemporaryDirectory(prefix="neuroalign-lava-") as name:
        folder = Path(name)
        write_job(folder, [Case(network, stimulus, ())])
        plan = {"reads": [list(probe) for probe in reads]}
        (folder / PLAN_FILE).write_text(json.dumps(plan), encoding="utf-8")
        turns = _Turns(folder, tuple(reads), between)
        turns.send(first)
        run_worker(worker, folder, time_limit_s, turns, ONE_THREAD)
        return turns.measured


class _Turns:
    """Takes what the worker measured, lets the caller do its share, and sends the worker on."""

    def __init__(self, folder: Path, reads: Sequence[Probe], between: Callable[[int, LavaChunk], int]) -> None:
        self.folder, self.reads, self.between = folder, reads, between
        self.measured: list[LavaChunk] = []
        self._steps = 0
        self._running = Watch(folder, 0, None)

    def send(self, steps: int) -> None:
        """Send the worker into the next chunk. Under another name first: the worker reads the file once it is there."""
        self._steps = steps
        temporary = self.folder / "going"
        temporary.write_text(str(int(steps)), encoding="ascii")
        temporary.replace(go_file(self.folder, len(self.measured)))

    def __call__(self) -> bool:
        number = len(self.measured)
        if self._steps and done_file(self.folder, number).exists():
            with np.load(done_file(self.folder, number), allow_pickle=False) as found:
                states = {probe: found[f"state{k}"] for k, probe in enumerate(self.reads)}
                chunk = LavaChunk(self._steps, float(found["seconds"]), states)
            self.measured.append(chunk)
            self.send(self.between(number, chunk))
        return self._running()
