"""Integer arithmetic of Loihi-class neurons: one copy of each operation.

Every function down to :func:`shift` is an expression of ``+ - * << >> &`` and comparisons, so the same source works on
Python ints, on int64 arrays and, compiled by numba, on scalars inside a loop. (``np.where`` would work too, but numba
makes an array of each of its scalar results: 500 times slower.) Values are exact as long as the intermediate results
fit 64 bits, which every 32-bit state and field does.

Source: the fixed-point models of Lava 0.10 (``lava/proc/lif``, ``lava/proc/dense``, ``lava/utils/weightutils``).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

WEIGHT_BITS = 8
"""Magnitude bits of a synaptic weight; a mixed sign takes the lowest of them."""


def decay_towards_zero(x: Any, factor: Any, bits: Any) -> Any:
    """``x * factor / 2**bits`` with the fraction cut off towards zero.

    Equation
        ``sign(x) * (|x| * factor >> bits)`` for ``factor >= 0``.

    Parameters
    ----------
    x
        State, 32 bits.
    factor
        ``2**bits - decay``, in 0 to ``2**bits``.
    bits
        Fraction bits of the decay field: 12 on Loihi.
    """
    product = x * factor
    return (product + ((product >> 63) & ((1 << bits) - 1))) >> bits


def wrap_int32(x: Any) -> Any:
    """``x`` modulo 2**32 in -2**31 to 2**31 - 1, as a C cast to int32 has it."""
    return ((x + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def wrap(x: Any, bits: Any) -> Any:
    """``x`` modulo 2**bits in -2**(bits-1) to 2**(bits-1) - 1."""
    half = 1 << (bits - 1)
    return ((x + half) & (2 * half - 1)) - half


def fold_once(x: Any, bits: Any) -> Any:
    """Lava's wrap of the current ``u`` to ``bits`` bits: one conditional fold, and an asymmetric one.

    Equation
        ``x - 2**bits`` if ``x > 2**(bits-1)``; ``x + 2**bits`` if ``x <= -2**(bits-1)``; else ``x``.

    So ``+2**(bits-1)`` stays, ``-2**(bits-1)`` becomes ``+2**(bits-1)``, and what lies further than one turn outside
    stays outside.
    """
    half = 1 << (bits - 1)
    return x - 2 * half * (x > half) + 2 * half * (x <= -half)


def saturate(x: Any, bits: Any) -> Any:
    """``x`` limited to -(2**(bits-1) - 1) to 2**(bits-1) - 1: symmetric, as Lava limits ``v``."""
    limit = (1 << (bits - 1)) - 1
    return np.minimum(np.maximum(x, -limit), limit)


def shift(x: Any, exponent: Any) -> Any:
    """``x << exponent``, or ``x >> -exponent`` rounding down where the exponent is negative (-4 >> 3 is -1).

    The exponent lies in -63 to 63; the result is exact modulo 2**64.
    """
    left = exponent * (exponent > 0)
    return (x << left) >> (left - exponent)


def clip_weights(weight: NDArray[Any], sign_mode: Literal["mixed", "excitatory", "inhibitory"]) -> NDArray[np.int64]:
    """Weights within the 8-bit range of their sign mode: [-256, 255], [0, 255] or [-255, 0]."""
    largest = (1 << WEIGHT_BITS) - 1
    low = {"mixed": -largest - 1, "excitatory": 0, "inhibitory": -largest}[sign_mode]
    high = {"mixed": largest, "excitatory": largest, "inhibitory": 0}[sign_mode]
    return np.clip(np.asarray(weight, dtype=np.int64), low, high)


def truncate_weights(
    weight: NDArray[Any], sign_mode: Literal["mixed", "excitatory", "inhibitory"], weight_bits: int = WEIGHT_BITS
) -> NDArray[np.int64]:
    """Weights with the low bits cleared that ``weight_bits`` bits do not hold.

    A mixed sign costs one bit more, so 8-bit mixed weights are even. Mixed weights round down, inhibitory ones
    towards zero.
    """
    weight = np.asarray(weight, dtype=np.int64)
    low_bits = WEIGHT_BITS - weight_bits + (sign_mode == "mixed")
    if sign_mode == "inhibitory":
        return -((-weight >> low_bits) << low_bits)
    return (weight >> low_bits) << low_bits


def lava_weights(
    weight: NDArray[Any], sign_mode: Literal["mixed", "excitatory", "inhibitory"], weight_bits: int = WEIGHT_BITS
) -> NDArray[np.int64]:
    """The weights that Lava's Dense computes with when it is given ``weight``: clipped, then truncated."""
    return truncate_weights(clip_weights(weight, sign_mode), sign_mode, weight_bits)
