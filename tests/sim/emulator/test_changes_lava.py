"""Programs changed while a network runs, against Lava's ``Var.set`` between two runs, for what that leaves whole."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_chips import chip, neurons, wire

from neuroalign.chip import ChipNetwork, Plasticity
from neuroalign.microcode import Program, Trace
from neuroalign.microcode.text import parse, program_from_text
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.changes import ProgramChange
from neuroalign.sim.emulator.driver import Implementation
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.job import Case, write_job
from neuroalign.sim.lava_processes.process_group import run_in_own_session

pytestmark = [
    pytest.mark.lava,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]

STEPS = 60
TRACES = {"x1": Trace(30, 8), "x2": Trace(12, 5), "y1": Trace(24, 12)}
# whole numbers, for Lava would cut off the rest
VALUES: list[dict[str, Any]] = [
    {"step": 16, "values": {"x1_impulse": 60, "x1_tau": 3}},
    {"step": 31, "values": {"dw": "-2^-2*x0*y1+y0*x2"}},
    {"step": 46, "values": {"x2_impulse": 41, "x2_tau": 17, "y1_impulse": 3}},
]


def network(program: Program) -> ChipNetwork:
    """Two relays of three and two neurons, given their spikes by the input, with a synapse between them that learns."""
    relays = [neurons(name, size, du=4095, dv=4095, threshold=0) for name, size in (("pre", 3), ("post", 2))]
    into = np.eye(5, dtype=np.int64) * 64
    weight = np.array([[20, -30, 8], [-50, 64, 2]])
    learning = replace(
        wire("pre", "post", weight, drives=False),
        name="learns",
        plasticity=Plasticity(program, np.zeros_like(weight), 1.0),
    )
    return chip(relays, [wire("in", "pre", into[:3]), wire("in", "post", into[3:]), learning], 5)


def changed(program: Program, values: dict[str, Any]) -> Program:
    """The program with Lava's names set to new values."""
    for name, value in values.items():
        if name == "dw":
            program = replace(program, dw=parse(value, "dw"))
            continue
        trace, what = name.split("_")
        program = replace(program, **{trace: replace(program.trace(trace), **{what: value})})  # type: ignore[arg-type]
    return program


@pytest.mark.parametrize("t_epoch", [1, 4])
def test_changes_equal_var_set_between_runs(t_epoch: int, tmp_path: Path) -> None:
    program = program_from_text("2^-1*y0*x1 - 2^-1*x0*y1", t_epoch=t_epoch, rng_seed=5, **TRACES)  # type: ignore[arg-type]
    rng = np.random.default_rng(t_epoch)
    stimulus = Stimulus({"in": (rng.random((1, STEPS, 5)) < 0.3).astype(np.uint8)})
    changes, now = [], program
    for change in VALUES:
        now = changed(now, change["values"])
        changes.append(ProgramChange(change["step"], "learns", now))
    write_job(tmp_path, [Case(network(program), stimulus, ())])
    (tmp_path / "changes.json").write_text(json.dumps(VALUES))
    command = [sys.executable, str(Path(__file__).with_name("lava_changes_worker.py")), str(tmp_path)]
    code = run_in_own_session(command, tmp_path, 120.0, {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert code == 0, (tmp_path / "stderr.txt").read_text(errors="replace")[-2000:]
    implementations: tuple[Implementation, ...] = ("kernels", "reference")
    for implementation in implementations:
        states = (
            Emulator()
            .run(
                network(program), stimulus, [("learns", "w"), ("learns", "x1")], read_steps=range(1, STEPS + 1),
                implementation=implementation, changes=changes,
            )
            .states
        )  # fmt: skip
        np.testing.assert_array_equal(states["learns", "w"][0], np.load(tmp_path / "weights.npy"))
        np.testing.assert_array_equal(states["learns", "x1"][0], np.load(tmp_path / "x1.npy"))
    unchanged = Emulator().run(network(program), stimulus, [("learns", "w")], read_steps=range(1, STEPS + 1))
    differing = (unchanged.states["learns", "w"] != states["learns", "w"]).any(axis=(0, 2, 3))
    assert differing[20:30].any()
    assert differing[45:].all()
