"""Runs a window circuit in Lava: ``python -m neuroalign.sim.lava_processes.window_worker FOLDER``; see :mod:`window_circuit`."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from neuroalign.sim.lava_processes import one_process
from neuroalign.sim.lava_processes.job import ERROR_FILE
from neuroalign.sim.lava_processes.models import errors_reported, run_config
from neuroalign.sim.lava_processes.window_circuit import JOB, READ, RESULT, SENT, build_circuit
from neuroalign.sim.lava_processes.worker import end_with_parent

from lava.magma.core.run_conditions import RunSteps  # isort: skip  # the modules above let Lava import
from lava.proc.io.sink import RingBuffer as Sink  # isort: skip


def main(folder: Path) -> None:
    """Run the circuit in ``folder``; leaves with exit code 1 and a traceback in a file if something fails."""
    threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    one_process.install(folder / ERROR_FILE)
    try:
        with errors_reported(folder / ERROR_FILE):
            run(folder)
    except BaseException:
        os._exit(1)


def run(folder: Path) -> None:
    """All steps, with a stop at each step at which states are read."""
    circuit, sources, read_steps = pickle.loads((folder / JOB).read_bytes())
    nodes = build_circuit(circuit, sources)
    sinks: dict[str, Any] = {}
    for name in SENT:
        node = nodes["next"] if name == "next" else nodes["driven"]
        port = node.s_out if name in ("driven", "next") else getattr(node, f"{name}_out")
        sinks[name] = Sink(shape=port.shape, buffer=len(sources))
        port.connect(sinks[name].a_in)
    done = 0
    read: dict[str, list[Any]] = {state: [] for state in READ}
    for step in sorted({*read_steps, len(sources)}):
        nodes["feedback"].run(condition=RunSteps(num_steps=step - done), run_cfg=run_config(recorded=False))
        done = step
        if step in read_steps:
            for state, lava_name in READ.items():
                read[state].append(np.array(getattr(nodes["feedback"], lava_name).get()))
    arrays: dict[str, Any] = {name: np.array(sink.data.get()).T for name, sink in sinks.items()}
    arrays |= {state: np.array(values) for state, values in read.items()}
    np.savez(folder / RESULT, **arrays)
    nodes["feedback"].stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
