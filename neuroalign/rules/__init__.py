"""Published learning rules, one a file: equation, citation, symbols with units, and a function that makes the rule."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from neuroalign.errors import RuleError
from neuroalign.rule import LearningRule
from neuroalign.rule.files import rule_from_file, rule_from_python
from neuroalign.rules.kolen_pollack import kolen_pollack
from neuroalign.rules.pair_stdp import pair_stdp
from neuroalign.rules.rdd import rdd
from neuroalign.rules.sal import sal
from neuroalign.rules.spike_train import spike_train
from neuroalign.rules.stdwi import stdwi
from neuroalign.rules.weight_mirror import weight_mirror

RULES: dict[str, Callable[[], LearningRule]] = {
    "kolen-pollack": kolen_pollack,
    "pair-stdp": pair_stdp,
    "rdd": rdd,
    "sal": sal,
    "spike-train": spike_train,
    "stdwi": stdwi,
    "weight-mirror": weight_mirror,
}
"""Rules by name, each with its published parameters."""


def load_rule(name: str) -> LearningRule:
    """The rule called ``name`` with its published parameters, or the one in a file NAME.rule or NAME.py.

    Raises
    ------
    RuleError
        If there is none of that name, or the file does not hold one rule.
    FileFormatError
        If the file cannot be read.

    Examples
    --------
    >>> import neuroalign
    >>> neuroalign.load_rule("sal").title
    'Spike-based alignment learning'
    """
    if name.endswith(".rule"):
        return rule_from_file(name)
    if name.endswith(".py"):
        return rule_from_python(name)
    if name not in RULES:
        like = difflib.get_close_matches(name, list(RULES), n=1, cutoff=0.5)
        meant = f" (nearest: {like[0]})" if like else ""
        raise RuleError(
            f"rule {name!r} is unknown{meant}; one of {', '.join(sorted(RULES))}, or a file NAME.rule or NAME.py"
        )
    return RULES[name]()


__all__ = [
    "RULES", "kolen_pollack", "load_rule", "pair_stdp", "rdd", "sal", "spike_train", "stdwi", "weight_mirror",
]  # fmt: skip
