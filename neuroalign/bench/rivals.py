"""The emulator against brian2 (C++ standalone) and NEST on pair STDP, all pairs, where these are installed.

Method. One script for each, run by the interpreter that has it, one thread each. Same sizes, same step of 1 ms, same
leaky neurons with exponential synaptic current, driven by the same bias in the same phases to the same rate; pair STDP
with all-to-all pairing and additive weights on every pair of neurons. What differs: both compute in floats, event by
event, with traces for each synapse (brian2) or its neurons (NEST); their weights act so weakly that rates stay what the
bias makes them; the rates are reported. Chunks alternate with the emulator's. NEST's chunk is a call of ``nest.Run``;
brian2's is the run loop of the compiled program as brian2 reports it, building and loading excluded, after a warm-up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neuroalign.bench.emulated import EmulatedRun
from neuroalign.bench.marks import RIVALS, RIVALS_SIZE
from neuroalign.bench.measured import Figure, Result, Series
from neuroalign.bench.networks import DU, DV, RATE, plastic_network
from neuroalign.bench.settings import Settings
from neuroalign.chip import ChipNetwork
from neuroalign.errors import BackendFailed, BackendMissing, InputError
from neuroalign.sim.lava_processes.process_group import TimeLimitReached, run_in_own_session

RIVAL_NAMES = ("brian2", "nest")
TAU_TRACE = 20.0
WEIGHT = 1e-6
"""Of the threshold: too weak to change a rate."""

WARM_STEPS, CHUNK_STEPS = 200, 500
QUICK_CHUNK_STEPS = 50
QUICK_SIZE = 128
TIME_LIMIT_S = 1800.0
LOOK = "import importlib.util as u, sys; sys.exit(0 if u.find_spec({name!r}) else 3)"


def rival_cases(settings: Settings) -> Iterator[Result]:
    """Each rival that an interpreter has.

    Raises
    ------
    BackendMissing
        If none is found.
    """
    size = max(settings.chosen((RIVALS_SIZE,), (QUICK_SIZE,)))
    found = interpreters(settings.pythons)
    if not found:
        raise BackendMissing(
            "neither brian2 nor NEST is installed here; install them elsewhere (pip install brian2, pip install "
            "nest-simulator) and name that interpreter with --python"
        )
    for number, (name, python) in enumerate(found.items()):
        settings.report("rivals", number, len(found))
        yield against(name, python, size, settings)
    settings.report("rivals", len(found), len(found))


def interpreters(pythons: Sequence[str]) -> dict[str, str]:
    """Rival to the first interpreter that has it, this one last.

    Raises
    ------
    InputError
        If an interpreter cannot be run.
    """
    found: dict[str, str] = {}
    for python in (*pythons, sys.executable):
        for name in RIVAL_NAMES:
            if name not in found and _has(python, name):
                found[name] = python
    return found


def _has(python: str, name: str) -> bool:
    try:
        looked = subprocess.run([python, "-c", LOOK.format(name=name)], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(
            f"--python {python!r} cannot be run: {error}; give the path of a Python interpreter"
        ) from error
    return looked.returncode == 0


def against(name: str, python: str, size: int, settings: Settings) -> Result:
    """The emulator and one rival, chunks in turn.

    Raises
    ------
    BackendFailed
        If the rival fails or takes too long.
    """
    network = plastic_network(size, settings.seed)
    steps = QUICK_CHUNK_STEPS if settings.quick else CHUNK_STEPS
    with tempfile.TemporaryDirectory(prefix=f"neuroalign-{name}-") as temporary:
        folder = Path(temporary)
        numbers = description(network, settings.seed, steps)
        (folder / "network.json").write_text(json.dumps(numbers), encoding="utf-8")
        turns = _Turns(folder, network, settings.chunks, steps)
        _run([python, str(script_of(name)), str(folder)], name, folder, turns)
        described = json.loads((folder / "described.json").read_text(encoding="utf-8"))
    rival = Series(described["version"], (steps,) * settings.chunks, tuple(c["seconds"] for c in turns.chunks))
    emulator = Series("emulator", (steps,) * settings.chunks, tuple(turns.seconds))
    ours = sum(turns.emulated.spikes(p.name) for p in network.populations) / (2 * size * turns.emulated.done)
    counted = turns.chunks[-1].get("steps_of_spikes", steps)
    theirs = turns.chunks[-1]["spikes"] / (2 * size * counted)
    return Result(
        "rivals",
        f"{described['version']}, N = {size}",
        {"N": size, "rate": RATE, "seed": settings.seed, "chunk steps": steps, "synapses": size * size},
        (rival, emulator),
        (
            Figure("rival's best / emulator's median", rival.best / emulator.median, "times", *_marks(size)),
            Figure("median / median", rival.median / emulator.median, "times"),
            Figure("rival, median step", 1e6 * rival.median, "us"),
            Figure("rival, spread", 100 * rival.spread, "%"),
            Figure("emulator, median step", 1e6 * emulator.median, "us"),
            Figure("emulator, spread", 100 * emulator.spread, "%"),
            Figure("spikes a step, rival", 100 * theirs, "%"),
            Figure("spikes a step, emulator", 100 * ours, "%"),
        ),
        (f"numpy {described['numpy']} beside it; floats in the rival, integers in the emulator; one thread each",),
    )


def script_of(name: str) -> Path:
    """What the rival's interpreter runs."""
    return Path(__file__).with_name(f"rival_{name}.py")


def _marks(size: int) -> tuple[float | None, float | None]:
    return RIVALS if size == RIVALS_SIZE else (None, None)


def description(network: ChipNetwork, seed: int, steps: int) -> dict[str, Any]:
    """The network in what the scripts need: time constants in ms (a step is 1 ms), voltages in thresholds."""
    populations = []
    for p in network.populations:
        limit = p.threshold[0] << p.threshold_shift
        v_inf = (p.bias_mant << p.bias_exp) * 4096 / DV / limit
        populations.append({"v_inf": v_inf.tolist(), "v0": (p.v0 / limit).tolist()})
    return {
        "N": network.populations[0].size,
        "seed": seed,
        "tau_mem": -1 / float(np.log1p(-DV / 4096)),
        "tau_syn": -1 / float(np.log1p(-(DU + 1) / 4096)),
        "tau_trace": TAU_TRACE,
        "weight": WEIGHT,
        "warm": WARM_STEPS,
        "chunk": steps,
        "populations": populations,
    }


def _run(command: Sequence[str], name: str, folder: Path, turns: _Turns) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    try:
        code = run_in_own_session(command, folder, TIME_LIMIT_S, environment, turns)
    except TimeLimitReached:
        raise BackendFailed(f"{name} did not finish within {TIME_LIMIT_S:g} s and was ended") from None
    if code != 0 or len(turns.chunks) < turns.count:
        lines = (folder / "stderr.txt").read_text(errors="replace").strip().splitlines() or ["no message"]
        raise BackendFailed(f"{name} failed: {lines[-1]}")


@dataclass
class _Turns:
    """Sends the rival from chunk to chunk; the emulator runs as many steps after each."""

    folder: Path
    network: ChipNetwork
    count: int
    steps: int
    chunks: list[Mapping[str, Any]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    seen: int = -1

    def __post_init__(self) -> None:
        self.emulated = EmulatedRun(self.network)
        self.emulated.advance(WARM_STEPS)

    def __call__(self) -> bool:
        if self.seen < 0:
            if (self.folder / "described.json").exists():
                self._send()
            return True
        done = self.folder / f"chunk{self.seen}.json"
        if done.exists():
            self._take(json.loads(done.read_text(encoding="utf-8")))
        return True

    def _take(self, chunk: Mapping[str, Any]) -> None:
        if self.seen > 0:  # the first one warms up
            self.chunks.append(chunk)
            start = time.perf_counter()
            self.emulated.advance(self.steps)
            self.seconds.append(time.perf_counter() - start)
        self._send()

    def _send(self) -> None:
        self.seen += 1
        temporary = self.folder / "going"
        temporary.write_text(str(self.steps if len(self.chunks) < self.count else 0), encoding="ascii")
        temporary.replace(self.folder / f"go{self.seen}")
