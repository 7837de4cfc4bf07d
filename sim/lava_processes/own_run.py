"""A user's own Lava processes, run by Lava as they are: in a forked copy of this process, so that they stay untouched.

What a run changes (compiled processes, monitors that were added) happens in the copy and goes with it. There Lava's
processes run as threads (:mod:`one_process`): the same states, in less time.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, SparsePattern
from neuroalign.errors import BackendFailed, BackendMissing, InputError
from neuroalign.recording import Probe, Recording
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.process_graph import title
from neuroalign.sim.lava_processes.process_group import end_group
from neuroalign.sim.lava_processes.recorded import errors_reported
from neuroalign.sim.lava_processes.taken_network import TakenNetwork

NEURON_STATES = {"s": "s_out", "u": "u", "v": "v"}
SYNAPSE_STATES = {"w": "weights", "t": "tag_1", "d": "tag_2", **{n: n for n in ("x1", "x2", "y1", "y2", "y3")}}
LAVA_NAMES = {**NEURON_STATES, "a": "a_in", **SYNAPSE_STATES}
"""What Lava calls each state."""

_ERROR, _STATES = "error.txt", "states.npz"
_GRACE_S, _TICK_S = 1.0, 0.02


def run_own(
    taken: TakenNetwork,
    steps: int,
    read_steps: Sequence[int],
    *,
    run_config: Any = None,
    time_limit_s: float = 600.0,
) -> Recording:
    """States s, u, v of all neurons in every step, and of what learns after each of ``read_steps``, from Lava itself.

    Parameters
    ----------
    run_config
        Lava's run configuration; None: ``Loihi2SimCfg(select_tag="fixed_pt")``.

    Returns
    -------
    Recording
        One sample, neurons numbered as in the ChipNetwork.

    Raises
    ------
    InputError
        If the processes were run already: Lava adds no monitor then.
    BackendMissing, BackendFailed
        If Lava is not installed; if it failed or took longer than ``time_limit_s``.
    """
    missing = LavaBackend().missing()
    if missing:
        raise BackendMissing(missing)
    for process in taken.processes.values():
        if process.is_compiled:
            raise InputError(
                f"{title(process)} was run already, and Lava adds no monitor to a running network; call this before run(), or "
                "build the network again"
            )
    with tempfile.TemporaryDirectory(prefix="neuroalign-own-") as name:
        folder = Path(name)
        _forked(lambda: _run(taken, steps, tuple(read_steps), run_config, folder), folder, time_limit_s)
        with np.load(folder / _STATES, allow_pickle=False) as held:
            states: dict[Probe, NDArray[Any]] = {_probe(key): held[key][None] for key in held.files}
    return Recording("lava", states, {p.name: 0 for p in taken.network.populations}, read_steps=tuple(read_steps))


@dataclass
class _Forked:
    """What :func:`end_group` needs of a process, for a forked one."""

    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


def _forked(work: Callable[[], None], folder: Path, time_limit_s: float) -> None:
    """Do ``work`` in a forked child in a session of its own, and end all of it in every case."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, which Lava does as well
        pid = os.fork()
    if pid == 0:
        _child(work, folder)
    child, deadline = _Forked(pid), time.monotonic() + time_limit_s
    try:
        while child.poll() is None:
            if (folder / _ERROR).exists():
                time.sleep(_GRACE_S)
                break
            if time.monotonic() > deadline:
                raise BackendFailed(
                    f"lava did not finish within {time_limit_s:g} s and was ended; raise the time limit or run fewer steps"
                )
            time.sleep(_TICK_S)
    finally:
        end_group(child)
    if (folder / _ERROR).exists() or not (folder / _STATES).exists():
        raise BackendFailed(f"lava failed: {_last_line(folder)}")


def _child(work: Callable[[], None], folder: Path) -> None:
    """The rest of the child's life; nothing of the parent's cleaning up is done in it."""
    code = 1
    try:
        parent = os.getppid()
        os.setsid()
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        log = os.open(folder / "output.txt", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        with errors_reported(folder / _ERROR):
            work()
        code = 0
    finally:
        os._exit(code)


def _end_with(parent: int) -> None:
    """End the child's session when the process that wants its results is gone."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.killpg(os.getpgrp(), signal.SIGTERM)


def _last_line(folder: Path) -> str:
    for name in (_ERROR, "output.txt"):
        file = folder / name
        lines = file.read_text(errors="replace").strip().splitlines() if file.exists() else []
        if lines:
            return lines[-1]
    return "it left no message"


def _run(taken: TakenNetwork, steps: int, read_steps: tuple[int, ...], run_config: Any, folder: Path) -> None:
    from neuroalign.sim.lava_processes import one_process

    one_process.install(folder / _ERROR)
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg

    config = run_config or Loihi2SimCfg(select_tag="fixed_pt")
    monitors = _monitors(taken, steps)
    learning = [c for c in taken.network.connections if c.plasticity is not None]
    first = taken.processes[taken.network.populations[0].name]
    reads: dict[Probe, list[NDArray[Any]]] = {}
    done = 0
    for stop in sorted({*read_steps, steps}):
        first.run(condition=RunSteps(num_steps=stop - done), run_cfg=config)
        done = stop
        if stop in read_steps:
            for connection in learning:
                for state, found in _learnt(taken, connection).items():
                    reads.setdefault((connection.name, state), []).append(found)
    states = {probe: _monitored(taken, probe, monitor, steps) for probe, monitor in monitors.items()}
    states |= {probe: np.stack(found) for probe, found in reads.items()}
    first.stop()
    held: dict[str, Any] = {f"{name}\n{state}": values for (name, state), values in states.items()}
    np.savez(folder / "part.npz", **held)
    (folder / "part.npz").rename(folder / _STATES)


def _monitors(taken: TakenNetwork, steps: int) -> dict[Probe, Any]:
    from lava.proc.monitor.process import Monitor

    monitors = {}
    for population in taken.network.populations:
        process = taken.processes[population.name]
        for state, member in NEURON_STATES.items():
            monitors[population.name, state] = monitor = Monitor()
            monitor.probe(getattr(process, member), steps)
    return monitors


def _monitored(taken: TakenNetwork, probe: Probe, monitor: Any, steps: int) -> NDArray[np.int64]:
    process = taken.processes[probe[0]]
    held = monitor.get_data()[process.name][NEURON_STATES[probe[1]]]
    return np.asarray(held).reshape(steps, -1)[:, taken.orders[probe[0]]].astype(np.int64)


def _learnt(taken: TakenNetwork, connection: ChipConnection) -> dict[str, NDArray[np.int64]]:
    process, pattern = taken.processes[connection.name], connection.pattern
    rows, columns = (taken.orders[connection.name, side] for side in ("rows", "columns"))
    found = {}
    for state, member in SYNAPSE_STATES.items():
        if getattr(getattr(process, member).init, "nnz", 1) == 0:
            continue  # a sparse Var without an entry never gets one, and Lava cannot read it
        held = getattr(process, member).get()
        if state in ("w", "t", "d"):
            matrix = held.toarray() if hasattr(held, "toarray") else np.asarray(held)
            ordered = matrix[np.ix_(rows, columns)]
            held = ordered[pattern.target, pattern.source] if isinstance(pattern, SparsePattern) else ordered
        else:
            held = np.asarray(held)[columns if state.startswith("x") else rows]
        found[state] = np.asarray(held).astype(np.int64)
    return found


def _probe(key: str) -> Probe:
    name, _, state = key.partition("\n")
    return name, state
