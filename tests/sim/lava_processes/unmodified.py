"""Lava's own models, one step a run, read with Var.get and Lava's sinks: ``python unmodified.py FOLDER``.

Reads the job in FOLDER and writes ``unmodified_<case>_<probe>.npy`` beside it. Slow, and independent of our recording.
In one process: that this changes nothing is what test_one_process.py shows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.sim.lava_processes import one_process
from neuroalign.sim.lava_processes.build import build_processes
from neuroalign.sim.lava_processes.job import Case, read_job
from neuroalign.sim.lava_processes.models import run_config
from neuroalign.sim.lava_processes.worker import back_to_back

from lava.magma.core.run_conditions import RunSteps  # isort: skip
from lava.proc.io.sink import RingBuffer  # isort: skip


SYNAPTIC = {"w": "weights", "t": "tag_1", "d": "tag_2"}


def one_sample(case: Case, sample: int) -> list[NDArray[Any]]:
    """States of each probe at every step: (steps, neurons), or (steps, targets, sources) of plastic synapses."""
    inputs = {n: back_to_back(a[sample : sample + 1], case.steps) for n, a in case.stimulus.inputs.items()}
    processes = build_processes(case.network, inputs)
    sinks = {}
    for name, state in case.probes:
        if state in "sa":
            sinks[name, state] = RingBuffer(shape=(case.network.population(name).size,), buffer=case.steps)
            sources = [processes[name].s_out] if state == "s" else []
            if state == "a":
                sources = [processes[c.name].a_out for c in case.network.connections if c.drives and c.target == name]
            for port in sources:
                port.connect(sinks[name, state].a_in)
    read: dict[Any, list[NDArray[Any]]] = {probe: [] for probe in case.probes if probe[1] not in "sa"}
    first = processes[case.network.populations[0].name]
    for _ in range(case.steps):
        first.run(condition=RunSteps(num_steps=1), run_cfg=run_config(recorded=False))
        for (name, state), values in read.items():
            values.append(getattr(processes[name], SYNAPTIC.get(state, state)).get())
    states = {probe: np.stack(values) for probe, values in read.items()}
    states |= {probe: sink.data.get().T for probe, sink in sinks.items()}
    first.stop()
    return [states[probe] for probe in case.probes]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    one_process.install()
    for index, case in enumerate(read_job(folder)):
        samples = [one_sample(case, sample) for sample in range(case.stimulus.samples)]
        for k, states in enumerate(zip(*samples, strict=True)):
            np.save(folder / f"unmodified_{index}_{k}.npy", np.stack(states))
