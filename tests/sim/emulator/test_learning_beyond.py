"""All kinds of plastic connections: kernels against the reference, sparse against dense, changes, draws of their own."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from random_plastic import PlasticRun
from random_rules import random_program
from small_chips import chip, neurons, wire
from wild_learning import (
    densened,
    fixed_run,
    float_program,
    float_run,
    modulated,
    reward_stimulus,
    sparsened,
    wild,
    with_rewards,
)

from neuroalign.chip import ChipNetwork, Convolution, Plasticity, SparsePattern
from neuroalign.errors import InputError, NetworkError
from neuroalign.microcode import Program, Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator import Emulator, learning_kernels
from neuroalign.sim.emulator.batch import Batch
from neuroalign.sim.emulator.changes import ProgramChange
from neuroalign.sim.emulator.driver import Implementation
from neuroalign.sim.emulator.learning_reference import plastic_state
from neuroalign.sim.emulator.streams import synapse_draws

SETTINGS = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 2**32 - 1)
SYNAPTIC = ("w", "t", "d")
STATES = (*SYNAPTIC, "x1", "x2", "y1", "y2", "y3", "tx", "ty")
Changes = tuple[ProgramChange, ...]


def wild_run(seed: int, fixed: bool) -> PlasticRun:
    """A plastic network with graded, modulated, sparse connections, draws of their own and lasting traces."""
    rng = np.random.default_rng(seed)
    run = (fixed_run if fixed else float_run)(seed)
    return replace(run, network=wild(rng, run.network), stimulus=reward_stimulus(rng, run.stimulus, fixed))


def program_changes(seed: int, run: PlasticRun, fixed: bool) -> Changes:
    """Up to four changes to other random programs, some of them in the same step."""
    rng = np.random.default_rng([seed, 1])
    changes: dict[tuple[int, str], ProgramChange] = {}
    for _ in range(int(rng.integers(5))):
        c = run.plastic[int(rng.integers(len(run.plastic)))]
        assert c.plasticity is not None
        before, new = c.plasticity.program, random_program(rng) if fixed else float_program(rng)
        step = int(rng.choice([1, 7, 13, run.steps]))
        idle = {name: Trace(0, 3.0) for name in ("y1", "y2", "y3")} if c.plasticity.modulators else {}
        new = replace(new, t_epoch=before.t_epoch, rng_seed=before.rng_seed, **idle)  # type: ignore[arg-type]
        changes[step, c.name] = ProgramChange(step, c.name, new)
    return tuple(changes.values())


def everything(run: PlasticRun, implementation: Implementation, changes: Changes = ()) -> Recording:
    probes = [(p.name, state) for p in run.network.populations for state in ("u", "v", "s")]
    probes += [(c.name, state) for c in run.plastic for state in STATES]
    return Emulator().run(
        run.network, run.stimulus, probes, read_steps=run.read_steps, implementation=implementation, changes=changes
    )


def assert_same(found: Recording, expected: Recording, fixed: bool) -> None:
    for probe, values in expected.states.items():
        assert found.states[probe].dtype == values.dtype
        assert found.states[probe].shape == values.shape
        if fixed or probe[1] in ("s", "tx", "ty"):
            np.testing.assert_array_equal(found.states[probe], values, err_msg=str(probe))
        else:
            scale = max(1.0, float(np.abs(values).max(initial=0)))
            np.testing.assert_allclose(found.states[probe], values, 1e-9, 1e-12 * scale, err_msg=str(probe))
    assert dict(found.counts) == dict(expected.counts)


@SETTINGS
@given(SEEDS, st.booleans())
def test_kernels_equal_the_reference(seed: int, fixed: bool) -> None:
    run = wild_run(seed, fixed)
    changes = program_changes(seed, run, fixed)
    assert_same(everything(run, "kernels", changes), everything(run, "reference", changes), fixed)


@cache
def coverage(fixed: bool) -> Counter[str]:
    """In how many of 40 drawn runs a connection with some property changed its weights."""
    found: Counter[str] = Counter()
    for seed in range(40):
        run = wild_run(seed, fixed)
        states = everything(run, "kernels").states
        for c in run.plastic:
            p = c.plasticity
            assert p is not None
            if not np.diff(states[c.name, "w"], axis=1).any():
                continue
            reads_y = bool({"y1", "y2", "y3"} & p.program.variables)
            found[p.graded] += "x1" in p.program.variables
            found["modulated"] += bool(p.modulators) and reads_y
            found["modulated in epochs"] += bool(p.modulators) and reads_y and p.program.t_epoch > 1
            found["by a population"] += any(name[0] == "p" for _, name in p.modulators)
            found["by one value"] += any(name == "reward" for _, name in p.modulators)
            found["sparse"] += c.pattern is not None
            found["sparse, by the target"] += c.pattern is not None and any(
                product.dependency == "y0" for product in p.program.products
            )
            found["driving sparse"] += c.pattern is not None and c.drives
            found["sparse with delays"] += c.pattern is not None and c.delays is not None
            found["own draws"] += p.rounding_draws == "synapse"
            found["lasting"] += any(p.program.trace(name).tau == math.inf for name in ("x1", "x2", "y1", "y2", "y3"))
    return found


@pytest.mark.parametrize("fixed", [True, False])
def test_the_drawn_networks_have_it_all(fixed: bool) -> None:
    found = coverage(fixed)
    expected = {
        "modulated",
        "modulated in epochs",
        "by a population",
        "by one value",
        "sparse",
        "sparse, by the target",
    }
    expected |= {"driving sparse", "sparse with delays", "lasting", "own draws"}
    expected |= {"overwrite", "add-saturate", "add-carry"} if fixed else set()
    assert {name for name in expected if found[name] < 3} == set(), found


@SETTINGS
@given(SEEDS, st.booleans())
def test_sparse_synapses_are_those_of_the_dense_connection(seed: int, own_draws: bool) -> None:
    """Estimating connections: what the synapses of weight 0 beside do, nobody sees."""
    rng = np.random.default_rng(seed)
    run = fixed_run(seed)
    draws: dict[str, Any] = {"rounding_draws": "synapse"} if own_draws else {}

    sparse = replace(
        run.network,
        connections=tuple(
            c
            if c.plasticity is None
            else sparsened(rng, replace(c, drives=False, plasticity=replace(c.plasticity, **draws)), 0.5)
            for c in run.network.connections
        ),
    )
    dense = replace(sparse, connections=tuple(c if c.plasticity is None else densened(c) for c in sparse.connections))
    thin, full = (everything(replace(run, network=n), "kernels").states for n in (sparse, dense))
    for c in sparse.connections:
        if c.plasticity is None:
            continue
        assert isinstance(c.pattern, SparsePattern)
        for state in STATES:
            expected = full[c.name, state]
            if state in SYNAPTIC:
                expected = expected[:, :, c.pattern.target, c.pattern.source]
            np.testing.assert_array_equal(thin[c.name, state], expected, err_msg=f"{c.name} {state}")


# --- draws of their own


def drawn(**changed: int) -> NDArray[np.int64]:
    """128 x 256 draws (targets, sources)."""
    given_numbers = {"seed": 2, "variable": 0, "epoch": 1} | changed
    return synapse_draws(**given_numbers, source=np.arange(256)[None, :], target=np.arange(128)[:, None])


def test_draws_follow_the_stated_formula() -> None:
    """Written out in Python's whole numbers, splitmix64 as published."""
    mask = 2**64 - 1

    def absorb(h: int, n: int) -> int:
        z = ((h ^ n) + 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    for numbers in [(2, 0, 1, 0, 0), (2**62 + 5, 2, 70000, 4095, 17), (0, 1, 3, 5, 255)]:
        h = 0
        for n in numbers:
            h = absorb(h, n)
        seed, variable, epoch, source, target = numbers
        assert synapse_draws(seed, variable, epoch, np.array([source]), np.array([target])).tolist() == [h >> 57]
    # the first output of splitmix64 for seed 0, from Vigna's reference
    assert absorb(0, 0) == 0xE220A8397B1DCDAF


def chi_square(counts: NDArray[np.int64]) -> float:
    """Distance from equal counts, in standard deviations of the statistic."""
    expected = counts.sum() / counts.size
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return (statistic - (counts.size - 1)) / math.sqrt(2 * (counts.size - 1))


def test_draws_are_uniform() -> None:
    for epoch in range(1, 9):
        assert abs(chi_square(np.bincount(drawn(epoch=epoch).ravel(), minlength=128))) < 5


@pytest.mark.parametrize(
    ("other", "rolled"),
    [({"epoch": 2}, ()), ({"variable": 1}, ()), ({"seed": 3}, ()), ({}, (1, 0)), ({}, (0, 1)), ({}, (1, 1))],
    ids=["epochs", "variables", "seeds", "targets", "sources", "both"],
)
def test_draws_of_neighbours_are_independent(other: dict[str, int], rolled: tuple[int, ...]) -> None:
    """Pairs of draws, 3 bits of each, fill the 64 cells evenly: top bits and bottom bits."""
    first = drawn()
    second = np.roll(drawn(**other), rolled or (0, 0), (0, 1))
    for shift in (0, 4):
        pairs = ((first >> shift) & 7) * 8 + ((second >> shift) & 7)
        assert abs(chi_square(np.bincount(pairs.ravel(), minlength=64))) < 5


def rounding_run(draws: str, targets: int, steps: int) -> NDArray[np.int64]:
    """Weights after each step in which each of them is raised by half a unit on average."""
    program = program_from_text("2^-1*u0")
    weight = np.zeros((targets, 16), dtype=np.int64)
    plasticity = Plasticity(program, weight, 1.0, rounding_draws=draws)  # type: ignore[arg-type]
    connection = replace(wire("in", "n", weight, drives=False), plasticity=plasticity)
    network = chip([neurons("n", targets)], [connection], 16)
    stimulus = Stimulus({"in": np.zeros((1, steps, 16), dtype=np.uint8)})
    recording = Emulator().run(network, stimulus, [("in->n", "w")], read_steps=range(1, steps + 1))
    return np.asarray(recording.states["in->n", "w"][0])


def test_own_draws_round_each_synapse_by_itself_and_without_bias() -> None:
    """Shared: all synapses move together, the artefact. Own: steps are binomial, and uncorrelated."""
    shared, own = (rounding_run(draws, 16, 200) for draws in ("shared", "synapse"))
    assert (np.ptp(shared, axis=(1, 2)) == 0).all()
    steps = np.diff(own, axis=0, prepend=0).reshape(200, -1)
    assert set(np.unique(steps)) == {0, 1}
    total = steps.sum()
    assert abs(total - steps.size / 2) < 5 * math.sqrt(steps.size / 4)
    correlation = np.corrcoef(steps.T)[~np.eye(256, dtype=bool)]
    assert abs(correlation.mean()) < 5 / math.sqrt(correlation.size * 200 / 2)
    assert correlation.std() == pytest.approx(1 / math.sqrt(200), rel=0.05)


# --- traces that last, third factors, changes: what they are, in closed form


def single(
    program: Program, steps: int, spikes: dict[str, list[int]], **plasticity: Any
) -> tuple[ChipNetwork, Stimulus]:
    """One relay with a plastic estimating synapse from input "in"; "kick" makes the relay spike, "in" the source."""
    size = 2
    relay = neurons("n", 1, du=4095, dv=4095, threshold=0)
    kick = wire("in", "n", [[0, 64]])
    learning = replace(
        wire("in", "n", [[0, 0]], drives=False),
        name="learns",
        plasticity=Plasticity(program, np.zeros((1, size), dtype=np.int64), 1.0, **plasticity),
    )
    network = with_rewards(chip([relay], [kick, learning], size))
    values = {port.name: np.zeros((1, steps, port.size), dtype=np.int64) for port in network.inputs}
    for step in spikes.get("source", []):
        values["in"][0, step - 1, 0] = 1
    for step in spikes.get("target", []):
        values["in"][0, step - 2, 1] = 1
    for n, value in enumerate(spikes.get("reward", [])):
        values["reward"][0, n, 0] = value
    return network, Stimulus(values)


@pytest.mark.parametrize("implementation", ["kernels", "reference"])
@pytest.mark.parametrize("t_epoch", [1, 4])
def test_a_trace_without_decay_counts_spikes(t_epoch: int, implementation: Implementation) -> None:
    program = program_from_text("x0*y1", t_epoch=t_epoch, x1=Trace(3, math.inf), y1=Trace(0, 0))
    spiking = [t * t_epoch for t in (2, 3, 7, 9)]
    network, stimulus = single(program, 12 * t_epoch, {"source": spiking})
    reads = [t * t_epoch for t in range(1, 13)]
    x1 = Emulator().run(network, stimulus, [("learns", "x1")], read_steps=reads, implementation=implementation)
    assert x1.states["learns", "x1"][0, :, 0].tolist() == [0, 3, 6, 6, 6, 6, 9, 9, 12, 12, 12, 12]


@pytest.mark.parametrize("implementation", ["kernels", "reference"])
def test_a_third_factor_is_what_arrives_in_the_same_step(implementation: Implementation) -> None:
    program = program_from_text("2^0*x0*y2", y1=Trace(0, 0), y2=Trace(0, 0))
    rewards = [0, 5, 0, -7, 100, 3, 0, 0]
    network, stimulus = single(program, 8, {"source": [2, 4, 5, 7], "reward": rewards}, modulators=(("y2", "reward"),))
    states = (
        Emulator()
        .run(
            network, stimulus, [("learns", "w"), ("learns", "y2"), ("learns", "y1")], read_steps=range(1, 9),
            implementation=implementation,
        )
        .states
    )  # fmt: skip
    assert states["learns", "y2"][0, :, 0].tolist() == rewards
    assert not states["learns", "y1"].any()
    weights = states["learns", "w"][0, :, 0, 0].tolist()
    # tau 65535 lets 5 and 100 fall by one with a chance below 1/600; -7 falls to -8 or rises to -6 as rarely
    assert weights == [0, 5, 5, -2, 98, 98, 98, 98]


@pytest.mark.parametrize("implementation", ["kernels", "reference"])
def test_a_change_acts_from_its_step_on(implementation: Implementation) -> None:
    """Impulse 4, then 8 of a lasting trace; the products change two steps later; nothing starts over."""
    first = program_from_text("x0*x1", x1=Trace(4, math.inf))
    second = replace(first, x1=Trace(8, math.inf))
    third = program_from_text("-2*x0*x1", dt="u0", x1=Trace(8, math.inf))
    network, stimulus = single(first, 9, {"source": [1, 3, 5, 7]})
    changes = (ProgramChange(6, "learns", third), ProgramChange(4, "learns", second))
    probes = [("learns", state) for state in ("w", "x1", "t")]
    states = (
        Emulator()
        .run(network, stimulus, probes, read_steps=range(1, 10), implementation=implementation, changes=changes)
        .states
    )
    assert states["learns", "x1"][0, :, 0].tolist() == [4, 4, 8, 8, 16, 16, 24, 24, 24]
    assert states["learns", "w"][0, :, 0, 0].tolist() == [4, 4, 12, 12, 28, 28, -20, -20, -20]
    assert states["learns", "t"][0, :, 0, 0].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 4]


def test_changes_meet_the_chunks_of_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_kernels, "CHUNK", 16)
    monkeypatch.setattr("neuroalign.sim.emulator.samples.CHUNK", 16)
    for seed in range(4):
        run = wild_run(seed, True)
        c = run.plastic[0]
        assert c.plasticity is not None
        program = replace(c.plasticity.program, dw=c.plasticity.program.dw[::-1])
        changes = tuple(ProgramChange(step, c.name, program) for step in (16, 17, 18, 33))
        assert_same(everything(run, "kernels", changes), everything(run, "reference", changes), True)


def bad_change(step: int = 3, connection: str = "learns", **other: Any) -> ProgramChange:
    return ProgramChange(step, connection, program_from_text("x0", **other))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([bad_change(connection="in->n")], "no such plastic connection"),
        ([bad_change(0)], "steps 1 to 8"),
        ([bad_change(9)], "steps 1 to 8"),
        ([bad_change(t_epoch=2)], "t_epoch is 2; it must stay 1"),
        ([bad_change(rng_seed=7)], "rng_seed is 7; it must stay 0"),
        ([bad_change(), bad_change()], "there are two"),
    ],
)
def test_changes_that_cannot_be_are_refused(changes: list[ProgramChange], message: str) -> None:
    network, stimulus = single(program_from_text("x0"), 8, {})
    with pytest.raises(InputError, match=message):
        Emulator().run(network, stimulus, [], changes=changes)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"graded": "overwrite"}, "message_bits 0 carries no payload"),
        ({"modulators": (("x1", "reward"),)}, "a modulator sets 'x1'"),
        ({"modulators": (("y1", "reward"), ("y1", "n"))}, "two modulators set y1"),
        ({"modulators": (("y1", "nobody"),)}, "no input and no population"),
        ({"modulators": (("y1", "rewards"),)}, "sends 3 values; 1 or 1"),
        ({"modulators": (("y3", "reward"),)}, "trace y3 has impulse 5"),
        ({"rounding_draws": "synapse", "rounding_seed": -1}, "rounding_seed is -1"),
    ],
)
def test_what_has_no_meaning_is_refused(changed: dict[str, Any], message: str) -> None:
    network, stimulus = single(program_from_text("x0*y3", y3=Trace(5, 4)), 8, {}, **changed)
    with pytest.raises(NetworkError, match=message):
        Emulator().run(network, stimulus, [])


def test_a_convolution_cannot_learn() -> None:
    shared = Convolution((1, 3, 3), 1, (2, 2))
    weight = np.full(shared.weight_shape, 2)
    learning = replace(
        wire("in", "n", weight), pattern=shared, plasticity=Plasticity(program_from_text("x0"), weight * 0, 1.0)
    )
    network = chip([neurons("n", 4)], [learning], 9)
    with pytest.raises(NetworkError, match="a convolution shares its weights among places and cannot learn"):
        Emulator().run(network, Stimulus({"in": np.zeros((1, 2, 9))}), [])


def test_changes_in_batches_and_from_checkpoints(tmp_path: Path) -> None:
    """Members keep their own seeds when programs change; a checkpoint is that of one set of changes."""
    run = wild_run(5, True)
    c = run.plastic[0]
    assert c.plasticity is not None
    program = replace(c.plasticity.program, x1=Trace(3.5, 2), x2=Trace(5.25, 2))
    changes = (ProgramChange(9, c.name, program),)
    probes = [(c.name, "w"), (c.name, "x1"), (c.name, "x2")]
    options: dict[str, Any] = {"read_steps": (8, 30), "changes": changes}
    together = Emulator().run(run.network, run.stimulus, probes, batch=Batch(2, seeds=[0, 3]), **options).states
    alone = Emulator().run(run.network, run.stimulus, probes, **options).states
    unchanged = Emulator().run(run.network, run.stimulus, probes, read_steps=(8, 30)).states
    seeded = Batch(2, seeds=[0, 3]).member(run.network, 1)
    own = next(d for d in seeded.connections if d.name == c.name).plasticity
    assert own is not None
    other_changes = (replace(changes[0], program=replace(program, rng_seed=own.program.rng_seed)),)
    other = Emulator().run(seeded, run.stimulus, probes, read_steps=(8, 30), changes=other_changes).states
    for probe in probes:
        np.testing.assert_array_equal(together[probe][0::2], alone[probe])
        np.testing.assert_array_equal(together[probe][1::2], other[probe])
        np.testing.assert_array_equal(alone[probe][:, 0], unchanged[probe][:, 0])
    assert (alone[c.name, "x1"][:, 1] != unchanged[c.name, "x1"][:, 1]).any()
    stored = Emulator().run(run.network, run.stimulus, probes, store=tmp_path, **options).states
    for probe in probes:
        np.testing.assert_array_equal(stored[probe], alone[probe])
    with pytest.raises(InputError):
        Emulator().run(run.network, run.stimulus, probes, store=tmp_path, read_steps=(8, 30))


def test_the_reference_refuses_weights_of_another_kind() -> None:
    with pytest.raises(InputError, match="with a pattern"):
        plastic_state(program_from_text("x0"), np.zeros(3), fixed=True)


def test_modulated_draws_any_of_the_three() -> None:
    """The generator of these tests: each of y1, y2, y3 is sometimes without a sender, and then 0."""
    run = with_rewards(fixed_run(1).network)
    c = next(c for c in run.connections if c.plasticity is not None)
    assert c.plasticity is not None
    rng = np.random.default_rng(0)
    sets = {tuple(sorted(trace for trace, _ in modulated(rng, run, c, c.plasticity).modulators)) for _ in range(60)}
    assert len(sets) == 7
