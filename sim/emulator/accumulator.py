"""What the interpreter does differently in integers and in floats: accumulator and rounding.

Each function has one form for int32 arrays and one for float64 arrays, chosen by numba from the arrays' type; the
names without a form are placeholders. The arithmetic is that of products.py. Casts keep numba, whose
integers grow to 64 bits in every operation, to the 32 bits that fill a vector register best. ``held`` are synapses as
they are held, in 16 bits under Fixed; lines are of the number format.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import overload

from neuroalign.sim.emulator.lanes import add, bits_of_both, least, most, multiply, shift_left, shift_right
from neuroalign.sim.emulator.products import ACCUMULATOR_MAX, ACCUMULATOR_MIN, FRACTION_BITS

LOW, HIGH = np.int32(ACCUMULATOR_MIN), np.int32(ACCUMULATOR_MAX)
UNIT = 1 << FRACTION_BITS
BLOCK = 8192
"""Synapses whose limits are counted in 16 bits."""


def shared_change(product: Any, right: Any, left: Any, bound: Any) -> Any:
    """What a product that is the same for many synapses adds to the accumulator, not yet limited; and whether it does."""


def start(total: Any, held: Any, limited: Any) -> Any:
    """Set the accumulator to what it is before the first product, and that nothing was limited so far."""


def accumulate(total: Any, product: Any, limited: Any, right: Any, left: Any, bound: Any) -> Any:
    """Add a product to the accumulator; ``limited`` is no longer 0 where one of the two ran out of its range."""


def accumulate_shared(total: Any, change: Any, flags: Any, limited: Any) -> Any:
    """Add a shared change to the accumulator where the flags, which are held as synapses are, are 1."""


def finish(held: Any, total: Any, limited: Any, variable: Any, offset: Any) -> Any:
    """Set ``held`` to the variable after its update; ``offset`` rounds all synapses, or is a line with one for each.

    ``limited`` is no longer 0 where a range was left. Returns for how many that is, and whether one is now restless.
    """


def finish_shared(held: Any, change: Any, flags: Any, variable: Any, offset: Any) -> Any:
    """``start``, ``accumulate_shared`` and ``finish`` in one loop, with one offset: all that most rows need.

    The values must be within their ranges. Returns how many were limited. Fixed: with ``c`` the change, limited, and
    ``o`` the offset, a synapse where the flag is 1 becomes ``limit((z * 128 + c + o) >> 7) = limit(z + ((c + o) >> 7))``,
    which 16 bits hold; the others stay.
    """


@numba.njit(inline="always")
def _sign_range(variable: Any) -> Any:
    """The range of the accumulator after all products."""
    return np.int32(0 if variable.sign > 0 else LOW), np.int32(0 if variable.sign < 0 else HIGH)


@numba.njit(inline="always")
def _limits(variable: Any, offset: Any) -> Any:
    """The lowest and highest value that an update leaves: rounding keeps the order of what is limited before it."""
    low, high = _sign_range(variable)
    first = min(max(np.int32((low + offset) >> FRACTION_BITS), variable.low), variable.high)
    last = min(max(np.int32((high + offset) >> FRACTION_BITS), variable.low), variable.high)
    return np.int32(first), np.int32(last)


@numba.njit(inline="always")
def may_rest(variable: Any, offset: Any) -> Any:
    """Whether no update with this offset leaves a restless value."""
    return _limits(variable, offset)[0] > variable.restless


@overload(shared_change)
def _shared_change(product: Any, right: Any, left: Any, bound: Any) -> Any:
    def real(product: Any, right: Any, left: Any, bound: Any) -> Any:
        return product, True

    def fixed(product: Any, right: Any, left: Any, bound: Any) -> Any:
        # bounded before the shift to the left, whose result 32 bits then hold
        change = np.int32(min(max(product >> right, -bound), bound) << left)
        return change, change != 0

    return real if isinstance(product, numba.types.Float) else fixed


@overload(start)
def _start(total: Any, held: Any, limited: Any) -> Any:
    def real(total: Any, held: Any, limited: Any) -> None:
        total[:] = 0

    def fixed(total: Any, held: Any, limited: Any) -> None:
        for k in range(total.size):
            total[k] = np.int32(np.int32(held[k]) << FRACTION_BITS)
            limited[k] = 0

    return real if isinstance(total.dtype, numba.types.Float) else fixed


@overload(accumulate)
def _accumulate(total: Any, product: Any, limited: Any, right: Any, left: Any, bound: Any) -> Any:
    def real(total: Any, product: Any, limited: Any, right: Any, left: Any, bound: Any) -> None:
        for k in range(total.size):
            total[k] += product[k]

    def fixed(total: Any, product: Any, limited: Any, right: Any, left: Any, bound: Any) -> None:
        lowest, highest, down, up = np.int32(-bound), np.int32(bound), np.int32(right & 31), np.int32(left & 31)
        for k in range(total.size):
            change = shift_left(most(least(shift_right(product[k], down), highest), lowest), up)
            inside = min(max(change, LOW), HIGH)
            summed = np.int32(total[k] + inside)
            kept = min(max(summed, LOW), HIGH)
            limited[k] |= np.int32((inside ^ change) | (kept ^ summed))
            total[k] = kept

    return real if isinstance(total.dtype, numba.types.Float) else fixed


@overload(accumulate_shared)
def _accumulate_shared(total: Any, change: Any, flags: Any, limited: Any) -> Any:
    def real(total: Any, change: Any, flags: Any, limited: Any) -> None:
        for k in range(total.size):
            total[k] += change * flags[k]

    def fixed(total: Any, change: Any, flags: Any, limited: Any) -> None:
        inside = np.int32(min(max(change, LOW), HIGH))
        beyond = np.int32(inside ^ change)
        for k in range(total.size):
            acts = np.int32(-np.int32(flags[k]))
            summed = np.int32(total[k] + np.int32(inside & acts))
            kept = min(max(summed, LOW), HIGH)
            limited[k] |= np.int32(np.int32(beyond & acts) | np.int32(kept ^ summed))
            total[k] = kept

    return real if isinstance(total.dtype, numba.types.Float) else fixed


@overload(finish)
def _finish(held: Any, total: Any, limited: Any, variable: Any, offset: Any) -> Any:
    def real(held: Any, total: Any, limited: Any, variable: Any, offset: Any) -> Any:
        low = 0.0 if variable.sign > 0 else -np.inf
        high = 0.0 if variable.sign < 0 else np.inf
        for k in range(held.size):
            changed = held[k] + total[k]
            held[k] = low if changed < low else high if changed > high else changed
        return np.int32(0), False

    def fixed(held: Any, total: Any, limited: Any, variable: Any, offset: Any) -> Any:
        first, last = _limits(variable, offset)
        # where the accumulator is limited by the sign, or the variable by its range
        under = np.int32(max(_sign_range(variable)[0], (variable.low << FRACTION_BITS) - offset))
        over = np.int32(min(_sign_range(variable)[1], (variable.high << FRACTION_BITS) + UNIT - 1 - offset))
        up, some = np.int32(offset), np.int32(0)
        for k in range(held.size):
            value = total[k]
            held[k] = min(max(np.int32(np.int32(value + up) >> FRACTION_BITS), first), last)
            beyond = np.int32((limited[k] != 0) | (value < under) | (value > over))
            limited[k] = beyond
            some = np.int32(some + beyond)
        moves = False
        if first <= variable.restless:
            for k in range(held.size):
                moves |= held[k] == variable.restless
        return some, moves

    def fixed_each(held: Any, total: Any, limited: Any, variable: Any, offset: Any) -> Any:
        low, high = _sign_range(variable)
        first, last = np.int32(variable.low), np.int32(variable.high)
        restless, some, moves = np.int32(variable.restless), np.int32(0), np.int32(0)
        for k in range(held.size):
            signed = min(max(total[k], low), high)
            exact = np.int32(np.int32(signed + offset[k]) >> FRACTION_BITS)
            kept = min(max(exact, first), last)
            beyond = np.int32(limited[k] | np.int32(signed ^ total[k]) | np.int32(kept ^ exact))
            limited[k] = beyond
            some = np.int32(some + np.int32(beyond != 0))
            moves = np.int32(moves | np.int32(kept == restless))
            held[k] = kept
        return some, moves != 0

    if isinstance(total.dtype, numba.types.Float):
        return real
    return fixed_each if isinstance(offset, numba.types.Array) else fixed


@overload(finish_shared)
def _finish_shared(held: Any, change: Any, flags: Any, variable: Any, offset: Any) -> Any:
    def real(held: Any, change: Any, flags: Any, variable: Any, offset: Any) -> Any:
        low = 0.0 if variable.sign > 0 else -np.inf
        high = 0.0 if variable.sign < 0 else np.inf
        for k in range(held.size):
            changed = held[k] + change * flags[k]
            held[k] = low if changed < low else high if changed > high else changed
        return 0

    def fixed(held: Any, change: Any, flags: Any, variable: Any, offset: Any) -> Any:
        inside = min(max(change, LOW), HIGH)
        step = (inside + offset) >> FRACTION_BITS
        first, last = _limits(variable, offset)
        # values from ``under`` to ``over`` are limited nowhere on the way
        under = max((_sign_range(variable)[0] - inside + UNIT - 1) >> FRACTION_BITS, variable.low - step)
        over = min((_sign_range(variable)[1] - inside) >> FRACTION_BITS, variable.high - step)
        if inside != change:
            under, over = UNIT << FRACTION_BITS - 1, 0  # all are limited
        moved, lowest, highest = np.int16(step), np.int16(first), np.int16(last)
        fewest, greatest = np.int16(under), np.int16(over)
        total = 0
        for begin in range(0, held.size, BLOCK):
            some = np.int16(0)
            part, acts = held[begin : begin + BLOCK], flags[begin : begin + BLOCK]
            for k in range(part.size):
                value, flag = part[k], acts[k]
                beyond = np.int16((value < fewest) | (value > greatest))
                some = add(some, bits_of_both(flag, beyond))
                part[k] = most(least(add(value, multiply(moved, flag)), highest), lowest)
            total += int(some)
        return total

    return real if isinstance(change, numba.types.Float) else fixed
