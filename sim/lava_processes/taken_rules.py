"""Lava's learning rules as Programs: read from the rule object, Lava not imported."""

from __future__ import annotations

from typing import Any

from neuroalign.errors import RuleError
from neuroalign.microcode import POST_TRACES, PRE_TRACES, Program, Trace
from neuroalign.microcode_text import program_from_text

_NAMES = ("dw_str", "dd_str", "dt_str", "t_epoch", "rng_seed", "x1_impulse", "x1_tau", "y3_tau")
_TWO, _THREE = "Loihi2FLearningRule", "Loihi3FLearningRule"


def is_rule(candidate: Any) -> bool:
    """Whether an object is a learning rule of Lava's, as far as is needed here."""
    return all(hasattr(candidate, name) for name in _NAMES)


def takes_third_factors(rule: Any) -> bool:
    """Whether y1, y2 and y3 of a rule are received (Loihi3FLearningRule) instead of traces of the target's spikes.

    Raises
    ------
    RuleError
        If the rule is of neither kind: Lava's synapses would then never see a spike of the target.
    """
    kinds = [c.__name__ for c in type(rule).__mro__]
    if _THREE in kinds:
        return True
    if _TWO in kinds:
        return False
    raise RuleError(
        f"{type(rule).__name__} is neither a {_TWO} nor a {_THREE}; in Lava its synapses see no spike of the target, so use "
        "one of these"
    )


def program_of(rule: Any) -> Program:
    """The Program that a Loihi2FLearningRule, Loihi3FLearningRule or one derived from them (STDPLoihi) runs in integers.

    Raises
    ------
    RuleError
        If a string means something else to Lava than it says, or a number is out of range.
    """
    third = takes_third_factors(rule)
    texts = {name: _text(getattr(rule, f"{name}_str")) for name in ("dw", "dd", "dt")}
    traces: dict[str, Trace] = {}
    for name in (*PRE_TRACES, *POST_TRACES):
        impulse, tau = float(getattr(rule, f"{name}_impulse")), float(getattr(rule, f"{name}_tau"))
        if third and name in POST_TRACES:
            traces[name] = Trace(0, 0)
        elif impulse == 0:
            traces[name] = Trace(0, tau)
        else:
            traces[name] = Trace(_plain(impulse), _plain(tau))
    return program_from_text(**texts, t_epoch=int(rule.t_epoch), rng_seed=int(rule.rng_seed), **traces)


def _text(given: Any) -> str:
    """A rule's string; newlines and tabs are blanks to nobody but us, and Lava refuses them first."""
    return "" if given is None else str(given)


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value
