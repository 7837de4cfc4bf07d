"""Real coefficients as microcode products: mantissa and exponent, two products, or constants that a shift divides.

A product ``mantissa 2**exponent dependency factors`` is shifted right by ``s = max(0, sum of factor bits + 4 - 15)``,
rounding down, and nothing shifts it back (Lava 0.10, ``learning_rule_applier.py``). That loses range where it is not
wanted, and gives coefficients below 2**-7 where an idle trace can carry a constant::

    ((w + h) m (y3 + c)) >> 5             is  w m c / 32,    rounded to the nearest for  h = 16 / (m c)
    ((w + h) m (y3 + a) (y3 + b)) >> 12   is  w m a b / 4096,                       for  h = 2048 / (m a b)

Without ``h`` the shift would round down at every spike, and pull all weights to a common offset of -h.
"""

from __future__ import annotations

from dataclasses import dataclass

from neuroalign.errors import RuleError
from neuroalign.microcode import (
    MAX_EXPONENT,
    MAX_MANTISSA,
    MIN_EXPONENT,
    MIN_MANTISSA,
    Dependency,
    Factor,
    Product,
    nearest_coefficient,
)

GOOD_ENOUGH = 0.01
"""Relative error of a coefficient below which no second product and no second constant is spent on it."""
LARGEST_CONSTANT = 127
SMALLEST, LARGEST = 2.0**MIN_EXPONENT, MAX_MANTISSA * 2.0**MAX_EXPONENT
DEAD_LIMIT = 64.0
"""A divided weight term that is 0 for weights up to this many units of 255 does not do its work any more."""


@dataclass(frozen=True)
class Held:
    """Products that stand for one real coefficient, and the coefficient they have together.

    ``dead`` is the weight, in held units, up to which a divided term rounds to 0. ``clocked`` is the number of transfers
    that take place for each spike at which the term should act, where it acts at transfers instead; else 0.
    """

    products: tuple[Product, ...]
    coefficient: float
    dead: float = 0.0
    clocked: float = 0.0

    @property
    def divided(self) -> bool:
        """Whether a constant on an idle trace makes the shift divide."""
        return self.dead > 0


def hold_coefficient(value: float, dependency: Dependency, factors: tuple[Factor, ...], idle: str | None) -> Held:
    """The cheapest products whose coefficient is ``value``, per unit of the factors' product.

    Parameters
    ----------
    idle
        Name of a trace with impulse 0, whose constant can make coefficients below 2**-7; used for terms that are
        proportional to the weight, whose rounding it can centre. None if there is none.

    Raises
    ------
    RuleError
        If the coefficient is too small or too large for any.
    """
    if value == 0:
        return Held((), 0.0)
    shift = Product(dependency, 1, 0, factors).shift
    wanted = value * 2.0**shift
    if abs(wanted) >= SMALLEST * (1 - 1e-9):
        return _plain(value, wanted, shift, dependency, factors)
    if idle is None or factors != (Factor("w"),):
        raise RuleError(f"its coefficient on chip would be {value:.3g}; the smallest one is 2^{MIN_EXPONENT - shift}")
    return _divided(value, dependency, idle)


def _plain(value: float, wanted: float, shift: int, dependency: Dependency, factors: tuple[Factor, ...]) -> Held:
    mantissa, exponent = nearest_coefficient(wanted)
    first = mantissa * 2.0**exponent
    if abs(first - wanted) > 0.5 * abs(wanted):
        raise RuleError(f"its coefficient on chip would be {value:.3g}; the largest one is 7*2^{MAX_EXPONENT - shift}")
    products = [_product(dependency, mantissa, exponent, factors, shift)]
    rest = wanted - first
    if abs(rest) > GOOD_ENOUGH * abs(wanted) and abs(rest) > 0.5 * SMALLEST:
        more, power = nearest_coefficient(rest)
        products.append(_product(dependency, more, power, factors, shift))
        first += more * 2.0**power
    return Held(tuple(products), first / 2.0**shift)


def _product(dependency: Dependency, mantissa: int, exponent: int, factors: tuple[Factor, ...], shift: int) -> Product:
    """The product; where a shift rounds down, with the largest mantissa, as the exponent multiplies only afterwards."""
    while shift and MIN_MANTISSA < 2 * mantissa <= MAX_MANTISSA and exponent > MIN_EXPONENT:
        mantissa, exponent = 2 * mantissa, exponent - 1
    return Product(dependency, mantissa, exponent, factors)


def _divided(value: float, dependency: Dependency, idle: str) -> Held:
    """A term proportional to the weight, with one constant on the idle trace, or two where that is not close enough."""
    best = _one_constant(value, dependency, idle)
    if best is None or abs(best.coefficient - value) > GOOD_ENOUGH * abs(value):
        best = _two_constants(value, dependency, idle) or best
    if best is None or best.dead > DEAD_LIMIT:
        raise RuleError(
            f"its coefficient on chip would be {value:.3g}, so small that weights up to {0.5 * SMALLEST / abs(value):.3g} "
            "units round to no change"
        )
    return best


def _one_constant(value: float, dependency: Dependency, idle: str) -> Held | None:
    """``m (w + h) (idle + c)`` with the smallest exponent, because the exponent multiplies after the shift."""
    found = []
    for constant in range(1, LARGEST_CONSTANT + 1):
        mantissa = round(value / SMALLEST * 2**5 / constant)
        if mantissa and MIN_MANTISSA < mantissa <= MAX_MANTISSA:
            held = _with_constants(mantissa, dependency, idle, (constant,), 5)
            found.append((round(abs(held.coefficient / value - 1), 9), constant % 2, held))
    return min(found, key=lambda f: f[:2])[2] if found else None


def _two_constants(value: float, dependency: Dependency, idle: str) -> Held | None:
    """``m (w + h) (idle + a) (idle + b)`` with m of magnitude 1."""
    wanted, sign = abs(value) / SMALLEST * 2**12, 1 if value > 0 else -1
    found = []
    for a in range(1, LARGEST_CONSTANT + 1):
        b = round(wanted / a)
        if a <= b <= LARGEST_CONSTANT:
            found.append((round(abs(a * b / wanted - 1), 9), a % 2 + b % 2, a, b))
    if not found:
        return None
    _, _, a, b = min(found)
    return _with_constants(sign, dependency, idle, (a, b), 12)


def _with_constants(mantissa: int, dependency: Dependency, idle: str, constants: tuple[int, ...], shift: int) -> Held:
    scale = float(mantissa)
    for constant in constants:
        scale *= constant
    centre = Factor("w", round(2 ** (shift - 1) / scale))
    product = Product(dependency, mantissa, MIN_EXPONENT, (centre, *(Factor(idle, c) for c in constants)))
    coefficient = scale * SMALLEST / 2**shift
    return Held((product,), coefficient, 0.5 * SMALLEST / abs(coefficient))
