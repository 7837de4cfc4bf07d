"""A learning rule to the Program of a learning engine: traces, coefficients, and how sub-LSB changes are carried.

A weight of 8 bits moves by whole units, while a rule moves it by thousandths. Four forms:

``direct``
    The terms act on the weight; what is below one unit exists only through stochastic rounding.
``stochastic``
    The terms act on the tag, whose unit is ``2**-m`` of the weight's. Every ``2**k`` epochs the tag moves to the weight,
    rounded by a draw, and the remainder is thrown away.
``sgn``
    As that, but one unit at a time, when ``abs(tag)`` exceeds a threshold with hysteresis, and the remainder stays.
``exact``
    Whole weight units move by floor division, made from the engine's uncompensated product shift: nothing is drawn, the
    remainder stays. It leans on that shift and on odd constants, so it is a form for Lava's engine.

Which one suits a rule is predicted (:mod:`carry_pass`), unless one is asked for.
"""

from __future__ import annotations

from typing import Any

from neuroalign.errors import ConversionRefused, NeuroalignError, RuleError
from neuroalign.microcode import Product, Program, Trace
from neuroalign.profile import Profile
from neuroalign.quantise.carry import CarryForm
from neuroalign.quantise.carry_pass import (
    best,
    candidates,
    forms_to_try,
)
from neuroalign.quantise.engine import check_profile
from neuroalign.quantise.held_rule import HeldRule, RuleConversion
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_scales import (
    dependency,
    factors,
    third_factor,
    trace_slots,
)
from neuroalign.quantise.third_factor import REAL_RECEIVED, SLOT, Received, check_third_factor, received
from neuroalign.rule import WEIGHT, LearningRule, Term


def float_program(rule: LearningRule, dt: float, weight_unit: float = 1.0) -> Program:
    """The rule with real coefficients, for Float64: traces decay by ``exp(-dt/tau)``, every step is an epoch.

    Raises
    ------
    ConversionRefused
        If it has post traces beside a third factor.
    """
    check_third_factor(rule)
    slots, third = trace_slots(rule), third_factor(rule, REAL_RECEIVED)
    traces: dict[str, Any] = {
        slot: Trace(rule.traces[name].impulse, rule.traces[name].tau / dt) for name, slot in slots.items()
    }

    def product(term: Term, target: int) -> Product:
        own = term.factors.count(WEIGHT)
        coefficient = term.coefficient * weight_unit ** (own - target)
        k = None
        if term.gate == "step":
            coefficient, k = coefficient * dt, 0
        return Product(dependency(term), float(coefficient), 0, factors(term, slots, third), k)

    if third:
        traces[SLOT] = Trace(0.0, 0.0)
    return Program(
        dw=tuple(product(term, 1) for term in rule.weight),
        tag_update=tuple(product(term, 0) for term in rule.tag),
        **traces,
    )


def hold_rule(
    rule: LearningRule,
    where: str,
    profile: Profile,
    dt: float,
    weight_unit: float,
    choices: RuleChoices,
    *,
    free_unit: bool,
    third: Received | None = None,
) -> HeldRule:
    """The Program that stands for a rule, with one conversion row per trace and term.

    Parameters
    ----------
    where
        The connection, for the rows.
    dt : s
        Time step.
    weight_unit
        What one unit of the held weight means in the model's unit.
    free_unit
        Whether that unit may grow, at most twofold, so that coefficients with a common factor are held exactly.
    third
        How the rule's third factor arrives; None: as payloads of an input.

    Raises
    ------
    ConversionRefused
        If the profile has no learning engine that can hold it, or the form does not suit the size of the changes.
    RuleError
        If a coefficient is out of reach; the message names the remedy.
    """
    if profile.arithmetic == "float64":
        if choices.form not in ("direct", "auto"):
            raise ConversionRefused(
                f"rule {rule.name!r}: profile {profile.id!r} computes in double precision, so the {choices.form} form has nothing to carry; "
                "use the direct form"
            )
        return HeldRule(float_program(rule, dt, weight_unit), weight_unit)
    check_profile(rule.name, profile)
    check_third_factor(rule, profile)
    arriving = third or (received(rule.modulator) if rule.modulator else None)
    conversion = RuleConversion(rule, where, profile, dt, weight_unit, choices, free_unit, arriving)
    found: list[tuple[float, HeldRule]] = []
    refusals: list[NeuroalignError] = []
    for form in forms_to_try(rule, choices):
        if form == "stochastic" and choices.form != form and any(value < GOOD_SCORE for value, _ in found):
            continue  # it loses something at every transfer, so that others are better wherever they are possible
        try:
            possible = candidates(rule, form, choices, conversion.rates, weight_unit, dt)
        except ConversionRefused as error:
            refusals.append(error)
            continue
        for candidate in possible:
            if candidate.clocked and any(
                h.form == form == "exact" and h.tag_bits == candidate.transfer.bits for _, h in found
            ):
                continue  # a decay at spikes is the rule's own, and leans on no more than the form does
            try:
                found.append(conversion.held(candidate))
            except (ConversionRefused, RuleError) as error:
                refusals.append(error)
    if not found:
        raise refusals[0]
    return found[best([(value, *_asks(held)) for value, held in found])][1]


def _asks(held: HeldRule) -> tuple[CarryForm, bool, int]:
    """What a program asks of a chip: its form, whether it leans on the product shift, and steps between transfers."""
    program = held.program
    return held.form, any(p.shift for p in program.products), 2 ** (program.k or 0) * program.t_epoch


GOOD_SCORE = 1.0
