"""What each rule becomes on each profile, as text under version control: a change is a decision, not an accident."""

from __future__ import annotations

from typing import Any

import pytest

from neuroalign.microcode.text import program_from_lines
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import program_lines, row_line, rule_sheet
from neuroalign.rules import load_rule


@pytest.mark.parametrize(
    ("profile", "form"),
    [
        ("loihi1", "auto"),
        ("ideal", "auto"),
        *(("loihi2", form) for form in ("auto", "direct", "stochastic", "sgn", "exact")),
    ],
)
@pytest.mark.parametrize("rule", ["stdwi", "pair-stdp", "sal", "rdd"])
def test_program_and_rows(rule: str, form: Any, profile: str, golden: Any) -> None:
    sheet = rule_sheet(load_rule(rule), load_profile(profile), 1e-3, RuleChoices(form=form))
    if sheet.held is None:
        text = f"refused: {sheet.refusal}\n"
    else:
        if profile != "ideal":
            assert program_from_lines(program_lines(sheet.held.program)) == sheet.held.program
        lines = [f"weight unit {sheet.held.weight_unit:.6g}", *map(row_line, sheet.held.rows)]
        text = program_lines(sheet.held.program) + "\n" + "\n".join(lines) + "\n"
    golden.check(f"{rule}.{form}.{profile}.txt", text)
