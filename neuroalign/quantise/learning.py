"""A learning rule to the Program of a learning engine: traces, coefficients, and how sub-LSB changes are carried.

A weight of 8 bits moves by whole units, while a rule moves it by thousandths. Three forms:

``direct``
    The terms act on the weight; what is below one unit exists only through stochastic rounding.
``exact``
    The terms act on the tag, whose unit is ``2**-m`` of the weight's. Every ``2**k`` epochs whole weight units move from
    tag to weight by floor division, made from the engine's uncompensated product shift: nothing is drawn, the
    remainder stays. It leans on that shift and on odd constants, so it is a form for Lava's engine.
``sgn``
    As exact, but one unit at a time, when ``abs(tag)`` exceeds a threshold with hysteresis. The transfer uses no shift.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from neuroalign.conversion import ConversionRow
from neuroalign.errors import ConversionRefused, RuleError
from neuroalign.microcode import Product, Program, Trace
from neuroalign.profile import Profile
from neuroalign.quantise.carry import CarryForm, choose_transfer, transfer
from neuroalign.quantise.coefficients import Held, hold_coefficient
from neuroalign.quantise.engine import check_profile, check_program
from neuroalign.quantise.impulses import RATE_HZ
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_rows import epoch_rows, form_row, term_row, trace_rows, words
from neuroalign.quantise.rule_scales import (
    Scales,
    choose_scales,
    dependency,
    factors,
    idle_trace,
    placed_terms,
    trace_slots,
)
from neuroalign.rule import TAG, WEIGHT, LearningRule, Term

__all__ = ["HeldRule", "RuleChoices", "float_program", "hold_rule", "trace_slots"]

WEIGHT_RANGE = 255
"""Largest magnitude of a held weight."""


@dataclass(frozen=True)
class HeldRule:
    """A Program, the unit of its weights in the model's unit, and the rows of its constants.

    A carried weight unit is ``2**tag_bits`` tag units; 0 in the direct form.
    """

    program: Program
    weight_unit: float
    rows: tuple[ConversionRow, ...] = field(default=())
    tag_bits: int = 0


def float_program(rule: LearningRule, dt: float, weight_unit: float = 1.0) -> Program:
    """The rule with real coefficients, for Float64: traces decay by ``exp(-dt/tau)``, every step is an epoch."""
    slots = trace_slots(rule)
    traces: dict[str, Any] = {
        slot: Trace(rule.traces[name].impulse, rule.traces[name].tau / dt) for name, slot in slots.items()
    }

    def product(term: Term, target: int) -> Product:
        own = term.factors.count(WEIGHT)
        coefficient = term.coefficient * weight_unit ** (own - target)
        return Product(dependency(term), float(coefficient), 0, factors(term, slots))

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

    Raises
    ------
    ConversionRefused
        If the profile has no learning engine that can hold it, or the form does not suit the size of the changes.
    RuleError
        If a coefficient is out of reach; the message names the remedy.
    """
    if profile.arithmetic == "float64":
        if choices.form != "direct":
            raise ConversionRefused(
                f"rule {rule.name!r}: profile {profile.id!r} computes in double precision, so the {choices.form} form has nothing to carry; "
                "use the direct form"
            )
        return HeldRule(float_program(rule, dt, weight_unit), weight_unit)
    check_profile(rule.name, profile)
    _check_form(rule, choices)
    bits, k, used = choose_transfer(
        choices.form,
        _pair_change(rule, weight_unit),
        RATE_HZ * dt * choices.t_epoch,
        choices.tag_bits,
        choices.k,
        rule.name,
    )
    scales = choose_scales(rule, weight_unit, bits, choices, free_unit)
    held_terms = {
        n: _hold_term(rule, *placed, scales, choices.form)
        for n, placed in sorted(enumerate(placed_terms(rule)), key=lambda t: set(t[1][0].factors) != {WEIGHT})
    }  # terms proportional to the weight first: where they are out of reach, no unit helps
    terms = [(term, place, held_terms[n]) for n, (term, place) in enumerate(placed_terms(rule))]
    program = _program(rule, scales, terms, choices, k, dt)
    check_program(rule.name, program, profile)
    rows = (
        *trace_rows(rule, where, scales.slots, scales.impulses, dt),
        *(
            term_row(where, term, held, scales.per_held(rule, term, place), TAG if bits or place == TAG else "weight")
            for term, place, held in terms
        ),
        form_row(where, choices.form, program, bits, used, scales.weight_unit),
        *epoch_rows(where, choices.t_epoch),
    )
    return HeldRule(program, scales.weight_unit, rows, bits)


def _check_form(rule: LearningRule, choices: RuleChoices) -> None:
    if choices.form != "direct" and rule.tag:
        raise RuleError(f"rule {rule.name!r} uses the tag itself, so it cannot carry; use the direct form")
    if choices.form == "exact" and idle_trace(trace_slots(rule)) is None:
        raise RuleError(f"rule {rule.name!r} uses all five traces, and exact carry needs an idle one; use the sgn form")


def _pair_change(rule: LearningRule, weight_unit: float) -> float:
    """The most weight units by which one term moves a synapse when each trace holds one spike, weights full."""
    changes = [0.0]
    for term in rule.weight:
        change = abs(term.coefficient) / weight_unit
        for factor in term.factors:
            change *= (
                WEIGHT_RANGE * weight_unit
                if factor == WEIGHT
                else rule.traces[factor].impulse
                if factor != TAG
                else 1.0
            )
        changes.append(change)
    return max(changes)


def _hold_term(rule: LearningRule, term: Term, place: str, scales: Scales, form: CarryForm) -> Held:
    wanted = term.coefficient / scales.per_held(rule, term, place)
    try:
        return hold_coefficient(wanted, dependency(term), factors(term, scales.slots), scales.idle)
    except RuleError as error:
        if "round to no change" in str(error):  # a term proportional to the weight does not depend on its unit
            remedy = (
                "a carry form (exact or sgn), or a larger coefficient" if form == "direct" else "a larger coefficient"
            )
        elif "largest" in str(error):
            remedy = "a smaller learning rate, or a larger weight_limit"
        elif form == "direct":
            remedy = "a carry form (exact or sgn), a smaller weight_limit, or a larger learning rate"
        else:
            remedy = "a smaller weight_limit, or a larger learning rate"
        raise ConversionRefused(f"rule {rule.name!r}, term {words(term)}: {error}; use {remedy}") from None


def _program(
    rule: LearningRule,
    scales: Scales,
    terms: list[tuple[Term, str, Held]],
    choices: RuleChoices,
    k: int,
    dt: float,
) -> Program:
    weight = tuple(p for _, place, held in terms if place == WEIGHT for p in held.products)
    tag = tuple(p for _, place, held in terms if place == TAG for p in held.products)
    moved, back = transfer(choices.form, scales.bits, k, scales.idle)
    dw, tag_update = (weight, tag) if choices.form == "direct" else (moved, (*weight, *back))
    traces: dict[str, Any] = {
        slot: Trace(float(scales.impulses[name]), rule.traces[name].tau / dt) for name, slot in scales.slots.items()
    }
    if scales.idle and any(f.variable == scales.idle for p in (*dw, *tag_update) for f in p.factors):
        traces[scales.idle] = Trace(0.0, 0.0)
    return Program(dw=dw, tag_update=tag_update, t_epoch=choices.t_epoch, rng_seed=choices.rng_seed, **traces)
