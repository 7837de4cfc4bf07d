"""A rule on a chip in plain words: what its program does, what it loses and why, for who has never seen a learning engine."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from neuroalign.quantise.prediction import spike_change, step_change

if TYPE_CHECKING:
    from neuroalign.deployment.learning import FormRun, RuleCheck
    from neuroalign.quantise.rule_sheet import RuleSheet

GOOD, FAIR = 0.95, 0.8
"""Correlation with the float weights from which the chip is said to learn the same, and something similar."""
Learned = Literal["same", "similar", "other", "no verdict"]
SAID = {"same": "the same weights as", "similar": "similar weights to", "other": "other weights than"}
LOST = 0.02
"""Share of all change that the tag's limits may take before a word is said."""
ALIKE = 1.4
"""How many times the smallest deviation another form may have and still be called as good."""
LEGEND = (
    "r: correlation of all weights with the reference's; signs: share of equal signs; angle: between the two sets of weights; "
    "RMS: typical difference of a weight; of range: that over the reference's largest; clipped: share of weights at an end of the chip's range"
)
WHAT_ENGINES_DO = (
    "the program (microcode) is a sum of products: x0, y0 are 1 at a spike of pre, post, x1.. and y1.. are traces of them, w the weight, "
    "t the tag, a second number of each synapse; dw and dt are added to w and t, 2^-3 is 1/8"
)


def sheet_words(sheet: RuleSheet) -> list[str]:
    """What the program does with the rule, a sentence a line; nothing where no integers are held."""
    held = sheet.held
    if held is None or not all(p.is_microcode for p in held.program.products):
        return []
    rule, unit = sheet.rule, held.weight_unit
    lines = [
        WHAT_ENGINES_DO,
        f"a weight is a whole number of units of {unit:.3g}, from {-256 * unit:.3g} to {255 * unit:.3g}",
    ]
    pair = max((spike_change(rule, term, unit) for term in rule.weight), default=0.0)
    steady = step_change(rule, unit)
    if pair > 0 and not rule.tag:
        lines.append(f"a spike that meets one other spike moves a weight by at most {pair:.3g} of these units")
    elif steady > 0 and not rule.tag:
        lines.append(f"traces of one spike each move a weight by at most {steady:.3g} of these units a second")
    lines.append(_kept(sheet))
    return lines + _predicted(sheet)


def _kept(sheet: RuleSheet) -> str:
    held = sheet.held
    if held is None:
        return ""
    if sheet.rule.tag:
        return "the tag is the rule's own (an eligibility, say), so changes below one unit happen by chance: rounded up or down with a draw"
    if held.form == "direct":
        return (
            "changes below one unit happen by chance: a tenth of a unit becomes a whole one in a tenth of the cases (direct form; "
            "--form carry keeps them instead)"
        )
    steps = 2 ** (held.program.k or 0) * held.program.t_epoch
    rest = "thrown away" if held.form == "stochastic" else "kept"
    return (
        f"small changes gather in the tag, in {2**held.tag_bits}ths of a unit; every {steps} step(s) (an epoch is {held.program.t_epoch}) whole "
        f"units move to the weight, and the rest is {rest} ({held.form} form, the best that was predicted unless asked for)"
    )


def _predicted(sheet: RuleSheet) -> list[str]:
    predicted = sheet.held.prediction if sheet.held else None
    if predicted is None or predicted.own <= 0:
        return []
    share = math.sqrt(predicted.excess)
    word = "little beside" if share < 0.2 else "less than" if share < 1 else "more than"
    pre, post = predicted.rates
    line = (
        f"expected: rounding spreads a weight {share:.2g} times as far as unrelated spikes at {pre:g} and {post:g} Hz do by the rule itself: "
        f"{word} what the rule does by chance"
    )
    if predicted.lost_in_bursts > LOST:
        line += f"; in bursts of twice these rates the tag is full too soon and loses {predicted.lost_in_bursts:.0%} of all change"
    return [line]


def rule_outcome(check: RuleCheck) -> Learned:
    """Whether the chip learns what the float model learns; "no verdict" where no weight of it ever changed."""
    last, moved = check.question.last, _moved(check)
    if moved == 0:
        return "no verdict"
    close = 1 - last.rms / moved if last.r is None else last.r
    return "same" if close >= GOOD else "similar" if close >= FAIR else "other"


def _moved(check: RuleCheck) -> float:
    return float(abs(check.runs[0].weights[-1] - check.start).max())


def check_words(check: RuleCheck) -> list[str]:
    """The verdict: does the chip learn the same, what is lost, why, and what other forms give."""
    question, profile = check.question, check.sheet.profile_id
    r, rms, unit = question.last.r, question.last.rms, question.unit
    seconds = check.steps * check.sheet.dt
    moved, outcome = _moved(check), rule_outcome(check)
    if outcome == "no verdict":
        return [
            f"Verdict: no verdict, since no weight of {question.reference} ever changed in {seconds:g} s; run more --steps, or begin "
            "elsewhere with --start"
        ]
    size = f"a weight is off by {rms:.3g}" + (f" ({rms / unit:.3g} of the chip's steps of {unit:.3g})" if unit else "")
    correlation = f"{rms / moved:.1%} of the largest change" if r is None else f"r = {r:.3f}"
    lines = [f"Verdict: {profile} learns {SAID[outcome]} the float model in {seconds:g} s ({correlation}); {size}"]
    if question.unit:
        lines += _why(check)
    if any(not f.refusal for f in check.forms):
        lines.append(_best_form(check.forms, check.sheet.form))
    return lines


def _why(check: RuleCheck) -> list[str]:
    question, (constants, rounding) = check.question, check.shares
    if constants.rms > rounding.rms:
        return [
            f"mostly because of coefficients, which the chip holds coarsely (RMS {constants.rms:.3g}): see the rows 'term' of rule show"
        ]
    parts = ["mostly because of rounding and limits"]
    if _tag_ran_full(check):
        parts.append(
            "the tag ran full in bursts, so that the largest changes were cut: a larger --weight-limit gives it room"
        )
    if question.last.candidate_clipped:
        parts.append("weights reached the end of their range: a larger --weight-limit gives them room")
    if question.last.largest < 10 * question.unit:
        parts.append("the weights of this run are a few steps of the chip only: run more --steps, or --fit")
    more = "" if check.ablation else " (--ablate says which step costs how much)"
    return ["; ".join(parts) + more]


def _tag_ran_full(check: RuleCheck) -> bool:
    """Whether its limits took more than a trifle; the exact form also counts harmless cases, so its prediction is asked."""
    held = check.sheet.held
    if held is not None and held.form == "exact":
        return held.prediction is not None and held.prediction.lost_in_bursts > LOST
    limited = sum(n for name, n in check.question.counts.items() if name.startswith("tag"))
    return bool(limited > check.runs[0].weights[-1].size)


def _best_form(forms: Iterable[FormRun], chosen: str) -> str:
    ran = [f for f in forms if not f.refusal]
    best = min(ran, key=lambda f: f.rms)
    words = ", ".join(f"{f.form} {f.rms:.3g}" for f in ran)
    line = f"other ways to keep small changes, RMS on these spikes: {words}"
    taken = next((f for f in ran if f.form == chosen), None)
    if taken is None or taken.rms <= ALIKE * best.rms:
        return f"{line}; none is clearly better than {chosen}"
    return (
        f"{line}; {best.form} is best here, while {chosen} was predicted to be for unrelated spikes at the rule's rates: state --rates as "
        "your neurons have them, or ask for --form"
    )
