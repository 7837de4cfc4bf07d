"""The ``convert`` command. Everything heavy is imported inside it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from neuroalign.convert import Held
    from neuroalign.export.report import MeasuredRow


class Reset(str, Enum):
    """What a spike does to the membrane."""

    zero = "zero"
    subtract = "subtract"


class Encode(str, Enum):
    """How values become input."""

    bernoulli = "bernoulli"


def convert(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A .nir file, or lava-dl's .net.", show_default=False)],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="NEW", help="What to write: .nir, .net, or .py (a Lava script of its own).", show_default=False
        ),
    ],
    profile: Annotated[
        str | None,
        typer.Option(help="Quantise to this profile; absent: the integers of the file, or loihi2 where it has none."),
    ] = None,
    dt: Annotated[float | None, typer.Option(help="Time step in seconds, where the .nir file gives no clue.")] = None,
    reset: Annotated[Reset | None, typer.Option(help="What a spike did to the membrane in training.")] = None,
    input: Annotated[
        Path | None,
        typer.Option("--input", metavar="FILE", help="Input that a script presents; a test signal if absent."),
    ] = None,
    encode: Annotated[Encode | None, typer.Option(help="How input of a script that is not 0/1 enters.")] = None,
    input_scale: Annotated[float, typer.Option(help="Divide the values of --input by this first.")] = 1.0,
    steps: Annotated[int | None, typer.Option(help="Steps that a script runs (test signal: 1000).", min=1)] = None,
    rate: Annotated[float | None, typer.Option(help="Spike probability of a script's test signal (0.05).")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.", min=0)] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse repairs, and numbers that change.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write what changed as JSON.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the name of what was written.")] = False,
) -> None:
    """Convert a network between NIR, lava-dl's .net and Lava scripts, and list what changed."""
    from neuroalign.convert import Reading, Signal, check_endings, refuse_existing
    from neuroalign.convert import convert as run_convert
    from neuroalign.errors import InputError
    from neuroalign.export.atomic import require_writable
    from neuroalign.export.report import write_rows
    from neuroalign.pipeline import versions

    check_endings(source, target)
    signal = Signal(input, encode.value if encode else None, input_scale, steps, rate, seed)
    if target.suffix.lower() != ".py" and signal != Signal(seed=seed):
        raise InputError(
            f"--input, --encode, --input-scale, --steps and --rate are for scripts; {target} holds no input"
        )
    if input is not None and rate is not None:
        raise InputError(f"--rate is {rate:g}, but it belongs to the test signal; leave out --rate or --input")
    if not force:
        refuse_existing(target)
    require_writable(None, target, json)
    held = run_convert(source, target, Reading(profile, dt, reset.value if reset else None, strict), signal)
    if not quiet:
        _print(held)
    if json is not None:
        write_rows(json, "convert", _rows(held), versions(), seed)
    typer.echo(str(target))


def _print(held: Held) -> None:
    for note in held.notes:
        typer.echo(note)
    for row in held.table.rows:
        if row.status != "exact":
            typer.echo(
                f"{row.where}: {row.quantity} {row.status}{': ' + row.note if row.note else ''}{_error(row.relative_error)}"
            )


def _error(error: float) -> str:
    return f" (off by at most {error:.2g} of the largest)" if error else ""


def _rows(held: Held) -> list[MeasuredRow]:
    from neuroalign.export.report import MeasuredRow

    return [MeasuredRow(f"{r.where}: {r.quantity}, {r.status}", r.error, r.unit) for r in held.table.rows]
