"""Runs a job in Lava's own models and sets Vars of its plastic connection between two runs: ``python ... FOLDER``.

``changes.json`` in FOLDER is a list of {"step": the first step with it, "values": Var name to number or text}. Writes
``weights.npy`` and ``x1.npy``: the states after each step.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from neuroalign.sim.lava_processes import one_process
from neuroalign.sim.lava_processes.build import build_processes
from neuroalign.sim.lava_processes.job import read_job
from neuroalign.sim.lava_processes.models import run_config

from lava.magma.core.run_conditions import RunSteps  # isort: skip


def main(folder: Path) -> None:
    one_process.install()
    (case,) = read_job(folder)
    changes = {change["step"]: change["values"] for change in json.loads((folder / "changes.json").read_text())}
    processes = build_processes(case.network, {name: values[0] for name, values in case.stimulus.inputs.items()})
    synapse, first = processes["learns"], processes[case.network.populations[0].name]
    weights, x1 = [], []
    for step in range(1, case.steps + 1):
        for name, value in changes.get(step, {}).items():
            getattr(synapse, name).set(value if isinstance(value, str) else np.full(1, value))
        first.run(condition=RunSteps(num_steps=1), run_cfg=run_config(recorded=False))
        weights.append(synapse.weights.get())
        x1.append(synapse.x1.get())
    first.stop()
    np.save(folder / "weights.npy", np.stack(weights))
    np.save(folder / "x1.npy", np.stack(x1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
