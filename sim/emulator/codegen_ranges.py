"""What values the parts of a product can take under Fixed: what proves that 16 bits are enough.

Ranges are those after a factor was limited to its width, and those of its variable where they are narrower: a trace
that impulses alone raise lies in 0..127, one that a third factor sets can be anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from neuroalign.microcode import Factor

INT16, INT32 = 16, 32


@dataclass(frozen=True)
class Range:
    """All whole numbers from ``low`` to ``high``."""

    low: int
    high: int

    @property
    def width(self) -> int:
        """Bits that hold every one of them: 16 or 32."""
        return INT16 if self.low >= -(1 << 15) and self.high < 1 << 15 else INT32

    def plus(self, other: Range) -> Range:
        """Of a sum."""
        return Range(self.low + other.low, self.high + other.high)

    def times(self, other: Range) -> Range:
        """Of a product that wraps in 32 bits."""
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return EVERYTHING if min(ends) < EVERYTHING.low or max(ends) > EVERYTHING.high else Range(min(ends), max(ends))

    def within(self, low: int, high: int) -> Range:
        """After limiting."""
        return Range(min(max(self.low, low), high), min(max(self.high, low), high))

    def shifted(self, right: int, left: int) -> Range:
        """After both shifts; the left one is exact."""
        return Range((self.low >> right) << left, (self.high >> right) << left)

    def or_zero(self) -> Range:
        """With 0 in it."""
        return Range(min(self.low, 0), max(self.high, 0))


EVERYTHING = Range(-(1 << 31), (1 << 31) - 1)
TRACE = Range(0, 127)


def factor_range(factor: Factor, variable: Range) -> Range:
    """Of variable + constant within the width of the factor, cut off towards zero; or of its sign."""
    if factor.sign:
        return Range(-1, 1)
    moved = Range(int(variable.low + factor.constant), int(variable.high + factor.constant))
    return moved.within(-(1 << factor.bits), (1 << factor.bits) - 1)


def product_range(start: int, factors: Iterable[Factor], variables: Mapping[str, Range]) -> Range:
    """Of ``start`` times all factors, before any shift."""
    found = Range(start, start)
    for factor in factors:
        found = found.times(factor_range(factor, variables[factor.variable]))
    return found
