"""What the pass chooses from the published rule and the profile alone, and what it can be made to choose."""

from __future__ import annotations

from typing import Any

import pytest

from neuroalign.errors import NeuroalignError, RuleError
from neuroalign.profile import load_profile
from neuroalign.quantise.carry_pass import best
from neuroalign.quantise.held_rule import HeldRule
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import RuleSheet, rule_sheet
from neuroalign.rule import LearningRule, RuleTrace, Term
from neuroalign.rules import pair_stdp, sal, stdwi

LOIHI, DT = load_profile("loihi2"), 1e-3


def sheet(rule: LearningRule, **choices: Any) -> RuleSheet:
    return rule_sheet(rule, LOIHI, DT, RuleChoices(**choices))


def held(rule: LearningRule, **choices: Any) -> HeldRule:
    found = sheet(rule, **choices)
    assert found.held is not None, found.refusal
    return found.held


@pytest.mark.parametrize("rule", [stdwi(), sal(), pair_stdp(), pair_stdp(decay=1e-4)])
def test_small_changes_are_carried_and_rounding_stays_below_the_rules_own_walk(rule: LearningRule) -> None:
    chip = held(rule)
    assert chip.form in ("exact", "sgn")
    assert chip.prediction is not None
    assert chip.prediction.excess < 0.3  # of variances: half of the rule's own deviation
    assert chip.prediction.lost < 0.01
    assert {row.status for row in chip.rows if row.quantity.startswith("term")} <= {"exact", "rounded"}


def test_changes_of_many_units_need_no_carry() -> None:
    rule = LearningRule(
        "large", "", "", "", (), {"x": RuleTrace("pre", 0.02)}, (Term(0.1, "post", ("x",)),), weight_limit=1.0
    )
    chip = held(rule)
    assert chip.form == "direct"
    assert chip.program.tag_update == ()
    assert held(rule, form="carry", weight_limit=8.0).form != "direct"


@pytest.mark.parametrize("form", ["direct", "stochastic", "sgn", "exact"])
def test_a_form_that_is_asked_for_is_used(form: str) -> None:
    chip = held(sal(), form=form)
    assert chip.form == form
    assert sheet(sal(), form=form).form == form
    assert (chip.program.tag_update == ()) == (form == "direct")


def test_portable_programs_use_neither_shift_nor_odd_constants() -> None:
    """STDWI's decay then is clocked: too small to act at spikes, it acts at transfers; the row tells the rate."""
    found = sheet(stdwi(), portable=True)
    assert found.held is not None
    assert found.needs is not None
    assert not found.needs.shift
    assert not found.needs.odd_constants
    (decay,) = [row for row in found.held.rows if row.quantity.endswith("[pre spike] w")]
    assert "clocked" in decay.note
    (product,) = [p for p in found.held.program.tag_update if p.factors[0].variable == "w"]
    assert product.dependency == "u"
    period = 2**product.k * found.held.program.t_epoch * DT  # type: ignore[operator]
    per_second = -product.coefficient * 2.0**-found.held.tag_bits / period
    assert per_second == pytest.approx(-decay.stored_value * 60.0)
    assert 0.5 <= per_second / (1e-5 * 60.0) <= 2


def test_what_leans_on_the_shift_is_not_portable() -> None:
    with pytest.raises(RuleError, match="sgn"):
        RuleChoices("exact", portable=True)
    pairs = LearningRule(
        "triplet", "", "", "", (), {"x": RuleTrace("pre", 0.02), "y": RuleTrace("post", 0.1)},
        (Term(0.01, "post", ("x", "y")),), weight_limit=1.0,
    )  # fmt: skip
    assert held(pairs).program
    refusal = sheet(pairs, portable=True).refusal
    assert isinstance(refusal, NeuroalignError)
    assert "product shift" in str(refusal)


def test_rates_decide() -> None:
    """The faster the spikes, the rarer may transfers be: the tag has to hold what arrives in between."""
    slow, fast = (held(sal(), form="exact", tag_bits=7, rates=(rate, rate)).program.k for rate in (5.0, 90.0))
    assert slow is not None
    assert fast is not None
    assert slow > fast


def test_only_whole_bits_that_a_form_has() -> None:
    for form in ("auto", "carry"):
        assert held(sal(), form=form, tag_bits=3).form == "stochastic"
    with pytest.raises(RuleError, match="tag bits"):
        RuleChoices("exact", tag_bits=3)


def test_a_rule_with_a_tag_of_its_own_is_not_carried() -> None:
    traces = {"x": RuleTrace("pre", 0.02)}
    rule = LearningRule(
        "tagged", "", "", "", (), traces, (Term(0.5, "post", ("tag",)),), (Term(0.5, "post", ("x",)),), weight_limit=9.0
    )
    assert held(rule).form == "direct"
    assert isinstance(sheet(rule, form="carry").refusal, RuleError)


def test_of_close_scores_the_one_that_asks_least_is_taken() -> None:
    """(score, form, leans on the shift, steps between transfers)"""
    options: list[Any] = [(0.10, "exact", True, 64), (0.115, "sgn", False, 4), (0.118, "sgn", False, 16)]
    assert best(options) == 2
    assert best([*options, (0.119, "direct", False, 1)]) == 3
    assert best([(0.10, "exact", True, 64), (0.13, "sgn", False, 4)]) == 0
