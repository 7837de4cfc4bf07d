"""The ``inspect`` command. Everything heavy is imported inside it."""

from __future__ import annotations

from neuroalign.command_line.shared_options import File, Json


def inspect(file: File, json: Json = None) -> None:
    """Show what a NIR file holds: nodes, edges, parameter ranges, clues about dt, and what would be repaired."""
    from neuroalign.command_line.terminal import print_inspection
    from neuroalign.export.nir_graph.inspection import inspect_nir

    found = inspect_nir(file)
    if json is not None:
        from neuroalign.command_line.listed_rows import inspection_rows, write_listed

        write_listed(json, "inspect", inspection_rows(found))
    print_inspection(found)
