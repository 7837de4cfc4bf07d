"""ChipNetworks that learn: random rules on feed-forward and recurrent connections beside static ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from neuroalign.chip import ChipConnection, ChipPopulation, Fixed, Plasticity, SignMode
from neuroalign.fixed_point import lava_weights
from neuroalign.verify.case import Case
from neuroalign.verify.rules import SIGN_MODES, random_program
from neuroalign.verify.static import Options, draw_fixed, draw_stimulus

EDGES = (("in", "p0"), ("p0", "p0"), ("p0", "p1"), ("p1", "p1"), ("p1", "p0"))


def draw_plastic(rng: Generator, rules: int, steps: int, samples: int = 1) -> Case:
    """A static network in Loihi's formats with ``rules`` plastic connections added."""
    graded = bool(rng.random() < 0.5)
    network = draw_fixed(rng, Options(sizes=(4, 3), channels=4, skips=False, loops=False, max_delay=2, graded=graded))
    sizes = {p.name: p.size for p in network.populations} | {p.name: p.size for p in network.inputs}
    edges = [EDGES[n] for n in rng.choice(len(EDGES), rules, p=(0.35, 0.2, 0.2, 0.1, 0.15))]
    graded = bool(network.inputs[0].message_bits)
    plastic = [
        draw_plastic_connection(
            rng, f"plastic{n}", edge, (sizes[edge[1]], sizes[edge[0]]), steps, graded and edge[0] == "in"
        )
        for n, edge in enumerate(edges)
    ]
    populations = tuple(paced(p) for p in network.populations)
    # static synapses as weak as they come, or inhibition silences whole populations
    static = [replace(c, weight_exp=min(c.weight_exp, -2)) for c in network.connections]
    whole = replace(network, populations=populations, connections=(*static, *plastic))
    return Case(whole, draw_stimulus(rng, whole, samples=samples, steps=steps))


def paced(population: ChipPopulation) -> ChipPopulation:
    """With a bias that makes the neurons spike now and then by themselves: a rule sees nothing of silent ones."""
    bias = (population.threshold * (population.dv / 4096 + 0.35)).astype(np.int64) + 1
    return replace(population, bias_mant=bias, bias_exp=np.full(population.size, population.threshold_shift))


def draw_plastic_connection(
    rng: Generator, name: str, edge: tuple[str, str], shape: tuple[int, int], steps: int, graded: bool
) -> ChipConnection:
    """A random rule between two nodes, with initial weights and tags, and in one case of four with learning phases."""
    mode: SignMode = SIGN_MODES[rng.choice(3, p=(0.5, 0.3, 0.2))]
    bits = int(rng.integers(5, 9))
    low, high = {"mixed": (-256, 256), "excitatory": (0, 256), "inhibitory": (-255, 1)}[mode]
    tag = rng.integers(-256, 256, shape) * int(rng.random() < 0.5)
    phases = ((1, steps // 4), (steps // 2, steps - 10)) if rng.random() < 0.25 else ()
    return ChipConnection(
        name=name,
        source=edge[0],
        target=edge[1],
        weight=lava_weights(rng.integers(low, high, shape), mode, bits),
        weight_format=Fixed(bits),
        weight_exp=int(rng.integers(-4, 2)) - 2 * (mode == "inhibitory"),
        sign_mode=mode,
        message_bits=16 if graded else 0,
        plasticity=Plasticity(random_program(rng), tag, 1.0, phases),
        drives=bool(rng.random() < 0.6),
    )
