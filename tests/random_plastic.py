"""Networks that learn by rules of ours: carry programs, and rules as they are compiled; random ones: ``neuroalign.verify``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from carry_programs import TEXTS, carry_program
from numpy.random import Generator
from plastic_models import driving, estimating, lif, spike_input
from small_chips import neurons

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, Fixed, Numbers, Plasticity
from neuroalign.compile import compile_network
from neuroalign.microcode import Program
from neuroalign.network import Network
from neuroalign.profile import load_profile
from neuroalign.quantise.carry import CarryForm
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.recording import Stimulus
from neuroalign.rules import pair_stdp, stdwi
from neuroalign.verify.case import PLASTIC_STATES
from neuroalign.verify.case import Case as PlasticRun
from neuroalign.verify.plastic import draw_plastic

__all__ = ["PLASTIC_STATES", "PlasticRun", "carry_run", "compiled_runs", "draw_plastic"]


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
