"""What ``rule show`` and ``rule check`` print of a rule in Lava's terms, and the rows of ``--json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from neuroalign.command_line.terminal import console

if TYPE_CHECKING:
    from neuroalign.export.report import MeasuredRow
    from neuroalign.fidelity import LearningAgreement
    from neuroalign.from_lava.rule_check import LavaRuleCheck
    from neuroalign.quantise.prediction import Prediction


def print_check(done: LavaRuleCheck) -> None:
    """Meaning, agreement with the rule without rounding, bit equality, and the form that carries."""
    from neuroalign.from_lava.rule_meaning import meaning

    out = console()
    print_meaning(meaning(done.rule, done.dt), done.notes, done.prediction)
    out.print(f"\n[bold]On {done.profile_id}[/bold]: {escape(done.spikes)}; {done.steps:,} steps of {done.dt:g} s")
    table = Table(title="Weights at the end, against the same rule without rounding", title_justify="left")
    for column in ("run", "r", "RMS in units", "parts by a unit after", "at a limit"):
        table.add_column(column, justify="left" if column == "run" else "right")
    equal = {b.right for b in done.bit_equality if b.holds}
    for a in (a for a in done.agreements if a.candidate not in equal):
        table.add_row(*_row(a))
    out.print(table)
    for pair in done.bit_equality:
        states = pair.states
        words = (
            f"bit-equal ({states.compared:,} values that change)" if states.compared else "nothing changed in this run"
        )
        words = f"{states.mismatches:,} values differ" if states.mismatches else words
        out.print(f"  {escape(pair.left)} and {escape(pair.right)}: {words}")
    print_carried(done.carried.text, done.carried.refusal, _no_better(done))


def print_outcome(done: LavaRuleCheck) -> None:
    """A line for each form that ran: how far it is from the rule without rounding."""
    equal = {b.right for b in done.bit_equality if b.holds}
    for a in (a for a in done.agreements if a.candidate not in equal):
        r = "" if a.last.r is None else f"r = {a.last.r:.4f}, "
        console().print(
            f"{escape(a.candidate)}: {r}RMS {a.last.rms:.3g} units against the rule without rounding", soft_wrap=True
        )


def check_rows(done: LavaRuleCheck) -> list[MeasuredRow]:
    """The figures of a check as rows of the JSON convention."""
    from neuroalign.export.report import MeasuredRow

    rows = []
    for a in done.agreements:
        case = f"{a.candidate} against {a.reference} after {a.last.step} steps"
        rows.append(MeasuredRow(f"{case}: r", a.last.r))
        rows.append(MeasuredRow(f"{case}: RMS", a.last.rms, "weight units"))
        rows.append(MeasuredRow(f"{case}: first read that differs by more than a unit", _parted(a), "steps"))
        rows += [MeasuredRow(f"{case}: {name}", n, "updates") for name, n in a.counts.items()]
    for pair in done.bit_equality:
        case = f"{pair.left} against {pair.right}: mismatches in {pair.states.compared} values that change"
        rows.append(MeasuredRow(case, pair.states.mismatches, "values", 0, pair.holds))
    return [*rows, *prediction_rows(done.prediction)]


def prediction_rows(prediction: Prediction | None) -> list[MeasuredRow]:
    """The predicted walk as a row; none without a prediction."""
    from neuroalign.export.report import MeasuredRow
    from neuroalign.from_lava.rule_meaning import SECONDS

    if prediction is None:
        return []
    case = f"predicted walk of rounding in {SECONDS:g} s, RMS"
    return [MeasuredRow(case, prediction.walk(SECONDS), "weight units")]


def print_meaning(lines: Sequence[str], found: Sequence[str], prediction: Prediction | None) -> None:
    """What a rule means, what integers do to it, and the walk of its rounding."""
    from neuroalign.from_lava.rule_meaning import walk_line

    out = console()
    out.print("[bold]A rule in Lava's terms[/bold]; a weight is in Lava's units, -256 to 255")
    for line in lines:
        out.print(f"  {escape(line)}", soft_wrap=True)
    for line in found:
        out.print(f"  [yellow]note:[/yellow] {escape(line)}", soft_wrap=True)
    if prediction is not None:
        out.print(f"  {escape(walk_line(prediction))}", soft_wrap=True)


def print_carried(text: str, refusal: str, beside: str) -> None:
    """The carried form as text with a line beside it, or why there is none."""
    out = console()
    if not text:
        out.print(f"\n  no form that carries small changes in the tag: {escape(refusal)}", soft_wrap=True)
        return
    out.print("\n[bold]The same with small changes kept in the tag[/bold], for your Lava script:")
    for line in text.splitlines():
        out.print(f"  {escape(line)}", soft_wrap=True)
    if beside:
        out.print(f"  {escape(beside)}", soft_wrap=True)


def _no_better(done: LavaRuleCheck) -> str:
    """What the run says of the carried form, where the rule could also stay as it is written."""
    by_name = {a.candidate.split(" (")[0]: a for a in done.agreements}
    if not {"as written", "carried"} <= set(by_name):
        return ""
    written, carried = by_name["as written"].last.rms, by_name["carried"].last.rms
    if carried < written:
        return f"In this run it is {written / carried:.2g} times closer to the rule without rounding than the rule as written."
    return "In this run the rule as written is closer to the rule without rounding: keep it."


def _row(a: LearningAgreement) -> tuple[str, ...]:
    parted = _parted(a)
    return (
        escape(a.candidate),
        "–" if a.last.r is None else f"{a.last.r:.4f}",
        f"{a.last.rms:.3g}",
        "never" if parted is None else f"{parted:,}",
        "" if a.last.candidate_clipped is None else f"{a.last.candidate_clipped:.1%}",
    )


def _parted(a: LearningAgreement) -> int | None:
    return None if a.first_parting is None else a.first_parting.step
