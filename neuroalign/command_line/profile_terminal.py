"""What the ``profile`` commands print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from neuroalign.command_line.terminal import console

if TYPE_CHECKING:
    from neuroalign.profile import Profile


def print_profiles(profiles: Sequence[Profile]) -> None:
    """One line per built-in profile."""
    from neuroalign.profile import not_checked, not_run

    table = Table()
    for column in ("profile", "name", "arithmetic", "weights", "price lists", "limits not known"):
        table.add_column(column)
    for p in profiles:
        bits = f"{max(p.synapse.weight_bits)} bit" if p.synapse.weight_bits else "float64"
        arithmetic = p.arithmetic if not_run(p) is None else f"{p.arithmetic} (placed, not run)"
        table.add_row(p.id, p.name, arithmetic, bits, ", ".join(p.prices) or "none", str(len(not_checked(p))))
    console().print(table)


def print_profile(profile: Profile) -> None:
    """Every figure of a profile with status, grade and source; what is unknown; and where sources disagree."""
    from neuroalign.profile import describe

    table = Table(title=f"{profile.id}: {profile.name}", title_justify="left")
    for column in ("figure", "value", "status", "grade", "source", "note"):
        table.add_column(column, overflow="fold")
    for row in describe(profile):
        value = "not checked" if row.value is None else str(row.value)
        table.add_row(row.path, escape(value), row.status, row.grade, escape(row.source), escape(row.note))
    console().print(table)
    if profile.conflicts:
        _print_conflicts(profile)


def _print_conflicts(profile: Profile) -> None:
    """What each source says, which value is used, and why."""
    table = Table(title="Where sources disagree", title_justify="left")
    for column in ("figure", "values and their sources", "used", "why"):
        table.add_column(column, overflow="fold")
    for conflict in profile.conflicts:
        said = "\n".join(f"{v}: {s}" for v, s in zip(conflict.values, conflict.sources, strict=True))
        table.add_row(conflict.key, escape(said), escape(str(conflict.used)), escape(conflict.why))
    console().print(table)
