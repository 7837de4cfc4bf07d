"""The ``inspect`` command. Everything heavy is imported inside it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

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
from neuroalign.command_line.shared_options import File, Json


def inspect(
    file: File,
    dt: DtOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 2 if deploy --strict would refuse the file: repairs, no dt.")
    ] = False,
    json: Json = None,
    reset: ResetOption = None,
    tau_unit: TauUnitOption = None,
    written_by: WrittenByOption = None,
    initial: InitialOption = Initial.rest,
    if_gain: IfGainOption = GainUnit.step,
    closing: ClosingOption = None,
) -> None:
    """Show what a NIR file holds: nodes, edges, parameter ranges, clues about dt, and what would be repaired."""
    from neuroalign.command_line.inspect_terminal import print_inspection
    from neuroalign.export.nir_graph import read_nir
    from neuroalign.export.nir_graph.inspection import inspect_nir

    reading: dict[str, Any] = {
        "dt": dt,
        "reset": reset.value if reset else None,
        "tau_unit": tau_unit.value if tau_unit else None,
        "written_by": written_by.value if written_by else None,
        "initial": initial.value,
        "if_gain": if_gain.value,
        "closing": edges(closing),
    }
    found = inspect_nir(file, **reading)
    if json is not None:
        from neuroalign.command_line.listed_rows import inspection_rows, write_listed

        write_listed(json, "inspect", inspection_rows(found))
    print_inspection(found)
    if strict:
        read_nir(file, strict=True, **reading)
