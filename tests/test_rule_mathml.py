"""Equations as MathML: well formed, with every term, trace and constant of the rule, and nothing that a name could smuggle in."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from neuroalign.rule import Modulator, Term
from neuroalign.rule.mathml import rule_mathml
from neuroalign.rules import RULES, stdwi


def shown(text: str) -> str:
    """The characters of the equations."""
    return "".join(ElementTree.fromstring(text).itertext())


@pytest.mark.parametrize("name", RULES)
def test_every_trace_and_term_is_there(name: str) -> None:
    rule = RULES[name]()
    table = ElementTree.fromstring(rule_mathml(rule))
    rows = ["".join(row.itertext()) for row in table.iter("mtr")]
    gates = {(target, t.gate) for target, terms in (("w", rule.weight), ("tag", rule.tag)) for t in terms}
    assert len(rows) == len(gates) + len(rule.traces) + (rule.modulator is not None)
    changes = [row for row in rows if "Δ" in row]
    for term in (*rule.weight, *rule.tag):
        wanted = {re.sub("_", "", factor) for factor in term.factors}
        assert any(all(factor in row for factor in wanted) for row in changes)


def test_stdwi_reads_as_published() -> None:
    said = shown(rule_mathml(stdwi(learning_rate=0.02, decay=0.5)))
    assert "at spikes of pre:Δw=0.02⋅fast−0.02⋅slow−0.01⋅w" in said
    assert "200ms" in said


def test_signs_steps_and_powers() -> None:
    rule = replace(
        stdwi(), weight=(Term(-3e-7, "step", ("fast",)), Term(1.0, "step", ("slow",))), traces=dict(stdwi().traces)
    )
    assert "Δw=−3×10−7⋅fast⋅dt+slow⋅dt" in shown(rule_mathml(rule))


def test_names_are_text() -> None:
    hostile = replace(
        stdwi(),
        weight=(*stdwi().weight, Term(1.0, "step", ("M",))),
        modulator=Modulator("M", "<script>alert(1)</script>"),
    )
    assert "<script>" not in rule_mathml(hostile)
    assert "<script>" in shown(rule_mathml(hostile))
