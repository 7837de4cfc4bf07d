"""The ``doctor`` command: what works here and what mends the rest. Everything heavy is imported inside it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from neuroalign.doctor import Finding


class Backend(str, Enum):
    """Backends by name."""

    emulator = "emulator"
    lava = "lava"
    norse = "norse"


def doctor(
    backend: Annotated[
        list[Backend] | None,
        typer.Option(help="Demand this backend (exit code 4 if it does not work); can be given several times."),
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write what was found.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no table, only the verdict.")] = False,
) -> None:
    """Try every backend and package on a small network: which work here, in what version, and what mends the others.

    Exit code 0 if what is installed works, 4 if something that is here fails, or is needed or demanded and not here.
    """
    from neuroalign.command_line.terminal import progress_bars
    from neuroalign.doctor import examine
    from neuroalign.errors import BackendMissing
    from neuroalign.export.atomic import require_writable

    require_writable(None, json)
    with progress_bars(quiet) as progress:
        found = examine(progress)
    if json is not None:
        _write(json, found)
    if not quiet:
        _print(found)
    demanded = {f"backend {b.value}" for b in backend or ()}
    wrong = [f for f in found if f.wrong or (f.name in demanded and f.status != "works")]
    if wrong:
        first = wrong[0]
        raise BackendMissing(f"{first.name}: {first.status}, {first.text}; {first.remedy}")
    typer.echo("works here: " + ", ".join(f.name for f in found if f.status == "works"))


def _write(file: Path, found: tuple[Finding, ...]) -> None:
    from neuroalign.export.report import MeasuredRow, write_rows
    from neuroalign.pipeline import versions

    passed = {"works": True, "fails": False}
    rows = []
    for f in found:
        case = f"{f.name}: {f.text}" if f.text else f.name
        rows.append(
            MeasuredRow(case, f.version or f.status, "version" if f.version else "", None, passed.get(f.status))
        )
        if f.remedy:
            rows.append(MeasuredRow(f"{f.name}: remedy", f.remedy))
    write_rows(file, "doctor", rows, versions(), None)


def _print(found: tuple[Finding, ...]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from neuroalign.command_line.terminal import console

    colour = {"works": "green", "fails": "red", "not installed": "yellow"}
    table = Table()
    for column in ("what", "status", "version", "seen"):
        table.add_column(column, overflow="fold")
    for f in found:
        table.add_row(escape(f.name), f"[{colour[f.status]}]{f.status}[/]", escape(f.version), escape(f.text))
    out = console()
    out.print(table)
    for f in found:
        if f.remedy:
            out.print(f"{escape(f.name)}, {f.status}:\n  {escape(f.remedy)}", soft_wrap=True)
