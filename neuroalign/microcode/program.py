"""A program of microcode: its products, the traces that they read, and how often it acts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from neuroalign.errors import RuleError
from neuroalign.microcode.product import TRACES, Product, Target, nearest_coefficient

MAX_EPOCH = 63
TRACE_LIMIT = 128


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
