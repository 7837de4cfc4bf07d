"""Single runs of SAL's experiments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuroalign.experiments.mismatch import Kind, sal_with_mismatch
from neuroalign.experiments.sal_dale import run_dale
from neuroalign.experiments.sal_layers import FEEDBACK, FORWARD, run_layer, run_pair, swapped
from neuroalign.experiments.sal_microcircuit import Arm, run_microcircuit
from neuroalign.experiments.sal_psp import Shape, run_psp
from neuroalign.experiments.sal_sampling import Noise, run_sampling
from neuroalign.fidelity.learning import angle_degrees, pearson
from neuroalign.reproduce.learners import Form, weights_for
from neuroalign.reproduce.task import Result
from neuroalign.rules.sal import sal

LAYER_LIMIT = 0.5
"""Weights that the chip has to hold: twice the largest forward weight."""
PAIR_LIMIT = 2.0


def pair(seed: int, epochs: int, form: Form = "float", *, both: bool = True, backend: str = "emulator") -> Result:
    """Two neurons, in float or on chip."""
    reads = sorted({max(1, round(epochs * k / 20)) for k in range(1, 21)})
    choices = {} if form == "float" else {"weight_limit": PAIR_LIMIT, "rng_seed": seed}
    weights = weights_for(form, backend, [FORWARD, FEEDBACK] if both else [FEEDBACK], **choices)
    result = run_pair(weights, seed, reads, both=both)
    figures = {
        "difference": float(result.difference[-1]),
        "second weight": float(result.weights[-1, 1]),
        "drift of the sum": float(result.drift_of_sum[-1]),
    }
    curve = [result.epochs.tolist(), result.difference.tolist()]
    return {"figures": figures, "curves": {"difference": curve}}


def layer(
    seed: int,
    steps: int,
    form: Form = "float",
    *,
    eta: float = 0.08,
    control: bool = False,
    report: Sequence[int] = (),
    backend: str = "emulator",
) -> Result:
    """The layer of 50; ``control`` turns the rule's signs round."""
    reads = sorted({*(round(steps * k / 20) for k in range(1, 21)), *report})
    rule = swapped(sal(eta=eta)) if control else sal(eta=eta)
    choices = {} if form == "float" else {"weight_limit": LAYER_LIMIT, "rng_seed": seed}
    result = run_layer(weights_for(form, backend, [FEEDBACK], **choices), seed, reads, rule=rule)
    figures = {}
    for step in report or (steps,):
        at = int(np.flatnonzero(result.steps == step)[0])
        figures[f"angle, {step:.0e} steps"] = float(result.angle[at])
        figures[f"r, {step:.0e} steps"] = float(result.r[at])
    figures["|B| / |W|"] = float(result.norm_ratio[-1])
    return {"figures": figures, "curves": {"angle": [result.steps.tolist(), result.angle.tolist()]}}


def sampling(
    seed: int,
    sigma: float,
    *,
    aligned: bool,
    noise: Noise = "synaptic",
    cycles: int | None = None,
    backend: str = "emulator",
) -> Result:
    """A sampling network; it has one form, so ``backend`` is not used."""
    result = run_sampling(seed, sigma, aligned=aligned, noise=noise, cycles=cycles)
    return {"figures": {"D_KL": result.divergence, "Var(Wij - Wji)": result.asymmetry}, "curves": {}}


def microcircuit(seed: int, arm: Arm, *, epochs: int = 150, backend: str = "emulator") -> Result:
    """The cortical microcircuit; it has one form, so ``backend`` is not used."""
    result = run_microcircuit(arm, seed, epochs=epochs)
    figures = {"loss": result.final_loss(), **dict(zip(("W1", "W2", "B"), map(float, result.weights[-1]), strict=True))}
    return {"figures": figures, "curves": {"loss": [list(range(1, epochs + 1)), result.loss.tolist()]}}


def psp(seed: int, shape: Shape, epochs: int, *, biases: Sequence[float], backend: str = "emulator") -> Result:
    """Two neurons with another synaptic kernel; it has one form, so ``backend`` is not used."""
    first, second = biases
    result = run_psp(shape, seed, epochs=epochs, biases=(first, second))
    return {"figures": {"|W01 - W10| / 2|W|": result.apart(max(1, epochs // 4))}, "curves": {}}


def dale(seed: int, weight: float, steps: int, form: Form = "float", *, backend: str = "emulator") -> Result:
    """Two excitatory neurons with interneurons, for one forward synapse."""
    choices = {} if form == "float" else {"weight_limit": PAIR_LIMIT, "rng_seed": seed}
    result = run_dale(weights_for(form, backend, [FEEDBACK], **choices), seed, weight, steps)
    figures = {"effective, forward": result.forward, "effective, back": result.backward, "synapse": result.synapse}
    return {"figures": figures | {"apart": abs(result.forward - result.backward)}, "curves": {}}


def mismatched(seed: int, kind: Kind, sigma: float, steps: int, *, backend: str = "emulator") -> Result:
    """The layer with mismatch, in float; it has one form, so ``backend`` is not used."""
    forward, learnt = sal_with_mismatch(seed, kind, sigma, steps)
    figures = {"angle": angle_degrees(forward.T, learnt) or 90.0, "r": pearson(forward.T, learnt) or 0.0}
    return {"figures": figures, "curves": {}}
