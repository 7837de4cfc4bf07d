"""Plastic networks with all that a connection can be beyond a dense two-factor rule: graded, modulated, sparse, own draws."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.random import Generator
from random_networks import Options, draw_float, draw_stimulus
from random_plastic import PlasticRun, draw_plastic
from random_rules import SIGN_MODES, random_program

from neuroalign.chip import (
    ChipConnection,
    ChipInput,
    ChipNetwork,
    Float64,
    GradedMode,
    Numbers,
    Plasticity,
    SparsePattern,
)
from neuroalign.microcode import POST_TRACES, TRACES, Factor, Product, Program, Trace
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator.learning_reference import TAG_MIN

GRADED: tuple[GradedMode, ...] = ("overwrite", "add-saturate", "add-carry")
REWARDS = (ChipInput("reward", 1, 8), ChipInput("rewards", 3, 8), ChipInput("rewards4", 4, 8))


def with_rewards(network: ChipNetwork) -> ChipNetwork:
    """The network with graded inputs that drive nothing: modulators of one value, or of one for each target."""
    return replace(network, inputs=(*(replace(port, message_bits=16) for port in network.inputs), *REWARDS))


def reward_stimulus(rng: Generator, stimulus: Stimulus, fixed: bool) -> Stimulus:
    """The stimulus with values of the rewards, most of them in the range of a trace and some far beyond."""
    shape = (stimulus.samples, stimulus.steps)
    values: dict[str, Numbers] = {}
    for name, spikes in stimulus.inputs.items():
        if fixed and spikes.max(initial=0) <= 1:  # payloads for those who look at them
            values[name] = spikes * rng.integers(1, 300, spikes.shape)
    for port in REWARDS:
        drawn = rng.normal(0, 60, (*shape, port.size)) * (rng.random((*shape, port.size)) < 0.8)
        drawn += 40 * rng.random((*shape, port.size))
        values[port.name] = np.round(drawn).astype(np.int64) if fixed else drawn / 40
    return Stimulus({**stimulus.inputs, **values})


def modulated(rng: Generator, network: ChipNetwork, c: ChipConnection, plasticity: Plasticity) -> Plasticity:
    """With one to three third factors, from inputs or populations of a fitting size."""
    sizes = {port.name: port.size for port in network.inputs} | {p.name: p.size for p in network.populations}
    senders = [name for name, size in sizes.items() if size in (1, c.shape[0])]
    chosen = rng.permutation(POST_TRACES)[: int(rng.integers(1, 4))]
    pairs = tuple((str(trace), str(rng.choice(senders))) for trace in chosen)
    program = replace(plasticity.program, **{name: Trace(0, 9.5) for name in POST_TRACES})  # type: ignore[arg-type]
    return replace(plasticity, modulators=pairs, program=program)


def sparsened(rng: Generator, c: ChipConnection, share: float) -> ChipConnection:
    """The connection with about ``share`` of its synapses."""
    assert c.plasticity is not None
    target, source = np.nonzero(rng.random(c.shape) < share)
    pattern = SparsePattern(target, source, c.shape)
    return replace(
        c,
        weight=c.weight[target, source],
        delays=None if c.delays is None else c.delays[target, source],
        plasticity=replace(c.plasticity, tag=c.plasticity.tag[target, source]),
        pattern=pattern,
    )


def densened(c: ChipConnection) -> ChipConnection:
    """The dense connection with the same synapses, and others of weight and tag 0."""
    assert isinstance(c.pattern, SparsePattern)
    assert c.plasticity is not None

    def spread(values: np.ndarray) -> np.ndarray:
        whole = np.zeros(c.shape, dtype=values.dtype)
        whole[c.pattern.target, c.pattern.source] = values  # type: ignore[union-attr]
        return whole

    return replace(
        c,
        weight=spread(c.weight),
        delays=None if c.delays is None else spread(c.delays),
        plasticity=replace(c.plasticity, tag=spread(c.plasticity.tag)),
        pattern=None,
    )


def lasting(rng: Generator, program: Program) -> Program:
    """With a trace or two that do not decay."""
    kept = {str(name): Trace(program.trace(str(name)).impulse, math.inf) for name in rng.choice(TRACES, 2)}
    return replace(program, **kept)  # type: ignore[arg-type]


def wild(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """Every plastic connection with some of what there is; the network has got its rewards."""
    network = with_rewards(network)
    return replace(network, connections=tuple(_wild(rng, network, c) for c in network.connections))


def _with_x1(program: Program) -> Program:
    return program if program.x1 is not None else replace(program, x1=Trace(9, 12.5))


def _wild(rng: Generator, network: ChipNetwork, c: ChipConnection) -> ChipConnection:
    plasticity = c.plasticity
    if plasticity is None:
        return c
    if rng.random() < 0.3:
        plasticity = replace(plasticity, program=lasting(rng, plasticity.program))
    if {p.name: p.message_bits for p in network.inputs}.get(c.source) and rng.random() < 0.9:
        c = replace(c, message_bits=16)
        program = replace(plasticity.program, dw=(*plasticity.program.dw, Product("x0", 1, -1, (Factor("x1"),))))
        plasticity = replace(plasticity, graded=GRADED[int(rng.integers(3))], program=_with_x1(program))
    if rng.random() < 0.5:
        plasticity = modulated(rng, network, c, plasticity)
    if rng.random() < 0.5:
        plasticity = replace(plasticity, rounding_draws="synapse", rounding_seed=int(rng.integers(2**62)))
    c = replace(c, plasticity=plasticity)
    return sparsened(rng, c, float(rng.choice([0.15, 0.5, 0.9]))) if rng.random() < 0.6 else c


def fixed_run(seed: int, steps: int = 50) -> PlasticRun:
    """A plastic network of two samples, made wilder than what Lava is compared with."""
    rng = np.random.default_rng(seed)
    run = draw_plastic(rng, int(rng.integers(1, 5)), steps, samples=2)
    connections = tuple(c if c.plasticity is None else wilder(rng, c, c.plasticity) for c in run.network.connections)
    return replace(run, network=replace(run.network, connections=connections))


def wilder(rng: Generator, c: ChipConnection, plasticity: Plasticity) -> ChipConnection:
    """With weights and tags out of range, tags at the end that moves by itself, delays, long epochs, other seeds."""
    shape = c.weight.shape
    if rng.random() < 0.3:
        tag = rng.choice([TAG_MIN, -400, 400, 0, 7], shape)
        plasticity = replace(plasticity, tag=tag, rounding_seed=int(rng.integers(9)))
    if rng.random() < 0.2:
        plasticity = replace(plasticity, program=replace(plasticity.program, t_epoch=int(rng.integers(8, 64))))
    weight = c.weight * 3 if rng.random() < 0.3 else c.weight
    delays = rng.integers(0, 3, shape) if rng.random() < 0.2 else None
    return replace(c, weight=weight, plasticity=plasticity, delays=delays)


def float_program(rng: Generator) -> Program:
    """Two-factor products of traces, w, d and t with real coefficients too small to let anything explode."""
    program = random_program(rng, fixed=False)

    def tamed(products: tuple[Product, ...]) -> tuple[Product, ...]:
        scaled = tuple(replace(p, mantissa=p.coefficient * 1e-4, exponent=0, factors=p.factors[:2]) for p in products)
        if not products or rng.random() < 0.5:
            return scaled
        pull = Factor(str(rng.choice(["w", "d", "t"])), float(rng.normal()))
        others = (Factor("y0"),) if rng.random() < 0.3 else ()
        return (*scaled, Product("x0", -float(rng.uniform(0, 0.1)), 0, (pull, *others)))

    return replace(program, dw=tamed(program.dw), dd=tamed(program.dd), tag_update=tamed(program.tag_update))


def float_run(seed: int, steps: int = 40) -> PlasticRun:
    """A Float64 network with connection delays of 0 to 2 steps and up to four plastic connections."""
    rng = np.random.default_rng(seed)
    delay_steps = int(rng.integers(3))
    network = draw_float(rng, Options(sizes=(4, 3), channels=4, max_delay=2), delay_steps)
    edges = [("in", "p0"), ("p0", "p1"), ("p0", "p0"), ("p1", "p0")]
    sizes = {p.name: p.size for p in network.populations} | {p.name: p.size for p in network.inputs}
    plastic = []
    for n in range(int(rng.integers(1, 5))):
        source, target = edges[int(rng.integers(len(edges)))]
        shape = (sizes[target], sizes[source])
        mode = SIGN_MODES[int(rng.integers(3))]
        phases = ((1, 9), (15, 30)) if rng.random() < 0.25 else ()
        delays = np.ones(shape, dtype=np.int64) if delay_steps == 0 else None
        if rng.random() < 0.2:
            delays = rng.integers(1, 4, shape)
        plasticity = Plasticity(float_program(rng), rng.normal(size=shape), 1.0, phases)
        plastic.append(
            ChipConnection(
                f"plastic{n}", source, target, rng.normal(0, 0.5, shape), Float64(), int(rng.integers(-1, 2)), mode,
                delays, 0, plasticity, bool(rng.random() < 0.7),
            )
        )  # fmt: skip
    whole = replace(network, connections=(*network.connections, *plastic))
    return PlasticRun(whole, draw_stimulus(rng, whole, samples=2, steps=steps))
