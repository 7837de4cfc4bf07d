"""Integer impulses for traces of 7 bits: as large as they may be, for resolution, without saturating the trace.

A trace with time constant tau of a neuron that spikes with rate r as a Poisson process has, in units of its impulse,
mean ``r tau`` and variance ``r tau / 2``; its peak is taken as ``1 + r tau + 3 sqrt(r tau / 2)``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from neuroalign.errors import RuleError
from neuroalign.rule import LearningRule

RATE_HZ = 30.0
"""Rate of an active neuron, where neither rule nor choices say."""
TRACE_MAX = 127
LEAST_IMPULSE = 8
"""Impulses are not lowered below this for the sake of coefficients: a trace needs some levels to decay through."""


def peak(tau: float, rate: float) -> float:
    """The expected peak of a trace, in units of its impulse; ``tau`` in seconds, ``rate`` in Hz."""
    mean = rate * tau
    return 1 + mean + 3 * math.sqrt(mean / 2)


def choose_impulses(
    rule: LearningRule, given: Mapping[str, int] | None, rates: tuple[float, float], divisor: int = 1
) -> dict[str, int]:
    """Trace name to impulse: the given ones, otherwise powers of two that leave room for the expected peak.

    Parameters
    ----------
    rates : Hz
        Of active pre and post neurons.
    divisor
        Lowers the chosen ones by this power of two, where they stay at 8 or more: smaller impulses mean larger
        coefficients, which microcode holds with a smaller relative error.

    Raises
    ------
    RuleError
        If a given impulse is out of range, or is given for a trace that the rule does not have.
    """
    for name, impulse in (given or {}).items():
        if name not in rule.traces:
            raise RuleError(f"impulse of {name!r}: rule {rule.name!r} has the traces {', '.join(rule.traces)}")
        if not 1 <= impulse <= TRACE_MAX:
            raise RuleError(f"trace {name!r}: impulse {impulse}; a 7-bit trace takes 1..{TRACE_MAX}")
    chosen = {}
    for name, trace in rule.traces.items():
        largest = 2 ** math.floor(math.log2(max(TRACE_MAX / peak(trace.tau, rates[trace.of == "post"]), 1)))
        chosen[name] = (given or {}).get(name) or max(largest // divisor, min(largest, LEAST_IMPULSE))
    return chosen
