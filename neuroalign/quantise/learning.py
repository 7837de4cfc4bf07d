"""A learning rule to the Program of a learning engine: traces, coefficients, and how sub-LSB changes are carried.

A weight of 8 bits moves by whole units, while a rule moves it by thousandths. Three forms:

``direct``
    The terms act on the weight; what is below one unit exists only through stochastic rounding.
``exact``
    The terms act on the tag, whose unit is ``2**-m`` of the weight's. Every ``2**k`` epochs whole weight units move from
    tag to weight by floor division, made from the engine's uncompensated product shift: nothing is drawn, the
    remainder stays. It leans on that shift and on odd constants, so it is a form for Lava's engine.
``sgn``
    As exact, but one unit at a time, when ``abs(tag)`` exceeds a threshold with hysteresis. It uses no shift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from neuroalign.conversion import ConversionRow
from neuroalign.errors import ConversionRefused, RuleError
from neuroalign.microcode import Dependency, Factor, Product, Program, Trace, nearest_coefficient
from neuroalign.profile import Profile
from neuroalign.quantise.coefficients import Held, hold_coefficient
from neuroalign.quantise.rows import array_row, note_row
from neuroalign.rule import TAG, WEIGHT, LearningRule, RuleTrace, Term

CarryForm = Literal["direct", "exact", "sgn"]

EXACT_FACTORS: Mapping[int, tuple[int, ...]] = {5: (1,), 6: (8, 8), 7: (8, 4), 8: (4, 4)}
"""Tag bits m to the constants beside the idle trace with which the product shift becomes a division by 2**m."""
SGN_THRESHOLD, SGN_TAG_BITS = 112, 7
"""Hysteresis: a unit of 128 tag units moves when the tag exceeds 112, so that it does not move back at once."""
RATE_HZ = 30.0
"""Assumed rate of an active neuron, for choosing impulses that do not saturate their trace."""
TRACE_MAX = 127


@dataclass(frozen=True)
class RuleChoices:
    """How a rule is put on chip.

    Parameters
    ----------
    form
        "direct", "exact" or "sgn".
    tag_bits
        ``m``; None takes 8 for exact and 7 for sgn.
    k
        Transfer every ``2**k`` epochs.
    t_epoch : steps
        Length of a learning epoch.
    weight_limit
        Largest magnitude that weights are expected to reach, in the model's unit; it sets the unit of weights that
        drive nothing. None takes the largest initial weight.
    impulses
        Trace name to impulse; None chooses powers of two by an assumed rate.
    rng_seed
        Seed of the trace rounding streams.
    """

    form: CarryForm = "direct"
    tag_bits: int | None = None
    k: int = 6
    t_epoch: int = 1
    weight_limit: float | None = None
    impulses: Mapping[str, int] | None = None
    rng_seed: int = 0

    def __post_init__(self) -> None:
        if self.form not in ("direct", "exact", "sgn"):
            raise RuleError(f"carry form {self.form!r} is unknown; one of direct, exact, sgn")
        if self.form == "exact" and self.bits not in EXACT_FACTORS:
            raise RuleError(f"exact carry has {self.bits} tag bits; it exists for {', '.join(map(str, EXACT_FACTORS))}")
        if self.form == "sgn" and self.bits != SGN_TAG_BITS:
            raise RuleError(
                f"sgn carry has {self.bits} tag bits; with other than {SGN_TAG_BITS} it chatters or saturates the tag"
            )

    @property
    def bits(self) -> int:
        """Tag bits below one weight unit; 0 in the direct form."""
        if self.form == "direct":
            return 0
        return self.tag_bits if self.tag_bits is not None else {"exact": 8, "sgn": SGN_TAG_BITS}[self.form]


@dataclass(frozen=True)
class HeldRule:
    """A Program, the unit of its weights in the model's unit, and the rows of its constants."""

    program: Program
    weight_unit: float
    rows: tuple[ConversionRow, ...] = field(default=())


def float_program(rule: LearningRule, dt: float, weight_unit: float = 1.0) -> Program:
    """The rule with real coefficients, for Float64: traces decay by ``exp(-dt/tau)``, every step is an epoch."""
    slots = trace_slots(rule)
    traces: dict[str, Any] = {
        slot: Trace(rule.traces[name].impulse, rule.traces[name].tau / dt) for name, slot in slots.items()
    }

    def product(term: Term) -> Product:
        own = sum(1 for f in term.factors if f == WEIGHT)
        target = 1 if term in rule.weight else 0
        coefficient = term.coefficient * weight_unit ** (own - target)
        return Product(_gate(term), float(coefficient), 0, _factors(term, slots))

    return Program(dw=tuple(map(product, rule.weight)), tag_update=tuple(map(product, rule.tag)), **traces)


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
    weight_unit
        What one unit of the held weight means in the model's unit.
    free_unit
        Whether that unit may be moved a little, so that coefficients with a common factor are held exactly.

    Raises
    ------
    ConversionRefused
        If the profile has no learning engine that can hold it.
    RuleError
        If a coefficient is out of reach; the message names the remedy.
    """
    _check_engine(rule, profile, choices)
    slots = trace_slots(rule)
    impulses = {name: _impulse(name, trace, choices) for name, trace in rule.traces.items()}
    idle = _idle_trace(slots)
    if free_unit:
        weight_unit = _aligned_unit(rule, impulses, weight_unit, choices.bits)
    held = [
        (term, _hold_term(rule, term, slots, impulses, idle, weight_unit, choices.bits))
        for term in (*rule.weight, *rule.tag)
    ]
    learnt = tuple(p for term, h in held if term in rule.weight for p in h.products)
    kept = tuple(p for term, h in held if term not in rule.weight for p in h.products)
    traces: dict[str, Any] = {
        slot: Trace(float(impulses[name]), rule.traces[name].tau / dt) for name, slot in slots.items()
    }
    used = {f.variable for p in (*learnt, *kept) for f in p.factors}
    if idle and (idle in used or choices.form == "exact"):
        traces[idle] = Trace(0.0, 0.0)
    dw, tag = _carry(learnt, kept, choices, idle)
    program = Program(dw=dw, tag_update=tag, t_epoch=choices.t_epoch, rng_seed=choices.rng_seed, **traces)
    rows = (
        *_trace_rows(rule, where, slots, impulses, dt),
        *(_term_row(where, term, h, slots, impulses, rule, weight_unit, choices) for term, h in held),
        _form_row(where, choices, weight_unit),
    )
    return HeldRule(program, weight_unit, rows)


def trace_slots(rule: LearningRule) -> dict[str, str]:
    """Trace name to the engine's trace: x1, x2 for pre, y1, y2, y3 for post, in the order given."""
    counts = {"pre": 0, "post": 0}
    slots = {}
    for name, trace in rule.traces.items():
        counts[trace.of] += 1
        slots[name] = ("x" if trace.of == "pre" else "y") + str(counts[trace.of])
    return slots


def _check_engine(rule: LearningRule, profile: Profile, choices: RuleChoices) -> None:
    learning = profile.learning
    if learning is None or not learning.supported:
        raise ConversionRefused(
            f"profile {profile.id!r} has no learning engine; rule {rule.name!r} needs one (loihi1, loihi2 and cpu have it)"
        )
    if learning.epoch and not learning.epoch.min <= choices.t_epoch <= learning.epoch.max:
        raise ConversionRefused(
            f"rule {rule.name!r}: t_epoch {choices.t_epoch}; profile {profile.id!r} takes {learning.epoch.min}..{learning.epoch.max} steps"
        )
    if (
        choices.form != "direct"
        and learning.decimation
        and not learning.decimation.min <= choices.k <= learning.decimation.max
    ):
        raise ConversionRefused(
            f"rule {rule.name!r}: k = {choices.k}; profile {profile.id!r} takes {learning.decimation.min}..{learning.decimation.max}; "
            "a longer t_epoch gives longer periods"
        )
    if choices.form != "direct" and rule.tag:
        raise RuleError(f"rule {rule.name!r} uses the tag itself, so it cannot carry; use the direct form")
    if choices.form == "exact" and _idle_trace(trace_slots(rule)) is None:
        raise RuleError(f"rule {rule.name!r} uses all five traces, and exact carry needs an idle one; use the sgn form")


def _impulse(name: str, trace: RuleTrace, choices: RuleChoices) -> int:
    """A power of two that leaves room for the spikes that overlap at the assumed rate, three deviations included."""
    if choices.impulses and name in choices.impulses:
        given = choices.impulses[name]
        if not 1 <= given <= TRACE_MAX:
            raise RuleError(f"trace {name!r}: impulse {given}; a 7-bit trace takes 1..{TRACE_MAX}")
        return given
    mean = RATE_HZ * trace.tau
    peak = 1 + mean + 3 * np.sqrt(mean / 2)
    return int(2 ** np.floor(np.log2(max(TRACE_MAX / peak, 1))))


def _idle_trace(slots: Mapping[str, str]) -> str | None:
    return next((slot for slot in ("y3", "x2", "y2", "x1", "y1") if slot not in slots.values()), None)


def _gate(term: Term) -> Dependency:
    return "x0" if term.gate == "pre" else "y0"


def _factors(term: Term, slots: Mapping[str, str]) -> tuple[Factor, ...]:
    return tuple(Factor({WEIGHT: "w", TAG: "t"}.get(f) or slots[f]) for f in term.factors)


def _real_coefficient(
    rule: LearningRule, term: Term, impulses: Mapping[str, int], weight_unit: float, bits: int
) -> float:
    """What a term's coefficient is in held units: weights in ``weight_unit``, traces in counts, carried changes in tag units."""
    value = term.coefficient
    for factor in term.factors:
        if factor == WEIGHT:
            value *= weight_unit
        elif factor != TAG:
            value *= rule.traces[factor].impulse / impulses[factor]
    return value / weight_unit * 2.0**bits if term in rule.weight else value


def _aligned_unit(rule: LearningRule, impulses: Mapping[str, int], unit: float, bits: int) -> float:
    """The unit within a factor of sqrt(2) at which the coefficients of the trace terms are held best together."""
    plain = [t for t in rule.weight if WEIGHT not in t.factors]
    if not plain:
        return unit
    real = [abs(_real_coefficient(rule, t, impulses, unit, bits)) for t in plain]
    best = (np.inf, np.inf, unit)
    for mantissa in range(1, 8):
        for exponent in range(-7, 9):
            factor = real[0] / (mantissa * 2.0**exponent)
            if not 2**-0.5 <= factor <= 2**0.5:
                continue
            scaled = [r / factor for r in real]
            errors = [abs(_nearest(s) / s - 1) for s in scaled]
            best = min(best, (round(float(max(errors)), 9), abs(np.log2(factor)), unit * factor))
    return float(best[2])


def _nearest(value: float) -> float:
    mantissa, exponent = nearest_coefficient(value)
    return mantissa * 2.0**exponent


def _hold_term(
    rule: LearningRule,
    term: Term,
    slots: Mapping[str, str],
    impulses: Mapping[str, int],
    idle: str | None,
    weight_unit: float,
    bits: int,
) -> Held:
    value = _real_coefficient(rule, term, impulses, weight_unit, bits)
    if value == 0:
        return Held((), 0.0)
    try:
        return hold_coefficient(value, _gate(term), _factors(term, slots), idle if WEIGHT in term.factors else None)
    except RuleError as error:
        raise RuleError(f"rule {rule.name!r}, term {_words(term)}: {error}") from None


def _carry(
    learnt: tuple[Product, ...], kept: tuple[Product, ...], choices: RuleChoices, idle: str | None
) -> tuple[tuple[Product, ...], tuple[Product, ...]]:
    """Products of dw and of the tag."""
    if choices.form == "direct":
        return learnt, kept
    m, k = choices.bits, choices.k
    if choices.form == "sgn":
        dw = tuple(Product("u", 1, -1, (Factor("t", h, sign=True),), k) for h in (-SGN_THRESHOLD, SGN_THRESHOLD))
        back = tuple(Product("u", -1, m - 1, (Factor("t", h, sign=True),), k) for h in (-SGN_THRESHOLD, SGN_THRESHOLD))
        return dw, (*learnt, *back)
    divide = tuple(Factor(str(idle), c) for c in EXACT_FACTORS[m])
    half = 2 ** (m - 1)
    # The mantissa -1 is multiplied before the floor, so the constant is one more than the negated one would be.
    return (
        (Product("u", 1, 0, (Factor("t", half), *divide), k),),
        (*learnt, Product("u", -1, m, (Factor("t", 1 - half), *divide), k)),
    )


def _words(term: Term) -> str:
    return " ".join([f"{term.coefficient:.4g}", f"[{term.gate} spike]", *term.factors])


def _trace_rows(
    rule: LearningRule, where: str, slots: Mapping[str, str], impulses: Mapping[str, int], dt: float
) -> tuple[ConversionRow, ...]:
    rows = []
    for name, slot in slots.items():
        trace = rule.traces[name]
        overlap = TRACE_MAX / impulses[name]
        note = f"{slot}: impulse {impulses[name]} stands for {trace.impulse:g}, tau {trace.tau / dt:g} steps; saturates at {overlap:.3g} overlapping spikes"
        rows.append(note_row(where, f"trace {name}", note, "rounded"))
    return tuple(rows)


def _term_row(
    where: str,
    term: Term,
    held: Held,
    slots: Mapping[str, str],
    impulses: Mapping[str, int],
    rule: LearningRule,
    weight_unit: float,
    choices: RuleChoices,
) -> ConversionRow:
    real = _real_coefficient(rule, term, impulses, weight_unit, choices.bits)
    scale = term.coefficient / real if real else 0.0
    stored = np.array([" + ".join(f"{p.mantissa}*2^{p.exponent}" for p in held.products)], dtype=object)
    place = "tag" if choices.bits and term in rule.weight else "weight"
    note = f"on the {place}; {len(held.products)} product(s)"
    if any(f.constant for p in held.products for f in p.factors):
        note += "; below 2^-7, so a constant on an idle trace and the product shift divide it, rounding down"
    return array_row(
        where,
        f"term {_words(term)}",
        np.array([term.coefficient]),
        stored,
        np.array([held.coefficient * scale]),
        "",
        note,
    )


def _form_row(where: str, choices: RuleChoices, weight_unit: float) -> ConversionRow:
    unit = f"one weight unit is {weight_unit:.4g} of the model's"
    if choices.form == "direct":
        return note_row(
            where, "carry", f"direct: {unit}; smaller changes exist through stochastic rounding only", "rounded"
        )
    period = f"transferred every {2**choices.k * choices.t_epoch} steps"
    if choices.form == "exact":
        text = f"exact, m = {choices.bits}: tag and weight form one number of {8 + choices.bits} bits; {unit}; {period}; leans on Lava's product shift and odd constants"
    else:
        text = f"sgn, m = {choices.bits}: one unit moves when abs(tag) > {SGN_THRESHOLD}; {unit}; {period}; uses no product shift"
    return note_row(where, "carry", text, "substituted")
