"""Single runs of SAL's experiments on chip that need neurons or a host of their own: sampling networks, microcircuit, LIF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neuroalign.errors import BackendMissing
from neuroalign.experiments import sal_microcircuit_chip, sal_sampling_chip
from neuroalign.experiments.chip_synapses import CompiledProgram, compiled
from neuroalign.experiments.sal_layers import FEEDBACK, layer_network, pair_network, silence, swapped
from neuroalign.experiments.sal_lif import GAIN, run_lif_layer
from neuroalign.profile import load_profile
from neuroalign.quantise.learning import hold_rule
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.reproduce.learners import Form, weights_for
from neuroalign.reproduce.task import Result
from neuroalign.rule import LearningRule
from neuroalign.rules.sal import sal

TAG_BITS, TRANSFER_K = 8, 4
LIF_LIMIT = 0.5
"""Largest weight of the LIF layer, in the sampling layer's unit."""


def held_programs(
    rules: Mapping[str, LearningRule], unit: float, impulse: int, dt: float = 1e-3
) -> dict[str, CompiledProgram]:
    """Each rule as loihi2 holds it, with exact carry of 8 tag bits every 16 steps."""
    made = {}
    for name, rule in rules.items():
        impulses = dict.fromkeys(rule.traces, impulse) or None
        choices = RuleChoices(form="exact", tag_bits=TAG_BITS, k=TRANSFER_K, t_epoch=1, impulses=impulses)
        held = hold_rule(rule, name, load_profile("loihi2"), dt, unit, choices, free_unit=False)
        made[name] = compiled(held.program, third_factor=rule.modulator is not None)
    return made


def sampling(seed: int, sigma: float, cycles: int, *, aligned: bool, backend: str = "emulator") -> Result:
    """A sampling network with synapses of 8 bits; it has one form, so ``backend`` is not used."""
    chip = sal_sampling_chip
    rules = chip.phase_rules(chip.SPEED, aligned=aligned)
    programs = chip.ChipRules(**held_programs(rules, chip.UNIT, chip.IMPULSE))
    result = chip.run_chip_sampling(programs, seed, sigma, cycles=cycles)
    return {"figures": {"D_KL": result.divergence, "Var(Wij - Wji)": result.asymmetry}, "curves": {}}


def microcircuit(seed: int, epochs: int = 150, *, backend: str = "emulator") -> Result:
    """The cortical microcircuit with synapses of 8 bits; it has one form, so ``backend`` is not used."""
    chip = sal_microcircuit_chip
    programs = chip.ChipRules(**held_programs(chip.weight_rules(), chip.UNIT, 127))
    result = chip.run_chip_microcircuit(programs, seed, epochs=epochs)
    figures = {"loss": result.final_loss(), **dict(zip(("W1", "W2", "B"), map(float, result.weights[-1]), strict=True))}
    return {"figures": figures, "curves": {"loss": [list(range(1, epochs + 1)), result.loss.tolist()]}}


def lif_layer(
    seed: int,
    steps: int,
    form: Form = "float",
    *,
    eta: float = 0.08,
    gain: float = GAIN,
    control: bool = False,
    report: Sequence[int] = (),
    backend: str = "emulator",
) -> Result:
    """The layer of noisy CUBA LIF neurons; ``control`` turns the rule's signs round."""
    reads = sorted({*(round(steps * k / 10) for k in range(1, 11)), *report})
    rule = swapped(sal(eta=eta)) if control else sal(eta=eta)
    choices = {} if form == "float" else {"weight_limit": LIF_LIMIT * gain, "rng_seed": seed}
    result = run_lif_layer(weights_for(form, backend, [FEEDBACK], **choices), seed, reads, rule=rule, gain=gain)
    figures = {}
    for step in report or (steps,):
        at = int(np.flatnonzero(result.steps == step)[0])
        figures[f"angle, {step:.0e} steps"] = float(result.angle[at])
        figures[f"r, {step:.0e} steps"] = float(result.r[at])
    figures["|B| / |W|"] = float(result.norm_ratio[-1])
    return {"figures": figures, "curves": {"angle": [result.steps.tolist(), result.angle.tolist()]}}


def torch_form(seed: int, kind: str, steps: int, *, backend: str = "emulator") -> Result:
    """How far the compiled Float64 form is from the torch form, which defines the rule, over all weights and reads."""
    from neuroalign.sim.norse_reference.backend import NorseReference

    missing = NorseReference().missing()
    if missing is not None:
        raise BackendMissing(missing)
    network = pair_network(seed) if kind == "pair" else layer_network(seed, sal(eta=0.4))
    reads = [round(steps * k / 10) for k in range(1, 11)]
    names = [c.name for c in network.connections if c.rule is not None]
    torch, compiled_form = (
        weights_for("float", name, names)(network, silence(steps), reads) for name in ("norse", "emulator")
    )
    apart = max(float(np.abs(torch[name] - compiled_form[name]).max()) for name in names)
    start = {c.name: c.weight for c in network.connections}
    moved = max(float(np.abs(torch[name][-1] - start[name]).max()) for name in names)
    return {"figures": {"largest difference": apart, "largest change of a weight": moved}, "curves": {}}
