"""The Lava backend: standard Lava processes in a worker process, states of every step as arrays."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import neuroalign
from neuroalign.chip import ChipNetwork
from neuroalign.errors import BackendFailed, BackendMissing, InputError
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.lava_processes.holdable import check_network, check_stimulus
from neuroalign.sim.lava_processes.job import ERROR_FILE, PROGRESS_FILE, Case, read_results, write_job
from neuroalign.sim.lava_processes.process_group import TimeLimitReached, run_in_own_session

INSTALL = "pip install '.[lava]' && pip install --no-deps --ignore-requires-python lava-nc==0.10.0"
"""What to type in the checkout to get Lava and what it needs (its version pins are not needed)."""

STATES = ("u", "v", "s", "a")

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
        time_limit_s: float = 600.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> Recording:
        """Run ``stimulus.steps + network.latency_steps`` steps of each sample (input 0 after its end).

        Parameters
        ----------
        probes
            (population, state); the state is "u", "v" (after reset), "s" or "a" (input as received).
        time_limit_s
            Seconds after which the worker and everything it started are ended.
        progress
            Called with (finished samples, samples).

        Returns
        -------
        Recording
            Arrays (samples, steps, neurons): "s" as bool, the others as int32.

        Raises
        ------
        BackendMissing
            Lava is not installed.
        BackendFailed
            The worker failed (with the last line of its error) or reached the time limit.
        ConversionRefused
            Lava would hold the network differently.
        InputError
            The stimulus or a probe does not fit the network.
        """
        return self.run_cases([(network, stimulus, probes)], time_limit_s=time_limit_s, progress=progress)[0]

    def run_cases(
        self,
        cases: Sequence[tuple[ChipNetwork, Stimulus, Sequence[Probe]]],
        *,
        time_limit_s: float = 600.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Recording]:
        """Run many networks in one worker, which saves its start-up; otherwise as :meth:`run`."""
        missing = self.missing()
        if missing:
            raise BackendMissing(missing)
        jobs = [Case(network, stimulus, tuple(dict.fromkeys(probes))) for network, stimulus, probes in cases]
        for case in jobs:
            _check(case)
        with tempfile.TemporaryDirectory(prefix="neuroalign-lava-") as folder:
            write_job(Path(folder), jobs)
            total = sum(case.stimulus.samples for case in jobs)
            self._run_worker(Path(folder), time_limit_s, _Watch(Path(folder), total, progress))
            return read_results(Path(folder), jobs)

    def _run_worker(self, folder: Path, time_limit_s: float, watch: Callable[[], bool]) -> None:
        command = [sys.executable, *self.worker, str(folder)]
        root = str(Path(neuroalign.__file__).absolute().parents[1])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        try:
            code = run_in_own_session(command, folder, time_limit_s, {**os.environ, "PYTHONPATH": path}, watch)
        except TimeLimitReached:
            raise BackendFailed(
                f"lava did not finish within {time_limit_s:g} s and was ended; raise the time limit or use the emulator"
            ) from None
        if code != 0 or (folder / ERROR_FILE).exists():
            raise BackendFailed(f"lava failed: {_last_line(folder)}")


@dataclass
class _Watch:
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


def _check(case: Case) -> None:
    """Everything the worker would refuse, before it is started."""
    check_network(case.network)
    check_stimulus(case.network, case.stimulus)
    populations = {p.name for p in case.network.populations}
    for population, state in case.probes:
        if population not in populations or state not in STATES:
            raise InputError(
                f"lava has no state {state!r} of {population!r}; "
                f"states {', '.join(STATES)} of {', '.join(sorted(populations))}"
            )


def _last_line(folder: Path) -> str:
    for name in (ERROR_FILE, "stderr.txt"):
        file = folder / name
        lines = file.read_text(errors="replace").strip().splitlines() if file.exists() else []
        if lines:
            return lines[-1]
    return "the worker left no message"
