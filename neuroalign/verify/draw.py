"""Draws the cases: any network that the emulator takes and Lava holds, lively enough to show a difference.

A case follows from its seed and number alone. Thresholds and biases are set last, after every connection is there, so
that most populations spike: a silent one hides what its connections and rules do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Plasticity, expanded
from neuroalign.verify.case import Case
from neuroalign.verify.features import Feature, supported
from neuroalign.verify.neurons import LARGEST_THRESHOLD
from neuroalign.verify.plastic import draw_plastic_connection
from neuroalign.verify.rules import RARE, draw_program, draw_rare_program
from neuroalign.verify.static import Options, draw_fixed, draw_stimulus

MEAN_RATE = 0.2
"""Spikes per step and neuron that the thresholds are drawn for."""
WIDE = 200
"""Synapses from which on a connection counts as wide."""
LARGEST_BIAS = 1 << 12
LARGEST_PACE = 1 << 22


@dataclass(frozen=True)
class Plan:
    """The size of a case; ``rare`` where its rules are to act seldom."""

    options: Options
    steps: int
    samples: int
    rules: int
    rare: bool = False


@dataclass(frozen=True)
class _Kind:
    """A range of sizes, and the share of cases that have it."""

    name: str
    share: float
    most_populations: int
    most_rules: int
    sizes: tuple[int, int]
    steps: tuple[int, int]


_KINDS = (
    _Kind("small", 0.48, 3, 3, (1, 8), (30, 80)),
    _Kind("wide", 0.4, 2, 2, (40, 150), (50, 110)),
    _Kind("long", 0.12, 1, 2, (2, 8), (3, 12)),  # beside the period of a u6, u7, u8 or u9
)
_WIDE_STATIC = _Kind("wide static", 0.0, 2, 0, (100, 500), (80, 160))
# Lava's time goes by processes and steps far more than by neurons, so few steps of many neurons compare most in it


def draw_case(seed: int, number: int, features: Sequence[Feature] | None = None) -> Case:
    """Case ``number`` of the series ``seed``, with the features that every room here runs unless others are given."""
    rng = np.random.default_rng([seed, number])
    plan = _plan(rng)
    network = _with_rules(rng, draw_fixed(rng, plan.options), plan)
    for feature in supported() if features is None else features:
        if rng.random() < feature.share:
            network = feature.draw(rng, network)
    network = replace(_lively(rng, network, plan.options.extreme), name=f"case {number} of seed {seed}")
    return Case(network, draw_stimulus(rng, network, plan.samples, plan.steps), seed, number)


def _plan(rng: Generator) -> Plan:
    """Small networks of many parts, wide ones of few, and small ones that run long, for ``u6`` to ``u9``."""
    kind = _KINDS[rng.choice(len(_KINDS), p=[k.share for k in _KINDS])]
    rules = min(int(rng.choice(4, p=(0.2, 0.35, 0.3, 0.15))), kind.most_rules)
    if kind.name == "long":
        rules = kind.most_rules
    if kind.name == "wide" and not rules:
        kind = _WIDE_STATIC
    low, high = kind.sizes
    lowest = int(rng.integers(-6, 3))
    options = Options(
        sizes=tuple(int(rng.integers(low, high)) for _ in range(_populations(rng, kind.most_populations))),
        channels=int(rng.integers(low + 1, high)),
        skips=bool(rng.integers(2)),
        loops=bool(rng.integers(2)),
        self_recurrence=bool(rng.integers(2)),
        more_edges=0.25,
        max_delay=int(rng.choice((0, 0, 1, 2, 5, 12, 63))),
        exponents=(lowest, lowest + int(rng.integers(0, 6))),
        graded=bool(rng.random() < 0.6),
        extreme=bool(rng.random() < 0.15),
        silent=bool(rng.random() < 0.15),
    )
    steps, rare = int(rng.integers(*kind.steps)), kind.name == "long"
    if rare:
        steps += int(2 ** rng.choice(RARE, p=(0.18, 0.24, 0.24, 0.34)))
    return Plan(options, steps, 2 if rng.random() < 0.15 and not rare else 1, rules, rare)


def _populations(rng: Generator, most: int) -> int:
    return min(int(rng.choice((1, 2, 3), p=(0.45, 0.38, 0.17))), most)


def _with_rules(rng: Generator, network: ChipNetwork, plan: Plan) -> ChipNetwork:
    """With connections that learn added between any two nodes; static ones become weak, or inhibition silences all."""
    if not plan.rules:
        return network
    graded = {i.name: i.message_bits > 0 for i in network.inputs}
    sizes = {i.name: i.size for i in network.inputs} | {p.name: p.size for p in network.populations}
    added = []
    for number in range(plan.rules):
        source, target = str(rng.choice(list(sizes))), str(rng.choice([p.name for p in network.populations]))
        drawn = draw_plastic_connection(
            rng,
            f"plastic{number}",
            (source, target),
            (sizes[target], sizes[source]),
            plan.steps,
            graded.get(source, rng.random() < 0.2),
        )
        added.append(replace(drawn, plasticity=_with_program(rng, drawn, plan)))
    static = network.connections
    if not plan.options.extreme:
        static = tuple(replace(c, weight_exp=min(c.weight_exp, 0)) for c in static)
    return replace(network, connections=(*static, *added))


def _with_program(rng: Generator, connection: ChipConnection, plan: Plan) -> Plasticity | None:
    held = connection.plasticity
    if plan.rare:
        program = draw_rare_program(rng, plan.steps)
    else:
        program = draw_program(rng, plan.steps, connection.weight.size > WIDE)
    return held and replace(held, program=program)


def _lively(rng: Generator, network: ChipNetwork, extreme: bool) -> ChipNetwork:
    """With thresholds that the input reaches, and in half the networks biases that reach them without it."""
    pacing = rng.random() < 0.6
    populations = []
    for population in network.populations:
        incoming = [c for c in network.connections if c.target == population.name and c.drives]
        drawn = population
        if population.spiking:
            drawn = _thresholded(rng, population, incoming)
        if population.spiking and pacing:
            drawn = _paced(rng, drawn)
        populations.append(drawn)
    return replace(network, populations=tuple(populations))


def _thresholded(rng: Generator, population: ChipPopulation, incoming: Sequence[ChipConnection]) -> ChipPopulation:
    """Thresholds within what the expected input adds up to; a second threshold keeps its place relative to them."""
    mean, variance = np.zeros(population.size), np.ones(population.size)
    for connection in incoming:
        sums, squares = _weight_sums(connection)
        scale = 2.0**connection.weight_exp * max(population.window_steps, 1)
        mean += MEAN_RATE * sums * scale
        variance += MEAN_RATE * squares * scale**2
    gain = np.minimum(4096 / (population.du + 1), 6.0)
    reach = (np.maximum(mean, 0) * gain + np.sqrt(variance * gain)) * rng.uniform(0.2, 3.0, population.size)
    threshold = np.clip(reach, 1, LARGEST_THRESHOLD).astype(np.int64)
    low = population.threshold_low
    if low is not None:
        share = low / np.maximum(population.threshold, 1)
        low = np.minimum((threshold * share).astype(np.int64), threshold - 1)
    return replace(population, threshold=threshold, threshold_low=low)


def _weight_sums(connection: ChipConnection) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What reaches each target if every source spikes once: the sum of the weights, and of their squares."""
    weight = connection.weight.astype(np.float64)
    if connection.pattern is not None:
        weight = expanded(connection.pattern, weight)
    return weight.sum(1), (weight**2).sum(1)


def _paced(rng: Generator, population: ChipPopulation) -> ChipPopulation:
    """With a bias that reaches the threshold by itself within some steps; mantissa and exponent as Lava takes them."""
    if population.escape is not None:
        return population
    wanted = (population.threshold << population.threshold_shift) * (
        population.dv / 4096 + rng.uniform(0.03, 0.6, population.size)
    )
    wanted = np.clip(wanted, 1, LARGEST_PACE)
    exponent = np.maximum(np.ceil(np.log2(wanted / LARGEST_BIAS)), rng.integers(-3, 1)).astype(np.int64)
    mantissa = np.floor(wanted / 2.0**exponent).astype(np.int64) + 1
    return replace(population, bias_mant=mantissa, bias_exp=exponent)
