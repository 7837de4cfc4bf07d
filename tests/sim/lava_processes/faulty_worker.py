"""The worker with a neuron model that hangs or fails: ``python faulty_worker.py hang|fail|die TRACES FOLDER``.

Before it does, it writes to the folder TRACES the group it runs in and the shared memory that it has mapped.
``processes-hang`` and so on let Lava run in processes of its own, as the timing worker has it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from neuroalign.sim.lava_processes import neuron_models, one_process, worker

how, traces, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
harmless = neuron_models.RecordedLif.subthr_dynamics


def faulty(model: Any, activation_in: Any) -> None:
    """Lava's dynamics for two steps, then what was asked for."""
    if model.time_step == 3:
        maps = Path("/proc/self/maps")
        mapped = [line.split()[-1] for line in maps.read_text().splitlines()] if maps.exists() else []
        written = traces / f"{os.getpid()}-{threading.get_ident()}.part"  # two models may be threads of one process
        written.write_text("\n".join([str(os.getpgrp()), *{m for m in mapped if m.startswith("/dev/shm/")}]))
        written.rename(traces / f"{os.getpid()}.txt")
        if how == "fail":
            raise ValueError("made to fail")
        if how == "die":
            os._exit(3)
        time.sleep(3600)
    harmless(model, activation_in)


if how.startswith("processes-"):
    how = how.removeprefix("processes-")
    one_process.install = lambda *_: None
setattr(neuron_models.RecordedLif, "subthr_dynamics", faulty)  # noqa: B010

if __name__ == "__main__":
    worker.main(folder)
