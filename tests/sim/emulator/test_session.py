"""A session, stepped and advanced in any mixture, is the run of the same inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from random_networks import draw_stimulus
from random_neurons import with_kinds
from random_plastic import PlasticRun, draw_plastic
from small_chips import chip, neurons, spikes_at, wire

from neuroalign.chip import ChipNetwork
from neuroalign.errors import InputError
from neuroalign.microcode.text import parse
from neuroalign.recording import Recording
from neuroalign.sim.emulator import Emulator, Session
from neuroalign.sim.emulator.changes import ProgramChange
from neuroalign.sim.emulator.streams import CHUNK

SEEDS = pytest.mark.parametrize("seed", range(6))


def drawn(seed: int, steps: int) -> PlasticRun:
    """A network that learns, every other one with neurons of all kinds."""
    rng = np.random.default_rng(seed)
    run = draw_plastic(rng, 2, steps)
    network = with_kinds(rng, run.network) if seed % 2 else run.network
    return PlasticRun(network, draw_stimulus(rng, network, steps=steps))


def all_probes(network: ChipNetwork) -> list[tuple[str, str]]:
    plastic = [c.name for c in network.connections if c.plasticity is not None]
    return [(p.name, state) for p in network.populations for state in "suva"] + [
        (name, state) for name in plastic for state in ("w", "t", "d", "x1", "x2", "y1", "y2", "y3")
    ]


def inputs_at(run: PlasticRun, start: int, stop: int) -> dict[str, Any]:
    return {name: array[0, start:stop] for name, array in run.stimulus.inputs.items()}


def row_at(run: PlasticRun, t: int) -> dict[str, Any] | None:
    """The inputs of a step; None after the stimulus has ended."""
    return {name: rows[0] for name, rows in inputs_at(run, t, t + 1).items()} if t < run.stimulus.steps else None


def whole(run: PlasticRun) -> Recording:
    return Emulator().run(run.network, run.stimulus, all_probes(run.network), read_steps=range(1, run.steps + 1))


@SEEDS
def test_steps_and_stretches_give_every_state_of_the_run(seed: int) -> None:
    run = drawn(seed, 60)
    recording, probes = whole(run), all_probes(run.network)
    session = Emulator().start(run.network, probes)
    neural = [probe for probe in probes if probe[1] in "suva"]
    rng = np.random.default_rng([seed, 1])
    while session.steps < run.steps:
        t = session.steps
        if rng.random() < 0.7:
            found = session.step(row_at(run, t))
            got = {probe: found[probe][np.newaxis] for probe in neural}
        else:
            found = session.advance(inputs_at(run, t, t + 9), steps=min(9, run.steps - t))
            got = {probe: found[probe] for probe in neural}
        now = session.steps
        for probe in neural:
            assert got[probe].dtype == recording.states[probe].dtype
            np.testing.assert_array_equal(got[probe], recording.states[probe][0, t:now], err_msg=str(probe))
            np.testing.assert_array_equal(session.read(*probe), recording.states[probe][0, now - 1])
        for probe in set(probes) - set(neural):
            assert found[probe].dtype == recording.states[probe].dtype
            np.testing.assert_array_equal(found[probe], recording.states[probe][0, now - 1], err_msg=str(probe))
            np.testing.assert_array_equal(session.read(*probe), found[probe])
    assert session.counts() == dict(recording.counts)


def test_a_session_goes_on_beyond_a_chunk_of_random_numbers() -> None:
    run = drawn(2, CHUNK + 50)
    name = run.plastic[0].name
    recording = Emulator().run(run.network, run.stimulus, [(name, "w")])
    session = Emulator().start(run.network, [])
    session.advance(inputs_at(run, 0, CHUNK - 3))
    for t in range(CHUNK - 3, CHUNK + 50):
        session.step(row_at(run, t))
    np.testing.assert_array_equal(session.read(name, "w"), recording.states[name, "w"][0, 0])


@SEEDS
def test_a_snapshot_brings_everything_back(seed: int) -> None:
    run = drawn(seed, 40)
    session = Emulator().start(run.network, all_probes(run.network))
    session.advance(inputs_at(run, 0, 20))
    snapshot = session.snapshot()
    first = session.advance(inputs_at(run, 20, 40))
    counts = session.counts()
    session.restore(snapshot)
    assert session.steps == 20
    other = Emulator().start(run.network, all_probes(run.network))
    other.restore(snapshot)
    for again in (session, other):
        second = again.advance(inputs_at(run, 20, 40))
        for probe, values in first.items():
            np.testing.assert_array_equal(second[probe], values, err_msg=str(probe))
        assert again.counts() == counts


@SEEDS
def test_programs_change_between_steps_as_in_a_run(seed: int) -> None:
    """Twice, once with tags that nothing used before; by steps and by stretches."""
    run = drawn(seed, 60)
    names = [c.name for c in run.plastic]
    before = run.plastic[0].plasticity
    assert before is not None
    program = replace(before.program, dw=parse("2^-1*x0*t + x0*w", "dw"), tag_update=parse("y0*x1 - x0", "dt"))
    second = replace(program, dw=parse("2^-2*x0*w", "dw"))
    changes = [ProgramChange(21, names[0], program), ProgramChange(41, names[0], second)]
    probes = all_probes(run.network)
    reads = range(1, run.steps + 1)
    recording = Emulator().run(run.network, run.stimulus, probes, read_steps=reads, changes=changes)
    plain = whole(run)
    assert any((plain.states[names[0], state] != recording.states[names[0], state]).any() for state in "wt")
    session = Emulator().start(run.network, probes)
    for t in range(60):
        if t in (20, 40):
            session.change(names[0], program if t == 20 else second)
        found = session.step(row_at(run, t)) if t % 20 < 15 else session.advance(inputs_at(run, t, t + 1))
        for probe in probes:
            got = found[probe][0] if probe[1] in "suva" and t % 20 >= 15 else found[probe]
            np.testing.assert_array_equal(got, recording.states[probe][0, t], err_msg=f"{probe} in step {t}")


def relay(message_bits: int = 0) -> ChipNetwork:
    """Two channels into one neuron, which spikes whenever both do."""
    return chip(
        [neurons("n", 1, du=4095, dv=4096, threshold=150)],
        [wire("in", "n", [[100, 100]], message_bits=message_bits)],
        channels=2,
        message_bits=message_bits,
    )


def test_the_loop_can_be_closed() -> None:
    session = Emulator().start(relay(), [("n", "s")])
    spikes = [False]
    for _ in range(6):
        both = not spikes[-1]
        spikes.append(bool(session.step(np.array([1, both]))["n", "s"][0]))
    # what enters at a step arrives at the next, so the neuron answers every other pair of steps
    assert spikes[1:] == [False, True, True, False, False, True]


def test_nothing_arrives_where_nothing_is_given() -> None:
    session = Emulator().start(relay(), [("n", "a")])
    session.step([1, 1])
    assert session.step()["n", "a"].tolist() == [200]
    assert session.step()["n", "a"].tolist() == [0]
    assert session.advance(None, steps=3)["n", "a"].tolist() == [[0], [0], [0]]
    assert session.steps == 6


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, list])
def test_any_type_of_zeros_and_ones_is_taken(dtype: Any) -> None:
    session = Emulator().start(relay(), [("n", "a")])
    given = [1, 0] if dtype is list else np.array([1, 0]).astype(dtype)
    session.step({"in": given})
    assert session.step({"in": given})["n", "a"].tolist() == [100]


def test_graded_inputs_carry_their_numbers() -> None:
    session = Emulator().start(relay(message_bits=16), [("n", "a")])
    session.step(np.array([3, -2]))
    assert session.step()["n", "a"].tolist() == [100]


REFUSED: list[tuple[Any, str]] = [
    ([1, 2], "a binary input is 2 at channel 1; it takes 0 or 1"),
    (np.array([1, 2], dtype=np.uint8), "a binary input is 2 at channel 1; it takes 0 or 1"),
    (np.array([0, 1 << 32]), "is 4294967296; a binary input takes 0 or 1"),
    ([np.nan, 0], "is nan; a binary input takes 0 or 1"),
    ([0.5, 0], "is 0.5; a binary input takes 0 or 1"),
    ([1, 0, 1], r"shape \(3,\) in one step; \(2,\) is needed"),
    ({"im": [1, 0]}, "inputs 'im'; network 'small' has 'in'"),
    ({}, "inputs none; network 'small' has 'in'"),
]


@pytest.mark.parametrize(("inputs", "message"), REFUSED)
def test_inputs_refused(inputs: Any, message: str) -> None:
    session = Emulator().start(relay(), [("n", "a")])
    with pytest.raises(InputError, match=message) as caught:
        session.step(inputs)
    assert "\n" not in str(caught.value)
    assert session.steps == 0
    session.step([0, 0])
    assert session.step()["n", "a"].tolist() == [0]


def test_other_refusals() -> None:
    session = Emulator().start(relay())
    with pytest.raises(InputError, match="no such population"):
        session.read("m", "s")
    with pytest.raises(InputError, match="3 rows of input for 2 steps"):
        session.advance(spikes_at(3, {}, channels=2).inputs["in"][0], steps=2)
    with pytest.raises(InputError, match="holds no array"):
        session.advance({}, steps=3)
    with pytest.raises(InputError, match="binary input takes 0 or 1"):
        session.advance(np.full((3, 2), 2))
    other = chip([neurons("n", 2)], [], channels=1)
    with pytest.raises(InputError, match="snapshot of another network"):
        session.restore(Emulator().start(other, []).snapshot())
    two = chip([neurons("n", 1)], [])
    with pytest.raises(InputError, match="has 0 inputs; give a mapping"):
        Emulator().start(two, []).step([1])
    assert isinstance(session, Session)
