"""Lava's learning rules as Programs: read from the rule object, Lava not imported; or made by Lava from a call in a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuroalign.errors import BackendMissing, RuleError
from neuroalign.microcode import POST_TRACES, TRACES, Program, Trace
from neuroalign.microcode.lava_call import THREE, TWO, LavaRule, from_strings

_NAMES = ("dw_str", "dd_str", "dt_str", "t_epoch", "rng_seed", "x1_impulse", "x1_tau", "y3_tau")
_CLASSES = {
    TWO: "lava.magma.core.learning.learning_rule",
    THREE: "lava.magma.core.learning.learning_rule",
    "STDPLoihi": "lava.proc.learning_rules.stdp_learning_rule",
    "RewardModulatedSTDP": "lava.proc.learning_rules.r_stdp_learning_rule",
}


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
    if THREE in kinds:
        return True
    if TWO in kinds:
        return False
    raise RuleError(
        f"{type(rule).__name__} is neither a {TWO} nor a {THREE}; in Lava its synapses see no spike of the target, so use "
        "one of these"
    )


def rule_of(rule: Any) -> LavaRule:
    """The rule that an object of Lava's (Loihi2FLearningRule, Loihi3FLearningRule or derived from them) is.

    Raises
    ------
    RuleError
        If a string means something else to Lava than it says, or a number is out of range.
    """
    third = takes_third_factors(rule)
    traces = {name: _trace(rule, name, third) for name in TRACES}
    strings = {name: getattr(rule, f"{name}_str") for name in ("dw", "dd", "dt")}
    return from_strings(strings, traces, {"t_epoch": int(rule.t_epoch), "rng_seed": int(rule.rng_seed)}, third)


def program_of(rule: Any) -> Program:
    """The Program that a rule object runs in integers (RuleError where they cannot hold it)."""
    held = rule_of(rule)
    for reason in held.unheld:
        raise RuleError(reason)
    return held.program


def made_by_lava(name: str, arguments: Mapping[str, Any]) -> LavaRule:
    """The rule that Lava itself makes of a call such as ``STDPLoihi(learning_rate=1, A_plus=2, ...)``; its seed is 0 unless given.

    Raises
    ------
    RuleError
        If the class is unknown, or Lava refuses the arguments (with its own words).
    BackendMissing
        If Lava is not installed.
    """
    import importlib

    from neuroalign.sim.lava_processes import lava_compat
    from neuroalign.sim.lava_processes.backend import LavaBackend

    if name not in _CLASSES:
        raise RuleError(f"{name} is no learning rule of Lava's; one of {', '.join(_CLASSES)}")
    missing = LavaBackend().missing()
    if missing:
        raise BackendMissing(f"only Lava can make a {name}: {missing}")
    lava_compat.install()
    try:
        made = getattr(importlib.import_module(_CLASSES[name]), name)(**{"rng_seed": 0, **arguments})
    except Exception as error:  # whatever Lava raises about its arguments
        raise RuleError(f"Lava refuses this {name}: {type(error).__name__}: {error}") from error
    return rule_of(made)


def _trace(rule: Any, name: str, third: bool) -> Trace:
    if third and name in POST_TRACES:
        return Trace(0, 0)
    impulse, tau = (_plain(float(getattr(rule, f"{name}_{part}"))) for part in ("impulse", "tau"))
    return Trace(impulse, tau)


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value
