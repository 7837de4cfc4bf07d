"""Times chunks of steps in Lava: ``python -m neuroalign.sim.lava_processes.timing_worker FOLDER``; see :mod:`timing`."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from neuroalign.sim.lava_processes.build import build_processes
from neuroalign.sim.lava_processes.job import ERROR_FILE, read_job
from neuroalign.sim.lava_processes.models import errors_reported, run_config
from neuroalign.sim.lava_processes.timing import PLAN_FILE, done_file, go_file
from neuroalign.sim.lava_processes.worker import end_with_parent

from lava.magma.core.run_conditions import RunSteps  # isort: skip  # the modules above let Lava import

POLL_S = 0.005
_LAVA_NAMES = {"w": "weights", "t": "tag_1", "d": "tag_2"}


def main(folder: Path) -> None:
    """Run the plan in ``folder``; leaves with exit code 1 and a traceback in a file if something fails."""
    threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        with errors_reported(folder / ERROR_FILE):
            run_plan(folder)
    except BaseException:
        os._exit(1)


def run_plan(folder: Path) -> None:
    """Run chunk after chunk, each at the caller's word."""
    reads = json.loads((folder / PLAN_FILE).read_text(encoding="utf-8"))["reads"]
    (case,) = read_job(folder)
    processes = build_processes(case.network, {name: values[0] for name, values in case.stimulus.inputs.items()})
    first = processes[case.network.populations[0].name]
    configuration = run_config(recorded=False)
    for number in count():
        steps = _next_chunk(folder, number)
        if not steps:
            break
        start = time.perf_counter()
        first.run(condition=RunSteps(num_steps=steps), run_cfg=configuration)
        seconds = time.perf_counter() - start
        _leave(folder, number, seconds, [_read(processes[name], state) for name, state in reads])
    first.stop()


def _next_chunk(folder: Path, number: int) -> int:
    while not go_file(folder, number).exists():
        time.sleep(POLL_S)
    return int(go_file(folder, number).read_text(encoding="ascii"))


def _read(process: Any, state: str) -> Any:
    return np.asarray(getattr(process, _LAVA_NAMES.get(state, state)).get(), dtype=np.float64)


def _leave(folder: Path, number: int, seconds: float, states: list[Any]) -> None:
    """Written under another name first: the caller takes the file as soon as it is there."""
    temporary = folder / f"writing{number}.npz"
    np.savez(temporary, seconds=seconds, **{f"state{k}": values for k, values in enumerate(states)})
    temporary.replace(done_file(folder, number))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
