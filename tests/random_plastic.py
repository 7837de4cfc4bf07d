"""Random ChipNetworks that learn: random rules on feed-forward and recurrent connections beside static ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from carry_programs import TEXTS, carry_program
from numpy.random import Generator
from plastic_models import driving, estimating, lif, spike_input
from random_networks import Options, draw_fixed, draw_stimulus
from random_rules import SIGN_MODES, random_program
from small_chips import neurons

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Fixed, Numbers, Plasticity, SignMode
from neuroalign.compile import compile_network
from neuroalign.fixed_point import lava_weights
from neuroalign.microcode import Program
from neuroalign.network import Network
from neuroalign.profile import load_profile
from neuroalign.quantise.carry import CarryForm
from neuroalign.quantise.learning import RuleChoices
from neuroalign.recording import Probe, Stimulus
from neuroalign.rules import pair_stdp, stdwi

PLASTIC_STATES = ("w", "t", "d", "x1", "x2", "y1", "y2", "y3")
NEURON_STATES = ("u", "v", "s")
EDGES = (("in", "p0"), ("p0", "p0"), ("p0", "p1"), ("p1", "p1"), ("p1", "p0"))


@dataclass(frozen=True)
class PlasticRun:
    """A plastic network and what enters it."""

    network: ChipNetwork
    stimulus: Stimulus

    @property
    def steps(self) -> int:
        return self.stimulus.steps + self.network.latency_steps

    @property
    def plastic(self) -> list[ChipConnection]:
        return [c for c in self.network.connections if c.plasticity is not None]

    @property
    def probes(self) -> tuple[Probe, ...]:
        of_neurons = [(p.name, state) for p in self.network.populations for state in NEURON_STATES]
        return (*of_neurons, *((c.name, state) for c in self.plastic for state in PLASTIC_STATES))

    @property
    def read_steps(self) -> tuple[int, ...]:
        """Every step."""
        return tuple(range(1, self.steps + 1))


def draw_plastic(rng: Generator, rules: int, steps: int, samples: int = 1) -> PlasticRun:
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
    populations = tuple(_paced(p) for p in network.populations)
    # static synapses as weak as they come, or inhibition silences whole populations
    static = [replace(c, weight_exp=min(c.weight_exp, -2)) for c in network.connections]
    whole = replace(network, populations=populations, connections=(*static, *plastic))
    return PlasticRun(whole, draw_stimulus(rng, whole, samples=samples, steps=steps))


def _paced(population: ChipPopulation) -> ChipPopulation:
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


def carry_run(rng: Generator, steps: int) -> PlasticRun:
    """All carry programs at once; a third of them drive, another third is recurrent."""
    strength = rng.integers(40, 128, (4, 6)) * 2
    threshold = int(strength.sum(axis=1).min() // 3)
    hidden = neurons(
        "hidden", 4, du=np.full(4, 2000), dv=np.full(4, 400), threshold=np.full(4, threshold), bias_mant=np.full(4, 60)
    )
    drive = ChipConnection("drive", "in", "hidden", strength, Fixed(8), 0, "mixed")
    learning = [
        plastic_connection(name, source, carry_program(name), np.zeros((4, size), dtype=np.int64), n % 3 == 0)
        for n, name in enumerate(TEXTS)
        for source, size in [("hidden", 4) if n % 3 == 2 else ("in", 6)]
    ]
    network = ChipNetwork("carry", 1e-3, "random", (ChipInput("in", 6),), (hidden,), (drive, *learning), ())
    spikes = (rng.random((1, steps, 6)) < 0.06).astype(np.int64)
    return PlasticRun(network, Stimulus({"in": spikes}))


def plastic_connection(name: str, source: str, program: Program, weight: Numbers, drives: bool) -> ChipConnection:
    """A connection into "hidden" that learns from the first step to the last."""
    plasticity = Plasticity(program, np.zeros_like(weight), 1.0)
    return ChipConnection(name, source, "hidden", weight, Fixed(8), -2, "mixed", plasticity=plasticity, drives=drives)


def compiled_runs(steps: int) -> list[PlasticRun]:
    """Our rules as ``compile_network`` puts them on loihi2, in each form."""
    estimator = estimating(stdwi(learning_rate=2e-3), np.zeros((4, 5)), learning=((20, steps - 20),))
    return [
        _compiled(estimator, "exact", steps),
        _compiled(driving(pair_stdp(0.009, 0.009), 1, recurrent=True), "sgn", steps),
        _compiled(driving(pair_stdp(0.1, 0.1), 2, recurrent=False, filtered=True), "direct", steps),
    ]


def _compiled(network: Network, form: CarryForm, steps: int) -> PlasticRun:
    # one Program for all synapses needs neurons that give a weight unit one meaning
    alike = {"q": lif("q", 3, v_leak=-0.1, v_reset=-0.2, bias=0.4, tau_syn=4e-3)}
    populations = tuple(alike.get(p.name, p) for p in network.populations)
    choices = {"learns": RuleChoices(form=form, k=2, weight_limit=6.0)}
    chip, _ = compile_network(replace(network, populations=populations), load_profile("loihi2"), learning=choices)
    return PlasticRun(chip, spike_input(network, 3, steps, rate=0.12))
