"""Every quantity that a conversion names has a sentence for a reader who does not know the chip."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neuroalign.conversion import ConversionRow
from neuroalign.export.plain_words import EXPLANATIONS, explain, what_is

PASSES = Path(__file__).resolve().parents[2] / "neuroalign" / "quantise"
NAMED = re.compile(
    r'\b_?(?:array|note|term|threshold|headroom)?_?row\(\s*[^()"]*?(?:\([^()]*\))?[^()"]*?,\s*f?"([^"{]+)'
)


def quantities() -> set[str]:
    """Second arguments of what makes rows, as the passes have them in their text."""
    return {q.strip() for path in PASSES.glob("*.py") for q in NAMED.findall(path.read_text(encoding="utf-8"))}


def test_the_passes_name_quantities_and_each_has_its_sentence() -> None:
    found = quantities()
    assert {"weight", "decay_v", "reset", "headroom", "carry", "third factor"} <= found
    assert {q for q in found if not what_is(q)} == set()


@pytest.mark.parametrize(("quantity", "like"), [("trace x1", "trace"), ("third factor time", "third factor time")])
def test_a_quantity_with_a_name_of_its_own_has_the_sentence_of_its_kind(quantity: str, like: str) -> None:
    assert what_is(quantity) == EXPLANATIONS[like]


def test_what_was_done_follows_what_it_is() -> None:
    row = ConversionRow("a", "weight", 1, 0.0, "", 0.0, 0.0, 0.0, "", "", 0, "exact", "8 bits")
    assert explain(row) == f"{EXPLANATIONS['weight']} 8 bits"
    assert what_is("nothing of the sort") == ""
