"""A rule as a chip holds it: the Program for one form of carrying, its conversion rows, and the score of that form."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from neuroalign.conversion import ConversionRow
from neuroalign.errors import ConversionRefused, RuleError
from neuroalign.microcode import Product, Program, Trace, nearest_coefficient
from neuroalign.profile import Profile
from neuroalign.quantise.carry import CarryForm, transfer
from neuroalign.quantise.carry_pass import (
    Candidate,
    acts_in_steps,
    decay_term,
    per_transfer,
    score,
)
from neuroalign.quantise.coefficients import Held, hold_coefficient
from neuroalign.quantise.engine import check_program
from neuroalign.quantise.impulses import RATE_HZ
from neuroalign.quantise.prediction import Prediction, predict
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_rows import (
    epoch_rows,
    form_row,
    prediction_rows,
    term_row,
    third_factor_rows,
    trace_rows,
    words,
)
from neuroalign.quantise.rule_scales import (
    Scales,
    choose_scales,
    dependency,
    placed_terms,
)
from neuroalign.quantise.third_factor import SLOT, Received
from neuroalign.rule import TAG, WEIGHT, LearningRule, Term


@dataclass(frozen=True)
class HeldRule:
    """A Program, the unit of its weights in the model's unit, and the rows of its constants.

    A carried weight unit is ``2**tag_bits`` tag units; 0 in the direct form. ``prediction`` is None in floats, and for a
    rule with a tag of its own, one unit of which means ``tag_unit``. ``third`` is how the third factor arrives.
    """

    program: Program
    weight_unit: float
    rows: tuple[ConversionRow, ...] = field(default=())
    tag_bits: int = 0
    form: CarryForm = "direct"
    prediction: Prediction | None = None
    third: Received | None = None
    tag_unit: float = 1.0


SAMPLED = 0.03
"""Score for every doubling of the time between two steps in which terms without a spike act, where the walk that this
makes is not predicted: rarer ones see less."""


@dataclass
class RuleConversion:
    """One rule on its way to a chip; scales are found once for each form and number of tag bits."""

    rule: LearningRule
    where: str
    profile: Profile
    dt: float
    weight_unit: float
    choices: RuleChoices
    free_unit: bool
    third: Received | None = None
    _scales: dict[int, Scales] = field(default_factory=dict)

    @property
    def rates(self) -> tuple[float, float]:
        """Of pre and post, in Hz."""
        return self.choices.rates or self.rule.rates or (RATE_HZ, RATE_HZ)

    def held(self, candidate: Candidate) -> tuple[float, HeldRule]:
        """The rule as the candidate has it, with its score."""
        rule, moved = self.rule, candidate.transfer
        scales = self._scaled(moved.bits)
        wanted = placed_terms(rule)
        # terms proportional to the weight first: where they are out of reach, no unit helps
        order = sorted(range(len(wanted)), key=lambda n: set(wanted[n][0].factors) != {WEIGHT})
        held_terms = {n: self._term(*wanted[n], scales, candidate) for n in order}
        terms = [(term, place, held_terms[n]) for n, (term, place) in enumerate(wanted)]
        program = _program(rule, scales, terms, self.choices.rng_seed, candidate, self.dt)
        if self.choices.portable and any(p.shift for p in program.products):
            raise ConversionRefused(
                f"rule {rule.name!r} leans on the product shift of Lava's engine, and a portable program was asked for; "
                "use fewer factors a term, or leave portable out"
            )
        check_program(rule.name, program, self.profile)
        predicted = None
        if not rule.tag:  # what its own tag does to the weight depends on what the spikes have to do with each other
            predicted = predict(program, moved.bits, rule, scales.weight_unit, self.rates, self.dt, self.third)
        rows = (
            *trace_rows(rule, self.where, scales.slots, scales.impulses, self.rates, self.dt),
            *third_factor_rows(rule, self.where, self.third),
            *(
                term_row(
                    self.where,
                    t,
                    held,
                    scales.per_held(rule, t, place) / self._seconds(t, candidate),
                    TAG if moved.bits or place == TAG else "weight",
                )
                for t, place, held in terms
            ),
            form_row(self.where, program, moved, scales.weight_unit),
            *(prediction_rows(self.where, predicted) if predicted else ()),
            *epoch_rows(self.where, candidate.t_epoch),
        )
        held = HeldRule(
            program, scales.weight_unit, rows, moved.bits, moved.form, predicted, self.third, scales.tag_unit
        )
        return self._score(held, terms, scales, candidate), held

    def _scaled(self, bits: int) -> Scales:
        if bits not in self._scales:
            self._scales[bits] = choose_scales(
                self.rule, self.weight_unit, bits, self.choices, self.rates, self.free_unit, self.third
            )
        return self._scales[bits]

    def _seconds(self, term: Term, candidate: Candidate) -> float:
        """Seconds that a term without a spike stands for whenever it acts; 1 for others."""
        if term.gate != "step":
            return 1.0
        return self.dt * candidate.t_epoch * 2.0**candidate.transfer.k

    def _term(self, term: Term, place: str, scales: Scales, candidate: Candidate) -> Held:
        if candidate.clocked and term == decay_term(self.rule):
            times = per_transfer(term, self.rates, candidate.transfer.k, candidate.t_epoch * self.dt)
            mantissa, exponent = nearest_coefficient(term.coefficient / scales.per_held(self.rule, term, place) * times)
            product = Product("u", mantissa, exponent, scales.factors(self.rule, term), candidate.transfer.k)
            return Held((product,), product.coefficient / times, clocked=1 / times)
        usable = replace(scales, idle=None) if self.choices.portable else scales
        if term.gate != "step":
            return _hold_term(self.rule, term, place, usable, candidate.transfer.form)
        k, seconds = candidate.transfer.k, self._seconds(term, candidate)
        spiked = replace(term, coefficient=term.coefficient * seconds, gate="pre")  # held alike, whatever lets it act
        held = _hold_term(self.rule, spiked, place, usable, candidate.transfer.form)
        products = tuple(replace(p, dependency="u", k=k) for p in held.products)
        return replace(held, products=products, clocked=float(2**k * candidate.t_epoch))

    def _score(
        self, held: HeldRule, terms: list[tuple[Term, str, Held]], scales: Scales, candidate: Candidate
    ) -> float:
        worst = {True: 0.0, False: 0.0}
        for term, place, products in terms:
            if term.coefficient:
                per_held = scales.per_held(self.rule, term, place) / self._seconds(term, candidate)
                error = abs(products.coefficient * per_held / term.coefficient - 1)
                decays = term.factors == (WEIGHT,)
                worst[decays] = max(worst[decays], error)
        spikes = max(self.rates) * self.dt * (candidate.t_epoch if candidate.t_epoch > 1 else 0)
        unknown = acts_in_steps(self.rule) and not (held.prediction and held.prediction.own > 0)
        sampled = SAMPLED * candidate.transfer.k if unknown else 0.0
        return sampled + score(held.prediction, worst[False], worst[True], spikes)


def _hold_term(rule: LearningRule, term: Term, place: str, scales: Scales, form: CarryForm) -> Held:
    wanted = term.coefficient / scales.per_held(rule, term, place)
    try:
        return hold_coefficient(wanted, dependency(term), scales.factors(rule, term), scales.idle)
    except RuleError as error:
        if "round to no change" in str(error):  # a term proportional to the weight does not depend on its unit
            remedy = "a carry form, or a larger coefficient" if form == "direct" else "a larger coefficient"
        elif "largest" in str(error):
            remedy = "a smaller learning rate, or a larger weight_limit"
        elif form == "direct":
            remedy = "a carry form, a smaller weight limit (--weight-limit), or a larger learning rate"
        else:
            remedy = "a smaller weight limit (--weight-limit), or a larger learning rate"
        raise ConversionRefused(f"rule {rule.name!r}, term {words(term)}: {error}; use {remedy}") from None


def _program(
    rule: LearningRule,
    scales: Scales,
    terms: list[tuple[Term, str, Held]],
    rng_seed: int,
    candidate: Candidate,
    dt: float,
) -> Program:
    form, bits, k = candidate.transfer.form, candidate.transfer.bits, candidate.transfer.k
    weight = tuple(p for _, place, held in terms if place == WEIGHT for p in held.products)
    tag = tuple(p for _, place, held in terms if place == TAG for p in held.products)
    moved, back = transfer(form, bits, k, scales.idle)
    dw, tag_update = (weight, tag) if form == "direct" else (moved, (*weight, *back))
    traces: dict[str, Any] = {
        slot: Trace(float(scales.impulses[name]), rule.traces[name].tau / dt) for name, slot in scales.slots.items()
    }
    if scales.idle and any(f.variable == scales.idle for p in (*dw, *tag_update) for f in p.factors):
        traces[scales.idle] = Trace(0.0, 0.0)
    if rule.modulator is not None:
        traces[SLOT] = Trace(0.0, 0.0)
    return Program(dw=dw, tag_update=tag_update, t_epoch=candidate.t_epoch, rng_seed=rng_seed, **traces)
