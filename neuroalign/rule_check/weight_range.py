"""How large the weights of a check may grow, and with what they start."""

from __future__ import annotations

from dataclasses import dataclass, replace

from neuroalign.profile import Profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import RuleSheet, rule_sheet
from neuroalign.rule import WEIGHT, LearningRule

ROOM = 1.25
"""A unit chosen from the float run leaves this much room above its largest weight."""
WIDENINGS = 24
"""How often that range is doubled until the tag has room for the rule's changes."""
NARROWINGS = 4
"""How often it is halved where no wider one does: a coefficient may be too small for the chip in wide units."""
SMALL = 0.1
"""Share of the range below which the weights of a run are coarse on chip."""


@dataclass(frozen=True)
class Ranged:
    """The sheet, the choices with the weight limit that was taken, and why it was."""

    sheet: RuleSheet
    choices: RuleChoices
    note: str


def start_of(rule: LearningRule, given: float | None) -> float:
    """Weights at the start: what was asked for, else 0, or half of the limit where nothing would ever change from 0."""
    if given is not None:
        return given
    multiplies = rule.weight and not rule.tag and all(WEIGHT in t.factors for t in rule.weight)
    return 0.5 * (rule.weight_limit or 1.0) if multiplies else 0.0


def ranged(
    rule: LearningRule, profile: Profile, choices: RuleChoices, dt: float, largest: float, *, fit: bool
) -> Ranged:
    """The rule in the range that was asked for, else in its own limit, else in what the float run needs.

    Parameters
    ----------
    largest
        Magnitude that the weights of the float run reach.
    fit
        Take what the float run needs even where the rule states a limit.

    Raises
    ------
    NeuroalignError
        What refuses the rule in the range that it needs, where no other does either.
    """
    if choices.weight_limit is not None or choices.weight_unit is not None or profile.arithmetic != "fixed":
        sheet, chosen, note = rule_sheet(rule, profile, dt, choices), choices, ""
    else:
        needed, own = ROOM * largest or rule.weight_limit or 1.0, rule.weight_limit
        honoured = not fit and own is not None and largest <= own
        first = own if honoured and own is not None else needed
        for doubling in (*range(WIDENINGS), *range(-1, -NARROWINGS - 1, -1), 0):
            chosen = replace(choices, weight_limit=first * 2.0**doubling)
            sheet = rule_sheet(rule, profile, dt, chosen)
            if sheet.held is not None:
                break
        note = _note(own, largest, first * 2.0**doubling, honoured=honoured and doubling == 0, fit=fit)
    if sheet.refusal is not None:
        raise sheet.refusal
    return Ranged(sheet, chosen, note)


def _note(own: float | None, largest: float, taken: float, *, honoured: bool, fit: bool) -> str:
    reached = f"the float run's weights reach {largest:.3g}"
    if taken < largest:
        return (
            f"range: {taken:.3g}, the widest in which the chip can hold the rule's coefficients; {reached}, and the chip cuts them off there: "
            "run fewer --steps to stay below it"
        )
    if honoured and largest < SMALL * taken:
        return (
            f"range: the rule's own limit, {taken:.3g}; {reached}, {largest / taken:.1%} of it, so that the chip's steps are coarse against "
            "them: run more --steps, or take the range that this run needs with --fit"
        )
    if honoured:
        return f"range: the rule's own limit, {taken:.3g}; {reached}"
    if own is None or fit:
        return f"range: {taken:.3g}, from this run, as {reached}"
    if largest > own:
        return (
            f"range: {taken:.3g}, since {reached}, beyond the rule's own limit of {own:.3g}, where a chip would cut them off; a limit is no "
            "term: what keeps weights below it has to be in dw, as in (1 - w)"
        )
    return f"range: {taken:.3g}, since the chip cannot hold the rule's changes in its own limit of {own:.3g}; {reached}"
