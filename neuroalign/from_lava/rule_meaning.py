"""What a rule in Lava's terms means in SI units, what integers do to it, and the same rule in units that carry further."""

from __future__ import annotations

import math
from itertools import product as all_choices

from neuroalign.errors import NeuroalignError, RuleError
from neuroalign.microcode import POST_TRACES, PRE_TRACES, TARGETS, TRACES, Factor, Product, Program
from neuroalign.microcode.lava_call import LARGEST_TAU, LavaRule
from neuroalign.profile import Profile
from neuroalign.quantise.engine import check_program
from neuroalign.quantise.prediction import Prediction, predict
from neuroalign.rule import TAG, Gate, LearningRule, RuleTrace, Term

VARIABLES = {"dw": "the weight", "dd": "the delay", "dt": "the tag"}
GATES: dict[str, Gate] = {"x0": "pre", "y0": "post", "u": "step"}
SECONDS = 100.0
"""Over which the walk of rounding is stated."""
TRACE_ROOM = 127


def meaning(rule: LavaRule, dt: float) -> list[str]:
    """Traces and products in words and SI units, one a line; ``dt`` in seconds."""
    return [*_trace_lines(rule, dt), *_product_lines(rule, dt)]


def in_si_units(rule: LavaRule, dt: float) -> LearningRule:
    """The rule in SI units, its weight in units of Lava's weight.

    A product that fixed point shifts right means what is left of it.

    Raises
    ------
    RuleError
        If a rule in SI units has no word for something in it: sgn, a learned delay, third factors, a second spike flag.
    """
    program = rule.program
    if rule.third_factors:
        raise RuleError("its y1, y2, y3 are third factors in units of your own")
    if program.dd:
        raise RuleError("dd changes a delay")
    used = program.variables
    traces = {}
    for name in TRACES:
        trace = program.trace(name)
        if name in used and trace.impulse:
            if trace.tau >= LARGEST_TAU:
                raise RuleError(f"{name} does not decay")
            traces[name] = RuleTrace("pre" if name in PRE_TRACES else "post", trace.tau * dt, float(trace.impulse))
    terms = {t: tuple(x for p in program.target(t) for x in _terms(p, program, dt, set(traces))) for t in ("dw", "dt")}
    kept = {f for group in terms.values() for term in group for f in term.factors}
    return LearningRule(
        name="lava-rule",
        title="A rule in Lava's terms",
        equation="; ".join(f"{t} = {_text(program, t)}" for t in TARGETS if program.target(t)),
        source="a Lava learning rule",
        symbols=(),
        traces={name: trace for name, trace in traces.items() if name in kept},
        weight=terms["dw"],
        tag=terms["dt"],
        weight_limit=255.0,
    )


def real_program(program: Program) -> Program:
    """The same products with real coefficients, without the bits that a shift takes: what rounding is judged against."""

    def real(products: tuple[Product, ...]) -> tuple[Product, ...]:
        return tuple(Product(p.dependency, float(p.coefficient * 2.0**-p.shift), 0, p.factors, p.k) for p in products)

    traces = {name: getattr(program, name) for name in TRACES}
    return Program(real(program.dw), real(program.dd), real(program.tag_update), t_epoch=program.t_epoch, **traces)


def notes(rule: LavaRule, dt: float, profile: Profile, rates: tuple[float, float]) -> list[str]:
    """What integers do to the rule that its strings do not say, and what to do about it."""
    program, found = rule.program, [f"integers cannot hold {reason}" for reason in rule.unheld]
    for target in TARGETS:
        for p in program.target(target):
            if p.shift and p.is_microcode:
                found.append(
                    f"{target}: {_product_text(p)} comes out {2**p.shift} times smaller in fixed point than it is written (a product of "
                    f"{sum(f.bits for f in p.factors)} bits is shifted right by {p.shift}); Lava's float model does not shift"
                )
    for name in sorted(program.variables & set(TRACES)):
        found += _trace_notes(rule, name, rates, dt)
    if not program.dw:
        found.append("there is no dw: the weight never changes; move the tag to it, as in dw = 'u4*t*2^-4'")
    elif program.tag_update and "t" not in {f.variable for p in program.dw for f in p.factors}:
        found.append("dw does not read t: the tag that dt changes has no effect")
    if rule.third_factors and profile.learning.third_factor != "graded-spike-to-post-trace":
        has = "one reward trace for all synapses" if profile.learning.third_factor else "no third factor that is known"
        found.append(f"it takes third factors for each target neuron, and profile {profile.id!r} has {has}; use loihi2")
    if not rule.unheld:
        try:
            check_program("in Lava's terms", program, profile)
        except NeuroalignError as error:
            found.append(str(error))
    return found


def predicted(rule: LavaRule, si: LearningRule, rates: tuple[float, float], dt: float) -> Prediction | None:
    """Walk of the rounding and of the rule itself; None where nothing predicts it (a tag of its own, real numbers)."""
    if rule.unheld or rule.program.tag_update or rule.third_factors:
        return None
    return predict(rule.program, 0, si, 1.0, rates, dt)


def walk_line(prediction: Prediction) -> str:
    """The walk in words."""
    own = math.sqrt(prediction.own * prediction.effective(SECONDS))
    return (
        f"at {prediction.rates[0]:g} and {prediction.rates[1]:g} Hz, unrelated spikes: rounding alone moves a weight by "
        f"{prediction.walk(SECONDS):.3g} units RMS in {SECONDS:g} s, the rule itself by {own:.3g}"
    )


def _trace_lines(rule: LavaRule, dt: float) -> list[str]:
    lines = []
    for name in TRACES:
        if name not in rule.program.variables:
            continue
        if rule.third_factors and name in POST_TRACES:
            lines.append(f"{name}: third factor, in every step what s_in_{name} receives; -128 to 127 in a product")
            continue
        side, trace = "pre" if name in PRE_TRACES else "post", rule.program.trace(name)
        decay = (
            "does not decay" if trace.tau >= LARGEST_TAU else f"tau {trace.tau:g} steps = {_seconds(trace.tau * dt)}"
        )
        lines.append(f"{name}: trace of {side}; a spike adds {trace.impulse:g}; {decay}; holds 0 to {TRACE_ROOM}")
    return lines


def _product_lines(rule: LavaRule, dt: float) -> list[str]:
    program = rule.program
    every = program.t_epoch * dt
    lines = [f"learning takes place every {program.t_epoch} step(s) = {_seconds(every)}"]
    for target in TARGETS:
        for p in program.target(target):
            k = 2 ** (p.k or 0)
            when = {
                "x0": "where pre spiked",
                "y0": "where post spiked",
                "u": f"every {k * program.t_epoch} step(s) = {_seconds(k * every)}",
            }
            size = p.coefficient * 2.0**-p.shift
            line = f"{target}, {when[p.dependency]}: {VARIABLES[target]} {'+' if size >= 0 else '-'}= {abs(size):g}"
            line += "".join(f" * {_factor_text(f)}" for f in p.factors)
            lines.append(line + _largest(p, program, rule.third_factors))
    return lines


def _largest(p: Product, program: Program, third: bool) -> str:
    """Change by one pair of spikes at once, where the product is of such pairs."""
    names = [f for f in p.factors if not f.sign]
    traces = [f for f in names if f.variable in TRACES and program.trace(f.variable).impulse]
    if len(traces) != len(p.factors) or not traces or third:
        return ""
    size = p.coefficient * 2.0**-p.shift
    for f in traces:
        size *= program.trace(f.variable).impulse + f.constant
    return f"; one pair of spikes at once: {size:+g} units"


def _trace_notes(rule: LavaRule, name: str, rates: tuple[float, float], dt: float) -> list[str]:
    if rule.third_factors and name in POST_TRACES:
        return []
    trace, rate = rule.program.trace(name), rates[name in POST_TRACES]
    if not trace.impulse:
        carries = any(f.variable == name and f.constant for p in rule.program.products for f in p.factors)
        if carries:
            return []
        return [f"{name} is used, but {name}_impulse is 0, so it stays 0; give it an impulse and a tau"]
    found = []
    if trace.impulse > TRACE_ROOM:
        found.append(f"{name}_impulse is {trace.impulse:g}; the trace holds {TRACE_ROOM}, so one spike fills it")
    mean = trace.impulse * rate * min(trace.tau, LARGEST_TAU) * dt
    if mean + trace.impulse > TRACE_ROOM >= trace.impulse:
        found.append(
            f"{name} is full ({TRACE_ROOM}) at {rate:g} Hz: its mean would be {mean:.3g} and a spike adds {trace.impulse:g}; "
            f"halve {name}_impulse and double the coefficients"
        )
    if trace.impulse != int(trace.impulse):
        found.append(f"{name}_impulse {trace.impulse:g} is rounded by a draw at each spike; a whole number is not")
    return found


def _terms(p: Product, program: Program, dt: float, traces: set[str]) -> list[Term]:
    """A product as terms, brackets multiplied out; an idle trace is its constant."""
    coefficient = p.coefficient * 2.0**-p.shift
    if p.dependency == "u":
        coefficient /= 2 ** (p.k or 0) * program.t_epoch * dt
    parts: list[list[tuple[float, str]]] = []
    for factor in p.factors:
        parts.append(_parts(factor, program, traces))
    found: dict[tuple[str, ...], float] = {}
    for choice in all_choices(*parts):
        names = tuple(sorted(name for _, name in choice if name))
        found[names] = found.get(names, 0.0) + coefficient * math.prod(c for c, _ in choice)
    return [Term(c, GATES[p.dependency], names) for names, c in found.items() if c]


def _parts(factor: Factor, program: Program, traces: set[str]) -> list[tuple[float, str]]:
    if factor.sign:
        raise RuleError(f"{_factor_text(factor)} has no form in SI units")
    if factor.variable in ("x0", "y0"):
        raise RuleError("a product of both spike flags is of coincidences, for which a rule in SI units has no word")
    parts = [(float(factor.constant), "")] if factor.constant else []
    if factor.variable == "d":
        raise RuleError("d is a delay")
    if factor.variable in TRACES:
        return [*parts, (1.0, factor.variable)] if factor.variable in traces else parts or [(0.0, "")]
    return [*parts, (1.0, TAG if factor.variable == "t" else factor.variable)]


def _factor_text(factor: Factor) -> str:
    inner = factor.variable + (f"{factor.constant:+g}" if factor.constant else "")
    return f"sgn({inner})" if factor.sign else f"({inner})" if factor.constant else inner


def _product_text(p: Product) -> str:
    spike = f"u{p.k}" if p.dependency == "u" else p.dependency
    return "*".join([f"{p.coefficient:g}", spike, *(_factor_text(f) for f in p.factors)])


def _text(program: Program, target: str) -> str:
    return " + ".join(_product_text(p) for p in program.target(target))  # type: ignore[arg-type]


def _seconds(value: float) -> str:
    return f"{value * 1e3:g} ms" if value < 1 else f"{value:g} s"
