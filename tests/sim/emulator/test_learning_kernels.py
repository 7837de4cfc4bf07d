"""The learning kernels against the reference: every state of every step, on random plastic networks."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray
from random_plastic import PlasticRun
from small_chips import chip, neurons, wire
from wild_learning import fixed_run, float_run

from neuroalign.chip import ChipNetwork, Plasticity
from neuroalign.microcode import Program, Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator import Emulator, interpreter, learning_kernels, routines
from neuroalign.sim.emulator.learning_kernels import learning_kernels as compiled
from neuroalign.sim.emulator.learning_reference import TAG_MIN
from neuroalign.sim.emulator.streams import CHUNK

SETTINGS = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 2**32 - 1)


def both(run: PlasticRun) -> tuple[Recording, Recording]:
    """Everything that can be recorded, from the kernels and from the reference."""
    probes = [*run.probes, *((p.name, "a") for p in run.network.populations)]
    emulator = Emulator()
    kernels = emulator.run(run.network, run.stimulus, probes, read_steps=run.read_steps, implementation="kernels")
    return kernels, emulator.run(
        run.network, run.stimulus, probes, read_steps=run.read_steps, implementation="reference"
    )


def assert_equal(kernels: Recording, reference: Recording) -> None:
    for probe, expected in reference.states.items():
        assert kernels.states[probe].dtype == expected.dtype
        np.testing.assert_array_equal(kernels.states[probe], expected, err_msg=str(probe))
    assert dict(kernels.counts) == dict(reference.counts)
    assert kernels.read_steps == reference.read_steps


@SETTINGS
@given(SEEDS)
def test_fixed_kernels_are_bit_equal(seed: int) -> None:
    assert_equal(*both(fixed_run(seed)))


@SETTINGS
@given(SEEDS)
def test_float_kernels_agree_up_to_the_order_of_sums(seed: int) -> None:
    kernels, reference = both(float_run(seed))
    for (name, what), expected in reference.states.items():
        found = kernels.states[name, what]
        assert found.dtype == expected.dtype
        if what == "s":
            np.testing.assert_array_equal(found, expected)
        else:
            scale = max(1.0, float(np.abs(expected).max()))
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * scale, err_msg=f"{name} {what}")


@cache
def coverage(fixed: bool) -> Counter[str]:
    """In how many of 60 drawn runs something happened."""
    found: Counter[str] = Counter()
    for seed in range(60):
        run = (fixed_run if fixed else float_run)(seed)
        states = Emulator().run(run.network, run.stimulus, run.probes, read_steps=run.read_steps).states
        moved = {c.name: {w for w in ("w", "d", "t") if np.diff(states[c.name, w], axis=1).any()} for c in run.plastic}
        found["changed"] += any(moved.values())
        found["restless tag"] += any((states[c.name, "t"] == TAG_MIN).any() for c in run.plastic)
        programs = [c.plasticity.program for c in run.plastic if c.plasticity is not None and moved[c.name]]
        for program in programs:
            found["long epoch"] += program.t_epoch > 7
            found["epochs"] += 1 < program.t_epoch <= 7
            found["u"] += program.k is not None
            found["sgn"] += any(f.sign for p in program.products for f in p.factors)
            found["fraction"] += any(f.constant % 1 != 0 for p in program.products for f in p.factors)
            found["second flag"] += any(f.variable in ("x0", "y0") for p in program.products for f in p.factors)
        found["delays"] += any(c.delays is not None and c.drives for c in run.plastic)
        found["estimator"] += any(not c.drives and moved[c.name] for c in run.plastic)
        found["phases"] += any(c.plasticity is not None and bool(c.plasticity.phases) for c in run.plastic)
    return found


@pytest.mark.parametrize("fixed", [True, False])
def test_drawn_networks_learn_and_meet_the_exceptions(fixed: bool) -> None:
    """The comparisons above prove little where nothing changes: nine in ten runs learn, and each case occurs."""
    found = coverage(fixed)
    assert found["changed"] >= 54
    expected = {"epochs", "u", "sgn", "fraction", "second flag", "delays", "estimator", "phases"}
    expected |= {"restless tag", "long epoch"} if fixed else set()
    assert {name for name in expected if found[name] < 3} == set(), found


def wide_run(rng: Generator, program: Program, targets: int, sources: int, rate: float) -> PlasticRun:
    """Relays of two populations, given their spikes by the input, with an estimating connection between them."""
    size = sources + targets
    into = np.eye(size, dtype=np.int64) * 64
    relays = [neurons(n, k, du=4095, dv=4095, threshold=0) for n, k in (("pre", sources), ("post", targets))]
    weight = rng.integers(-100, 100, (targets, sources)) * 2
    tag = rng.integers(-100, 100, weight.shape)
    learning = replace(wire("pre", "post", weight, drives=False), plasticity=Plasticity(program, tag, 1.0))
    network = chip(relays, [wire("in", "pre", into[:sources]), wire("in", "post", into[sources:]), learning], size)
    return PlasticRun(network, Stimulus({"in": rng.random((1, 30, size)) < rate}))


# what a line of the interpreter can be: short and long rows, columns, all rows; by chance of spikes and shape
@pytest.mark.parametrize("t_epoch", [1, 3])
@pytest.mark.parametrize(("targets", "sources", "rate"), [(1, 70, 0.3), (256, 3, 0.02), (90, 5, 0.95), (40, 40, 0.1)])
@pytest.mark.parametrize(
    "rule",
    [
        ("2^-2*y0*x1*(w-3)-2^-2*x0*y1", "y0*(x2-2)"),
        ("y0*w*(t+3)", "x0*y0*y1-2^-3*u1*t"),
        ("2^-4*u0*x1*y1-x0*x1", "y0*sgn(w-9)"),
        ("u1*x1*y0", "2*u1*x0*y2"),
    ],
)
def test_rows_and_columns_do_the_same(
    rule: tuple[str, str], targets: int, sources: int, rate: float, t_epoch: int
) -> None:
    traces = {name: Trace(30.3, 8.5) for name in ("x1", "x2", "y1", "y2")}
    program = program_from_text(rule[0], dt=rule[1], t_epoch=t_epoch, **traces)  # type: ignore[arg-type]
    rng = np.random.default_rng(targets)
    kernels, reference = both(wide_run(rng, program, targets, sources, rate))
    assert np.diff(reference.states["pre->post", "w"], axis=1).any()
    assert_equal(kernels, reference)


def test_chunks_of_random_draws_join(monkeypatch: pytest.MonkeyPatch) -> None:
    """More steps than one chunk of draws, an epoch that does not divide it, and reads on both sides of the seam."""
    monkeypatch.setattr(learning_kernels, "CHUNK", 64)
    monkeypatch.setattr("neuroalign.sim.emulator.samples.CHUNK", 64)
    for seed in range(8):
        run = fixed_run(seed, steps=200)
        assert_equal(*both(run))


def test_a_run_does_not_depend_on_where_it_is_read() -> None:
    run = fixed_run(3, steps=150)
    probes = [(c.name, state) for c in run.plastic for state in ("w", "t", "y1")]
    often = Emulator().run(run.network, run.stimulus, probes, read_steps=range(1, 151))
    seldom = Emulator().run(run.network, run.stimulus, probes, read_steps=(7, 64, 150))
    for probe in probes:
        np.testing.assert_array_equal(seldom.states[probe], often.states[probe][:, [6, 63, 149]])


def test_long_runs_take_no_memory_per_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the input and what was asked for grows: each kernel call records at most a chunk."""
    run = fixed_run(1, steps=9000)
    largest = 0
    advance = learning_kernels.LearningRun.advance

    def watched(self: Any, t0: int, given: NDArray[Any], record: NDArray[Any]) -> None:
        nonlocal largest
        largest = max(largest, len(record), len(given))
        advance(self, t0, given, record)

    monkeypatch.setattr(learning_kernels.LearningRun, "advance", watched)
    told: list[tuple[int, int]] = []
    probe = (run.plastic[0].name, "w")
    Emulator().run(run.network, run.stimulus, [probe], progress=lambda done, total: told.append((done, total)))
    total = 2 * (9000 + run.network.latency_steps)
    assert 0 < largest <= CHUNK
    assert told[-1] == (total, total)
    assert len(told) >= 6


def test_learning_kernels_are_keyed_to_all_they_were_compiled_from() -> None:
    """The disk cache of numba must not serve kernels that were compiled from other sources of the same package."""
    here = Path(interpreter.__file__).parent
    neurons = ("escape", "neuron_shapes", "neuron_kernels", "wire_shapes", "wire_kernels", "kernels")
    loop = (*neurons, "plastic_tables", "streams", "trace_kernels", "lanes", "by_address", "routines")
    rules = (
        "accumulator",
        "interpreter",
        "interpreter_factors",
        "interpreter_lines",
        "lanes",
        "plastic_tables",
        "products",
        "streams",
    )
    loop_files = [here.parents[1] / "fixed_point.py", *(here / f"{name}.py" for name in loop)]
    rule_files = [here / f"{name}.py" for name in rules]
    kernels: list[tuple[Any, list[Path]]] = [(kernel, loop_files) for kernel in compiled()]
    for dispatcher, files in [*kernels, (routines._interpreter(), rule_files)]:
        stamp = zlib.crc32("".join(file.read_text() for file in files).encode())
        assert [cell.cell_contents for cell in dispatcher.py_func.__closure__] == [stamp]


def test_small_networks_with_nothing_to_send_learn_from_silence() -> None:
    """No input at all: the u term alone moves the weights, in its epochs."""
    program = program_from_text("3*2^1*u2*(y3+1)", t_epoch=3, y3=Trace(0, 0))
    connection = replace(
        wire("n", "n", [[0]], drives=False), plasticity=Plasticity(program, np.zeros((1, 1), int), 1.0)
    )
    network: ChipNetwork = chip([neurons("n", 1)], [connection])
    recording = Emulator().run(
        network, Stimulus({"clock": np.zeros((1, 48, 0))}), [("n->n", "w")], read_steps=range(1, 49)
    )
    changes = np.flatnonzero(np.diff(recording.states["n->n", "w"][0, :, 0, 0], prepend=0)) + 1
    assert changes.tolist() == [12, 24, 36, 48]
    assert recording.states["n->n", "w"][0, -1, 0, 0] == 24
