"""Expressions in a rule's text: numbers with units, parameters, and what a synapse sees, as sums of products.

An expression is read into a polynomial with a physical dimension, so that ``eta*pre*(fast - slow - lambda*w)`` becomes
three terms, seconds cannot be added to volts, and every mistake has a character to point at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from neuroalign.errors import RuleError
from neuroalign.rule.hints import power, unseen

Dimension = tuple[int, int, int]
"""Exponents of second, volt and ampere."""
PURE: Dimension = (0, 0, 0)
UNITS: Mapping[str, tuple[float, Dimension]] = {
    "s": (1.0, (1, 0, 0)), "ms": (1e-3, (1, 0, 0)), "us": (1e-6, (1, 0, 0)),
    "Hz": (1.0, (-1, 0, 0)), "kHz": (1e3, (-1, 0, 0)),
    "V": (1.0, (0, 1, 0)), "mV": (1e-3, (0, 1, 0)), "uV": (1e-6, (0, 1, 0)),
    "A": (1.0, (0, 0, 1)), "mA": (1e-3, (0, 0, 1)), "uA": (1e-6, (0, 0, 1)), "nA": (1e-9, (0, 0, 1)), "pA": (1e-12, (0, 0, 1)),
}  # fmt: skip
"""Units by name: what one is in SI, and its dimension."""
TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)|(?P<mark>\*\*|[-+*/^(),]))"
)

MOST_PRODUCTS = 1000
"""Products that a sum may have when its brackets are multiplied out."""
MOST_FACTORS = 32
"""Factors that one of them may have."""
MOST_BRACKETS = 50
"""Brackets within brackets."""


@dataclass(frozen=True)
class Token:
    """A number, name or mark, and its character (from 1) in the line; ``kind`` "end" closes the line."""

    kind: str
    text: str
    column: int


@dataclass(frozen=True)
class Monomial:
    """``coefficient * factors``, and the character at which it starts."""

    coefficient: float
    factors: tuple[str, ...]
    column: int


@dataclass(frozen=True)
class Value:
    """A sum of monomials of one dimension."""

    monomials: tuple[Monomial, ...]
    dimension: Dimension = PURE

    @property
    def constant(self) -> float | None:
        """The number that it is, where no factor is in it."""
        if any(m.factors for m in self.monomials):
            return None
        return float(sum(m.coefficient for m in self.monomials))


def unit_name(dimension: Dimension) -> str:
    """The dimension in words, such as "V/s"."""
    parts = [(n, e) for n, e in zip(("s", "V", "A"), dimension, strict=True) if e]
    return "*".join(n if e == 1 else f"{n}^{e}" for n, e in parts) or "no unit"


class Line:
    """One line being read: tokens from ``start`` on, and errors that point at it."""

    def __init__(self, text: str, start: int = 0) -> None:
        self.text, self.tokens, self.place = text, _tokens(text, start), 0

    @property
    def token(self) -> Token:
        """The next one."""
        return self.tokens[self.place]

    def take(self, *texts: str) -> Token | None:
        """The next token if it is one of these."""
        if self.token.kind != "end" and self.token.text in texts:
            self.place += 1
            return self.tokens[self.place - 1]
        return None

    def need(self, text: str, where: str) -> None:
        """Take this token or refuse."""
        if self.take(text) is None:
            self.refuse(f"{text!r} is missing {where}")

    def end(self) -> None:
        """Refuse what is left over."""
        if self.token.kind != "end":
            self.refuse(f"{self.token.text!r} is not expected here; put an operator before it, or a new line")

    def refuse(self, message: str, column: int | None = None) -> None:
        """Raise RuleError at a character, or at the next token."""
        raise error_at(message, self.text, self.token.column if column is None else column)


def error_at(message: str, text: str, column: int) -> RuleError:
    """An error that shows the line and points at the character."""
    return RuleError(f"column {column}: {message}", text, column)


def _tokens(text: str, start: int) -> list[Token]:
    found, place = [], start
    end = len(text.rstrip())
    while place < end:
        match = TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            place += len(text[place:]) - len(text[place:].lstrip())
            raise error_at(f"{text[place]!r} means nothing here; use numbers, names and + - * / ^ ( )", text, place + 1)
        found.append(Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup) + 1))
        place = match.end()
    return [*found, Token("end", "", end + 1)]


class Expressions:
    """Reads expressions, given what each name stands for and which names no one may use here."""

    def __init__(self, names: Mapping[str, Value], refused: Mapping[str, str]) -> None:
        self.names, self.refused = names, refused
        self._depth = 0

    def sum(self, line: Line) -> Value:
        """``term + term - ...``."""
        first = line.token.column
        negative = line.take("-", "+")
        total = self._product(line)
        if negative and negative.text == "-":
            total = _scaled(total, -1.0)
        total = _started(total, first)
        while mark := line.take("+", "-"):
            more = _started(self._product(line), mark.column)
            if more.dimension != total.dimension:
                line.refuse(
                    f"{unit_name(more.dimension)} cannot be added to {unit_name(total.dimension)}; multiply by something with a unit",
                    mark.column,
                )
            total = Value(total.monomials + _scaled(more, -1.0 if mark.text == "-" else 1.0).monomials, total.dimension)
        return total

    def _product(self, line: Line) -> Value:
        total = self._power(line)
        while mark := line.take("*", "/"):
            column = line.token.column
            other = self._power(line)
            times = mark.text == "*"
            total = _multiplied(total, other, line, column) if times else self._quotient(total, other, line, column)
        return total

    def _quotient(self, total: Value, other: Value, line: Line, column: int) -> Value:
        number = other.constant
        if number is None:
            line.refuse("a synapse cannot divide by what changes; multiply instead", column)
        if not number:
            line.refuse("division by 0", column)
        s, v, a = (x - y for x, y in zip(total.dimension, other.dimension, strict=True))
        divided = tuple(Monomial(m.coefficient / (number or 1.0), m.factors, m.column) for m in total.monomials)
        return Value(divided, (s, v, a))

    def _power(self, line: Line) -> Value:
        base = self._atom(line)
        if line.take("^", "**"):
            column = line.token.column
            total = Value((Monomial(1.0, (), column),))
            for _ in range(self._exponent(line)):
                total = _multiplied(total, base, line, column)
            return total
        return base

    def _exponent(self, line: Line) -> int:
        """A whole number, or a name that stands for one."""
        column = line.token.column
        written = line.token.text
        if written in ("-", "+") or len(written) > 20:
            line.refuse(power(written[:20] + "..."), column)
        value = self._atom(line)
        number = value.constant
        if number not in (0, 1, 2, 3, 4) or value.dimension != PURE:
            shown = f"{number:.4g}" if number is not None and value.dimension == PURE else repr(written)
            line.refuse(power(shown), column)
        return int(number or 0)

    def _atom(self, line: Line) -> Value:
        token = line.token
        if line.take("("):
            self._depth += 1
            if self._depth > MOST_BRACKETS:
                line.refuse(f"more than {MOST_BRACKETS} brackets within brackets; give parts of it names", token.column)
            inside = self.sum(line)
            line.need(")", "to close the bracket")
            self._depth -= 1
            return inside
        if token.kind == "number":
            line.place += 1
            size, dimension = float(token.text), PURE
            if not math.isfinite(size):
                line.refuse("a finite number is needed", token.column)
            if line.token.kind == "name" and line.token.text in UNITS:
                factor, dimension = UNITS[line.token.text]
                size *= factor
                line.place += 1
            return Value((Monomial(size, (), token.column),), dimension)
        if token.kind == "name":
            line.place += 1
            return _started(self._named(token, line), token.column)
        line.refuse("a number or a name is missing")
        raise AssertionError  # refuse does not return

    def _named(self, token: Token, line: Line) -> Value:
        if token.text in self.refused:
            line.refuse(self.refused[token.text], token.column)
        if token.text not in self.names and token.text in UNITS:
            line.refuse(f"{token.text!r} is a unit; it follows a number, as in 20 ms", token.column)
        if token.text not in self.names:
            line.refuse(unseen(token.text, line.token.text == "(", self.names), token.column)
        return self.names[token.text]


def _multiplied(left: Value, right: Value, line: Line, column: int) -> Value:
    """The product of two sums, refused where multiplying out would give more than a synapse could ever hold."""
    if len(left.monomials) * len(right.monomials) > MOST_PRODUCTS:
        line.refuse(f"multiplied out, this has more than {MOST_PRODUCTS} products; write fewer", column)
    if sum(max((len(m.factors) for m in value.monomials), default=0) for value in (left, right)) > MOST_FACTORS:
        line.refuse(f"a product of more than {MOST_FACTORS} factors; write fewer", column)
    return _times(left, right)


def _times(left: Value, right: Value) -> Value:
    products = tuple(
        Monomial(a.coefficient * b.coefficient, a.factors + b.factors, min(a.column, b.column))
        for a in left.monomials
        for b in right.monomials
    )
    s, v, a = (x + y for x, y in zip(left.dimension, right.dimension, strict=True))
    return Value(products, (s, v, a))


def _scaled(value: Value, factor: float) -> Value:
    return Value(tuple(Monomial(factor * m.coefficient, m.factors, m.column) for m in value.monomials), value.dimension)


def _started(value: Value, column: int) -> Value:
    """The same with its monomials at a character of the line that uses them."""
    return Value(tuple(Monomial(m.coefficient, m.factors, column) for m in value.monomials), value.dimension)
