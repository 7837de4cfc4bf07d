"""Runs a network that learns with a store, to be killed by the test that started it, or by itself while it writes.

Arguments: folder of the store, file for the recording, and after how many writes to kill itself (0: never) and where in
the write: "before", "within" or "after".
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np
from random_networks import draw_stimulus
from random_neurons import with_kinds
from random_plastic import PlasticRun, draw_plastic

from neuroalign.recording import Probe, Recording
from neuroalign.sim.emulator import Batch, Emulator, Store, checkpoint
from neuroalign.sim.emulator.store import write_file

STEPS, STEPS_BETWEEN = 2500, 150
BATCH = Batch(2, seeds=[0, 5])
READS = (1, 149, 150, 151, 1700, STEPS)


def drawn() -> PlasticRun:
    """Two samples for a network with two rules, escape noise, refractory and ternary neurons among others."""
    rng = np.random.default_rng(11)
    run = draw_plastic(rng, 2, STEPS)
    network = with_kinds(rng, run.network)
    return PlasticRun(network, draw_stimulus(rng, network, samples=2, steps=STEPS))


def probes_of(run: PlasticRun) -> list[Probe]:
    """Spikes and membranes, weights, tags and one trace."""
    return [(p.name, state) for p in run.network.populations for state in "svu"] + [
        (c.name, state) for c in run.plastic for state in ("w", "t", "x1")
    ]


def record(store: Store | None, **options: Any) -> Recording:
    """The run, whole or from its checkpoint on."""
    run = drawn()
    return Emulator().run(
        run.network, run.stimulus, probes_of(run), read_steps=READS, batch=BATCH, store=store, threads=2, **options
    )


def flattened(recording: Recording) -> dict[str, Any]:
    """All of it as arrays."""
    counts = {f"count {name}": np.array(count) for name, count in recording.counts.items()}
    return {f"{name} {state}": array for (name, state), array in recording.states.items()} | counts


class _Fatal:
    """Writes as a file does, and kills the process at a byte."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: Any) -> int:
        self.file.write(bytes(data)[: len(bytes(data)) // 2])
        self.file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
        return 0


def kill_at(write: int, moment: str) -> None:
    """Let the process die in its n-th write."""
    original, done = write_file, [0]

    def fatal(path: Path, write_content: Any) -> None:
        done[0] += 1
        if done[0] < write:
            original(path, write_content)
        elif moment == "within":
            original(path, lambda file: write_content(_Fatal(file)))
        else:
            if moment == "after":
                original(path, write_content)
            os.kill(os.getpid(), signal.SIGKILL)

    vars(checkpoint)["write_file"] = fatal


if __name__ == "__main__":
    folder, out, at, moment = sys.argv[1:]
    if int(at):
        kill_at(int(at), moment)
    print("begins", flush=True)
    result = record(Store(Path(folder), seconds=1e9, steps=STEPS_BETWEEN))
    np.savez(out, **flattened(result))
