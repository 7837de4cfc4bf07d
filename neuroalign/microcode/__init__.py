"""Microcode of a learning engine: sums of products that update a weight, a delay and a tag once an epoch.

Every ``t_epoch`` steps, for each of the three synaptic variables ``z`` in (w, d, t)::

    z := z + sum over products of  mantissa * 2**exponent * dependency * factor * factor * ...

dependency  ``x0`` (the source spiked in this epoch), ``y0`` (the target spiked), or ``u`` (every 2**k-th epoch).
factor      a trace x1 x2 y1 y2 y3, a synaptic variable w d t, or a second spike flag, each plus a constant;
            ``sgn`` takes the sign of a synaptic variable plus a constant. Traces are read at the time of the
            dependency's last spike in the epoch (``u``: at its end).

Integer mantissas obey the limits of Lava's microcode and run in both number formats. A mantissa that is a float is a
real coefficient, which only Float64 can run. The text form is in :mod:`neuroalign.microcode.text`.
Source: Lava 0.10, whose CPU model of the learning engine this describes; t is its tag_1 and d its tag_2.
"""

from neuroalign.microcode.product import (
    ACCUMULATOR_BITS,
    CONSTANT_LIMIT,
    FACTOR_BITS,
    MANTISSA_BITS,
    MAX_DECIMATION,
    MAX_EXPONENT,
    MAX_MANTISSA,
    MIN_EXPONENT,
    MIN_MANTISSA,
    POST_TRACES,
    PRE_TRACES,
    SPIKES,
    SYNAPTIC,
    TARGETS,
    TRACES,
    Dependency,
    Factor,
    Number,
    Product,
    Target,
    nearest_coefficient,
)
from neuroalign.microcode.program import MAX_EPOCH, TRACE_LIMIT, Program, Trace, check_integers

__all__ = [
    "ACCUMULATOR_BITS",
    "CONSTANT_LIMIT",
    "FACTOR_BITS",
    "MANTISSA_BITS",
    "MAX_DECIMATION",
    "MAX_EPOCH",
    "MAX_EXPONENT",
    "MAX_MANTISSA",
    "MIN_EXPONENT",
    "MIN_MANTISSA",
    "POST_TRACES",
    "PRE_TRACES",
    "SPIKES",
    "SYNAPTIC",
    "TARGETS",
    "TRACES",
    "TRACE_LIMIT",
    "Dependency",
    "Factor",
    "Number",
    "Product",
    "Program",
    "Target",
    "Trace",
    "check_integers",
    "nearest_coefficient",
]
