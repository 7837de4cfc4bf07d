"""What a user can get wrong about a rule: one clear line each, with the remedy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from neuroalign.errors import NeuroalignError
from neuroalign.microcode import Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import rule_sheet
from neuroalign.rule import LearningRule, RuleTrace, Term
from neuroalign.rules import load_rule, stdwi

Y1 = Trace(16, 20)


def custom(factor: str = "x", tau: float = 0.02) -> LearningRule:
    return LearningRule("mine", "", "", "", (), {"x": RuleTrace("pre", tau)}, (Term(0.1, "post", (factor,)),))


def sheet_refusal() -> None:
    refusal = rule_sheet(stdwi(), load_profile("loihi2"), 1e-3, RuleChoices("direct")).refusal
    assert refusal is not None
    raise refusal


CASES: dict[str, tuple[Callable[[], object], list[str]]] = {
    "a name with a typo": (lambda: load_rule("stdwy"), ["stdwy", "stdwi"]),
    "an unknown symbol in a rule": (lambda: custom("voltage"), ["voltage", "not visible", "x, w, tag"]),
    "an unknown symbol in a text": (lambda: program_from_text(dw="x0*v1", y1=Y1), ["v1", "column 4"]),
    "a text with a typo": (lambda: program_from_text(dw="2^-1*x0*y1 -* x0", y1=Y1), ["column 13", "nothing before it"]),
    "a decimal number": (lambda: program_from_text(dw="0.5*x0*y1", y1=Y1), ["decimal", "2^-3 for 0.625"]),
    "a coefficient no chip can hold": (sheet_refusal, ["-1e-05", "no change", "carry form", "larger coefficient"]),
    "a coefficient in a text": (lambda: program_from_text(dw="2^-9*x0*y1", y1=Y1), ["2^-9", "2^-7"]),
    "u10": (lambda: program_from_text(dw="u10*y1", y1=Y1), ["u10", "u0", "u9"]),
    "two different u_k": (lambda: program_from_text(dw="u3*y1", dt="u4*y1", y1=Y1), ["u3", "u4", "same"]),
    "a trace without tau": (lambda: custom(tau=0.0), ["tau = 0", "positive"]),
    "a trace that is not given": (lambda: program_from_text(dw="x0*y1"), ["y1", "impulse", "tau"]),
    "a trace with tau 0": (lambda: Trace(16, 0), ["tau 0", "steps"]),
}


@pytest.mark.parametrize("case", CASES)
def test_one_clear_line(case: str) -> None:
    act, words = CASES[case]
    with pytest.raises(NeuroalignError) as raised:
        act()
    message = getattr(raised.value, "message", str(raised.value))
    assert "\n" not in message
    assert message[-1] not in " ;,"
    for word in words:
        assert word in str(raised.value), str(raised.value)
