"""The ``place`` command: will it fit, and what binds. Everything heavy is imported inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neuroalign.reading_options import (
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

DOES_NOT_FIT = 3


def place(
    file: Annotated[Path, typer.Argument(metavar="FILE.nir", help="A trained network as NIR.", show_default=False)],
    profile: Annotated[
        str, typer.Option(help="A built-in profile (see 'neuroalign profile list') or a .toml file.")
    ] = "loihi2",
    board: Annotated[
        str | None, typer.Option(help="A board of the profile; as many chips as are needed if absent.")
    ] = None,
    rates: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Spikes a step by population: .json with numbers, or .npz with recorded spikes."
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
    quiet: Annotated[bool, typer.Option("--quiet", help="No tables, only the result.")] = False,
) -> None:
    """Put a network onto the cores of a profile, and say which limit binds and what would make it fit.

    Exit code 3 if it does not fit.
    """
    from neuroalign.export.atomic import require_writable
    from neuroalign.place_terminal import print_placement, write_placement
    from neuroalign.placement import read_rates
    from neuroalign.placing import place_file

    require_writable(None, json)
    placement = place_file(
        file,
        profile,
        board=board,
        rates=None if rates is None else read_rates(rates),
        dt=dt,
        reset=reset.value if reset else None,
        tau_unit=tau_unit.value if tau_unit else None,
        written_by=written_by.value if written_by else None,
        initial=initial.value,
        if_gain=if_gain.value,
        closing=edges(closing),
    )
    if json is not None:
        write_placement(placement, json)
    print_placement(placement, quiet=quiet)
    if placement.verdict == "does not fit":
        raise typer.Exit(DOES_NOT_FIT)
