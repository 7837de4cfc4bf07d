"""What ``inspect`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from neuroalign.command_line.terminal import console

if TYPE_CHECKING:
    from neuroalign.export.nir_graph.inspection import Inspection


def print_inspection(found: Inspection) -> None:
    """Nodes, edges, and what reading the file would repair, assume or refuse."""
    out = console()
    table = Table(title=f"{escape(found.source)} (NIR {escape(found.version)})", title_justify="left")
    for column in ("node", "type", "shape", "parameters, smallest to largest", "taken"):
        table.add_column(column, overflow="fold")
    for node in found.nodes:
        ranges = "  ".join(
            f"{name} {low:.4g}" + ("" if low == high else f"..{high:.4g}") for name, low, high in node.parameters
        )
        table.add_row(
            escape(node.name), escape(node.type), escape(node.shape), escape(ranges), "yes" if node.taken else "not yet"
        )
    out.print(table)
    out.print("edges: " + escape(", ".join(f"{a} -> {b}" for a, b in found.edges)))
    if found.dt_clue and not any(found.dt_clue in line for line in found.assumptions):
        out.print("dt: " + escape(found.dt_clue))
    for label, lines in (("repaired", found.repairs), ("assumed", found.assumptions)):
        for line in lines:
            out.print(f"[yellow]{label}:[/yellow] {escape(line)}")
    if found.problem:
        out.print(f"[red]to deploy it, this is missing:[/red] {escape(found.problem)}", soft_wrap=True)
    else:
        out.print("deploy takes it, with the same options as given here")
