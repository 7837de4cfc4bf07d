"""What the ``rule`` commands print, and the rows of ``rule check --json``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from neuroalign.command_line.terminal import console

if TYPE_CHECKING:
    from neuroalign.deployment.learning import RuleCheck
    from neuroalign.export.report import MeasuredRow
    from neuroalign.fidelity import LearningAgreement
    from neuroalign.quantise.engine import EngineNeeds, SynapseCost
    from neuroalign.quantise.rule_sheet import RuleSheet
    from neuroalign.rule import LearningRule

SHOWN_READS = 5


def print_rules(rules: Sequence[LearningRule]) -> None:
    """One line per rule."""
    table = Table()
    for column in ("rule", "title", "equation", "source"):
        table.add_column(column, overflow="fold")
    for rule in rules:
        table.add_row(rule.name, escape(rule.title), escape(rule.equation), escape(rule.source))
    console().print(table)


def print_sheet(sheet: RuleSheet) -> None:
    """Equation, symbols, source, locality; the microcode, its constants with their errors, and what it needs."""
    from neuroalign.deployment.rule_words import sheet_words
    from neuroalign.quantise.rule_sheet import program_lines

    out, rule = console(), sheet.rule
    out.print(f"[bold]{escape(rule.title)}[/bold] ({escape(rule.name)})")
    out.print(f"  {escape(rule.equation)}")
    for symbol, meaning, unit in rule.symbols:
        out.print(f"  {escape(symbol)}: {escape(meaning)} [dim](unit {escape(unit)})[/dim]")
    for line in (f"source: {rule.source}", rule.locality, *rule.notes):
        out.print(f"  {escape(line)}")
    if sheet.held is None:
        return
    words = sheet_words(sheet)
    if words:
        out.print(f"\n[bold]In plain words, on {sheet.profile_id}[/bold]")
        for line in words:
            out.print(f"  {escape(line)}", soft_wrap=True)
    out.print(f"\n[bold]On {sheet.profile_id}, {sheet.form} form, steps of {sheet.dt:g} s[/bold]")
    for line in program_lines(sheet.held.program).splitlines():
        out.print(f"  {escape(line)}", soft_wrap=True)
    if sheet.held.rows:
        _print_constants(sheet)
    if sheet.needs is not None and sheet.cost is not None:
        for line in (*cost_lines(sheet.cost), *needs_lines(sheet.needs)):
            out.print(f"  {escape(line)}")


def _print_constants(sheet: RuleSheet) -> None:
    table = Table(title="Constants", title_justify="left")
    for column in ("what", "model", "on chip", "means", "error", "status", "note"):
        table.add_column(column, overflow="fold")
    for row in sheet.held.rows if sheet.held else ():
        figures = ("", "", "", "")
        if row.stored:
            figures = (f"{row.float_value:.6g}", row.stored, f"{row.stored_value:.6g}", f"{row.relative_error:.3%}")
        table.add_row(escape(row.quantity), *figures, row.status, escape(row.note))
    console().print(table)


def cost_lines(cost: SynapseCost) -> list[str]:
    """What a synapse costs, in words."""
    parts = [
        f"{n} {when}"
        for n, when in (
            (cost.at_pre, "at a spike of pre"),
            (cost.at_post, "at a spike of post"),
            (cost.at_transfer, f"every {cost.period} step(s)"),
        )
        if n
    ]
    line = f"costs per synapse: {cost.bits} bits; products: {', '.join(parts)}"
    return [line + (f"; {cost.per_second:.0f} a second at the rates" if cost.per_second == cost.per_second else "")]


def needs_lines(needs: EngineNeeds) -> list[str]:
    """What a chip must support, in words."""
    names = (f"{n} in {target}" for n, target in zip(needs.products, ("dw", "dd", "dt"), strict=True) if n)
    lines = [
        f"needs traces: {', '.join(needs.traces) or 'none'}"
        + (f"; idle, to carry constants: {', '.join(needs.idle_traces)}" if needs.idle_traces else ""),
        f"needs products: {sum(needs.products)} ({', '.join(names)})",
        f"needs per synapse: {needs.state_bits} bits of state (weight{', tag' if needs.tag else ''}{', delay' if needs.delay else ''})",
        f"needs an epoch of {needs.t_epoch} step(s)" + ("" if needs.k is None else f", and u{needs.k}"),
    ]
    if needs.third_factor:
        lines.append("needs a third factor in trace y3, sent in every step; then there are no post traces of its own")
    if needs.signs:
        lines.append("needs sgn of a synaptic variable")
    if needs.shift:
        lines.append(
            "leans on the uncompensated shift of products, which is Lava's; how a chip aligns them is not public"
        )
    if needs.odd_constants:
        lines.append(
            f"needs odd constants (largest {needs.largest_constant}); a chip may take even ones only, which is not public"
        )
    return lines


def print_check(check: RuleCheck) -> None:
    """Agreement over time of every pair of runs, where chip and float part and why, and bit equality."""
    from neuroalign.deployment.rule_words import LEGEND, check_words

    out = console()
    out.print(f"[bold]{escape(check.sheet.rule.title)} on {check.sheet.profile_id}[/bold]: {escape(check.spikes)}")
    for line in check_words(check):
        out.print(f"  {escape(line)}", soft_wrap=True)
    table = Table(title="Weights over time", title_justify="left")
    for column in ("run", "against", "step", "r", "signs", "angle", "RMS", "of range", "clipped"):
        table.add_column(column, justify="left" if column in ("run", "against") else "right")
    equal = {b.right for b in check.bit_equality if b.holds}
    for agreement in (a for a in check.agreements if a.candidate not in equal):  # the same figures once more
        for row in _read_rows(agreement):
            table.add_row(*row)
        table.add_section()
    out.print(table)
    out.print(f"  [dim]{escape(LEGEND)}[/dim]")
    if check.forms:
        _print_forms(check)
    if check.ablation:
        _print_ablation(check)
    for line in check_lines(check):
        out.print(f"  {escape(line)}")
    for line in check.warnings:
        out.print(f"  [yellow]note:[/yellow] {escape(line)}")
    for line in _range_lines(check):
        out.print(f"  {escape(line)}", soft_wrap=True)


def _range_lines(check: RuleCheck) -> list[str]:
    """What one unit means, how changes were kept, where weights began and how far they may go."""
    held = check.sheet.held
    if held is None:
        return []
    begun = f"; all weights begin at {check.start:g}" if check.start else ""
    lines = [f"one weight unit is {held.weight_unit:.4g}; {check.steps:,} steps of {check.sheet.dt:g} s"]
    return [*lines, f"chip: {held.form} form{begun}", *([check.range_note] if check.range_note else [])]


def _print_forms(check: RuleCheck) -> None:
    table = Table(title="Small changes kept in other forms, against the float model", title_justify="left")
    for column in ("form", "r", "RMS", "expected of rounding", "asks for"):
        table.add_column(column, overflow="fold")
    for form in check.forms:
        chosen = " (chosen)" if form.form == check.sheet.form else ""
        if form.refusal:
            table.add_row(form.form, "–", "–", "–", escape(f"refused: {form.refusal}"))
            continue
        expected = "–" if form.predicted != form.predicted else f"{form.predicted:.3g}"
        r = "–" if form.r is None else f"{form.r:.4f}"
        table.add_row(form.form + chosen, r, f"{form.rms:.3g}", expected, escape(form.needs))
    console().print(table)


def _print_ablation(check: RuleCheck) -> None:
    unit = check.sheet.held.weight_unit if check.sheet.held else 1.0
    table = Table(title="Without one step of the quantisation, against the float model", title_justify="left")
    for column in ("switched off", "r", "RMS in units", "costs", "what that means"):
        table.add_column(column, overflow="fold")
    for step in check.ablation:
        table.add_row(
            escape(step.step),
            "–" if step.r is None else f"{step.r:.4f}",
            f"{step.rms / unit:.3g}",
            "" if step.cost is None else f"{step.cost:+.1%}",
            escape(step.note),
        )
    console().print(table)


def _read_rows(agreement: LearningAgreement) -> list[tuple[str, ...]]:
    every = max(1, len(agreement.reads) // SHOWN_READS)
    shown = [*reversed([r for k, r in enumerate(reversed(agreement.reads)) if k % every == 0])]
    rows: list[tuple[str, ...]] = []
    for k, read in enumerate(shown):
        rows.append(
            (
                escape(agreement.candidate) if k == 0 else "",
                escape(agreement.reference) if k == 0 else "",
                f"{read.step:,}",
                "–" if read.r is None else f"{read.r:.4f}",
                f"{read.sign:.2%}",
                "–" if read.angle_degrees is None else f"{read.angle_degrees:.2f}°",
                f"{read.rms:.2e}" + (f" ({read.rms / agreement.unit:.2f} units)" if agreement.unit else ""),
                "–" if read.rms_share is None else f"{read.rms_share:.2%}",
                "" if read.candidate_clipped is None else f"{read.candidate_clipped:.1%}",
            )
        )
    return rows


def check_lines(check: RuleCheck) -> list[str]:
    """Where chip and float part, what explains it, and whether the arithmetic is confirmed."""
    question, lines = check.question, []
    parting = question.first_parting
    names = f"{question.candidate} and {question.reference}"
    if parting is None:
        lines.append(f"{names} never differ by more than {'one unit' if question.unit else 'rounding'}")
    else:
        lines.append(
            f"{names} first differ by more than {'one unit' if question.unit else 'rounding'} after step {parting.step:,} "
            f"({parting.step * check.sheet.dt:g} s), at weight [{parting.target}, {parting.source}]"
        )
    unit = question.unit or 1.0
    lines += ablation_lines(check)
    lines += [f"made by {s.what}: RMS {s.rms:.3g} ({s.rms / unit:.3g} units)" for s in check.shares]
    lines += [f"what is not exact: {row.quantity}: {row.note}" for row in check.causes]
    limited = {name: n for name, n in question.counts.items() if n}
    lines += [f"updates that ran out of a range: {name.replace('_', ' ')} {n:,}" for name, n in limited.items()]
    for pair in check.bit_equality:
        names = f"{pair.left} and {pair.right}"
        if pair.states.mismatches:
            lines.append(
                f"{names}: {pair.states.mismatches:,} values differ ({pair.states.compared:,} values that change)"
            )
        elif pair.states.compared:
            lines.append(f"{names}: bit-equal ({pair.states.compared:,} values that change)")
        else:
            lines.append(f"{names}: nothing changed in this run, so that their equality shows nothing; run more steps")
    return lines


def ablation_lines(check: RuleCheck) -> list[str]:
    """The steps that cost most, in words."""
    costly = sorted((s for s in check.ablation if s.cost and s.cost > 0.05), key=lambda s: -(s.cost or 0))
    if not check.ablation:
        return []
    if not costly:
        return ["no single step of the quantisation costs more than 5% of the chip's squared error"]
    named = ", ".join(f"{s.step} ({s.cost:.0%})" for s in costly)
    return [f"what costs most of the chip's squared error: {named}"]


def check_rows(check: RuleCheck) -> list[MeasuredRow]:
    """The figures of a check as rows of the JSON convention."""
    from neuroalign.export.report import MeasuredRow

    rows = []
    for a in check.agreements:
        case = (
            f"{check.sheet.rule.name} {check.sheet.form}: {a.candidate} against {a.reference} after {a.last.step} steps"
        )
        rows.append(MeasuredRow(f"{case}: r", a.last.r))
        rows.append(MeasuredRow(f"{case}: equal signs", a.last.sign, "share"))
        rows.append(MeasuredRow(f"{case}: angle", a.last.angle_degrees, "degrees"))
        rows.append(MeasuredRow(f"{case}: RMS", a.last.rms, "weight"))
        if a.unit:
            rows.append(MeasuredRow(f"{case}: RMS in units", a.last.rms / a.unit, "weight units"))
            parting = a.first_parting.step if a.first_parting else None
            rows.append(MeasuredRow(f"{case}: first read that differs by more than a unit", parting, "steps"))
            rows += [MeasuredRow(f"{case}: {name}", n, "updates") for name, n in a.counts.items()]
    for step in check.ablation:
        case = f"{check.sheet.rule.name} {check.sheet.form}, without {step.step} after {check.steps} steps"
        rows.append(MeasuredRow(f"{case}: r", step.r))
        rows.append(MeasuredRow(f"{case}: RMS", step.rms, "weight"))
        rows.append(MeasuredRow(f"{case}: cost of the step", step.cost, "share of squared error"))
    for form in check.forms:
        if not form.refusal:
            case = f"{check.sheet.rule.name} {form.form} instead of {check.sheet.form} after {check.steps} steps"
            rows.append(MeasuredRow(f"{case}: r", form.r))
            rows.append(MeasuredRow(f"{case}: RMS", form.rms, "weight"))
    for pair in check.bit_equality:
        case = f"{pair.left} against {pair.right}: mismatches in {pair.states.compared} values that change"
        rows.append(MeasuredRow(case, pair.states.mismatches, "values", 0, pair.holds))
    return rows
