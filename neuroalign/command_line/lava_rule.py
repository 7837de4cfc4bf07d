"""``rule show`` and ``rule check`` of a rule in Lava's terms: what names one, and what the commands do."""

from __future__ import annotations

import contextlib
import runpy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from neuroalign.errors import FileFormatError, InputError, RuleError
from neuroalign.microcode.lava_call import LavaRule, is_lava_text

if TYPE_CHECKING:
    from neuroalign.profile import Profile
    from neuroalign.quantise.rule_choices import RuleChoices
    from neuroalign.rule_check import CheckOptions


def named_lava_rule(name: str) -> LavaRule | None:
    """The rule in Lava's terms that an argument names: its text, a file with it, or a script that makes one; else None.

    Raises
    ------
    RuleError, FileFormatError
        If it is one and cannot be read.
    """
    from neuroalign.from_lava.rule_check import rule_from_lava

    file = Path(name) if name.endswith((".rule", ".py")) else None
    if file is None:
        return rule_from_lava(name) if is_lava_text(name) else None
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None  # the reader of rules in SI units says what is wrong with the file
    if file.suffix == ".py":
        return _made_in(file) if "import" in text and "lava." in text and "LearningRule" in text else None
    if not is_lava_text(text):
        return None
    with _in_file(name):
        return rule_from_lava(text)


@contextlib.contextmanager
def _in_file(name: str) -> Iterator[None]:
    try:
        yield
    except RuleError as error:
        raise RuleError(f"{name}: {error.message}", error.text, error.column) from None


def _made_in(file: Path) -> LavaRule | None:
    """The one learning rule of Lava's that a script makes at its top level; None where it makes none."""
    from neuroalign.from_lava.rule_check import rule_from_lava
    from neuroalign.sim.lava_processes import lava_compat
    from neuroalign.sim.lava_processes.taken_rules import is_rule

    lava_compat.install()
    try:
        found = runpy.run_path(str(file))
    except Exception as error:  # whatever a user's own file raises
        line = str(error).splitlines()[:1]
        raise FileFormatError(
            f"{file} cannot be run: {type(error).__name__}: {''.join(line) or 'no message'}"
        ) from error
    rules = {id(value): value for value in found.values() if is_rule(value) and not isinstance(value, type)}
    if len(rules) > 1:
        raise RuleError(f"{file} makes {len(rules)} learning rules at its top level; leave one of them")
    return rule_from_lava(next(iter(rules.values()))) if rules else None


def refuse_options(given: Mapping[str, object]) -> None:
    """Options that make no sense for a rule in Lava's terms (InputError)."""
    for option, value in given.items():
        if value:
            raise InputError(
                f"{option} is for rules in SI units; one unit of the weight of a rule in Lava's terms is Lava's"
            )


def show(rule: LavaRule, profile: Profile, dt: float, choices: RuleChoices, json: Path | None) -> None:
    """``rule show``: what the rule means, what integers do to it, and the form that carries."""
    from neuroalign.command_line.lava_rule_terminal import prediction_rows, print_carried, print_meaning
    from neuroalign.from_lava.rule_check import carried_rule
    from neuroalign.from_lava.rule_meaning import SECONDS, meaning, notes, predicted
    from neuroalign.quantise.impulses import RATE_HZ

    rates = choices.rates or (RATE_HZ, RATE_HZ)
    si, carried = carried_rule(rule, profile, dt, choices)
    found = notes(rule, dt, profile, rates)
    prediction = predicted(rule, si, rates, dt) if si is not None else None
    if json is not None:
        from neuroalign.command_line.listed_rows import write_listed
        from neuroalign.export.report import MeasuredRow
        from neuroalign.microcode import TARGETS

        rows = [
            MeasuredRow(f"product {k + 1} of {t}", p.coefficient)
            for t in TARGETS
            for k, p in enumerate(rule.program.target(t))
        ]
        write_listed(json, "rule show", [*rows, *prediction_rows(prediction)])
    print_meaning(meaning(rule, dt), found, prediction)
    walk = carried.held.prediction.walk(SECONDS) if carried.held and carried.held.prediction else None
    words = f"Predicted walk of its rounding: {walk:.3g} units RMS in {SECONDS:g} s." if walk is not None else ""
    print_carried(carried.text, carried.refusal, words)


def check(
    rule: LavaRule,
    profile: Profile,
    choices: RuleChoices,
    options: CheckOptions,
    json: Path | None,
    quiet: bool,
) -> None:
    """``rule check``: run it, compare, print; a failed bit equality ends with exit code 5."""
    from neuroalign.command_line.lava_rule_terminal import check_rows, print_check, print_outcome
    from neuroalign.errors import BackendFailed
    from neuroalign.export.report import write_rows
    from neuroalign.from_lava.rule_check import check_lava_rule

    done = check_lava_rule(rule, profile, choices, options)
    if json is not None:
        write_rows(json, "rule check", check_rows(done), done.versions, done.seed)
    if quiet:
        print_outcome(done)
    else:
        print_check(done)
    if done.broken is not None and done.broken.states.first is not None:
        name, state, place = done.broken.states.first
        raise BackendFailed(
            f"{done.broken.left} and {done.broken.right} differ in {done.broken.states.mismatches} values, first in {state} of "
            f"{name} at chip step {place.step + 1}; this is a defect, please report it"
        )
