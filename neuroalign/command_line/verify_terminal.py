"""What ``verify`` prints, and the rows of ``verify --json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from neuroalign.command_line.terminal import console

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neuroalign.export.report import MeasuredRow
    from neuroalign.verify.tally import Tally

MOST_WRONG = 10
"""Cases that differ shown in the table's summary; the count says how many there are."""
RAREST = 12
"""Entries of the coverage shown, those found least often."""


def print_tally(
    tally: Tally, oracle: str, seconds: float, entries: tuple[str, ...], not_drawn: Mapping[str, str]
) -> None:
    """Values compared and mismatches of each implementation, the coverage, and what was not drawn."""
    out = console()
    table = Table(
        title=f"{tally.cases:,} cases, every state at every step, against {oracle}; {seconds:.0f} s",
        title_justify="left",
    )
    for column in ("emulator", "cases", "values compared", "and constant ones", "mismatches", "cases that differ"):
        table.add_column(column, justify="left" if column == "emulator" else "right")
    for name, line in sorted(tally.lines.items()):
        counts = (line.cases, line.changing, line.constant, line.mismatches, line.wrong)
        table.add_row(escape(name), *(f"{count:,}" for count in counts))
    out.print(table)
    for result in tally.wrong[:MOST_WRONG]:
        print_first(result.case.number, str(result.differences[0]))
    _print_coverage(tally, entries)
    for name, said in not_drawn.items():
        out.print(f"[dim]not drawn: {escape(name)} ({escape(said)})[/dim]", soft_wrap=True)


def _print_coverage(tally: Tally, entries: tuple[str, ...]) -> None:
    from neuroalign.verify.coverage import LEAST_SHARE

    shares = sorted(tally.shares(entries).items(), key=lambda item: item[1])
    rare = [entry for entry, share in shares if share < LEAST_SHARE]
    listed = ", ".join(f"{entry} {share:.1%}" for entry, share in shares[:RAREST])
    out = console()
    out.print(
        f"coverage: {len(entries)} features, symbols and events; share of the cases, rarest first: {escape(listed)}"
    )
    if rare and tally.cases:
        out.print(f"[yellow]in less than {LEAST_SHARE:.0%} of the cases:[/yellow] {escape(', '.join(rare))}")


def print_first(number: int, text: str) -> None:
    """A case that went wrong."""
    console().print(f"[red]case {number}:[/red] {escape(text)}", soft_wrap=True)


def tally_rows(tally: Tally, oracle: str, seconds: float, entries: tuple[str, ...]) -> list[MeasuredRow]:
    """The figures as rows of the JSON convention."""
    from neuroalign.export.report import MeasuredRow
    from neuroalign.verify.coverage import LEAST_SHARE

    rows = [
        MeasuredRow("cases", tally.cases, "cases"),
        MeasuredRow("time", round(seconds, 3), "s"),
        MeasuredRow("values of changing states compared", tally.compared, "values"),
    ]
    for name, line in sorted(tally.lines.items()):
        case = f"emulator ({name}) against {oracle}"
        rows += [
            MeasuredRow(f"{case}: cases", line.cases, "cases"),
            MeasuredRow(f"{case}: values of changing states", line.changing, "values"),
            MeasuredRow(f"{case}: values of constant states", line.constant, "values"),
            MeasuredRow(f"{case}: mismatches", line.mismatches, "values", 0, line.wrong == 0),
            MeasuredRow(f"{case}: cases that did not run", line.failures, "cases", 0, line.failures == 0),
        ]
    shares = tally.shares(entries).items()
    return rows + [MeasuredRow(f"coverage: {e}", s, "share", LEAST_SHARE, s >= LEAST_SHARE) for e, s in shares]
