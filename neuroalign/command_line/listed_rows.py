"""What ``inspect``, ``profile`` and ``rule`` show, as rows of the JSON convention."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neuroalign.export.report import MeasuredRow, write_rows

if TYPE_CHECKING:
    from neuroalign.export.nir_graph.inspection import Inspection
    from neuroalign.profile import Profile
    from neuroalign.quantise.rule_sheet import RuleSheet
    from neuroalign.rule import LearningRule


def write_listed(file: Path, command: str, rows: Sequence[MeasuredRow]) -> None:
    """Write the rows with the versions that made them."""
    from neuroalign.pipeline import versions

    write_rows(file, command, rows, versions(), None)


def inspection_rows(found: Inspection) -> list[MeasuredRow]:
    """Nodes with the ranges of their parameters, edges, and what reading the file changes or takes for granted."""
    rows = []
    for node in found.nodes:
        rows.append(MeasuredRow(f"node {node.name}: {node.type}, shape", node.shape, "", None, node.taken))
        for name, low, high in node.parameters:
            rows.append(MeasuredRow(f"node {node.name}: smallest {name}", low))
            rows.append(MeasuredRow(f"node {node.name}: largest {name}", high))
    rows += [MeasuredRow("edge", f"{source} -> {target}") for source, target in found.edges]
    rows.append(MeasuredRow("dt", found.dt_clue or None))
    for what, lines in (("repaired", found.repairs), ("assumed", found.assumptions)):
        rows += [MeasuredRow(what, line) for line in lines]
    rows.append(MeasuredRow("readable as it is", found.problem or "yes", "", None, not found.problem))
    return rows


def profiles_rows(profiles: Sequence[Profile]) -> list[MeasuredRow]:
    """A profile and its arithmetic each."""
    return [MeasuredRow(f"{p.id}: {p.name}", p.arithmetic) for p in profiles]


def profile_rows(profile: Profile) -> list[MeasuredRow]:
    """A figure each, with its status and source in place of a unit."""
    from neuroalign.profile import describe

    rows = []
    for row in describe(profile):
        plain = row.value if row.value is None or isinstance(row.value, bool | int | float | str) else str(row.value)
        basis = ", ".join(filter(None, [row.status, row.grade and f"grade {row.grade}", row.source]))
        rows.append(MeasuredRow(f"{row.path} ({basis})", plain))
    return rows


def rules_rows(rules: Sequence[LearningRule]) -> list[MeasuredRow]:
    """A rule and its equation each."""
    return [MeasuredRow(f"{rule.name}: {rule.title}", rule.equation) for rule in rules]


def sheet_rows(sheet: RuleSheet) -> list[MeasuredRow]:
    """A rule on a profile: equation, microcode, or why it cannot be held."""
    from neuroalign.quantise.rule_sheet import program_lines

    rows = [MeasuredRow("equation", sheet.rule.equation), MeasuredRow("locality", sheet.rule.locality)]
    held = sheet.held is not None
    rows.append(MeasuredRow(f"held on {sheet.profile_id}", sheet.form if held else str(sheet.refusal), "", None, held))
    if sheet.held is not None:
        rows += [MeasuredRow("microcode", line) for line in program_lines(sheet.held.program).splitlines()]
    return rows
