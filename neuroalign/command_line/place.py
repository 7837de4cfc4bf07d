"""The ``place`` command: will it fit, and what binds. Everything heavy is imported inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuroalign.command_line.completed_names import profile_names
from neuroalign.command_line.reading_options import (
    ClosingOption,
    DtOption,
    GainUnit,
    IfGainOption,
    Initial,
    InitialOption,
    ResetOption,
    TauUnitOption,
    WrittenByOption,
    edges,
)
from neuroalign.command_line.verdict_codes import NO, ExitZeroOption, answer_with


def place(
    file: Annotated[Path, typer.Argument(metavar="FILE.nir", help="A trained network as NIR.", show_default=False)],
    profile: Annotated[
        list[str] | None,
        typer.Option(
            help="A built-in profile (see 'neuroalign profile list') or a .toml file; several stand side by side. loihi2 if absent.",
            autocompletion=profile_names,
        ),
    ] = None,
    board: Annotated[
        str | None, typer.Option(help="A board of the profile; as many chips as are needed if absent.")
    ] = None,
    rates: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Spikes a step by population: .json with numbers, or .npz with recorded spikes."
        ),
    ] = None,
    energy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIST",
            help="Energy and time of a step at --rates by this price list of the profile, such as davies2018; several times.",
        ),
    ] = None,
    dt: DtOption = None,
    reset: ResetOption = None,
    tau_unit: TauUnitOption = None,
    written_by: WrittenByOption = None,
    initial: InitialOption = Initial.rest,
    if_gain: IfGainOption = GainUnit.step,
    closing: ClosingOption = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the placement as JSON.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Also draw how full each core is and the messages between cores."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No tables, only the result.")] = False,
    exit_zero: ExitZeroOption = False,
) -> None:
    """Put a network onto the cores of a profile, and say which limit binds and what would make it fit.

    Exit code 3 if it does not fit (with several profiles: on one of them).
    """
    from neuroalign.command_line.place_comparison import print_answers, write_answers, write_pictures
    from neuroalign.export.atomic import require_writable
    from neuroalign.placement import read_rates
    from neuroalign.placing import Wanted, place_on_all

    require_writable(out, json)
    answers = place_on_all(
        file,
        list(dict.fromkeys(profile or ["loihi2"])),
        Wanted(board, None if rates is None else read_rates(rates), tuple(dict.fromkeys(energy or ()))),
        dt=dt,
        reset=reset.value if reset else None,
        tau_unit=tau_unit.value if tau_unit else None,
        written_by=written_by.value if written_by else None,
        initial=initial.value,
        if_gain=if_gain.value,
        closing=edges(closing),
    )
    if json is not None:
        write_answers(answers, json)
    written = [] if out is None else write_pictures(answers, out)
    print_answers(answers, quiet=quiet)
    for path in written:
        typer.echo(str(path))
    answer_with(0 if all(answer.fits for answer in answers) else NO, exit_zero)
