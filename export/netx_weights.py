"""Weights as lava-dl's netx gives them to Lava: a power of two for the matrix, and as few bits as hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import ConversionRefused
from neuroalign.fixed_point import WEIGHT_BITS, lava_weights

Integers = NDArray[np.int64]
SignMode = Literal["mixed", "excitatory", "inhibitory"]

LOW, HIGH = -256, 254
"""Where lava-dl clips matrices of both signs."""


@dataclass(frozen=True, eq=False)
class HeldWeights:
    """What Lava computes with: ``weight << exponent`` (the exponent is 0 or negative), in ``bits`` of ``sign_mode``."""

    weight: Integers
    exponent: int
    bits: int
    sign_mode: SignMode

    @property
    def effective(self) -> NDArray[np.float64]:
        """What each weight stands for."""
        return np.asarray(np.ldexp(self.weight.astype(np.float64), self.exponent))


def held_weights(weight: Integers, *parts: int) -> tuple[HeldWeights, ...]:
    """The columns of a matrix as lava-dl 0.6.0 and Lava 0.10 hold them.

    Parameters
    ----------
    weight : (N_target, N_source)
        As in the file.
    parts
        Where the columns are cut: the parts share exponent and bits, and each has a sign of its own.

    Raises
    ------
    ConversionRefused
        If lava-dl has no form for the matrix.
    """
    if not weight.any():  # lava-dl divides by the largest; nothing is rounded whatever the exponent
        return tuple(HeldWeights(w, 0, WEIGHT_BITS, "excitatory") for w in np.split(weight, parts, axis=1))
    if ((weight > HIGH).any() and (weight < 0).any()) or ((weight < LOW).any() and (weight > 0).any()):
        weight = np.clip(weight, LOW, HIGH)
    scale_bits, signed = _scale_bits(int(weight.min()), int(weight.max()))
    if scale_bits < 0:
        raise ConversionRefused(
            f"weights from {weight.min()} to {weight.max()} are beyond the 8 bits of lava-dl's dense layers; scale them down"
        )
    zeros = next((n for n in range(WEIGHT_BITS, 0, -1) if not (weight % (1 << n)).any()), 0)
    bits = WEIGHT_BITS - scale_bits - (zeros - signed)
    return tuple(_held(w << scale_bits, scale_bits, bits) for w in np.split(weight, parts, axis=1))


def _scale_bits(low: int, high: int) -> tuple[int, int]:
    """How far lava-dl shifts a matrix left, and whether it counts a sign bit."""
    if high < 0:
        return int(np.floor(np.log2(-256 / low))), 0
    if low >= 0:
        return int(np.floor(np.log2(255 / high))), 0
    scale = min(127 / high if high else np.inf, -128 / low)
    return int(np.floor(np.log2(scale))) + 1, 1


def _held(weight: Integers, scale_bits: int, bits: int) -> HeldWeights:
    """As Lava's Dense holds it, which looks at the sign itself."""
    mode: SignMode = "excitatory" if weight.min(initial=0) >= 0 else "inhibitory" if weight.max() <= 0 else "mixed"
    return HeldWeights(lava_weights(weight, mode, bits), -scale_bits, bits if 1 <= bits <= 9 else WEIGHT_BITS, mode)
