"""Every way to keep small changes, on the same spikes: what each was predicted to lose, and what it does lose."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from neuroalign.deployment.learning import FormRun
from neuroalign.errors import NeuroalignError
from neuroalign.fidelity.learning import pearson
from neuroalign.network import FloatArray
from neuroalign.profile import Profile
from neuroalign.quantise.carry import CarryForm
from neuroalign.quantise.held_rule import HeldRule
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import RuleSheet, rule_sheet
from neuroalign.rule import LearningRule

FORMS: tuple[CarryForm, ...] = ("direct", "stochastic", "sgn", "exact")


def compared_forms(
    rule: LearningRule,
    profile: Profile,
    choices: RuleChoices,
    dt: float,
    wanted: FloatArray,
    seconds: float,
    run: Callable[[RuleChoices, CarryForm], FloatArray],
) -> tuple[FormRun, ...]:
    """Each form with the choices otherwise as they are.

    Parameters
    ----------
    wanted
        Weights of the float model at the end.
    seconds
        Length of the run, for the prediction.
    run
        Weights at the end on chip, for choices.
    """
    found = []
    for form in FORMS:
        try:
            asked = replace(choices, form=form, tag_bits=None, k=None)
            sheet = rule_sheet(rule, profile, dt, asked)
            if sheet.refusal is not None:
                raise sheet.refusal
            weights = run(asked, form)
        except NeuroalignError as error:
            found.append(FormRun(form, None, math.nan, math.nan, "", str(error).splitlines()[0]))
            continue
        rms = float(np.sqrt(np.mean(np.square(weights - wanted))))
        found.append(FormRun(form, pearson(wanted, weights), rms, _predicted(sheet.held, seconds), _asks(sheet)))
    return tuple(found)


def _predicted(held: HeldRule | None, seconds: float) -> float:
    """Deviation that rounding is expected to make, what the tag holds back included, in the model's unit."""
    if held is None or held.prediction is None:
        return math.nan
    return held.weight_unit * math.hypot(held.prediction.walk(seconds), held.prediction.hidden)


def _asks(sheet: RuleSheet) -> str:
    needs = sheet.needs
    if needs is None or sheet.held is None:
        return ""
    parts = [f"steps of {sheet.held.weight_unit:.3g}"]
    if needs.k is not None:
        parts.append(f"transfers every {2**needs.k * needs.t_epoch} steps")
    if needs.signs:
        parts.append("sgn")
    if needs.shift:
        parts.append("the product shift")
    return ", ".join(parts)
