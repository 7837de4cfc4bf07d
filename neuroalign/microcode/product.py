"""Products of microcode: a coefficient, what lets it act, and its factors, each within the limits of the engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from neuroalign.errors import RuleError

Dependency = Literal["x0", "y0", "u"]
Target = Literal["dw", "dd", "dt"]
Number = int | float

PRE_TRACES: tuple[str, ...] = ("x1", "x2")
POST_TRACES: tuple[str, ...] = ("y1", "y2", "y3")
TRACES: tuple[str, ...] = PRE_TRACES + POST_TRACES
SYNAPTIC: tuple[str, ...] = ("w", "d", "t")
SPIKES: tuple[str, ...] = ("x0", "y0")
TARGETS: tuple[Target, ...] = ("dw", "dd", "dt")

FACTOR_BITS: dict[str, int] = {
    **dict.fromkeys(SPIKES, 1),
    **dict.fromkeys(TRACES, 7),
    **dict.fromkeys(SYNAPTIC, 9),
}
"""Width of a factor: it saturates at -2**bits and 2**bits - 1 after its constant was added."""

MANTISSA_BITS = 4
ACCUMULATOR_BITS = 15
MIN_MANTISSA, MAX_MANTISSA = -8, 7
MIN_EXPONENT, MAX_EXPONENT = -7, 8
MAX_DECIMATION = 9
CONSTANT_LIMIT = 2**15


@dataclass(frozen=True)
class Factor:
    """One factor of a product: ``variable + constant``, or the sign of it.

    Parameters
    ----------
    variable
        A key of :data:`FACTOR_BITS`.
    constant
        Added before the factor saturates. In integers the sum is truncated towards zero.
    sign
        Whether the sign (-1, 0, 1) of the sum is meant.

    Raises
    ------
    RuleError
        If the variable is unknown, or the constant or the sign is not possible for it.
    """

    variable: str
    constant: Number = 0
    sign: bool = False

    def __post_init__(self) -> None:
        if self.variable not in FACTOR_BITS:
            raise RuleError(f"unknown factor {self.variable!r}; a factor is one of {' '.join(FACTOR_BITS)}")
        if self.sign and self.variable not in SYNAPTIC:
            raise RuleError(f"sgn({self.variable}) does not exist; sgn takes w, d or t only")
        if self.variable in SPIKES and self.constant:
            raise RuleError(f"{self.variable} has 1 bit and takes no constant; write {self.variable} alone")
        if not abs(self.constant) < CONSTANT_LIMIT:
            raise RuleError(
                f"constant {self.constant} beside {self.variable} is too large; keep it below {CONSTANT_LIMIT}"
            )

    @property
    def bits(self) -> int:
        """Width of the factor without its sign bit."""
        return FACTOR_BITS[self.variable]


@dataclass(frozen=True)
class Product:
    """``mantissa * 2**exponent * dependency * factors``.

    Parameters
    ----------
    dependency, k
        What lets the product act; ``k`` is given with ``u`` only: every ``2**k``-th epoch.
    mantissa, exponent
        Integers -8..7 and -7..8 (-8 only with exponent 8: anywhere else the text form means -4 and one exponent
        more, which rounds differently); or a float mantissa with exponent 0.
    factors
        In the order in which they are multiplied.

    Raises
    ------
    RuleError
        If a limit is exceeded or the combination does not exist.
    """

    dependency: Dependency
    mantissa: Number = 1
    exponent: int = 0
    factors: tuple[Factor, ...] = ()
    k: int | None = None

    def __post_init__(self) -> None:
        if self.dependency not in ("x0", "y0", "u"):
            raise RuleError(f"unknown dependency {self.dependency!r}; it is x0, y0 or u")
        if (self.k is None) == (self.dependency == "u"):
            raise RuleError(f"k is {self.k} with dependency {self.dependency}; u needs a k, x0 and y0 take none")
        if self.k is not None and not 0 <= self.k <= MAX_DECIMATION:
            raise RuleError(f"u{self.k}: k is one digit, 0..{MAX_DECIMATION}; a longer t_epoch gives longer periods")
        _check_spike_factors(self)
        _check_coefficient(self.mantissa, self.exponent)

    @property
    def coefficient(self) -> float:
        """``mantissa * 2**exponent``."""
        return self.mantissa * 2.0**self.exponent

    @property
    def shift(self) -> int:
        """Right shift that fits the product into the accumulator; nothing undoes it afterwards."""
        return max(0, sum(f.bits for f in self.factors) + MANTISSA_BITS - ACCUMULATOR_BITS)

    @property
    def is_microcode(self) -> bool:
        """Whether integers can hold the coefficient as it is."""
        return isinstance(self.mantissa, int)


def nearest_coefficient(value: float) -> tuple[int, int]:
    """Mantissa and exponent closest to ``value``, of equally close ones those with the smallest mantissa.

    (0, 0) for 0 only: the smallest coefficient stands for what is smaller still.
    """
    best = (int(math.copysign(1, value)), MIN_EXPONENT) if value else (0, 0)
    for exponent in range(MIN_EXPONENT, MAX_EXPONENT + 1):
        low = MIN_MANTISSA if exponent == MAX_EXPONENT else MIN_MANTISSA + 1
        mantissa = min(MAX_MANTISSA, max(low, round(value / 2.0**exponent)))
        if mantissa:
            best = min(best, (mantissa, exponent), key=lambda c: (abs(c[0] * 2.0 ** c[1] - value), abs(c[0])))
    return best


def _check_spike_factors(product: Product) -> None:
    """Each spike flag at most once: Lava multiplies it again, which changes nothing but the shift."""
    flags = [f.variable for f in product.factors if f.variable in SPIKES]
    if len(set(flags)) < len(flags) or product.dependency in flags:
        raise RuleError(f"a product has {flags[-1]} twice; a flag is 0 or 1, so once is enough")


def _check_coefficient(mantissa: Number, exponent: int) -> None:
    if not isinstance(mantissa, int):
        if not math.isfinite(mantissa) or exponent != 0:
            raise RuleError(f"coefficient {mantissa} * 2^{exponent}: a real one is finite and has exponent 0")
        return
    if MIN_MANTISSA < mantissa <= MAX_MANTISSA and MIN_EXPONENT <= exponent <= MAX_EXPONENT:
        return
    if (mantissa, exponent) == (MIN_MANTISSA, MAX_EXPONENT):
        return
    near, power = nearest_coefficient(mantissa * 2.0**exponent)
    raise RuleError(
        f"coefficient {mantissa}*2^{exponent} does not fit: the mantissa must be {MIN_MANTISSA}..{MAX_MANTISSA} and the "
        f"exponent {MIN_EXPONENT}..{MAX_EXPONENT}; nearest is {near}*2^{power}"
    )
