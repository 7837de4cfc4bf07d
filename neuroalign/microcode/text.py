"""Microcode as text, in Lava's rule language, read strictly: what Lava misreads without a word is refused here.

    rule     = [sign] product { sign product }              sign = "+" | "-"
    product  = item { "*" item }
    item     = literal | x0 | y0 | u0..u9 | x1 x2 y1 y2 y3 w d t | "(" inner ")" | "sgn" "(" inner ")"
    inner    = [sign] variable [ sign literal ] | [sign] literal [ sign variable ] | [sign] literal
    literal  = whole number | "2^" [sign] whole number | whole number "*2^" [sign] whole number

The literals of a product multiply into one coefficient ``mantissa * 2**exponent``; while the mantissa is even and
above 7 in magnitude it is halved and the exponent raised. Blanks are allowed between symbols. The first of x0, y0, uk
in a product is its dependency; a spike flag after it is a factor. Every text accepted here means the same to Lava 0.10.
"""

from __future__ import annotations

import re

from neuroalign.errors import RuleError
from neuroalign.microcode.parser import MAX_DIGITS, MAX_POWER, Parser
from neuroalign.microcode.product import TARGETS, TRACES, Factor, Number, Product, Target
from neuroalign.microcode.program import Program, Trace


def parse(text: str, target: Target, *, real: bool = False) -> tuple[Product, ...]:
    """Products of one rule, such as ``parse("2^-1*x0*y1 - x0*w", "dw")``.

    ``real`` reads coefficients that integers cannot hold, such as ``2^-10``, as real ones, which only Float64 runs.

    Raises
    ------
    RuleError
        If the text is not in the language, or Lava would read something else; it names the column and the remedy.
    """
    if target not in TARGETS:
        raise RuleError(f"unknown rule target {target!r}; it is one of {', '.join(TARGETS)}")
    return Parser(text, target, real).rule()


def to_text(products: tuple[Product, ...]) -> str:
    """The text of ``products``: ``parse(to_text(p), target) == p``.

    Raises
    ------
    RuleError
        If a coefficient is real (Float64): the language has integers only.
    """
    terms = []
    for number, product in enumerate(products):
        if not isinstance(product.mantissa, int):
            raise RuleError(
                f"coefficient {product.mantissa!r} is real; the rule language has whole numbers and powers of two"
            )
        sign = "-" if product.mantissa < 0 else "+"
        lead = f" {sign} " if number else sign.strip("+")
        spike = f"u{product.k}" if product.dependency == "u" else product.dependency
        scale = _literal_text(abs(product.mantissa), product.exponent)
        items = ([] if scale == "1" else [scale]) + [spike] + [_factor_text(f) for f in product.factors]
        terms.append(lead + "*".join(items))
    return "".join(terms)


def program_from_text(
    dw: str = "", dd: str = "", dt: str = "", *, t_epoch: int = 1, rng_seed: int = 0, **traces: Trace
) -> Program:
    """A Program from the texts of its rules; ``traces`` are x1, x2, y1, y2, y3.

    Raises
    ------
    RuleError
        If a text cannot be read or the program is inconsistent.
    """
    rules = [parse(text, target) if text else () for text, target in zip((dw, dd, dt), TARGETS, strict=True)]
    unknown = sorted(set(traces) - set(TRACES))
    if unknown:
        raise RuleError(f"unknown trace {unknown[0]!r}; traces are {' '.join(TRACES)}")
    return Program(rules[0], rules[1], rules[2], t_epoch=t_epoch, rng_seed=rng_seed, **traces)


def program_to_text(program: Program) -> str:
    """The whole program, a line for each part; :func:`program_from_lines` reads it back."""
    lines = [f"t_epoch = {program.t_epoch}", f"rng_seed = {program.rng_seed}"]
    for name in TRACES:
        trace: Trace | None = getattr(program, name)
        if trace is not None:
            lines.append(f"{name} = impulse {trace.impulse!r} tau {trace.tau!r}")
    lines += [f"{target} = {to_text(program.target(target))}" for target in TARGETS if program.target(target)]
    return "\n".join(lines) + "\n"


def program_from_lines(text: str) -> Program:
    """The program that :func:`program_to_text` wrote.

    Raises
    ------
    RuleError
        If a line is not understood or the program is inconsistent.
    """
    rules: dict[str, str] = {}
    numbers: dict[str, int] = {}
    traces: dict[str, Trace] = {}
    for line in filter(str.strip, text.splitlines()):
        name, _, value = (part.strip() for part in line.partition("="))
        trace = re.fullmatch(r"impulse (\S+) tau (\S+)", value)
        try:
            if name in TARGETS:
                rules[name] = value
            elif name in TRACES and trace:
                traces[name] = Trace(_number(trace[1]), _number(trace[2]))
            elif name in ("t_epoch", "rng_seed"):
                numbers[name] = int(value)
            else:
                raise ValueError(line)
        except ValueError as error:
            raise RuleError(
                f"cannot read the program line {line!r}; write 'dw = ...' or 'x1 = impulse 16 tau 20'"
            ) from error
    return program_from_text(**rules, **numbers, **traces)  # type: ignore[arg-type]


def _literal_text(mantissa: int, exponent: int) -> str:
    if exponent == 0:
        return str(mantissa)
    return f"2^{exponent}" if mantissa == 1 else f"{mantissa}*2^{exponent}"


def _factor_text(factor: Factor) -> str:
    inner = factor.variable
    if factor.constant:
        inner += ("+" if factor.constant > 0 else "-") + _constant_text(abs(factor.constant))
    if factor.sign:
        return f"sgn({inner})"
    return f"({inner})" if factor.constant else inner


def _constant_text(value: Number) -> str:
    numerator, denominator = value.as_integer_ratio()
    if denominator > 2**MAX_POWER or numerator >= 10**MAX_DIGITS:
        raise RuleError(f"constant {value!r} cannot be written; use a whole number, or a fraction such as 3*2^-2")
    return _literal_text(numerator, 1 - denominator.bit_length())


def _number(text: str) -> Number:
    return int(text) if re.fullmatch("[0-9]+", text) else float(text)
