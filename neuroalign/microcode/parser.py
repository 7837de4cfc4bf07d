"""Recursive descent over one rule of the language that :mod:`neuroalign.microcode.text` describes.

Every refusal points at its character and says what Lava would have read, and what to write instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from neuroalign.errors import RuleError
from neuroalign.microcode.product import (
    MAX_EXPONENT,
    MAX_MANTISSA,
    SPIKES,
    SYNAPTIC,
    TRACES,
    Dependency,
    Factor,
    Number,
    Product,
    Target,
)

_TOKEN = re.compile(r"(?P<number>[0-9]+)|(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<op>[-+*^()])")
MAX_POWER = 30
MAX_DIGITS = 9
_VARIABLES = TRACES + SYNAPTIC
_UNREADABLE = {
    "\t": "a tab: Lava reads blanks only; use a blank",
    ".": "a decimal point: coefficients are whole numbers times a power of two; write 5*2^-3 for 0.625",
    "/": "a division: there is none; multiply by a negative power, 2^-3 for 1/8",
    "\n": "a line break: a rule is one line; use a blank",
}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


@dataclass
class _Term:
    """A product while it is being read."""

    start: _Token
    mantissa: int
    exponent: int = 0
    dependency: Dependency | None = None
    k: int | None = None
    factors: list[Factor] = field(default_factory=list)


class Parser:
    """The tokens of one rule and the place reached in them."""

    def __init__(self, text: str, target: Target, real: bool = False) -> None:
        self.text, self.target, self.real = text, target, real
        self.tokens = list(self._tokens())
        self.at = 0

    def fail(self, token: _Token, message: str) -> NoReturn:
        raise self.error(token, message)

    def error(self, token: _Token, message: str) -> RuleError:
        return RuleError(f"{self.target}, column {token.column}: {message}", self.text, token.column)

    def _tokens(self) -> list[_Token]:
        tokens, at = [], 0
        while at < len(self.text):
            if self.text[at] == " ":
                at += 1
                continue
            found = _TOKEN.match(self.text, at)
            if found is None:
                char = self.text[at]
                self.fail(
                    _Token("?", char, at + 1), _UNREADABLE.get(char, f"{char!r} is not part of the rule language")
                )
            tokens.append(_Token(str(found.lastgroup), found.group(), at + 1))
            at = found.end()
        return [*tokens, _Token("end", "", len(self.text) + 1)]

    @property
    def here(self) -> _Token:
        return self.tokens[self.at]

    def take(self, *texts: str) -> _Token | None:
        """The current token if it is one of ``texts``, which moves on; else None."""
        token = self.here
        if token.text not in texts or token.kind == "end":
            return None
        self.at += 1
        return token

    def rule(self) -> tuple[Product, ...]:
        if self.here.kind == "end":
            self.fail(self.here, "the rule is empty; leave it out or write a product such as x0*y1")
        products = [self.product(self.take("+", "-"))]
        while self.here.kind != "end":
            products.append(self.product(self.take("+", "-")))
        ks = {p.k for p in products if p.k is not None}
        if len(ks) > 1:
            other = next(t for t in self.tokens if t.text == f"u{max(ks)}")
            self.fail(other, f"u{min(ks)} and u{max(ks)} in one rule; a program has one k, so use the same digit")
        return tuple(products)

    def product(self, sign: _Token | None) -> Product:
        term = _Term(self.here, -1 if sign and sign.text == "-" else 1)
        while True:
            self.item(term)
            star = self.take("*")
            if star is None:
                break
            if self.here.text == "*":
                self.fail(self.here, "** is not a power: Lava reads x0**2 as 2*x0; write a factor twice instead")
        if self.here.kind != "end" and self.here.text not in ("+", "-"):
            self.fail(self.here, self._expected_star())
        return self.finish(term)

    def _expected_star(self) -> str:
        text = self.here.text
        if text == ")":
            return "a closing bracket without an opening one; remove it"
        if text == "^":
            return "^ follows the number 2 only; write y1*y1 for a square, and powers of two as 2^-3"
        return f"missing * before {text!r}: Lava would read one anyway; write it"

    def finish(self, term: _Term) -> Product:
        if term.dependency is None:
            self.fail(term.start, "the product has no dependency; multiply it by x0, y0 or one of u0..u9")
        mantissa, exponent = term.mantissa, term.exponent
        while abs(mantissa) > MAX_MANTISSA and mantissa % 2 == 0 and exponent < MAX_EXPONENT:
            mantissa, exponent = mantissa // 2, exponent + 1
        try:
            return Product(term.dependency, mantissa, exponent, tuple(term.factors), term.k)
        except RuleError as error:
            if not self.real:
                raise self.error(term.start, error.message) from None
            return Product(term.dependency, mantissa * 2.0**exponent, 0, tuple(term.factors), term.k)

    def item(self, term: _Term) -> None:
        token = self.here
        if token.kind == "number":
            mantissa, exponent = self.literal()
            term.mantissa, term.exponent = term.mantissa * mantissa, term.exponent + exponent
        elif self.take("sgn"):
            if self.here.text != "(":
                self.fail(self.here, "sgn needs a bracket: sgn(t) or sgn(t-112)")
            self.bracket(term, is_sign=True)
        elif token.text == "(":
            self.bracket(term, is_sign=False)
        elif token.kind == "name":
            self.at += 1
            self.symbol(token, term)
        else:
            self.fail(token, self._expected_item(token))

    def _expected_item(self, token: _Token) -> str:
        if token.text in ("+", "-"):
            return "a sign inside a product: Lava starts a new product here; put the sign before the whole product"
        if token.text == "*":
            return "* with nothing before it: Lava drops it; remove it"
        if token.kind == "end":
            return "the rule ends where a factor is expected; add one or remove the operator"
        return f"{token.text!r} where a factor is expected; write x0, y0, u0..u9, a trace, w, d, t or a number"

    def literal(self) -> tuple[int, int]:
        """A whole number or a power of two, as (mantissa, exponent)."""
        token = self.whole_number()
        if not self.take("^"):
            return int(token.text), 0
        if token.text != "2":
            self.fail(token, f"{token.text}^: powers exist of 2 only; write the number itself")
        minus = self.take("+", "-")
        power_token = self.whole_number()
        power = int(power_token.text)
        if power > MAX_POWER:
            self.fail(power_token, f"2^{power} is too large; coefficients are -8..7 times 2^-7..2^8")
        return 1, -power if minus and minus.text == "-" else power

    def whole_number(self) -> _Token:
        token = self.here
        if token.kind != "number":
            self.fail(token, f"{token.text!r} where a whole number is expected")
        if len(token.text) > 1 and token.text.startswith("0"):
            self.fail(token, f"{token.text} starts with 0, which Lava cannot read; write {int(token.text)}")
        if len(token.text) > MAX_DIGITS:
            self.fail(token, "the number is too large; coefficients are -8..7 times 2^-7..2^8")
        self.at += 1
        return token

    def symbol(self, token: _Token, term: _Term) -> None:
        """A dependency or a variable outside brackets."""
        name = token.text
        if name in _VARIABLES:
            term.factors.append(Factor(name))
        elif re.fullmatch("u[0-9]", name):
            if term.dependency is not None:
                self.fail(token, f"{name} after another dependency; write {name} first, or remove one of them")
            term.dependency, term.k = "u", int(name[1])
        elif name in SPIKES and term.dependency is None:
            term.dependency = "x0" if name == "x0" else "y0"
        elif name in SPIKES:
            if name == term.dependency or Factor(name) in term.factors:
                self.fail(token, f"{name} twice in one product; a spike flag is 0 or 1, so once is enough")
            term.factors.append(Factor(name))
        else:
            self.fail(token, _unknown(name))

    def bracket(self, term: _Term, is_sign: bool) -> None:
        """``(variable + literal)`` in either order, or a literal alone."""
        opening = self.here
        self.at += 1
        values: list[tuple[int, str, tuple[int, int]]] = []
        while len(values) < 2:
            sign = self.take("+", "-")
            if values and sign is None:
                break
            values.append((-1 if sign and sign.text == "-" else 1, *self.operand(is_sign)))
        self.close(opening, len(values))
        variables = [v for v in values if v[1]]
        literals = [v for v in values if not v[1]]
        if not variables and len(literals) == 1 and not is_sign:
            term.mantissa *= literals[0][0] * literals[0][2][0]
            term.exponent += literals[0][2][1]
        elif len(variables) == 1:
            self.bracket_factor(term, variables[0], literals, is_sign, opening)
        else:
            self.fail(
                opening, "a bracket holds one variable and one number, as in (w+3); split other sums into products"
            )

    def bracket_factor(
        self,
        term: _Term,
        variable: tuple[int, str, tuple[int, int]],
        literals: list[tuple[int, str, tuple[int, int]]],
        is_sign: bool,
        opening: _Token,
    ) -> None:
        sign, name, _ = variable
        if sign < 0 and (is_sign or not literals):
            self.fail(opening, f"-{name} in this bracket: Lava drops or refuses the minus; put it before the product")
        constant: Number = 0
        if literals:
            mantissa, exponent = literals[0][2]
            constant = sign * literals[0][0] * mantissa * (2**exponent if exponent >= 0 else 2.0**exponent)
        term.mantissa *= sign
        whole = int(constant) if constant == int(constant) else constant
        try:
            term.factors.append(Factor(name, whole, is_sign))
        except RuleError as error:
            raise self.error(opening, error.message) from None

    def operand(self, is_sign: bool) -> tuple[str, tuple[int, int]]:
        """A variable (name, (0, 0)) or a literal ("", (mantissa, exponent)) inside a bracket."""
        token = self.here
        if token.kind == "number":
            return "", self.bracket_literal()
        if token.text == "(":
            self.fail(token, "a bracket inside a bracket: Lava drops the factor; use one bracket")
        if token.kind != "name":
            self.fail(token, "a variable or a number is expected in the bracket, as in (w+3)")
        self.at += 1
        name = token.text
        if name in SPIKES or re.fullmatch("u[0-9]", name):
            self.fail(
                token, f"{name} in a bracket: Lava drops ({name}) and saturates ({name}+1) at 1; write {name} outside"
            )
        if name not in _VARIABLES:
            self.fail(token, _unknown(name))
        if is_sign and name not in SYNAPTIC:
            self.fail(token, f"sgn({name}) does not exist; sgn takes w, d or t only")
        return name, (0, 0)

    def bracket_literal(self) -> tuple[int, int]:
        mantissa, exponent = self.literal()
        if self.here.text == "*" and [t.text for t in self.tokens[self.at + 1 : self.at + 3]] == ["2", "^"]:
            if exponent:
                self.fail(self.here, "two powers in a bracket: Lava keeps one; write a single a*2^b")
            self.at += 1
            exponent = self.literal()[1]
        return mantissa, exponent

    def close(self, opening: _Token, operands: int) -> None:
        if self.take(")"):
            return
        token = self.here
        if token.kind == "end":
            self.fail(opening, "the bracket is never closed; add )")
        if token.text in ("+", "-") and operands == 2:
            self.fail(token, "a third term in a bracket: Lava ignores it; add the numbers up")
        if token.text == "*":
            self.fail(token, "a product in a bracket: Lava reads (x1*2) as x1+2; multiply outside the bracket")
        self.fail(token, f"{token.text!r} in a bracket: it holds a variable and a number, as in (w+3)")


def _unknown(name: str) -> str:
    if re.fullmatch("u[0-9]{2,}", name):
        return f"{name}: k is one digit (Lava reads {name[:2]} times {name[2:]}); use u0..u9 and a longer t_epoch"
    if name == "u":
        return "u needs its digit: u0 acts in every epoch, u3 in every 8th"
    if name.lower() in (*SPIKES, *_VARIABLES, "sgn"):
        return f"unknown symbol {name!r}; symbols are in small letters: {name.lower()}"
    parts = re.fullmatch(r"(?:[xy][0-3]|u[0-9]|[wdt])+", name)
    hint = "is a * missing?" if parts else f"known are {' '.join(SPIKES)} u0..u9 {' '.join(_VARIABLES)} sgn"
    return f"unknown symbol {name!r}; {hint}"
