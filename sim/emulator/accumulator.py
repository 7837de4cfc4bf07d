"""What the interpreter does differently in integers and in floats: accumulator and rounding.

Each function has one form for int32 arrays and one for float64 arrays, chosen by numba from the arrays' type; the
names without a form are placeholders. The arithmetic is that of products.py. Casts keep numba, whose
integers grow to 64 bits in every operation, to the 32 bits that fill a vector register best.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.extending import overload

from neuroalign.sim.emulator.products import ACCUMULATOR_MAX, ACCUMULATOR_MIN, FRACTION_BITS


def start(total: Any, value: Any) -> Any:
    """Set the accumulator to what it is before the first product."""


def accumulate(total: Any, product: Any, limited: Any, right: Any, left: Any, bound: Any) -> Any:
    """Add a product to the accumulator; ``limited`` is no longer 0 where one of the two ran out of its range."""


def finish(new: Any, value: Any, total: Any, limited: Any, variable: Any, offset: Any) -> Any:
    """Set ``new`` to the variable after its update; ``offset`` rounds all synapses, or is a line with one for each."""


@overload(start)
def _start(total: Any, value: Any) -> Any:
    def real(total: Any, value: Any) -> None:
        total[:] = 0

    def fixed(total: Any, value: Any) -> None:
        for k in range(total.size):
            total[k] = np.int32(value[k] << FRACTION_BITS)

    return real if isinstance(total.dtype, numba.types.Float) else fixed


@overload(accumulate)
def _accumulate(total: Any, product: Any, limited: Any, right: Any, left: Any, bound: Any) -> Any:
    def real(total: Any, product: Any, limited: Any, right: Any, left: Any, bound: Any) -> None:
        for k in range(total.size):
            total[k] += product[k]

    def fixed(total: Any, product: Any, limited: Any, right: Any, left: Any, bound: Any) -> None:
        if right > 0:
            for k in range(total.size):
                product[k] >>= right
        low, high = np.int32(ACCUMULATOR_MIN), np.int32(ACCUMULATOR_MAX)
        # bounded before the shift to the left, whose result 32 bits then hold
        least, most, up = np.int32(-bound), np.int32(bound), left & 31
        for k in range(total.size):
            change = np.int32(min(max(product[k], least), most) << up)
            inside = min(max(change, low), high)
            summed = np.int32(total[k] + inside)
            kept = min(max(summed, low), high)
            limited[k] |= np.int32((inside ^ change) | (kept ^ summed))
            total[k] = kept

    return real if isinstance(total.dtype, numba.types.Float) else fixed


@overload(finish)
def _finish(new: Any, value: Any, total: Any, limited: Any, variable: Any, offset: Any) -> Any:
    def real(new: Any, value: Any, total: Any, limited: Any, variable: Any, offset: Any) -> None:
        low = 0.0 if variable.sign > 0 else -np.inf
        high = 0.0 if variable.sign < 0 else np.inf
        for k in range(new.size):
            changed = value[k] + total[k]
            new[k] = low if changed < low else high if changed > high else changed

    def fixed(new: Any, value: Any, total: Any, limited: Any, variable: Any, offset: Any) -> None:
        low = np.int32(0 if variable.sign > 0 else ACCUMULATOR_MIN)
        high = np.int32(0 if variable.sign < 0 else ACCUMULATOR_MAX)
        least, most, add = np.int32(variable.low), np.int32(variable.high), np.int32(offset)
        for k in range(new.size):
            signed = min(max(total[k], low), high)
            exact = np.int32(np.int32(signed + add) >> FRACTION_BITS)
            kept = min(max(exact, least), most)
            limited[k] |= np.int32((signed ^ total[k]) | (kept ^ exact))
            new[k] = kept

    def fixed_each(new: Any, value: Any, total: Any, limited: Any, variable: Any, offset: Any) -> None:
        low = np.int32(0 if variable.sign > 0 else ACCUMULATOR_MIN)
        high = np.int32(0 if variable.sign < 0 else ACCUMULATOR_MAX)
        least, most = np.int32(variable.low), np.int32(variable.high)
        for k in range(new.size):
            signed = min(max(total[k], low), high)
            exact = np.int32(np.int32(signed + offset[k]) >> FRACTION_BITS)
            kept = min(max(exact, least), most)
            limited[k] |= np.int32((signed ^ total[k]) | (kept ^ exact))
            new[k] = kept

    if isinstance(total.dtype, numba.types.Float):
        return real
    return fixed_each if isinstance(offset, numba.types.Array) else fixed
