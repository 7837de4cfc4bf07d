"""The emulator against Lava on networks that learn: every state of every neuron and synapse, at every step.

The oracle is Lava 0.10 with its own bit-accurate models. A difference names the network; ``runs()[group][network]``
rebuilds it. ``tests/sim/emulator/test_learning_against_lava.py`` does the same with the bare learning engine for what
cannot be in a network of ours: float models, graded modes, weights beyond their range.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from carry_programs import TEXTS
from numpy.typing import NDArray
from random_plastic import PLASTIC_STATES, PlasticRun, carry_run, compiled_runs, draw_plastic

from neuroalign.chip import ChipConnection
from neuroalign.recording import Probe, Recording
from neuroalign.sim.emulator.driver import Emulator, Implementation
from neuroalign.sim.lava_processes.backend import LavaBackend

pytestmark = [
    pytest.mark.lava,
    pytest.mark.slow,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]

IMPLEMENTATIONS: tuple[Implementation, ...] = ("kernels", "reference")
# many connections in few networks: Lava's time goes by processes and steps, and neurons are processes too
NETWORKS, RULES_EACH, STEPS = 13, 8, 200
CARRY_STEPS, COMPILED_STEPS = 1100, 200
PHASE_STEPS, PHASES = 120, ((20, 60), (70, 71), (80, 110))
Groups = dict[str, list[PlasticRun]]


@cache
def runs() -> Groups:
    """Every network of this file; "phases" is one with learning phases and without."""
    rng = np.random.default_rng(31)
    return {
        "random": [draw_plastic(rng, RULES_EACH, STEPS) for _ in range(NETWORKS)],
        "carry": [carry_run(rng, CARRY_STEPS)],
        "phases": _with_and_without_phases(draw_plastic(rng, 6, PHASE_STEPS)),
        "compiled": compiled_runs(COMPILED_STEPS),
        "samples": [draw_plastic(rng, 6, 23, samples=3)],
    }


def _with_and_without_phases(run: PlasticRun) -> list[PlasticRun]:
    """The same network twice; its plastic connections drive nothing, so that learning does not change any spike."""

    def changed(phases: tuple[tuple[int, int], ...]) -> PlasticRun:
        connections = tuple(
            c if c.plasticity is None else replace(c, drives=False, plasticity=replace(c.plasticity, phases=phases))
            for c in run.network.connections
        )
        return PlasticRun(replace(run.network, connections=connections), run.stimulus)

    return [changed(PHASES), changed(())]


@cache
def recorded() -> dict[str, dict[str, list[Recording]]]:
    """Group to backend to recordings: all of Lava from one session, the emulator beside it."""
    flat = [run for group in runs().values() for run in group]
    cases = [(run.network, run.stimulus, run.probes, run.read_steps) for run in flat]
    with ThreadPoolExecutor(1) as beside:
        in_lava = beside.submit(LavaBackend().run_cases, cases)
        by_backend: dict[str, list[Recording]] = {
            name: [emulated(run, name) for run in flat] for name in IMPLEMENTATIONS
        }
        by_backend["lava"] = in_lava.result()
    left = {name: iter(recordings) for name, recordings in by_backend.items()}
    return {
        group: {name: [next(left[name]) for _ in members] for name in by_backend} for group, members in runs().items()
    }


def emulated(run: PlasticRun, implementation: Implementation) -> Recording:
    return Emulator().run(
        run.network, run.stimulus, run.probes, read_steps=run.read_steps, implementation=implementation
    )


def changing(states: NDArray[np.generic]) -> int:
    """How many values belong to neurons and synapses whose state is not the same at all steps of the sample."""
    return int(np.count_nonzero((states != states[:, :1]).any(axis=1))) * int(states.shape[1])


def first_difference(network: int, probe: Probe, ours: NDArray[np.generic], theirs: NDArray[np.generic]) -> str:
    """The earliest difference of a state, in words."""
    sample, step, *place = min(np.argwhere(ours != theirs).tolist(), key=lambda at: at[1])
    at = (sample, step, *place)
    return f"network {network}: {probe[1]} of {probe[0]}{place}, sample {sample}, step {step + 1}: {ours[at]}, Lava {theirs[at]}"


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("group", ["random", "carry", "phases", "compiled", "samples"])
def test_every_state_of_every_step_equals_lava(
    group: str, implementation: Implementation, capsys: pytest.CaptureFixture[str]
) -> None:
    differences: list[str] = []
    counted = mismatches = 0
    ours, theirs = recorded()[group][implementation], recorded()[group]["lava"]
    for k, run in enumerate(runs()[group]):
        assert ours[k].read_steps == theirs[k].read_steps == run.read_steps
        for probe in run.probes:
            a, b = ours[k].states[probe], theirs[k].states[probe]
            assert a.shape == b.shape
            counted += changing(b)
            if not np.array_equal(a, b):
                mismatches += int((a != b).sum())
                differences.append(first_difference(k, probe, a, b))
    with capsys.disabled():
        plastic = sum(len(run.plastic) for run in runs()[group])
        print(
            f"\nemulator ({implementation}) vs Lava, {group}: {plastic} plastic connections in {len(ours)} networks, "
            f"{mismatches} mismatches in {counted} values of changing states"
        )
    assert not differences, "\n".join([f"{mismatches} values in {len(differences)} states", *differences[:10]])
    assert counted > 0


def test_the_random_networks_are_evidence() -> None:
    group = recorded()["random"]["lava"]
    rules = [(run, c, lava) for run, lava in zip(runs()["random"], group, strict=True) for c in run.plastic]
    assert len(rules) >= 100
    assert all(run.steps >= 200 for run, _, _ in rules)
    spiking = sum(min(spike_counts(run, c, lava)) >= 20 for run, c, lava in rules)
    assert spiking >= 0.9 * len(rules), f"only {spiking} of {len(rules)} rules see spikes on both sides"
    changed: Counter[str] = Counter()
    seen: Counter[object] = Counter()
    for run, c, lava in rules:
        changed.update(state for state in PLASTIC_STATES if changing(lava.states[c.name, state]))
        seen.update(corners(run, c))
    assert changed["w"] >= 0.7 * len(rules)
    rare = {state: changed[state] for state in PLASTIC_STATES if changed[state] < 20}
    rare |= {str(corner): seen[corner] for corner in CORNERS if seen[corner] < 5}
    assert not rare, f"in too few rules: {rare}"


def spike_counts(run: PlasticRun, c: ChipConnection, lava: Recording) -> tuple[int, int]:
    """How often the neurons before and behind a connection spike."""
    before = run.stimulus.inputs[c.source] if c.source in run.stimulus.inputs else lava.states[c.source, "s"]
    return int(np.count_nonzero(before)), int(np.count_nonzero(lava.states[c.target, "s"]))


CORNERS = (
    *((f"t_epoch {n}") for n in range(1, 8)),
    *("feed-forward", "self-recurrent", "backward", "driving", "not driving", "beside a static one"),
    *("mixed", "excitatory", "inhibitory", "u", "sgn", "spike factor", "fraction", "idle trace"),
    *("initial tag", "phases", "graded", "negative exponent", "positive exponent"),
)


def corners(run: PlasticRun, c: ChipConnection) -> set[str]:
    """Which of :data:`CORNERS` a plastic connection has."""
    assert c.plasticity is not None
    program = c.plasticity.program
    factors = [f for p in program.products for f in p.factors]
    traces = [program.trace(name) for name in ("x1", "x2", "y1", "y2", "y3")]
    static = [o for o in run.network.connections if o.plasticity is None]
    present = {
        "feed-forward": c.source < c.target,
        "self-recurrent": c.source == c.target,
        "backward": c.source > c.target,
        "driving": c.drives,
        "not driving": not c.drives,
        "beside a static one": any((o.source, o.target) == (c.source, c.target) for o in static),
        "u": program.k is not None,
        "sgn": any(f.sign for f in factors),
        "spike factor": any(f.variable in ("x0", "y0") for f in factors),
        "fraction": any(trace.impulse % 1 for trace in traces),
        "idle trace": any(trace.tau == 0 for trace in traces),
        "initial tag": bool(c.plasticity.tag.any()),
        "phases": bool(c.plasticity.phases),
        "graded": bool(c.message_bits),
        "negative exponent": c.weight_exp < 0,
        "positive exponent": c.weight_exp > 0,
    }
    return {c.sign_mode, f"t_epoch {program.t_epoch}"} | {name for name, value in present.items() if value}


@pytest.mark.parametrize("name", list(TEXTS))
def test_carry_programs_carry(name: str) -> None:
    (run,), (lava,) = runs()["carry"], recorded()["carry"]["lava"]
    assert run.steps > 2 * 2**9, "u9 has to act twice"
    assert changing(lava.states[name, "t"])
    assert np.count_nonzero(np.diff(lava.states[name, "w"], axis=1)) >= 20, "too few weight changes"


@pytest.mark.parametrize("number", range(3))
def test_compiled_rules_learn(number: int) -> None:
    run, lava = runs()["compiled"][number], recorded()["compiled"]["lava"][number]
    assert np.count_nonzero(np.diff(lava.states["learns", "w"], axis=1)) >= 20, "too few weight changes"
    assert min(spike_counts(run, run.plastic[0], lava)) >= 20


def test_outside_learning_phases_synapses_rest_and_traces_go_on() -> None:
    with_phases, without = recorded()["phases"]["lava"]
    run = runs()["phases"][0]
    moved = differing = 0
    for name, state in run.probes:
        a, b = with_phases.states[name, state], without.states[name, state]
        if state not in ("w", "t", "d"):
            np.testing.assert_array_equal(a, b, err_msg=f"{name} {state}")
            continue
        steps = {int(k) + 2 for k in np.argwhere(np.diff(a, axis=1))[:, 1]}  # those at whose end the value is new
        assert all(any(start <= step < stop for start, stop in PHASES) for step in steps), (name, state, steps)
        moved += len(steps)
        differing += not np.array_equal(a, b)
    assert moved >= 20
    assert differing >= 5, "phases make no difference"


def test_samples_start_alike_and_go_their_own_way() -> None:
    (run,), (lava,) = runs()["samples"], recorded()["samples"]["lava"]
    epochs = {c.plasticity.program.t_epoch for c in run.plastic if c.plasticity}
    assert any(run.steps % epoch for epoch in epochs), "samples end with an epoch, which shows nothing"
    for c in run.plastic:
        if c.plasticity and c.plasticity.program.t_epoch > 1:
            for k in range(3):
                np.testing.assert_array_equal(lava.states[c.name, "w"][k, 0], c.weight)
    assert any(np.ptp(lava.states[c.name, "w"], axis=0).any() for c in run.plastic)
