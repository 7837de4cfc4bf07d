"""The text of what a kernel computes once an epoch for the targets, and once a row for the source."""

from __future__ import annotations

from collections.abc import Sequence

from neuroalign.microcode import POST_TRACES, PRE_TRACES, Factor
from neuroalign.sim.emulator.codegen_ranges import INT16
from neuroalign.sim.emulator.codegen_terms import Line, Plan, Rule, Term
from neuroalign.sim.emulator.codegen_text import Text
from neuroalign.sim.emulator.products import ACCUMULATOR_MAX, ACCUMULATOR_MIN

STORE = {"h": "store_half", "i": "store_word", "r": "store_real"}


def write_lines(text: Text, plan: Plan) -> None:
    """Scratch memory, the list of the targets that spiked, and the lines of all products."""
    text.add("width = (targets + 31) // 32 * 32", "spikes = scratch", "free = scratch + 4 * width")
    for line in plan.lines:
        text.add(f"{line.name} = free")
        size = f"width * {line.item_bytes}" + (" * t_epoch" if line.for_each_step else "")
        text.add(f"free += {size}")
    for term in plan.all_terms:
        if term.has_gathered:
            text.add(f"table{term.number} = free", "free += 8 * (t_epoch + 1)")
    text.add("spiking = 0")
    with text.block("for k in range(targets):"), text.block("if load_word(spiked_y, k, 4) > 0:"):
        text.add("store_word(spikes, spiking, 3, i(k))", "spiking += 1")
    lines = {line.name: line for line in plan.lines}
    if "mask" in lines:
        with text.block("for k in range(targets):"):
            text.add("store_half(mask, k, 3, h(-(load_word(spiked_y, k, 4) > 0)))")
    for term in plan.all_terms:
        if term.has_gathered:
            _write_zeros(text, lines[f"gathered{term.number}"])
        if term.has_line:
            _write_line(text, plan.rule, term, lines[f"line{term.number}"])


def _write_zeros(text: Text, line: Line) -> None:
    """Where no target spiked, a gathered number is never used but as 0."""
    zero = "0.0" if line.letter == "r" else f"{line.letter}(0)"
    with text.block("for k in range(targets):"):
        text.add(f"{STORE[line.letter]}({line.name}, k, 3, {zero})")


def _write_line(text: Text, rule: Rule, term: Term, line: Line) -> None:
    with text.block("if u_acts:" if term.needs_u else "if True:"):
        if line.for_each_step:
            with text.block("for at in range(1, t_epoch + 1):"):
                text.add(f"place = {line.name} + (at - 1) * width * {line.item_bytes}")
                _write_numbers(text, rule, term, line)
        else:
            text.add(f"place = {line.name}")
            text.add("at = t_epoch" if term.needs_u else "at = np.int64(1)")
            _write_numbers(text, rule, term, line)


def _write_numbers(text: Text, rule: Rule, term: Term, line: Line) -> None:
    """All numbers of a line, ``at`` being the step in the epoch of which traces are read."""
    load = "load_word" if rule.fixed else "load_real"
    own_time = rule.long_epochs and term.product.dependency == "y0"
    with text.block("for k in range(targets):"):
        if own_time:
            text.add("at = np.int64(load_word(spiked_y, k, 4))")
        values = [f"{load}(y, (at * 3 + {POST_TRACES.index(f.variable)}) * targets + k, 4)" for f in term.target]
        parts = [_factor(rule, f, value) for f, value in zip(term.target, values, strict=True)]
        if term.needs_target:
            one, none = ("1", "0") if rule.fixed else ("1.0", "0.0")
            parts.append(f"({one} if load_word(spiked_y, k, 4) > 0 else {none})")
        if term.kind == "line":
            parts.append(str(int(term.product.mantissa)))
        code = " * ".join(parts)
        if rule.fixed:
            code = f"np.int32({code})" if line.letter == "i" or len(parts) > 2 else code
            code = f"(({code}) >> {term.right}) << {term.left}" if term.kind == "line" else code
            code = f"{line.letter}({code})"
        text.add(f"{STORE[line.letter]}(place, k, 3, {code})")


def write_scalars(text: Text, plan: Plan, terms: Sequence[Term]) -> None:
    """The scalars of a row, and the tables of those that are gathered; rows in which they are 0 are left."""
    for term in terms:
        if not term.has_gathered:
            at = "np.int64(load_word(spiked_x, j, 4))" if term.product.dependency == "x0" else "t_epoch"
            text.add(f"at = {at if plan.rule.long_epochs else 'np.int64(1)'}")
            if plan.rule.fixed and term.can_exceed and term.kind in ("scalar", "masked"):
                _write_limited_scalar(text, plan.rule, term)
            else:
                text.add(f"scalar{term.number} = {_scalar(plan.rule, term)}")
    changing = [term for term in terms if term.source and not term.has_gathered]
    if len(changing) == len(terms):
        with text.block(f"if {' and '.join(f'scalar{term.number} == 0' for term in changing)}:"):
            text.add("continue")
    gathered = [term for term in terms if term.has_gathered]
    if gathered:
        with text.block("if spiking > 0:"), text.block("for at in range(1, t_epoch + 1):"):
            for term in gathered:
                value = _scalar(plan.rule, term)
                store, cast = ("store_long", "np.int64") if plan.rule.fixed else ("store_real", "np.float64")
                text.add(f"{store}(table{term.number}, at, 3, {cast}({value}))")


def _write_limited_scalar(text: Text, rule: Rule, term: Term) -> None:
    """A change that is the same along the row, limited, and whether it was: -1 or 0."""
    letter = "h" if term.limited_change.width == INT16 else "i"
    text.add(f"exact = {_change(rule, term)}", f"near = min(max(exact, {ACCUMULATOR_MIN}), {ACCUMULATOR_MAX})")
    text.add(f"scalar{term.number}, excess{term.number} = {letter}(near), h(-(near != exact))")


def _scalar(rule: Rule, term: Term) -> str:
    """The coefficient times the traces of the source, at step ``at``; all of the change where that is all of it."""
    if not rule.fixed:
        return _scalar_product(rule, term)
    if term.kind in ("scalar", "masked", "gathered"):
        return f"{'h' if term.change.width == INT16 else 'i'}({_change(rule, term)})"
    return f"{'h' if term.scalar.width == INT16 else 'i'}(i({_scalar_product(rule, term)}))"


def _change(rule: Rule, term: Term) -> str:
    """A change without lines and factors of the synapse, in 64 bits."""
    return f"(np.int64(i({_scalar_product(rule, term)})) >> {term.right}) << {term.left}"


def _scalar_product(rule: Rule, term: Term) -> str:
    load = "load_word" if rule.fixed else "load_real"
    values = [f"{load}(x, (at * 2 + {PRE_TRACES.index(f.variable)}) * sources + j, 4)" for f in term.source]
    start = str(int(term.product.mantissa)) if rule.fixed else repr(float(term.product.coefficient))
    return " * ".join([start, *(_factor(rule, f, value) for f, value in zip(term.source, values, strict=True))])


def _factor(rule: Rule, factor: Factor, value: str) -> str:
    """A factor that is a trace, in 64 bits."""
    if not rule.fixed:
        return f"({value} + {float(factor.constant)!r})" if factor.constant else value
    held = rule.ranges[factor.variable]
    whole = int(factor.constant // 1)
    code = f"np.int64({value})"
    if whole:
        code = f"({code} + {whole})"
    if factor.constant != whole:
        code = f"({code} + ({code} < 0))"
    low, high = -(1 << factor.bits), (1 << factor.bits) - 1
    if held.low + whole < low or held.high + whole > high:
        code = f"min(max({code}, {low}), {high})"
    return code
