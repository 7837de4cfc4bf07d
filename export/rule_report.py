"""The check of a rule as one self-contained page, report.html, and as strict JSON, report.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from neuroalign.deployment import plain
from neuroalign.deployment.learning import RuleCheck
from neuroalign.deployment.rule_words import LEGEND, check_words, rule_outcome, sheet_words
from neuroalign.export.excerpt_learning import Learnt
from neuroalign.export.report import page_environment, write_page
from neuroalign.quantise.rule_sheet import program_lines, row_line
from neuroalign.rule.mathml import rule_mathml

SCHEMA = "neuroalign-rule-check/1"


def write_rule_report(check: RuleCheck, out_dir: Path) -> Path:
    """Write ``report.html`` and ``report.json`` into ``out_dir``; return the page's path.

    Raises
    ------
    OutputError
        If the directory cannot be made or written.
    """
    return write_page(out_dir, render_rule(check), rule_json(check))


def rule_json(check: RuleCheck) -> dict[str, Any]:
    """The check as strict JSON; the Program as text."""
    document: dict[str, Any] = {"schema": SCHEMA, "program": _program(check)}
    for item in fields(check):
        document[item.name] = plain(getattr(check, item.name))
    return document


def render_rule(check: RuleCheck) -> str:
    """The page as text: no external request, no script but Bokeh and ours."""
    from neuroalign.export.figures.learning import learning
    from neuroalign.export.live import NOTHING, available, embed

    question = check.question
    labels = [a.candidate for a in check.agreements if a.reference == check.runs[0].label]
    shown = labels[1:] or labels  # the ideal run only where no chip ran
    runs = {run.label: run.weights for run in check.runs}
    against = [a for a in check.agreements if a.reference == question.reference and a.candidate in shown]
    what = Learnt(question.connection, tuple(against), runs[question.reference], tuple((n, runs[n]) for n in shown))
    picture = learning("learning", what, check.sheet.dt)
    live = NOTHING
    if available():
        from neuroalign.export.live.learning import learning as live_learning

        live = embed({"learning": live_learning(what, check.sheet.dt)})
    values: Mapping[str, Any] = {
        "c": check,
        "rule": check.sheet.rule,
        "program": _program(check),
        "rows": [row_line(row) for row in (check.sheet.held.rows if check.sheet.held else ())],
        "words": [*check_words(check), *([check.range_note] if check.range_note else [])],
        "outcome": rule_outcome(check),
        "plain": sheet_words(check.sheet),
        "legend": LEGEND,
        "picture": picture,
        "live": live,
        "math": rule_mathml(check.sheet.rule),
    }
    return page_environment().get_template("rule.html.j2").render(**values)


def _program(check: RuleCheck) -> str:
    return program_lines(check.sheet.held.program) if check.sheet.held else ""
