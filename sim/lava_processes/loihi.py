"""The Loihi backend: a standalone Lava script, run with Lava's hardware configuration where Intel's lava-loihi is installed.

Written from Lava's documentation and tried with a stand-in for lava-loihi; it has never run on a chip.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from neuroalign.chip import ChipNetwork
from neuroalign.errors import BackendFailed, BackendMissing
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.holdable import check_network, check_stimulus
from neuroalign.sim.lava_processes.holdable_synapses import without_shared_exponent
from neuroalign.sim.lava_processes.process_group import TimeLimitReached, run_in_own_session

TOLD_BY = "lava.utils.loihi2_profiler"
"""The module by which Lava itself tells whether lava-loihi is installed."""

HOW_TO_GET = (
    "lava-loihi is not installed: Intel gives it to members of its research community (intel-ncl.atlassian.net/wiki/spaces/INRC); "
    "without it, 'neuroalign convert FILE script.py' writes a script to run where it is"
)

ScriptWriter = Callable[[Path, ChipNetwork, Stimulus], object]


@dataclass(frozen=True)
class LoihiBackend:
    """Runs a ChipNetwork on Loihi 2 and records spikes; potentials are not read, which would need a probe for each.

    Parameters
    ----------
    write
        Writes the script (:func:`neuroalign.export.lava_script.write_lava_script`); refuses what standard processes do not hold.
    """

    write: ScriptWriter

    @property
    def name(self) -> str:
        """``loihi``."""
        return "loihi"

    def missing(self) -> str | None:
        """One line saying what to install, or None. Looks for lava-loihi without importing it."""
        absent = LavaBackend().missing()
        if absent:
            return f"{absent}; {HOW_TO_GET}"
        return None if find_spec(TOLD_BY) else HOW_TO_GET

    def run(
        self,
        network: ChipNetwork,
        stimulus: Stimulus,
        probes: Sequence[Probe] = (),
        *,
        read_steps: Sequence[int] | None = None,
        time_limit_s: float = 600.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> Recording:
        """Run ``stimulus.steps + network.latency_steps`` steps of each sample.

        Parameters
        ----------
        probes, read_steps
            Spikes of every population are recorded, and nothing else, whatever is asked for.
        time_limit_s
            Seconds after which the run and everything it started are ended.
        progress
            Called at the end with (samples, samples).

        Raises
        ------
        BackendMissing
            lava-loihi is not installed.
        ConversionRefused
            Hardware would need a process model of our own.
        BackendFailed
            The run failed or reached the time limit.
        """
        missing = self.missing()
        if missing:
            raise BackendMissing(missing)
        held = replace(network, connections=tuple(without_shared_exponent(c) for c in network.connections))
        check_network(held)
        check_stimulus(held, stimulus)
        with tempfile.TemporaryDirectory(prefix="neuroalign-loihi-") as name:
            folder = Path(name)
            self.write(folder / "network.py", held, stimulus)
            _execute(folder, time_limit_s)
            with np.load(folder / "recording.npz") as file:
                states = {(p.name, "s"): file[f"{p.name}.s"] for p in held.populations}
        if progress:
            progress(stimulus.samples, stimulus.samples)
        return Recording(self.name, states, {p.name: p.latency_steps for p in network.populations})


def _execute(folder: Path, time_limit_s: float) -> None:
    command = [sys.executable, "network.py", "--hardware", "--states", "s", "--out", "recording.npz"]
    try:
        code = run_in_own_session(command, folder, time_limit_s, os.environ)
    except TimeLimitReached:
        raise BackendFailed(
            f"loihi did not finish within {time_limit_s:g} s and was ended; run fewer samples with --lava-samples"
        ) from None
    if code != 0 or not (folder / "recording.npz").exists():
        lines = (folder / "stderr.txt").read_text(errors="replace").strip().splitlines()
        raise BackendFailed(f"loihi failed: {lines[-1] if lines else 'the run left no message'}")
