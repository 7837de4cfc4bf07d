"""Real coefficients as microcode products: mantissa and exponent, two products, or a constant that a shift divides.

A product ``mantissa 2**exponent dependency factors`` is shifted right by ``s = max(0, sum of factor bits + 4 - 15)``
and nothing shifts it back (Lava 0.10, ``learning_rule_applier.py``). That loses range where it is not wanted, and gives
coefficients below 2**-7 where an idle trace can carry a constant: ``w (y3 + c)`` is ``w c 2**-5``.
"""

from __future__ import annotations

from dataclasses import dataclass

from neuroalign.errors import RuleError
from neuroalign.microcode import MIN_EXPONENT, Dependency, Factor, Product, nearest_coefficient

GOOD_ENOUGH = 0.01
"""Relative error of a coefficient below which no second product is spent on it."""
TRACE_BITS = 7


@dataclass(frozen=True)
class Held:
    """Products that stand for one real coefficient, and the coefficient they have together."""

    products: tuple[Product, ...]
    coefficient: float


def hold_coefficient(value: float, dependency: Dependency, factors: tuple[Factor, ...], idle: str | None) -> Held:
    """The cheapest products whose coefficient is ``value``, per unit of the factors' product.

    Parameters
    ----------
    idle
        Name of a trace with impulse 0, whose constant can make coefficients below 2**-7; None if there is none.

    Raises
    ------
    RuleError
        If the coefficient is too small or too large for any.
    """
    shift = Product(dependency, 1, 0, factors).shift
    wanted = value * 2.0**shift
    smallest = 2.0**MIN_EXPONENT
    if abs(wanted) >= smallest * (1 - 1e-9):
        return _plain(value, wanted, shift, dependency, factors)
    if idle is None:
        raise RuleError(
            f"coefficient {value:.3g} is below the smallest that microcode holds, 2^{MIN_EXPONENT}, and no trace is idle to divide it; "
            "ask for a carry form (exact or sgn), or for larger weights"
        )
    return _divided(value, dependency, factors, idle)


def _plain(value: float, wanted: float, shift: int, dependency: Dependency, factors: tuple[Factor, ...]) -> Held:
    mantissa, exponent = nearest_coefficient(wanted)
    first = mantissa * 2.0**exponent
    if abs(first - wanted) > 0.5 * abs(wanted):
        raise RuleError(
            f"coefficient {value:.3g} is beyond the largest that microcode holds, 7*2^8; choose a larger unit of the weight"
        )
    products = [Product(dependency, mantissa, exponent, factors)]
    rest = wanted - first
    if abs(rest) > GOOD_ENOUGH * abs(wanted) and abs(rest) >= 0.75 * 2.0**MIN_EXPONENT:
        more, power = nearest_coefficient(rest)
        products.append(Product(dependency, more, power, factors))
        first += more * 2.0**power
    return Held(tuple(products), first / 2.0**shift)


def _divided(value: float, dependency: Dependency, factors: tuple[Factor, ...], idle: str) -> Held:
    """``mantissa 2**exponent factors (idle + c)``: the shift that the extra factor causes divides."""
    best: tuple[float, Product, float] | None = None
    for constant in range(1, 2**TRACE_BITS):
        with_idle = (*factors, Factor(idle, constant))
        shift = Product(dependency, 1, 0, with_idle).shift
        mantissa, exponent = nearest_coefficient(value * 2.0**shift / constant)
        product = Product(dependency, mantissa, exponent, with_idle)
        coefficient = mantissa * 2.0**exponent * constant / 2.0**shift
        error = abs(coefficient - value)
        # Among equals the smallest exponent: the shift rounds down before the exponent multiplies.
        finer = best is not None and abs(error - best[0]) <= 1e-9 * abs(value) and exponent < best[1].exponent
        if best is None or finer or error < best[0] - 1e-9 * abs(value):
            best = (error, product, coefficient)
    if best is None or best[0] > 0.5 * abs(value):
        raise RuleError(
            f"coefficient {value:.3g} is below what microcode holds even with a shift; choose a smaller unit of the weight, or more tag bits"
        )
    return Held((best[1],), best[2])
