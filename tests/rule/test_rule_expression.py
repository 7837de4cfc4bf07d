"""Expressions of a size that no synapse holds: refused at their character, soon, instead of filling the memory."""

from __future__ import annotations

import pytest

from neuroalign.errors import RuleError
from neuroalign.rule.text import rule_from_text

HEAD = "rule big: too big\nx = trace of pre, tau 20 ms\ndw = "


@pytest.mark.parametrize(
    ("expression", "column", "words"),
    [
        ("(" * 5000 + "post*x" + ")" * 5000, 6 + 50, "brackets within brackets"),
        ("post*((((x + w)^4)^4)^4)", 25, "more than 1000 products"),
        ("post*((x^4)^4)^4", 21, "more than 32 factors"),
        ("post" + "*(1 + x + w)" * 9, None, "more than 1000 products"),
        ("post*x^" + "9" * 5000, 13, "a power is a whole number, 0..4"),
        ("post*x^0.4", 13, "0.4 as exponent; a power is a whole number, 0..4, since a learning engine multiplies"),
        ("post*x^-1", 13, "a power is a whole number, 0..4"),
        ("post*x^(2 ms)", 13, "a power is a whole number, 0..4"),
        ("post*x^x", 13, "a power is a whole number, 0..4"),
    ],
)
def test_what_is_too_big_is_refused_at_its_character(expression: str, column: int | None, words: str) -> None:
    with pytest.raises(RuleError, match=words) as caught:
        rule_from_text(HEAD + expression)
    assert column in (None, caught.value.column)


def test_brackets_side_by_side_are_not_nested() -> None:
    rule = rule_from_text(HEAD + " + ".join(["(post*(x))"] * 80))
    assert [t.coefficient for t in rule.weight] == [80.0]
