"""The emulator against Lava on graded, modulated, lasting and sparse learning: every state at every step.

What Lava cannot hold (draws for each synapse, most sparse rules) is taken out of the drawn networks; see
``tests/sim/emulator/test_learning_beyond.py`` for that.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from random_plastic import PlasticRun, draw_plastic
from wild_learning import densened, lasting, modulated, reward_stimulus, sparsened, wild, with_rewards

from neuroalign.chip import ChipConnection, ChipNetwork, Fixed, GradedMode, Plasticity, SparsePattern
from neuroalign.errors import ConversionRefused
from neuroalign.microcode import SYNAPTIC, Factor, Product, Program
from neuroalign.recording import Recording
from neuroalign.sim.emulator.driver import Emulator, Implementation
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.holdable import check_network

pytestmark = [
    pytest.mark.lava,
    pytest.mark.slow,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]

IMPLEMENTATIONS: tuple[Implementation, ...] = ("kernels", "reference")
STATES = ("w", "t", "d", "x1", "x2", "y1", "y2", "y3", "tx", "ty")
STEPS = 60
EPOCHS = (1, 2, 5)
MODES: tuple[GradedMode, ...] = ("overwrite", "add-carry", "add-saturate", "impulse")


def held(c: ChipConnection, network: ChipNetwork) -> ChipConnection:
    """The connection as Lava can hold it: dense, one draw for all, single values from inputs only."""
    p = c.plasticity
    if p is None:
        return c
    sizes = {q.name: q.size for q in network.populations}
    everyone = {3: "rewards", 4: "rewards4"}[c.shape[0]]
    pairs = tuple((t, s if sizes.get(s, c.shape[0]) == c.shape[0] else everyone) for t, s in p.modulators)
    c = replace(c, plasticity=replace(p, rounding_draws="shared", rounding_seed=2, modulators=pairs))
    return c if c.pattern is None else densened(c)


def graded(c: ChipConnection, mode: GradedMode) -> ChipConnection:
    """The connection with payloads that do ``mode`` to x1."""
    assert c.plasticity is not None
    return replace(c, message_bits=16, plasticity=replace(c.plasticity, graded=mode))


def dense_run(rng: Generator, number: int) -> PlasticRun:
    """Anything but sparse synapses; the graded modes go on from one network to the next."""
    run = draw_plastic(rng, 7, STEPS)
    network = wild(rng, run.network)
    learning = [held(c, network) for c in network.connections]
    from_input = [n for n, c in enumerate(learning) if c.source == "in" and c.plasticity is not None]
    for k, n in enumerate(from_input):
        learning[n] = graded(learning[n], MODES[(k + 2 * number) % len(MODES)])
    network = replace(network, connections=tuple(learning))
    return replace(run, network=network, stimulus=reward_stimulus(rng, run.stimulus, True))


def third_factors(rng: Generator, t_epoch: int) -> PlasticRun:
    """Rules with modulators only, all of one epoch."""
    run = draw_plastic(rng, 5, STEPS)
    network = with_rewards(run.network)

    def changed(c: ChipConnection) -> ChipConnection:
        if c.plasticity is None:
            return c
        reward = Product("x0", 1, -1, (Factor("y2"),))
        program = replace(c.plasticity.program, t_epoch=t_epoch, dw=(*c.plasticity.program.dw, reward))
        plasticity = modulated(rng, network, c, replace(c.plasticity, program=program))
        if "y2" not in dict(plasticity.modulators):
            plasticity = replace(plasticity, modulators=(*plasticity.modulators, ("y2", "reward")))
        return held(replace(c, plasticity=plasticity), network)

    network = replace(network, connections=tuple(map(changed, network.connections)))
    return replace(run, network=network, stimulus=reward_stimulus(rng, run.stimulus, True))


def without_synaptic_factors(program: Program) -> Program:
    """The products that Lava's LearningSparse can multiply."""

    def stripped(products: tuple[Product, ...]) -> tuple[Product, ...]:
        kept = (tuple(f for f in p.factors if f.variable not in SYNAPTIC) for p in products)
        return tuple(replace(p, factors=factors) for p, factors in zip(products, kept, strict=True))

    return replace(program, dw=stripped(program.dw), dd=stripped(program.dd), tag_update=stripped(program.tag_update))


def sparse_run(rng: Generator) -> PlasticRun:
    """Sparse plastic connections of mixed weights other than 0, some with modulators or lasting traces."""
    run = draw_plastic(rng, 5, STEPS)
    network = with_rewards(run.network)

    def changed(c: ChipConnection) -> ChipConnection:
        if c.plasticity is None:
            return c
        plasticity = replace(c.plasticity, program=without_synaptic_factors(c.plasticity.program))
        if rng.random() < 0.3:
            plasticity = modulated(rng, network, c, plasticity)
        if rng.random() < 0.3 and not plasticity.modulators:
            plasticity = replace(plasticity, program=lasting(rng, plasticity.program))
        weight = rng.choice([-1, 1], c.shape) * rng.integers(1, 120, c.shape) * 2
        c = replace(c, weight=weight, weight_format=Fixed(8), sign_mode="mixed", plasticity=plasticity)
        thin = sparsened(rng, c, 0.6)
        return replace(held(replace(c, plasticity=thin.plasticity), network), weight=thin.weight, pattern=thin.pattern)

    network = replace(network, connections=tuple(map(changed, network.connections)))
    return replace(run, network=network, stimulus=reward_stimulus(rng, run.stimulus, True))


@cache
def runs() -> dict[str, list[PlasticRun]]:
    rng = np.random.default_rng(77)
    return {
        "dense": [dense_run(rng, n) for n in range(3)],
        "third factors": [third_factors(rng, t_epoch) for t_epoch in EPOCHS],
        "sparse": [sparse_run(rng) for _ in range(2)],
    }


def probes(run: PlasticRun) -> list[tuple[str, str]]:
    of_neurons = [(p.name, state) for p in run.network.populations for state in ("u", "v", "s")]
    return [*of_neurons, *((c.name, state) for c in run.plastic for state in STATES)]


@cache
def recorded() -> dict[str, dict[str, list[Recording]]]:
    """Backend to group to recordings; all of Lava from one session."""
    flat = [run for group in runs().values() for run in group]
    with ThreadPoolExecutor(1) as beside:
        in_lava = beside.submit(
            LavaBackend().run_cases, [(run.network, run.stimulus, probes(run), run.read_steps) for run in flat]
        )
        found = {
            name: [
                Emulator().run(run.network, run.stimulus, probes(run), read_steps=run.read_steps, implementation=name)
                for run in flat
            ]
            for name in IMPLEMENTATIONS
        }
        everything = {str(name): recordings for name, recordings in found.items()} | {"lava": in_lava.result()}
    grouped: dict[str, dict[str, list[Recording]]] = {}
    for backend, recordings in everything.items():
        left = iter(recordings)
        grouped[backend] = {group: [next(left) for _ in members] for group, members in runs().items()}
    return grouped


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("group", ["dense", "third factors", "sparse"])
def test_every_state_equals_lava_at_every_step(group: str, implementation: Implementation) -> None:
    for n, (lava, ours) in enumerate(zip(recorded()["lava"][group], recorded()[implementation][group], strict=True)):
        for probe, expected in lava.states.items():
            np.testing.assert_array_equal(ours.states[probe], expected, err_msg=f"network {n} {probe}")


def changing(run: PlasticRun, recording: Recording, c: ChipConnection) -> set[str]:
    return {state for state in STATES if np.diff(recording.states[c.name, state], axis=1).any()}


def test_the_networks_are_evidence() -> None:
    """Weights change under each kind of rule, third factors leave 0..127, and sparse tags and delays change."""
    lava = recorded()["lava"]
    modes, learning, sparse, endless = set(), 0, set(), 0
    for group, members in runs().items():
        for run, recording in zip(members, lava[group], strict=True):
            for c in run.plastic:
                assert c.plasticity is not None
                changed = changing(run, recording, c)
                learning += "w" in changed
                modes |= {c.plasticity.graded} if "x1" in changed else set()
                sparse |= changed if c.pattern is not None else set()
                program = c.plasticity.program
                endless += any(
                    program.trace(name).tau == math.inf and program.trace(name).impulse and name in changed
                    for name in ("x1", "x2", "y1", "y2", "y3")
                )
    assert learning >= 30
    assert modes == {"impulse", "overwrite", "add-saturate", "add-carry"}
    assert sparse >= {"w", "t", "d", "x1", "y1"}
    assert endless >= 3


@pytest.mark.parametrize("n", range(len(EPOCHS)))
def test_third_factors_are_evidence(n: int) -> None:
    run, recording = runs()["third factors"][n], recorded()["lava"]["third factors"][n]
    values = np.concatenate([recording.states[c.name, "y2"].ravel() for c in run.plastic])
    assert values.min() < 0
    assert values.max() > 127
    assert sum("w" in changing(run, recording, c) for c in run.plastic) >= 3


def refusable(**changed: object) -> ChipNetwork:
    """A network in Lava's reach but for what is changed in its plastic connection."""
    run = runs()["sparse"][0]
    c = run.plastic[0]
    assert c.plasticity is not None
    plasticity = {k: v for k, v in changed.items() if hasattr(c.plasticity, k)}
    whole = {k: v for k, v in changed.items() if k not in plasticity}
    c = replace(c, plasticity=replace(c.plasticity, **plasticity), **whole)  # type: ignore[arg-type]
    others = [o for o in run.network.connections if o.plasticity is None]
    return replace(run.network, connections=(*others, c))


def test_what_lava_would_do_otherwise_is_refused() -> None:
    c = runs()["sparse"][0].plastic[0]
    assert isinstance(c.plasticity, Plasticity)
    assert isinstance(c.pattern, SparsePattern)
    check_network(refusable())
    with_w = replace(c.plasticity.program, dw=(Product("x0", 1, 0, (Factor("w"),)),))
    zero = c.weight.copy()
    zero[1] = 0
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"rounding_draws": "synapse"}, "rounding_draws 'synapse'"),
        ({"graded": "overwrite", "message_bits": 0}, "message_bits 0 and graded"),
        ({"program": with_w}, "sparse synapses and the factor w"),
        ({"weight": abs(c.weight), "sign_mode": "excitatory"}, "sparse synapses and sign_mode excitatory"),
        ({"weight": zero}, r"weight\[1\] 0"),
        ({"modulators": (("y1", "nobody"),)}, "modulator 'nobody'"),
    ]
    nothing = np.zeros(0, dtype=np.int64)
    empty = {"pattern": SparsePattern(nothing, nothing, c.shape), "weight": nothing, "tag": nothing}
    refusals.append((empty, "no synapse that could learn"))
    for changed, message in refusals:
        with pytest.raises(ConversionRefused, match=message):
            check_network(refusable(**changed))
