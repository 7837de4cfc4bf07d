"""A rule's terms and traces as MathML, which browsers draw by themselves: no library, no font, nothing to load."""

from __future__ import annotations

import html
from collections.abc import Sequence

from neuroalign.rule.learning_rule import TAG, WEIGHT, LearningRule, RuleTrace, Term

GREEK = {"eta": "η", "lambda": "λ", "tau": "τ", "alpha": "α", "beta": "β"}
WHEN = {"pre": "at spikes of pre", "post": "at spikes of post", "step": "in every step"}


def rule_mathml(rule: LearningRule) -> str:
    """What changes weight and tag, and what each trace is, as one MathML table made from the rule's own terms.

    Symbols
    -------
    ``Δw``, ``Δtag``: change at one spike; with ``dt`` a change in every step, per second. ``t_k``: spike times.

    Examples
    --------
    >>> from neuroalign.rules import load_rule
    >>> rule_mathml(load_rule("stdwi")).startswith("<math")
    True
    """
    rows = [
        (f"<mtext>{WHEN[gate]}:</mtext>", f"{_change(target)}<mo>=</mo>{_sum(terms, gate)}")
        for target, every in ((WEIGHT, rule.weight), (TAG, rule.tag))
        for gate in ("pre", "post", "step")
        if (terms := [term for term in every if term.gate == gate])
    ]
    rows += [
        (f"<mtext>trace of {trace.of} spikes:</mtext>", _trace(name, trace)) for name, trace in rule.traces.items()
    ]
    if rule.modulator is not None:
        third = f"<mtext>third factor from {html.escape(rule.modulator.sender)}:</mtext>"
        low = _number(-rule.modulator.largest if rule.modulator.signed else 0.0)
        rows.append((third, f"{low}<mo>≤</mo>{_name(rule.modulator.name)}<mo>≤</mo>{_number(rule.modulator.largest)}"))
    side = 'style="text-align:left; padding:0.25em 1em 0.25em 0"'
    body = "".join(f"<mtr><mtd {side}>{left}</mtd><mtd {side}><mrow>{right}</mrow></mtd></mtr>" for left, right in rows)
    return f"<math><mtable>{body}</mtable></math>"


def _change(target: str) -> str:
    return f"<mi>Δ</mi>{_name(target)}"


def _sum(terms: Sequence[Term], gate: str) -> str:
    parts = []
    for k, term in enumerate(terms):
        sign = "<mo>−</mo>" if term.coefficient < 0 else "<mo>+</mo>" if k else ""
        size = abs(term.coefficient)
        factors = [_name(name) for name in term.factors]
        shown = [] if size == 1 and factors else [_number(size)]
        step = ["<mi>dt</mi>"] if gate == "step" else []
        parts.append(sign + "<mo>⋅</mo>".join([*shown, *factors, *step]))
    return "".join(parts)


def _trace(name: str, trace: RuleTrace) -> str:
    """``dz/dt = -z/tau + impulse sum over k of delta(t - t_k)``."""
    z = _name(name)
    impulse = "" if trace.impulse == 1 else f"{_number(trace.impulse)}<mo>⋅</mo>"
    tau = f"{_number(1e3 * trace.tau)}<mspace width='0.2em'/><mtext>ms</mtext>"
    spikes = "<munder><mo>∑</mo><mi>k</mi></munder><mi>δ</mi><mo stretchy='false'>(</mo><mi>t</mi><mo>−</mo><msub><mi>t</mi><mi>k</mi></msub><mo stretchy='false'>)</mo>"
    slope = f"<mfrac><mrow><mi>d</mi>{z}</mrow><mrow><mi>d</mi><mi>t</mi></mrow></mfrac>"
    return f"{slope}<mo>=</mo><mo>−</mo><mfrac>{z}<mrow>{tau}</mrow></mfrac><mo>+</mo>{impulse}{spikes}"


def _name(name: str) -> str:
    """A name; what follows its first underscore is a subscript."""
    head, _, tail = name.partition("_")
    first = f"<mi>{html.escape(GREEK.get(head, head))}</mi>"
    return f"<msub>{first}<mi>{html.escape(GREEK.get(tail, tail))}</mi></msub>" if head and tail else first


def _number(value: float) -> str:
    """Four digits; powers of ten written out where the number is small or large."""
    if value < 0:
        return f"<mo>−</mo>{_number(-value)}"
    mantissa, exponent = f"{value:.3e}".split("e")
    if value == 0 or -3 <= int(exponent) <= 4:
        return f"<mn>{value:.4g}</mn>"
    power = f"<msup><mn>10</mn><mn>{int(exponent)}</mn></msup>".replace("<mn>-", "<mn>−")
    digits = f"{float(mantissa):.4g}"
    return power if digits == "1" else f"<mn>{digits}</mn><mo>×</mo>{power}"
