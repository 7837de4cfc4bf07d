"""What one unit of everything held means for a rule on chip, chosen so that its coefficients are held well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from neuroalign.errors import RuleError
from neuroalign.microcode import Dependency, Factor
from neuroalign.quantise.coefficients import GOOD_ENOUGH, hold_coefficient
from neuroalign.quantise.impulses import choose_impulses, peak
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.third_factor import SLOT, Received
from neuroalign.rule import TAG, WEIGHT, LearningRule, Term

TAG_LIMIT = 255


def trace_slots(rule: LearningRule) -> dict[str, str]:
    """Trace name to the engine's trace: x1, x2 for pre, y1, y2, y3 for post, in the order given."""
    counts = {"pre": 0, "post": 0}
    slots = {}
    for name, trace in rule.traces.items():
        counts[trace.of] += 1
        slots[name] = ("x" if trace.of == "pre" else "y") + str(counts[trace.of])
    return slots


@dataclass(frozen=True)
class Scales:
    """What one unit of everything held means, and which engine trace is whose; ``idle`` is one that no spike drives.

    ``received`` is the third factor as it arrives, where the rule has one.
    """

    slots: Mapping[str, str]
    idle: str | None
    impulses: Mapping[str, int]
    weight_unit: float
    tag_unit: float
    bits: int
    received: Received | None = None

    def factors(self, rule: LearningRule, term: Term) -> tuple[Factor, ...]:
        """A term's factors as the engine names them."""
        return factors(term, self.slots, third_factor(rule, self.received))

    def per_held(self, rule: LearningRule, term: Term, place: str) -> float:
        """What one unit of a term's coefficient on chip means in the model's unit.

        ``change / product of factors``: the change in weight units (carried: 2**-bits of them) or tag units; weights
        in weight units, tags in tag units, traces in counts.
        """
        value = self.weight_unit * 2.0**-self.bits if place == WEIGHT else self.tag_unit
        for factor in term.factors:
            if factor == WEIGHT:
                value /= self.weight_unit
            elif factor == TAG:
                value /= self.tag_unit
            elif rule.modulator is not None and factor == rule.modulator.name:
                value /= self.received.unit if self.received else 1.0
            else:
                value *= self.impulses[factor] / rule.traces[factor].impulse
        return value


def placed_terms(rule: LearningRule) -> list[tuple[Term, str]]:
    """Every term with what it changes: the weight or the tag."""
    return [*((term, WEIGHT) for term in rule.weight), *((term, TAG) for term in rule.tag)]


def idle_trace(rule: LearningRule) -> str | None:
    """An engine trace that no spike and no third factor drives, or None."""
    taken = {*trace_slots(rule).values(), *((SLOT,) if rule.modulator else ())}
    return next((slot for slot in ("y3", "x2", "y2", "x1", "y1") if slot not in taken), None)


def choose_scales(
    rule: LearningRule,
    weight_unit: float,
    bits: int,
    choices: RuleChoices,
    rates: tuple[float, float],
    free_unit: bool,
    received: Received | None = None,
) -> Scales:
    """Impulses and unit with which the coefficients of the trace terms are held to 1 %, or else best."""
    slots = trace_slots(rule)
    found = []
    tag_unit = choices.tag_unit or expected_tag(rule, rates) / TAG_LIMIT
    for divisor in (1, 2, 4):
        impulses = choose_impulses(rule, choices.impulses, rates, divisor)
        scales = Scales(slots, idle_trace(rule), impulses, weight_unit, tag_unit, bits, received)
        if free_unit:
            scales = _aligned(rule, scales)
        error = _worst_error(rule, scales)[0]
        if error <= GOOD_ENOUGH:
            return scales
        found.append((error, divisor, scales))
    return min(found, key=lambda f: f[:2])[2]


def expected_tag(rule: LearningRule, rates: tuple[float, float]) -> float:
    """The largest magnitude to expect of a rule's own tag; 255 where nothing makes the tag decay, so that a unit is 1.

    Every term is taken with the traces' means and their own impulse; the tag then is a trace of its gate's spikes.
    """
    rate = {"pre": rates[0], "post": rates[1], "step": 1.0}
    decay = sum(-t.coefficient * rate[t.gate] for t in rule.tag if t.factors == (TAG,) and t.coefficient < 0)
    if decay <= 0:
        return float(TAG_LIMIT)
    largest = 0.0
    for term in rule.tag:
        if TAG in term.factors or WEIGHT in term.factors:
            continue
        size = abs(term.coefficient)
        for trace in (rule.traces[f] for f in term.factors if f in rule.traces):
            size *= trace.impulse * (1 + trace.tau * rates[trace.of == "post"])
        if rule.modulator is not None and rule.modulator.name in term.factors:
            size *= rule.modulator.largest
        largest += size * (peak(1 / decay, rate[term.gate]) if term.gate != "step" else 1 / decay)
    return largest or float(TAG_LIMIT)


def _aligned(rule: LearningRule, scales: Scales) -> Scales:
    """The same with the unit, grown at most twofold, at which the trace terms are held best, then with fewest products."""
    first = next((t for t in rule.weight if t.coefficient and WEIGHT not in t.factors and t.gate != "step"), None)
    if first is None:
        return scales
    real = abs(first.coefficient / scales.per_held(rule, first, WEIGHT))
    found = []
    for mantissa in range(4, 8):
        for exponent in range(-20, 10):
            factor = real / (mantissa * 2.0**exponent)
            if 1 - 1e-9 <= factor <= 2:
                grown = replace(scales, weight_unit=scales.weight_unit * factor)
                error, products = _worst_error(rule, grown)
                if error < float("inf"):
                    found.append((max(error, GOOD_ENOUGH), products, factor, grown))
    return min(found, key=lambda f: f[:3])[3] if found else scales


def _worst_error(rule: LearningRule, scales: Scales) -> tuple[float, int]:
    """Largest relative error of the terms without weight, and their number of products; inf where one is out of reach."""
    worst, products = 0.0, 0
    for term, place in placed_terms(rule):
        wanted = term.coefficient / scales.per_held(rule, term, place)
        if wanted == 0 or WEIGHT in term.factors or term.gate == "step":
            continue  # what acts in every step is held with the period of the transfers, which is not known here
        try:
            held = hold_coefficient(wanted, dependency(term), scales.factors(rule, term), None)
        except RuleError:
            return float("inf"), products
        worst, products = max(worst, abs(held.coefficient / wanted - 1)), products + len(held.products)
    return worst, products


def dependency(term: Term) -> Dependency:
    """What lets a term act."""
    gates: dict[str, Dependency] = {"pre": "x0", "post": "y0", "step": "u"}
    return gates[term.gate]


def third_factor(rule: LearningRule, received: Received | None) -> dict[str, Factor]:
    """The name of the rule's third factor to the engine's factor; empty without one."""
    if rule.modulator is None:
        return {}
    return {rule.modulator.name: Factor(SLOT, -received.zero if received else 0)}


def factors(term: Term, slots: Mapping[str, str], third: Mapping[str, Factor]) -> tuple[Factor, ...]:
    """A term's factors as the engine names them; ``third`` is :func:`third_factor`'s."""
    own = {WEIGHT: "w", TAG: "t", **slots}
    return tuple(third[f] if f in third else Factor(own[f]) for f in term.factors)
