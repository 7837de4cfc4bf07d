"""Rules as text: what the published rules are, and every mistake at its character."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuroalign.errors import FileFormatError, NeuroalignError, RuleError
from neuroalign.rule import LearningRule
from neuroalign.rule.text import rule_from_text
from neuroalign.rules import load_rule, pair_stdp, sal, stdwi

STDWI = """
rule stdwi: Spike-timing-dependent weight inference
source: Ahmad, Ambrogioni, van Gerven 2020
eta = 1e-4      # learning rate
lambda = 0.1    # weight decay
tau_fast = 20 ms
fast = trace of post, tau tau_fast
slow = trace of post, tau 0.2 s, impulse tau_fast/(200 ms)
dw = eta*pre*(fast - slow - lambda*w)
limit = 0.05/lambda
rates = 60 Hz, 0.034 kHz
"""
SAL = """
rule sal: SAL
A = 0.05/(2*10*8)
x = trace of pre, tau 10 ms
y = trace of post, tau 10 ms
dw = -A*post*x + A*pre*y
limit = 0.5
rates = 48 Hz, 48 Hz
"""
STDP = """
rule pair-stdp: STDP
x = trace of pre, tau 20 ms
y = trace of post, tau 20 ms
dw = 0.01*post*x - 0.0105*pre*y
limit = 2
"""


@pytest.mark.parametrize(("text", "rule"), [(STDWI, stdwi()), (SAL, sal()), (STDP, pair_stdp())])
def test_published_rules_can_be_written(text: str, rule: LearningRule) -> None:
    found = rule_from_text(text)
    assert found.name == rule.name
    assert set(found.traces) == set(rule.traces)
    for name, trace in rule.traces.items():
        assert found.traces[name].of == trace.of
        assert found.traces[name].tau == pytest.approx(trace.tau)
        assert found.traces[name].impulse == pytest.approx(trace.impulse)
    assert [(t.gate, t.factors) for t in found.weight] == [(t.gate, t.factors) for t in rule.weight]
    assert [t.coefficient for t in found.weight] == pytest.approx([t.coefficient for t in rule.weight])
    assert found.weight_limit == pytest.approx(rule.weight_limit)
    assert found.rates == rule.rates


def test_headings_and_comments_are_kept() -> None:
    rule = rule_from_text(STDWI + "note: only the sign counts\n")
    assert (rule.title, rule.source) == (
        "Spike-timing-dependent weight inference",
        "Ahmad, Ambrogioni, van Gerven 2020",
    )
    assert ("eta", "learning rate, 0.0001", "1") in rule.symbols
    assert ("tau_fast", "0.02", "s") in rule.symbols
    assert rule.notes == ("only the sign counts",)
    assert rule.equation == "dw = eta*pre*(fast - slow - lambda*w)"


def test_brackets_powers_and_tags_become_sums_of_products() -> None:
    rule = rule_from_text(
        "rule r: t\nx = trace of pre, tau 1 s\ndw = post*(x + 2)^2/4 - post*x + tag*pre\ndtag = -pre*tag"
    )
    terms = {(t.gate, t.factors): t.coefficient for t in rule.weight}
    assert terms == {("post", ("x", "x")): 0.25, ("post", ()): 1.0, ("pre", ("tag",)): 1.0}  # x cancels
    assert [(t.coefficient, t.gate, t.factors) for t in rule.tag] == [(-1.0, "pre", ("tag",))]


def test_a_weight_with_a_unit() -> None:
    rule = rule_from_text("rule r: t\nweight in mV\nA = 2 mV\nlimit = 0.1 V\ndw = A*post - 0.5*pre*w")
    assert [t.coefficient for t in rule.weight] == pytest.approx([2e-3, -0.5])
    assert rule.weight_limit == 0.1


MISTAKES = {
    "dw = pre*v": ("v", "not visible at the synapse"),
    "dw = w": ("w", "no spike"),
    "dw = pre*w + 2": ("+", "no spike"),
    "dw = pre*post*w": ("pre", "pre and post"),
    "dw = 2 mV*pre": ("2", "V"),
    "dw = 2 mV*pre - w*pre": ("-", "cannot be added to V"),
    "dw = 2**pre": ("pre", "a power is a whole number"),
    "dw = pre*(1 + w": ("", "to close the bracket"),
    "dw = pre/w": ("w", "divide"),
    "dw = pre/0": ("0", "division by 0"),
    "dw = pre $ 2": ("$", "means nothing"),
    "dw = 3 pre": ("pre", "operator"),
    "dw = pre*s": ("s", "a unit"),
    "dw = pre*w^9": ("9", "0..4"),
    "dw = pre*max(w)": ("max(w)", "is a function, and a learning engine only adds products"),
    "dw = pre*psi": ("psi", "sees spikes and no membrane"),
    "dw = pre*r_post": ("r_post", "a trace with a long tau"),
    "dw = pre*w_sum": ("w_sum", "no other"),
    "dw = pre*q": ("q", "a line of its own above: q = 0.1"),
    "x = trace of pre, tau 20": ("20", "20 ms"),
    "x = trace of pre, tau 20 mV": ("20 mV", "20 ms"),
    "x = trace of pre, tau 0 ms": ("0 ms", "positive"),
    "x = trace of third, tau 20 ms": ("third", "'pre' and 'post' only"),
    "x = trace of pre": ("", "',' is missing"),
    "x = trace of pre, tau 1 s, impulse 2 ms": ("2 ms", "impulse"),
    "rates = 3, 4": ("3", "Hz"),
    "limit = 2 mV": ("2", "weight"),
    "limit = w": ("w", "changes"),
    "trace = 3": ("trace", "of its own"),
    "2x = 3": ("2x", "no name"),
    "q": ("q", "name = ..."),
    "weight in furlong": ("furlong", "no unit"),
    "rule a b: t": ("a b", "one name"),
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_shown_at_its_character(line: str) -> None:
    place, words = MISTAKES[line]
    text = f"rule r: t\n{line}" + ("" if line.startswith("dw") else "\ndw = pre*w")
    with pytest.raises(RuleError) as raised:
        rule_from_text(text)
    error = raised.value
    assert words in error.message
    assert error.text == line
    wanted = line.rindex(place) if place and not line.startswith("dw = pre*post") else len(line) if not place else 5
    assert error.column == wanted + 1, str(error)
    message, shown, caret = str(error).split("\n")
    assert message.startswith(f"line 2, column {error.column}: ")
    assert shown[len(shown) - len(line) :] == line
    assert caret.index("^") == 4 + error.column - 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dw = pre*w", "rule NAME"),
        ("rule r: t", "dw = ..."),
        ("rule r: t\ndw = pre\ndw = post", "already"),
        ("rule r: t\nlimit = 1\nlimit = 2\ndw = pre", "line 3, column 1: 'limit' has a line already"),
        ("rule r: t\nrates = 1 Hz, 1 Hz\nrates = 2 Hz, 1 Hz\ndw = pre", "line 3, column 1: 'rates' has a line already"),
        ("rule r: t\nrule q: t\ndw = pre", "line 2, column 1: the rule has the name 'r' already"),
        ("rule r: t\nx = trace of pre, tau 1 s\ndw = pre", "used in no term"),
        ("rule r: t\ndw = pre - pre", "no terms"),
    ],
)
def test_texts_that_are_no_rule(text: str, words: str) -> None:
    with pytest.raises(RuleError, match=words):
        rule_from_text(text)


def test_marks_and_names_of_papers_are_read() -> None:
    """As pasted from a PDF, with Greek letters, and with Python's power."""
    plain = "rule r: t\neta = 0.5\ntau = 20 ms\nx = trace of pre, tau tau\ndw = eta*post*x - eta*pre*w^2"
    pasted = "rule r: t\nη = 0.5\nτ = 20 ms\nx = trace of pre, tau τ\ndw = η·post×x − η*pre*w²"
    python = plain.replace("^", "**")
    assert rule_from_text(plain).weight == rule_from_text(pasted).weight == rule_from_text(python).weight


@pytest.mark.parametrize(("mu", "factors"), [("0", ()), ("1", ("w",)), ("4/2", ("w", "w"))])
def test_a_power_may_have_a_name(mu: str, factors: tuple[str, ...]) -> None:
    rule = rule_from_text(f"rule r: t\nmu = {mu}\ndw = 0.5*pre*w^mu")
    assert [(t.coefficient, t.gate, t.factors) for t in rule.weight] == [(0.5, "pre", factors)]


def test_a_name_may_stand_for_an_expression() -> None:
    named = "rule r: t\nx = trace of pre, tau 20 ms\nA = 0.5\npair = post*x  # Hebb\ndw = A*(pair - pair*w)"
    plain = "rule r: t\nx = trace of pre, tau 20 ms\ndw = 0.5*post*x - 0.5*post*x*w"
    assert rule_from_text(named).weight == rule_from_text(plain).weight
    assert ("pair", "Hebb: post*x", "1") in rule_from_text(named).symbols
    with pytest.raises(RuleError, match="'pair' changes; a number is needed here"):
        rule_from_text(named + "\nlimit = pair")


def test_what_a_spike_adds_to_a_trace_is_told() -> None:
    rule = rule_from_text("rule r: t\ny = trace of post, tau 1 s, impulse 0.05\ndw = pre*y")
    assert ("y", "trace of post spikes, tau 1000 ms, a spike adds 0.05", "1") in rule.symbols


def test_files(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig"):  # editors of Windows begin files with a mark
        (tmp_path / "a.rule").write_text(STDP, encoding=encoding)
        assert load_rule(str(tmp_path / "a.rule")).weight == pair_stdp().weight
    (tmp_path / "b.py").write_text("from neuroalign.rules import pair_stdp\nrule = pair_stdp(decay=0.5)\nsame = rule\n")
    assert load_rule(str(tmp_path / "b.py")) == pair_stdp(decay=0.5)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.py", "x = 1", "0 rules"),
        ("a.py", "from neuroalign.rules import sal, stdwi\na, b = sal(), stdwi()", "2 rules"),
        ("a.py", "1/0", "ZeroDivisionError"),
        ("a.py", "raise SystemExit(3)", "cannot be run: SystemExit: 3"),
        ("a.py", None, "cannot be run"),
        ("a.rule", None, "cannot be read"),
        ("a.rule", b"\xff\xfe", "UTF-8"),
        ("stdwy", None, "NAME.rule"),
    ],
)
def test_files_that_hold_no_rule(tmp_path: Path, name: str, text: str | bytes | None, words: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(NeuroalignError, match=words) as raised:
        load_rule(str(path))
    assert isinstance(raised.value, FileFormatError | RuleError)
    assert "\n" not in str(raised.value)


def test_a_product_is_one_term_in_whatever_order_it_is_written() -> None:
    """x*y and y*x once took two products on chip, and their difference was a rule."""
    rule = rule_from_text(
        "rule t: t\nx = trace of pre, tau 5 ms\ny = trace of post, tau 900 µs\ndw = post*(x + 2*y)^2 - 3*y*post*x"
    )
    assert [(t.coefficient, t.factors) for t in rule.weight] == [(1, ("x", "x")), (1, ("x", "y")), (4, ("y", "y"))]
    assert rule.traces["y"].tau == pytest.approx(900e-6)


@pytest.mark.parametrize(("wrong", "words"), [("½*post*x", "a half is 0.5"), ("1e308*10*post*x", "line 3, a term")])
def test_marks_and_sizes_that_nothing_holds(wrong: str, words: str) -> None:
    with pytest.raises(RuleError, match=words):
        rule_from_text(f"rule t: t\nx = trace of pre, tau 5 ms\ndw = {wrong}")
