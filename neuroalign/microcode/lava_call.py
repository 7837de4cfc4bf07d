"""A learning rule as Lava has it: strings dw, dd and dt, impulses and time constants in steps; as text and as numbers.

Read are the keyword arguments of Lava's classes as they stand in a script, one a line or separated by commas, with or
without the call around them::

    dw = '2^-2*x1*y0 - 2^-2*y1*x0'
    x1_impulse = 16
    x1_tau = 20

    Loihi2FLearningRule(dw='2^-2*x1*y0 - 2^-2*y1*x0', x1_impulse=16, x1_tau=20, y1_impulse=16, y1_tau=20)

and what ``neuroalign rule show`` prints of a Program (``x1 = impulse 16 tau 20``). Nothing in the text is executed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neuroalign.errors import RuleError
from neuroalign.microcode.product import POST_TRACES, TARGETS, TRACES, Product
from neuroalign.microcode.program import Program, Trace
from neuroalign.microcode.text import parse, program_from_lines, to_text

TWO, THREE = "Loihi2FLearningRule", "Loihi3FLearningRule"
LARGEST_TAU = 1e17
"""Time constant in steps that Lava's integers hold and of which exp(-1/tau) is 1: what stands for no decay."""

_KEYS = frozenset({*TARGETS, "t_epoch", "rng_seed", *(f"{t}_{part}" for t in TRACES for part in ("impulse", "tau"))})
_SIGNS_OF_LAVA = re.compile(
    r"LearningRule\s*\(|STDPLoihi\s*\(|RewardModulatedSTDP\s*\(|^\s*['\"]?[xy][123]_(impulse|tau)\b|[,(]\s*[xy][123]_(impulse|tau)\s*=|"
    r"^\s*(dw|dd|dt)\s*=\s*['\"]|impulse \S+ tau|^\s*(dw|dd|dt)\s*=.*\b([xy]0|u[0-9])\b",
    re.MULTILINE,
)
_BARE = re.compile(r"^(\s*)(dw|dd|dt)(\s*=\s*)([^'\"\s][^'\"#\n]*?)\s*,?\s*(#.*)?$", re.MULTILINE)


@dataclass(frozen=True)
class LavaRule:
    """A rule in Lava's terms.

    Parameters
    ----------
    program
        What Lava runs. Coefficients that integers cannot hold are real there, and ``unheld`` says which.
    third_factors
        Whether y1, y2 and y3 are received, as in a Loihi3FLearningRule, instead of traces of post spikes.
    unheld
        In Lava's own words or ours, why integers cannot hold the rule as it is written; empty where they can.
    """

    program: Program
    third_factors: bool = False
    unheld: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The rule as a call in Lava, to paste into a script."""
        return lava_call(self.program, third_factors=self.third_factors)


def is_lava_text(text: str) -> bool:
    """Whether a text is a rule in Lava's terms rather than one in SI units."""
    return _SIGNS_OF_LAVA.search(text) is not None


def read_call(text: str) -> tuple[str, dict[str, Any]]:
    """Class name ("" where there is none) and keyword arguments of a rule that stands in a text.

    Raises
    ------
    RuleError
        If the text is no list of keyword arguments with plain values.
    """
    quoted = _BARE.sub(lambda m: f"{m[1]}{m[2]}{m[3]}{m[4].strip()!r}", text).strip()
    found = _arguments(quoted)
    if found is None:
        found = _arguments(f"rule({quoted})")
    if found is None:
        raise RuleError(
            "the text is no rule of Lava's: write its arguments as in a script, dw='2^-2*x1*y0', x1_impulse=16, x1_tau=20"
        )
    return found


def lava_rule(name: str, arguments: Mapping[str, Any]) -> LavaRule:
    """The rule that a ``Loihi2FLearningRule`` or ``Loihi3FLearningRule`` with these arguments is.

    Parameters
    ----------
    name
        Of the class; one of two factors where it is none of these.

    Raises
    ------
    RuleError
        If an argument is unknown, a string means something else to Lava than it says, or nothing would change.
    """
    third = name == THREE
    for key in arguments:
        if key not in _KEYS or (third and key[:2] in POST_TRACES):
            known = ", ".join(sorted(k for k in _KEYS if not (third and k[:2] in POST_TRACES)))
            raise RuleError(f"{key} is no argument of {name or TWO}; it takes {known}")
    traces = {trace: _trace(trace, arguments, third) for trace in TRACES}
    numbers = {
        key: int(_number(key, start if arguments.get(key) is None else arguments[key]))
        for key, start in (("t_epoch", 1), ("rng_seed", 0))
    }
    return from_strings({t: arguments.get(t) for t in TARGETS}, traces, numbers, third)


def from_strings(
    strings: Mapping[str, Any], traces: Mapping[str, Trace], numbers: Mapping[str, int], third: bool
) -> LavaRule:
    """A rule from its strings; coefficients that integers cannot hold are kept and named."""
    products: dict[str, tuple[Product, ...]] = {}
    unheld = []
    for target in TARGETS:
        given = strings.get(target)
        if given is None:
            products[target] = ()
            continue
        text = " ".join(str(given).split())
        try:
            products[target] = parse(text, target)
        except RuleError as error:
            products[target] = parse(text, target, real=True)
            unheld.append(str(error.message))
    dw, dd, tag = (products[target] for target in TARGETS)
    return LavaRule(Program(dw, dd, tag, **traces, **numbers), third, tuple(unheld))  # type: ignore[arg-type]


def lava_rule_from_text(text: str) -> LavaRule:
    """The rule that stands in a text (see the module); classes other than Lava's two need Lava itself.

    Raises
    ------
    RuleError
        If the text is none, or names a class that only Lava can make.
    """
    if re.search(r"impulse \S+ tau", text):
        return LavaRule(program_from_lines(text))
    name, arguments = read_call(text)
    if name not in ("", TWO, THREE):
        raise RuleError(f"{name} is made by Lava itself; give {TWO} or {THREE} with its strings")
    return lava_rule(name, arguments)


def lava_call(program: Program, *, third_factors: bool = False) -> str:
    """A Program as a call in Lava, to paste into a script.

    Raises
    ------
    RuleError
        If a coefficient is real.
    """
    texts = {t: to_text(program.target(t)) for t in TARGETS if program.target(t)}
    lines = [f"{THREE if third_factors else TWO}(", *(f'    {t}="{text}",' for t, text in texts.items())]
    for name in TRACES:
        trace = getattr(program, name)
        if trace is None or (third_factors and name in POST_TRACES) or (not trace.impulse and not trace.tau):
            continue
        lines.append(f"    {name}_impulse={_short(trace.impulse)}, {name}_tau={_short(min(trace.tau, LARGEST_TAU))},")
    return "\n".join([*lines, f"    t_epoch={program.t_epoch}, rng_seed={program.rng_seed},", ")"])


def _arguments(source: str) -> tuple[str, dict[str, Any]] | None:
    """Of one call, or of assignments; None where the text is neither."""
    try:
        body = ast.parse(source.rstrip(",")).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    calls = [n.value for n in body if isinstance(n, ast.Expr | ast.Assign) and isinstance(n.value, ast.Call)]
    if len(calls) == 1 and len(body) == 1:
        called = calls[0].func
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        if calls[0].args or any(k.arg is None for k in calls[0].keywords):
            return None
        return ("" if name == "rule" else name), {str(k.arg): _literal(str(k.arg), k.value) for k in calls[0].keywords}
    found: dict[str, Any] = {}
    for node in body:
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            return None
        value = node.value
        if isinstance(value, ast.Tuple) and len(value.elts) == 1:  # a comma at the end of a line
            value = value.elts[0]
        found[node.targets[0].id] = _literal(node.targets[0].id, value)
    return "", found


def _literal(name: str, node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        raise RuleError(f"{name} is {ast.unparse(node)!r}; write the value itself, a number or a string") from None


def _trace(name: str, arguments: Mapping[str, Any], third: bool) -> Trace:
    if third and name in POST_TRACES:
        return Trace(0, 0)
    impulse, tau = (_number(f"{name}_{part}", arguments.get(f"{name}_{part}") or 0) for part in ("impulse", "tau"))
    try:
        return Trace(impulse, tau)
    except RuleError as error:
        raise RuleError(f"{name}: {error.message}") from None


def _number(name: str, value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RuleError(f"{name} is {value!r}; a number is needed")
    if name in ("t_epoch", "rng_seed") and value != int(value):
        raise RuleError(f"{name} is {value}; a whole number is needed")
    return int(value) if value == value // 1 else value


def _short(value: float) -> str:
    return f"{value:.17g}" if value != int(value) else str(int(value))
