"""Short runs before anything is compiled: by the reference, and given up where that takes too long."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_networks import draw_stimulus
from random_plastic import PlasticRun, draw_plastic

from neuroalign.chip import ChipNetwork
from neuroalign.recording import Probe, Recording
from neuroalign.sim.emulator import Emulator, driver, first_run
from neuroalign.sim.emulator.first_run import patience
from neuroalign.sim.emulator.samples import Plan

STEPS, SAMPLES = 30, 3


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in which nothing has been compiled, with much patience."""
    monkeypatch.setattr(patience(), "left", 60.0)
    monkeypatch.setattr(first_run, "compiled", lambda plan: False)


def drawn() -> PlasticRun:
    rng = np.random.default_rng(11)
    run = draw_plastic(rng, 2, STEPS)
    return PlasticRun(run.network, draw_stimulus(rng, run.network, samples=SAMPLES, steps=STEPS))


def run_drawn(**options: Any) -> Recording:
    run = drawn()
    probes: list[Probe] = [(p.name, state) for p in run.network.populations for state in "sv"]
    return Emulator().run(run.network, run.stimulus, [*probes, (run.plastic[0].name, "w")], **options)


def assert_equal(found: Recording, expected: Recording) -> None:
    assert found.counts == expected.counts
    for probe, values in expected.states.items():
        np.testing.assert_array_equal(found.states[probe], values)
        assert found.states[probe].dtype == values.dtype


def no_kernels(*_: Any) -> None:
    raise AssertionError("the kernels were asked")


@pytest.mark.usefixtures("patient")
def test_a_short_first_run_is_the_references(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run_drawn(implementation="kernels")
    before, told = patience().left, []
    monkeypatch.setattr(driver, "KernelSamples", no_kernels)
    assert_equal(run_drawn(progress=lambda done, total: told.append((done, total))), expected)
    assert told[-1][0] == told[-1][1] > STEPS * SAMPLES - 1
    assert patience().left < before
    with pytest.raises(AssertionError, match="kernels were asked"):
        run_drawn(implementation="kernels")  # who asks for them gets them


@pytest.mark.usefixtures("patient")
def test_a_run_that_takes_too_long_starts_again_in_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run_drawn(implementation="kernels")
    seconds = iter(np.arange(0.0, 1e3, 0.7))  # each look at the clock
    monkeypatch.setattr("neuroalign.sim.emulator.first_run.time.perf_counter", lambda: float(next(seconds)))
    monkeypatch.setattr(patience(), "left", 5.0)
    assert_equal(run_drawn(), expected)
    assert patience().left < 0
    monkeypatch.setattr(first_run, "ReferenceSamples", no_kernels)  # nothing is tried any more
    assert_equal(run_drawn(), expected)


@pytest.mark.usefixtures("patient")
def test_only_what_is_small_and_bit_equal_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    run, plans = drawn(), []

    def caught(network: ChipNetwork, plan: Plan) -> None:
        plans.append(plan)
        no_kernels()

    monkeypatch.setattr(driver, "run_uncompiled", caught)
    with pytest.raises(AssertionError):
        run_drawn()
    (plan,) = plans
    assert isinstance(plan, Plan)
    assert first_run.run_uncompiled(run.network, plan) is not None
    assert first_run.run_uncompiled(run.network, replace(plan, steps=first_run.LONGEST)) is None
    monkeypatch.setattr(type(run.network), "is_fixed", False)
    assert first_run.run_uncompiled(run.network, plan) is None
    monkeypatch.undo()
    monkeypatch.setattr(patience(), "left", 60.0)
    monkeypatch.setattr(first_run, "compiled", lambda plan: True)
    assert first_run.run_uncompiled(run.network, plan) is None


def test_what_numba_keeps_on_the_disk_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from neuroalign.sim.emulator.learning_kernels import learning_kernels
    from neuroalign.sim.emulator.prepared import Prepared

    run = drawn()
    run_drawn(implementation="interpreter")  # compiles, or loads
    prepared = Prepared(run.network, (), implementation="interpreter")
    started = prepared.start(prepared.draws())
    dtype = prepared.layout.dtype
    given, record = np.zeros((1, prepared.layout.channels), dtype), np.zeros((1, prepared.layout.columns), dtype)
    call = started.call(0, given, record)
    arguments = (0, *call.before, call.skip, *call.after)
    assert call.kernel is learning_kernels()[0]
    assert first_run._on_disk(call.kernel, arguments)
    assert not first_run._on_disk(call.kernel, (0.5, *arguments[1:]))
    assert first_run._interpreter_on_disk(prepared)
    monkeypatch.setattr(first_run, "_on_disk", lambda kernel, arguments: kernel is learning_kernels()[0])
    assert not first_run._interpreter_on_disk(prepared)  # the step loop alone is not enough


SCRIPT = """
from test_first_run import run_drawn
from neuroalign.sim.emulator.kernels import step_kernels
from neuroalign.sim.emulator.learning_kernels import learning_kernels
from neuroalign.sim.emulator.routines import _interpreter
found = run_drawn()
assert not any(kernel.overloads for kernel in (*step_kernels(), *learning_kernels(), _interpreter()))
print({name: int(count) for name, count in sorted(found.counts.items())})
"""


def test_a_new_machine_waits_for_no_compiler(tmp_path: Path) -> None:
    here = Path(__file__).resolve()
    places = [str(here.parent), str(here.parents[2]), str(here.parents[3])]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(places)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    counts = {name: int(count) for name, count in sorted(run_drawn(implementation="kernels").counts.items())}
    assert done.stdout.strip() == str(counts)
