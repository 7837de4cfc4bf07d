"""Which form, tag bits, period and epoch a rule gets: every possibility is predicted, and the best one is taken.

What counts, as a share of the variance that the rule's own walk has on unrelated spikes::

    score = (walk of rounding + (what the tag holds back)^2 / 100 s) / walk of the rule
          + 4 (worst error of a coefficient)^2 + (error of the decay)^2 / 4
          + (what the tag holds back beyond one unit)^2 / 20 + 10 (share of change lost at the tag's limits, in bursts) + 2 (share of spikes lost in long epochs)

Of possibilities within 0.02 of the best score the one that asks least of a chip is taken: first those that use neither
the product shift nor odd constants; of these direct, then sgn, then stochastic, and of the others direct, exact, sgn.
Of those left, the one with the rarest transfers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from neuroalign.errors import ConversionRefused, RuleError
from neuroalign.microcode import MAX_DECIMATION, MIN_EXPONENT
from neuroalign.quantise.carry import TAG_BITS, AskedForm, CarryForm, Transfer, possible_transfers
from neuroalign.quantise.prediction import Prediction, spike_change, step_change
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_scales import idle_trace
from neuroalign.rule import TAG, WEIGHT, LearningRule, Term

TOLERANCE = 0.02
HORIZON = 100.0
"""Seconds of the rule's own walk that what the tag holds back is compared with."""
ORDER: tuple[CarryForm, ...] = ("direct", "sgn", "exact", "stochastic")
ORDER_LEANING: tuple[CarryForm, ...] = ("direct", "exact", "sgn", "stochastic")
EPOCHS = (1, 2, 4)


@dataclass(frozen=True)
class Candidate:
    """One possibility; ``clocked``: the decay acts at transfers instead of at spikes."""

    transfer: Transfer
    t_epoch: int = 1
    clocked: bool = False


def forms_to_try(rule: LearningRule, choices: RuleChoices) -> tuple[CarryForm, ...]:
    """Forms in the order in which their refusals are worth telling.

    Raises
    ------
    RuleError
        If the form that was asked for cannot exist for this rule.
    """
    asked = choices.form
    all_forms: dict[AskedForm, tuple[CarryForm, ...]] = {
        "auto": ("exact", "sgn", "direct", "stochastic"),
        "carry": ("exact", "sgn", "stochastic"),
        "direct": ("direct",),
        "stochastic": ("stochastic",),
        "sgn": ("sgn",),
        "exact": ("exact",),
    }
    forms = all_forms[asked]
    if asked == "auto" and at_events(rule):
        return ("direct",)  # an event moves many units at once, and transfers one in a step
    if rule.tag:
        if "direct" not in forms:
            raise RuleError(f"rule {rule.name!r} uses the tag itself, so it cannot carry; use the direct form")
        return ("direct",)
    if choices.portable or idle_trace(rule) is None:
        if asked == "exact":
            raise RuleError(
                f"rule {rule.name!r} uses all five traces, and exact carry needs an idle one; use the sgn form"
            )
        forms = tuple(f for f in forms if f != "exact")
    if choices.tag_bits is not None and asked in ("auto", "carry"):
        forms = tuple(f for f in forms if choices.tag_bits in TAG_BITS[f])
    return forms


def candidates(
    rule: LearningRule,
    form: CarryForm,
    choices: RuleChoices,
    rates: tuple[float, float],
    weight_unit: float,
    dt: float,
) -> list[Candidate]:
    """All possibilities of one form.

    Raises
    ------
    ConversionRefused
        If the tag has no room.
    """
    change = max((spike_change(rule, term, weight_unit) for term in rule.weight), default=0.0)
    decay = decay_term(rule)
    epochs = EPOCHS if choices.t_epoch is None else (choices.t_epoch,)
    found: list[Candidate] = []
    if form == "direct" and acts_in_steps(rule):
        if at_events(rule) and choices.k is None and choices.t_epoch is None:
            return [Candidate(Transfer(form, k=0), 1)]
        periods = _periods(rule, dt * epochs[0]) if choices.k is None else (choices.k,)
        return [Candidate(Transfer(form, k=k), epochs[0]) for k in periods]
    for t_epoch in epochs:
        spikes, steadily = max(rates) * dt * t_epoch, step_change(rule, weight_unit) * dt * t_epoch
        try:
            possible = possible_transfers(
                form, change, spikes, choices.tag_bits, choices.k, rule.name, steadily=steadily
            )
        except ConversionRefused:
            if t_epoch == epochs[0]:
                raise
            break
        if t_epoch == epochs[0] or form == "stochastic":
            steady = acts_in_steps(rule)
            found += [Candidate(t, t_epoch) for one in possible for t in _shorter(one, choices.k, steady)]
        if form == "direct":
            break
        if decay is not None:
            longer = possible_transfers(
                form, change, spikes, choices.tag_bits, choices.k, rule.name, MAX_DECIMATION, steadily
            )
            found += [
                Candidate(t, t_epoch, clocked=True)
                for one in longer
                for t in _clocked(decay, one, rates, t_epoch * dt, choices.k)
            ]
    return found


def _shorter(transfer: Transfer, k: int | None, steady: bool) -> list[Transfer]:
    """Also shorter periods for the sgn form, which moves one unit at a time, and for terms that act with the transfers."""
    if k is not None or not (steady or transfer.form == "sgn"):
        return [transfer]
    return [replace(transfer, k=period) for period in range(transfer.k, -1, -2)]


def _periods(rule: LearningRule, epoch: float) -> Sequence[int]:
    """Every k with which no decay in every step takes more than half at once: more than all of it would swing."""
    own = [(rule.weight, (WEIGHT,)), (rule.tag, (TAG,))]
    decays = [-t.coefficient for terms, alone in own for t in terms if t.gate == "step" and t.factors == alone]
    fastest = max(decays, default=0.0) * epoch
    return [k for k in range(MAX_DECIMATION + 1) if k == 0 or fastest * 2**k <= 0.5]


def at_events(rule: LearningRule) -> bool:
    """Whether terms of every step wait for a third factor that is there in single steps."""
    return rule.modulator is not None and rule.modulator.events and acts_in_steps(rule)


def acts_in_steps(rule: LearningRule) -> bool:
    """Whether some term acts in every step: on chip every 2**k epochs, for all of them at once."""
    return any(t.gate == "step" for t in (*rule.weight, *rule.tag))


def decay_term(rule: LearningRule) -> Term | None:
    """The term by which weights decay at spikes, where there is exactly one."""
    found = [t for t in rule.weight if t.factors == (WEIGHT,) and t.coefficient < 0 and t.gate != "step"]
    return found[0] if len(found) == 1 and not any(TAG in t.factors for t in rule.weight) else None


def per_transfer(term: Term, rates: tuple[float, float], k: int, epoch: float) -> float:
    """How often the term's spike is expected between two transfers; ``epoch`` in s."""
    return rates[term.gate == "post"] * epoch * 2.0**k


def _clocked(decay: Term, longest: Transfer, rates: tuple[float, float], epoch: float, k: int | None) -> list[Transfer]:
    """Transfers with whose periods a clocked decay can be held: at least half of the smallest coefficient.

    The decay is ``c 2**m`` tag units per weight unit and spike; a transfer takes away as much as is expected of its
    spikes.
    """
    possible = [k] if k is not None else range(longest.k, -1, -1)
    least = 0.5 * 2.0**MIN_EXPONENT
    size = -decay.coefficient * 2.0**longest.bits
    return [replace(longest, k=p) for p in possible if size * per_transfer(decay, rates, p, epoch) >= least]


def score(predicted: Prediction | None, coefficient_error: float, decay_error: float, spikes_per_epoch: float) -> float:
    """How far a program is expected to be from its rule; see the module. Without a prediction its constants count."""
    missed = 1 + math.expm1(-spikes_per_epoch) / spikes_per_epoch if spikes_per_epoch > 0 else 0.0
    constants = 4 * coefficient_error**2 + 0.25 * decay_error**2 + 2 * missed
    if predicted is None:
        return constants
    walk = 0.0
    if predicted.own > 0:
        walk = predicted.excess + predicted.hidden**2 / (predicted.own * HORIZON)
    walk += 0.05 * max(0.0, predicted.hidden - 1) ** 2
    return walk + constants + 10 * predicted.lost_in_bursts


def best(scores: Sequence[tuple[float, CarryForm, bool, int]]) -> int:
    """Index of the possibility to take; each is (score, form, leans on the product shift, steps between transfers)."""
    least = min(s for s, *_ in scores)
    close = [n for n, (s, *_) in enumerate(scores) if s <= least + TOLERANCE]

    def asks(n: int) -> tuple[bool, int, int, float]:
        value, form, leans, period = scores[n]
        return leans, (ORDER_LEANING if leans else ORDER).index(form), -period, value

    return min(close, key=asks)
