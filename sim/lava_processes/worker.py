"""Runs a job in Lava: ``python -m neuroalign.sim.lava_processes.worker FOLDER``.

Started by :mod:`backend` in a session of its own. Lava sets the start method of ``multiprocessing`` for the whole
process and may hang where a model fails, which is why it runs here and not in the caller. After an error nothing is
stopped (``stop()`` after a failed ``run()`` hangs, and so does the destructor of a process, which calls it): the worker
leaves at once and :mod:`backend` ends what is left of the session.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import Plasticity
from neuroalign.sim.lava_processes import one_process
from neuroalign.sim.lava_processes.build import build_processes
from neuroalign.sim.lava_processes.job import ERROR_FILE, PROGRESS_FILE, Case, read_job, result_file
from neuroalign.sim.lava_processes.models import Recorder, errors_reported, run_config

from lava.magma.core.run_conditions import RunSteps  # isort: skip  # the modules above let Lava import

# One run holds the input of many samples back to back in each of Lava's processes: this bounds it to 64 MB.
LARGEST_INPUT = 2**24


def main(folder: Path) -> None:
    """Run every case of the job in ``folder``; leaves with exit code 1 and a traceback in a file if one fails."""
    threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    one_process.install(folder / ERROR_FILE)
    try:
        with errors_reported(folder / ERROR_FILE):
            for index, case in enumerate(read_job(folder)):
                run_case(folder, index, case)
    except BaseException:
        os._exit(1)


def run_case(folder: Path, index: int, case: Case) -> None:
    """Run the samples of one case, as many in one Lava run as :data:`LARGEST_INPUT` allows."""
    if case.steps == 0:
        return
    widest = max((i.size for i in case.network.inputs), default=1)
    at_once = max(1, LARGEST_INPUT // (case.steps * widest))
    for first in range(0, case.stimulus.samples, at_once):
        count = min(at_once, case.stimulus.samples - first)
        inputs = {
            name: back_to_back(values[first : first + count], case.steps)
            for name, values in case.stimulus.inputs.items()
        }
        processes = build_processes(case.network, inputs, _recorders(folder, index, case, first))
        run_and_stop(processes.values(), count * case.steps)


def back_to_back(values: NDArray[Any], steps: int) -> NDArray[Any]:
    """(samples, steps, channels) as (samples * ``steps``, channels), zeros after the end of each sample."""
    padded = np.zeros((values.shape[0], steps, values.shape[2]), values.dtype)
    padded[:, : values.shape[1]] = values
    return padded.reshape(values.shape[0] * steps, values.shape[2])


def run_and_stop(processes: Iterable[Any], steps: int) -> None:
    """Run ``steps`` steps of all ``processes``: Lava runs what is connected, so there may be several runs."""
    for process in processes:
        if process.runtime is None:
            process.run(condition=RunSteps(num_steps=steps), run_cfg=run_config())
            process.stop()


def _recorders(folder: Path, index: int, case: Case, first_sample: int) -> dict[str, Recorder]:
    files: dict[str, dict[str, str]] = {}
    for k, (name, state) in enumerate(case.probes):
        files.setdefault(name, {})[state] = str(result_file(folder, index, k))
    populations = [p.name for p in case.network.populations]
    last = next(reversed(populations), "")

    def recorder(name: str, plasticity: Plasticity | None = None) -> Recorder:
        return Recorder(
            steps=case.steps,
            error_file=str(folder / ERROR_FILE),
            files=files.get(name, {}),
            first_sample=first_sample,
            progress_file=str(folder / PROGRESS_FILE) if name == last else "",
            plasticity=plasticity,
            rows={step: row for row, step in enumerate(case.read_steps)} if plasticity else None,
        )

    recorders = {name: recorder(name) for name in populations}
    return recorders | {c.name: recorder(c.name, c.plasticity) for c in case.network.connections}


def end_with_parent(parent: int) -> None:
    """End the whole session when the process that wants its results is gone."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.killpg(os.getpgrp(), signal.SIGTERM)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
