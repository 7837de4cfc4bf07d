"""Number formats: every number of a chip carries one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

Rounding = Literal["toward-zero", "floor", "nearest"]
Excess = Literal["wrap", "saturate"]
Numbers = NDArray[Any]  # integers under Fixed, float64 under Float64


@dataclass(frozen=True)
class Fixed:
    """A signed integer of ``bits`` bits (sign included) standing for ``value * 2**shift``."""

    bits: int
    shift: int = 0
    rounding: Rounding = "nearest"
    on_excess: Excess = "saturate"


@dataclass(frozen=True)
class Float64:
    """IEEE double precision: no rounding worth a name, no limits."""


NumberFormat = Fixed | Float64
