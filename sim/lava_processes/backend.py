"""The Lava backend: standard Lava processes in a worker process, states of every step as arrays."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from neuroalign import errors
from neuroalign.chip import ChipNetwork
from neuroalign.errors import BackendFailed, BackendMissing
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.backend import steps_to_read
from neuroalign.sim.lava_processes.holdable import check_network, check_stimulus
from neuroalign.sim.lava_processes.holdable_synapses import without_shared_exponent
from neuroalign.sim.lava_processes.job import ERROR_FILE, PROGRESS_FILE, Case, read_results, write_job
from neuroalign.sim.lava_processes.probes import PLASTIC_STATES, STATES, check_probes
from neuroalign.sim.lava_processes.process_group import TimeLimitReached, run_in_own_session

__all__ = ["INSTALL", "STATES", "LavaBackend", "Run"]

Run = (
    tuple[ChipNetwork, Stimulus, Sequence[Probe]] | tuple[ChipNetwork, Stimulus, Sequence[Probe], Sequence[int] | None]
)
"""A network, what enters it, what to record, and the steps at whose end plastic connections are read."""

INSTALL = "pip install 'neuroalign[lava]' && pip install --no-deps --ignore-requires-python lava-nc==0.10.0"
"""What gets Lava and what it needs, in the checkout or beside the wheel (its version pins are not needed)."""

_NEEDED = ("asteval", "networkx", "scipy", "sklearn")
_FAILURE_GRACE_S = 1.0
_WORKER = ("-m", "neuroalign.sim.lava_processes.worker")


@dataclass(frozen=True)
class LavaBackend:
    """Runs a ChipNetwork in integers on Lava's bit-accurate CPU models.

    Parameters
    ----------
    worker
        Arguments to Python that start the worker; the folder of the job is appended.
    """

    worker: tuple[str, ...] = _WORKER

    @property
    def name(self) -> str:
        """``lava``."""
        return "lava"

    def missing(self) -> str | None:
        """One line saying what to install, or None. Looks for Lava without importing it."""
        spec = find_spec("lava")  # a package without __init__.py: any folder named lava would do
        folders = (spec.submodule_search_locations or []) if spec else []
        if not any((Path(folder) / "magma").is_dir() for folder in folders):
            return f"lava is not installed; {INSTALL}"
        absent = [name for name in _NEEDED if find_spec(name) is None]
        return f"lava needs {', '.join(absent)}; {INSTALL}" if absent else None

    def run(
        self,
        network: ChipNetwork,
        stimulus: Stimulus,
        probes: Sequence[Probe],
        *,
        read_steps: Sequence[int] | None = None,
        time_limit_s: float = 600.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> Recording:
        """Run ``stimulus.steps + network.latency_steps`` steps of each sample (input 0 after its end).

        Parameters
        ----------
        probes
            (population, state); the state is "u", "v" (after reset), "s" or "a" (input as received). Or (plastic
            connection, state), the state being "w", "t", "d", "x1", "x2", "y1", "y2" or "y3".
        read_steps : chip steps, from 1
            At the end of which plastic connections are read; None: of the last step only.
        time_limit_s
            Seconds after which the worker and everything it started are ended.
        progress
            Called with (finished samples, samples).

        Returns
        -------
        Recording
            Arrays (samples, steps, neurons), of plastic connections (samples, reads, N_target, N_source) or
            (samples, reads, neurons): "s" as bool (int8 of ternary neurons), the others as int32.

        Raises
        ------
        BackendMissing
            Lava is not installed.
        BackendFailed
            The worker failed (with the last line of its error) or reached the time limit.
        ConversionRefused
            Lava would hold the network differently.
        InputError
            The stimulus, a probe or a read step does not fit the network.
        """
        cases = [(network, stimulus, probes, read_steps)]
        return self.run_cases(cases, time_limit_s=time_limit_s, progress=progress)[0]

    def run_cases(
        self,
        cases: Sequence[Run],
        *,
        time_limit_s: float = 600.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Recording]:
        """Run many networks in one worker, which saves its start-up; otherwise as :meth:`run`."""
        missing = self.missing()
        if missing:
            raise BackendMissing(missing)
        jobs = [_checked(*case) for case in cases]
        with tempfile.TemporaryDirectory(prefix="neuroalign-lava-") as folder:
            write_job(Path(folder), jobs)
            total = sum(case.stimulus.samples for case in jobs)
            run_worker(self.worker, Path(folder), time_limit_s, Watch(Path(folder), total, progress))
            return read_results(Path(folder), jobs)


def run_worker(
    worker: Sequence[str],
    folder: Path,
    time_limit_s: float,
    watch: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> None:
    """Start Python with the arguments ``worker`` and ``folder`` in a session of its own, and wait for its end.

    Parameters
    ----------
    watch
        As in :func:`~neuroalign.sim.lava_processes.process_group.run_in_own_session`.
    environment
        Variables beyond those of this process.

    Raises
    ------
    BackendFailed
        The worker failed (with the last line of its error) or reached the time limit.
    """
    command = [sys.executable, *worker, str(folder)]
    root = str(Path(errors.__file__).absolute().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    variables = {**os.environ, **(environment or {}), "PYTHONPATH": path}
    try:
        code = run_in_own_session(command, folder, time_limit_s, variables, watch)
    except TimeLimitReached:
        raise BackendFailed(
            f"lava did not finish within {time_limit_s:g} s and was ended; raise the time limit or use the emulator"
        ) from None
    if code != 0 or (folder / ERROR_FILE).exists():
        raise BackendFailed(f"lava failed: {_last_line(folder)}")


@dataclass
class Watch:
    """Looks at a running job: reports finished samples, and says when to end it because something in it failed."""

    folder: Path
    total: int
    progress: Callable[[int, int], None] | None
    done: int = 0
    failed_since: float | None = None

    def __call__(self) -> bool:
        file = self.folder / PROGRESS_FILE
        done = file.stat().st_size if file.exists() else 0
        if self.progress and done > self.done:
            self.progress(done, self.total)
        self.done = done
        if self.failed_since is None and (self.folder / ERROR_FILE).exists():
            self.failed_since = time.monotonic()
        return self.failed_since is None or time.monotonic() - self.failed_since < _FAILURE_GRACE_S


def _checked(
    network: ChipNetwork, stimulus: Stimulus, probes: Sequence[Probe], read_steps: Sequence[int] | None = None
) -> Case:
    """A case of the job; everything the worker would refuse is refused here, before it is started."""
    network = replace(network, connections=tuple(without_shared_exponent(c) for c in network.connections))
    check_network(network)
    check_stimulus(network, stimulus)
    check_probes(network, probes)
    learns = any(state in PLASTIC_STATES for _, state in probes)
    reads = steps_to_read(read_steps, stimulus.steps + network.latency_steps) if learns else ()
    return Case(network, stimulus, tuple(dict.fromkeys(probes)), reads)


def _last_line(folder: Path) -> str:
    for name in (ERROR_FILE, "stderr.txt"):
        file = folder / name
        lines = file.read_text(errors="replace").strip().splitlines() if file.exists() else []
        if lines:
            return lines[-1]
    return "the worker left no message"
