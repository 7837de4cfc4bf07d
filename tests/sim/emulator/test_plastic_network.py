"""Plastic connections inside networks, by hand: order within a step, phases, reads, estimators, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from small_chips import chip, neurons, spikes_at, wire

from neuroalign.chip import ChipConnection, ChipNetwork, Plasticity
from neuroalign.errors import InputError, NetworkError, RuleError
from neuroalign.microcode import Factor, Product, Program, Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator import Emulator, memory
from neuroalign.sim.emulator.driver import Implementation
from neuroalign.sim.emulator.memory import recording_bytes

Array = NDArray[Any]
BOTH = pytest.mark.parametrize("implementation", ["kernels", "reference"])
FORMATS = pytest.mark.parametrize("fixed", [True, False])
STATES = ("w", "t", "d", "x1", "x2", "y1", "y2", "y3")


def relay(name: str, size: int, *, fixed: bool = True) -> Any:
    """Neurons that spike in the step in which they receive anything."""
    return neurons(name, size, fixed=fixed, du=4095 if fixed else 1.0, dv=4095 if fixed else 1.0, threshold=0)


def plastic(source: str, target: str, weight: Any, program: Program, *, fixed: bool = True, **changes: Any) -> Any:
    """A plastic connection of mixed sign with tags of 0."""
    own = {key: changes.pop(key) for key in ("tag", "phases", "rounding_seed") if key in changes}
    connection = wire(source, target, weight, fixed=fixed, **changes)
    plasticity = Plasticity(program, own.pop("tag", np.zeros_like(connection.weight)), 1.0, **own)
    return replace(connection, plasticity=plasticity)


def estimator(program: Program, *, fixed: bool = True, **changes: Any) -> ChipNetwork:
    """Channel 0 -> "pre" -> "post" <- channel 1, the middle connection plastic and not driving."""
    unit = 64 if fixed else 1.0
    into_pre, into_post = [[unit, 0]], [[0, unit]]
    return chip(
        [relay("pre", 1, fixed=fixed), relay("post", 1, fixed=fixed)],
        [
            wire("in", "pre", into_pre, fixed=fixed),
            wire("in", "post", into_post, fixed=fixed),
            plastic("pre", "post", [[0]], program, fixed=fixed, drives=False, **changes),
        ],
        channels=2,
    )


def pairs(steps: int, pre: list[int], post: list[int]) -> Stimulus:
    """Spikes that make the two relays spike in the chip steps (from 1) given."""
    array = np.zeros((1, steps, 2), dtype=np.int64)
    array[0, np.array(pre, dtype=np.int64) - 2, 0] = 1
    array[0, np.array(post, dtype=np.int64) - 2, 1] = 1
    return Stimulus({"in": array})


@BOTH
def test_one_pairing_changes_the_weight_by_the_closed_form(implementation: Implementation) -> None:
    """Pair STDP, pre at 4 and post at 9: dw = A exp(-5/tau); post at 9 and pre at 20: -A exp(-11/tau)."""
    a, tau = 0.3, 12.0
    program = Program(
        dw=(Product("y0", 1.0, 0, (Factor("x1"),)), Product("x0", -1.0, 0, (Factor("y1"),))),
        x1=Trace(a, tau),
        y1=Trace(a, tau),
    )
    network = estimator(program, fixed=False)
    recording = Emulator().run(
        network,
        pairs(25, [4, 20], [9]),
        [("pre->post", "w"), ("pre", "s"), ("post", "s")],
        read_steps=[8, 9, 19, 20, 25],
        implementation=implementation,
    )
    assert np.flatnonzero(recording.states["pre", "s"][0, :, 0]).tolist() == [3, 19]
    assert np.flatnonzero(recording.states["post", "s"][0, :, 0]).tolist() == [8]
    up, down = a * np.exp(-5 / tau), a * np.exp(-11 / tau)
    expected = [0, up, up, up - down, up - down]
    np.testing.assert_allclose(recording.states["pre->post", "w"][0, :, 0, 0], expected, rtol=1e-13)
    assert recording.read_steps == (8, 9, 19, 20, 25)


@BOTH
@FORMATS
def test_a_spike_is_weighted_before_the_learning_of_its_step(implementation: Implementation, fixed: bool) -> None:
    """The weight grows by 8 at every source spike: the spikes of steps 1, 2, 4 arrive a step later as 10, 18, 26."""
    program = program_from_text("4*2^1*x0")
    network = chip([neurons("n", 1, fixed=fixed)], [plastic("in", "n", [[10]], program, fixed=fixed)], channels=1)
    recording = Emulator().run(
        network,
        spikes_at(6, {0: 1, 1: 1, 3: 1}),
        [("n", "a"), ("in->n", "w")],
        read_steps=range(1, 7),
        implementation=implementation,
    )
    assert recording.states["n", "a"][0, :, 0].tolist() == [0, 10, 18, 0, 26, 0]
    assert recording.states["in->n", "w"][0, :, 0, 0].tolist() == [18, 26, 26, 34, 34, 34]


@BOTH
@FORMATS
def test_the_target_spike_of_the_same_step_is_seen(implementation: Implementation, fixed: bool) -> None:
    program = program_from_text("x0*y0")
    recording = Emulator().run(
        estimator(program, fixed=fixed),
        pairs(12, [4, 8], [5, 8]),
        [("pre->post", "w")],
        read_steps=range(1, 13),
        implementation=implementation,
    )
    assert np.flatnonzero(np.diff(recording.states["pre->post", "w"][0, :, 0, 0], prepend=0)).tolist() == [7]


@BOTH
def test_phases_freeze_the_synapses_and_nothing_else(implementation: Implementation) -> None:
    program = program_from_text(
        "x0*y1-2^-1*y0*x1", "x0*(y3+3)", "u1*(x1+1)", x1=Trace(40.3, 9), y1=Trace(40.3, 9), y3=Trace(0, 0), rng_seed=5
    )
    rng = np.random.default_rng(1)
    stimulus = Stimulus({"in": (rng.random((1, 60, 2)) < 0.3).astype(np.int64)})
    probes = [("pre->post", state) for state in STATES]

    def run(phases: tuple[tuple[int, int], ...]) -> dict[str, Array]:
        recording = Emulator().run(
            estimator(program, phases=phases), stimulus, probes, read_steps=range(1, 61), implementation=implementation
        )
        return {state: recording.states["pre->post", state][0] for state in STATES}

    always, phased = run(()), run(((11, 21), (31, 51)))
    for state in ("x1", "y1"):
        assert np.ptp(always[state]) > 0
        np.testing.assert_array_equal(phased[state], always[state])
    learning = np.array([11 <= t < 21 or 31 <= t < 51 for t in range(1, 61)])
    for state in ("w", "d", "t"):
        changed = np.diff(phased[state][:, 0, 0], prepend=0) != 0
        assert not changed[~learning].any()
        assert changed[learning].any()


@BOTH
@FORMATS
def test_an_estimator_leaves_its_target_alone(implementation: Implementation, fixed: bool) -> None:
    program = program_from_text("4*2^2*x0*y0", x1=Trace(10, 5))
    network = estimator(program, fixed=fixed)
    rng = np.random.default_rng(2)
    stimulus = Stimulus({"in": (rng.random((2, 40, 2)) < 0.4).astype(np.int64)})
    probes = [("post", state) for state in ("s", "u", "v", "a")]
    without = replace(network, connections=network.connections[:2])
    learned = Emulator().run(network, stimulus, [*probes, ("pre->post", "w")], implementation=implementation)
    bare = Emulator().run(without, stimulus, probes, implementation=implementation)
    assert learned.states["pre->post", "w"].any()
    for probe in probes:
        np.testing.assert_array_equal(learned.states[probe], bare.states[probe])


def stochastic(**changes: Any) -> ChipConnection:
    """A connection whose traces and weights are rounded by chance."""
    program = program_from_text("2^-3*x0*y1", x1=Trace(0, 0), y1=Trace(20.37, 7.7), rng_seed=changes.pop("seed", 3))
    connection: ChipConnection = plastic("pre", "post", [[0]], program, drives=False, **changes)
    return connection


@BOTH
def test_each_seed_moves_its_own_states(implementation: Implementation) -> None:
    stimulus = Stimulus({"in": (np.random.default_rng(2).random((2, 80, 2)) < 0.4).astype(np.int64)})

    def run(connection: ChipConnection) -> Recording:
        network = estimator(program_from_text("x0"))
        network = replace(network, connections=(*network.connections[:2], connection))
        probes = [("pre->post", "w"), ("pre->post", "y1")]
        return Emulator().run(network, stimulus, probes, read_steps=range(1, 81), implementation=implementation)

    def same(a: Recording, b: Recording, state: str) -> bool:
        return np.array_equal(a.states["pre->post", state], b.states["pre->post", state])

    plain, again = run(stochastic()), run(stochastic())
    assert same(plain, again, "w")
    assert same(plain, again, "y1")
    other_traces, other_rounding = run(stochastic(seed=4)), run(stochastic(rounding_seed=9))
    assert not same(plain, other_traces, "y1")
    assert same(plain, other_rounding, "y1")
    assert not same(plain, other_rounding, "w")


@BOTH
def test_the_last_step_is_read_unless_steps_are_given(implementation: Implementation) -> None:
    network = estimator(program_from_text("x0"))
    stimulus = pairs(9, [3, 5, 9], [])
    probes = [("pre->post", "w"), ("pre->post", "y2"), ("post", "v")]
    last = Emulator().run(network, stimulus, probes, implementation=implementation)
    assert last.read_steps == (9,)
    assert {probe: a.shape for probe, a in last.states.items()} == {
        probes[0]: (1, 1, 1, 1),
        probes[1]: (1, 1, 1),
        probes[2]: (1, 9, 1),
    }
    assert last.states["pre->post", "w"].tolist() == [[[[3]]]]
    unsorted = Emulator().run(network, stimulus, probes, read_steps=[5, 2, 5], implementation=implementation)
    assert unsorted.read_steps == (2, 5)
    assert unsorted.states["pre->post", "w"][0, :, 0, 0].tolist() == [0, 2]
    assert Emulator().run(network, stimulus, probes[2:], implementation=implementation).read_steps == ()


def test_reads_are_part_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    network = estimator(program_from_text("x0"))
    probes = [("pre->post", "w"), ("post", "s")]
    assert recording_bytes(network, 3, 50, probes, reads=7) == 3 * (7 * 4 + 50)
    enough = memory.memory_needed(network, 1, 9, probes, reads=3).total
    monkeypatch.setattr(memory, "available_bytes", lambda: enough)
    stimulus = pairs(9, [], [])
    Emulator().run(network, stimulus, probes, read_steps=[1, 2, 3])
    with pytest.raises(InputError, match="the run needs"):
        Emulator().run(network, stimulus, probes, read_steps=[1, 2, 3, 4])


@pytest.mark.parametrize("step", [0, 10, 2.5])
def test_read_steps_outside_the_run_are_refused(step: Any) -> None:
    network = estimator(program_from_text("x0"))
    with pytest.raises(InputError, match=rf"read_steps has {step}; the run has steps 1 to 9"):
        Emulator().run(network, pairs(9, [], []), [("pre->post", "w")], read_steps=[step])


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"weight": [[3]]}, NetworkError, r"weight\[0, 0\] = 3 is not held"),
    ({"tag": np.zeros((2, 1), dtype=np.int64)}, NetworkError, r"tag has shape \(2, 1\)"),
    ({"tag": np.full((1, 1), 40000)}, NetworkError, "a plastic tag of magnitude 40000; at most 32767"),
    ({"phases": ((3, 3),)}, NetworkError, r"learning phase \(3, 3\)"),
    ({"rounding_seed": -1}, NetworkError, "rounding_seed is -1"),
    ({"program": Program(dw=(Product("x0", 0.3, 0),))}, RuleError, "0.3 is real and needs Float64"),
]


@pytest.mark.parametrize(("changes", "error", "message"), REFUSED)
def test_unusable_plastic_connections_are_refused(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    given: dict[str, Any] = {"weight": [[2]], "program": program_from_text("x0")} | changes
    network = chip([neurons("n", 1)], [plastic("in", "n", **given)], channels=1)
    with pytest.raises(error, match=message) as caught:
        Emulator().run(network, spikes_at(3, {}), [])
    assert "\n" not in str(caught.value)


def test_probes_name_what_there_is() -> None:
    network = estimator(program_from_text("x0"))
    for probe, message in [
        (
            ("in->pre", "w"),
            "'in->pre': network 'small' has no such population or plastic connection; it has post, pre, pre->post",
        ),
        (("pre", "w"), "'pre': no state 'w'; one of s, u, v, a"),
        (("pre->post", "s"), "'pre->post': no state 's'; one of w, d, t"),
    ]:
        with pytest.raises(InputError, match=message):
            Emulator().run(network, pairs(9, [], []), [probe])


def test_a_static_connection_must_drive() -> None:
    network = chip([neurons("n", 1)], [wire("in", "n", [[2]], drives=False)], channels=1)
    with pytest.raises(NetworkError, match="neither learns nor drives"):
        Emulator().run(network, spikes_at(3, {}), [])


@BOTH
def test_a_plastic_connection_without_delay_is_sent_before_its_target_is_updated(
    implementation: Implementation,
) -> None:
    """Float model, no delay, weight 0 at first: it grows by 1 at each source spike and then acts within the step."""
    populations = [relay("post", 1, fixed=False), relay("pre", 1, fixed=False)]  # not in the order of updating
    learning = plastic("pre", "post", [[0.0]], program_from_text("x0"), fixed=False)
    network = chip(populations, [wire("in", "pre", [[1.0]], fixed=False), learning], 1, connection_delay_steps=0)
    recording = Emulator().run(
        network, spikes_at(5, {1: 1, 3: 1, 4: 1}), [("post", "a")], implementation=implementation
    )
    assert recording.states["post", "a"][0, :, 0].tolist() == [0, 0, 0, 1, 2]


@BOTH
def test_limited_updates_are_counted_over_samples(implementation: Implementation) -> None:
    program = program_from_text("7*2^4*x0", dt="x0")
    network = chip([neurons("n", 1)], [plastic("in", "n", [[0, 0]], program)], channels=2)
    spikes = np.zeros((2, 5, 2), dtype=np.int64)
    spikes[:, :, 0] = 1
    recording = Emulator().run(network, Stimulus({"in": spikes}), [("in->n", "w")], implementation=implementation)
    # 112, 224, then limited to 255 three times, in each of two samples
    assert recording.states["in->n", "w"].tolist() == [[[[255, 0]]]] * 2
    assert {k: v for k, v in recording.counts.items() if k.startswith("in->n")} == {
        "in->n.weight_limited": 6,
        "in->n.tag_limited": 0,
    }
