"""Microcode of a learning engine: sums of products that update a weight, a delay and a tag once an epoch.

Every ``t_epoch`` steps, for each of the three synaptic variables ``z`` in (w, d, t)::

    z := z + sum over products of  mantissa * 2**exponent * dependency * factor * factor * ...

dependency  ``x0`` (the source spiked in this epoch), ``y0`` (the target spiked), or ``u`` (every 2**k-th epoch).
factor      a trace x1 x2 y1 y2 y3, a synaptic variable w d t, or a second spike flag, each plus a constant;
            ``sgn`` takes the sign of a synaptic variable plus a constant. Traces are read at the time of the
            dependency's last spike in the epoch (``u``: at its end).

Integer mantissas obey the limits of Lava's microcode and run in both number formats. A mantissa that is a float is a
real coefficient, which only Float64 can run. The text form is in :mod:`neuroalign.microcode_text`.
Source: Lava 0.10, whose CPU model of the learning engine this describes; t is its tag_1 and d its tag_2.
"""

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
MAX_EPOCH = 63
TRACE_LIMIT = 128
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


@dataclass(frozen=True)
class Trace:
    """A trace of spikes: ``impulse`` is added at a spike, and it decays with ``tau``.

    Parameters
    ----------
    impulse
        In integers the fraction is rounded stochastically and the trace saturates at 127.
    tau : steps
        Time constant; infinite for a trace that does not decay. 0 clears the trace in every step, so it is allowed
        with impulse 0 only: an idle trace, whose value is 0 and whose only use is to carry a constant, as in
        ``(y3+4)``.
    """

    impulse: float
    tau: float

    def __post_init__(self) -> None:
        if not (0 <= self.impulse < math.inf):
            raise RuleError(f"a trace impulse is {self.impulse}; it must be 0 or more and finite")
        if not self.tau >= 0:
            raise RuleError(f"a trace tau is {self.tau} steps; it must be 0 or more (inf: no decay)")
        if self.impulse > 0 and self.tau == 0:
            raise RuleError(
                f"a trace has impulse {self.impulse:g} but tau 0, which clears it in every step; "
                "give tau in steps (0.01 for a trace that lasts one step)"
            )


@dataclass(frozen=True)
class Program:
    """All that a plastic connection needs to learn, except its weights.

    Parameters
    ----------
    dw, dd, tag_update
        Products that update weight, delay and tag (``tag_update`` is ``dt`` in the text form). At least one product.
    x1, x2, y1, y2, y3
        Traces; None where the program has none.
    t_epoch : steps
        Learning takes place every ``t_epoch`` steps, 1..63.
    rng_seed
        Seed of the trace rounding streams.

    Raises
    ------
    RuleError
        If there is no product, a used trace is not given, the products ask for two different k, or a number is out
        of range.
    """

    dw: tuple[Product, ...] = ()
    dd: tuple[Product, ...] = ()
    tag_update: tuple[Product, ...] = ()
    x1: Trace | None = None
    x2: Trace | None = None
    y1: Trace | None = None
    y2: Trace | None = None
    y3: Trace | None = None
    t_epoch: int = 1
    rng_seed: int = 0

    def __post_init__(self) -> None:
        if not (self.dw or self.dd or self.tag_update):
            raise RuleError("a program has no product at all; give at least one of dw, dd, dt")
        ks = sorted({p.k for p in self.products if p.k is not None})
        if len(ks) > 1:
            raise RuleError(f"a program uses u{ks[0]} and u{ks[1]}; dw, dd and dt share one k, so use the same digit")
        for name in TRACES:
            if name in self.variables and getattr(self, name) is None:
                raise RuleError(f"the rule uses {name} but no trace {name} is given; add its impulse and tau in steps")
        if not isinstance(self.t_epoch, int) or not 1 <= self.t_epoch <= MAX_EPOCH:
            raise RuleError(f"t_epoch is {self.t_epoch}; it must be a whole number of steps, 1..{MAX_EPOCH}")
        if not isinstance(self.rng_seed, int) or self.rng_seed < 0:
            raise RuleError(f"rng_seed is {self.rng_seed}; it must be a whole number, 0 or more")

    @property
    def products(self) -> tuple[Product, ...]:
        """Every product, of dw, dd and dt in this order."""
        return self.dw + self.dd + self.tag_update

    @property
    def variables(self) -> frozenset[str]:
        """Names of all factors."""
        return frozenset(f.variable for p in self.products for f in p.factors)

    @property
    def k(self) -> int | None:
        """The k of ``u_k``, or None when no product depends on it."""
        return next((p.k for p in self.products if p.k is not None), None)

    def target(self, name: Target) -> tuple[Product, ...]:
        """Products of ``dw``, ``dd`` or ``dt``."""
        return {"dw": self.dw, "dd": self.dd, "dt": self.tag_update}[name]

    def trace(self, name: str) -> Trace:
        """The trace called ``name``; an idle one where the program has none."""
        trace: Trace | None = getattr(self, name)
        return trace or Trace(0, 0)


def check_integers(program: Program) -> None:
    """Refuse a program that integer microcode cannot hold.

    Raises
    ------
    RuleError
        If a coefficient is real, or an impulse does not fit into a 7-bit trace.
    """
    for product in program.products:
        if not product.is_microcode:
            mantissa, exponent = nearest_coefficient(product.mantissa)
            raise RuleError(
                f"coefficient {product.mantissa!r} is real and needs Float64; the nearest integer one is "
                f"{mantissa}*2^{exponent}"
            )
    for name in TRACES:
        if program.trace(name).impulse >= TRACE_LIMIT:
            raise RuleError(
                f"trace {name} has impulse {program.trace(name).impulse:g}; 7 bits hold less than {TRACE_LIMIT}, "
                "so scale impulse and coefficient"
            )


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
