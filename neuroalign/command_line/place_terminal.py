"""What ``place`` prints of one placement."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from neuroalign.command_line.terminal import console
from neuroalign.placement import CoreUse, Limit, Placement

MOST_ROWS = 24
"""Cores that the terminal lists."""
WIDEST_HOLDS = 40
"""Characters up to which what a core holds keeps to one line."""


def print_placement(placement: Placement, *, quiet: bool = False) -> None:
    """The verdict; then limits, cores, messages and notes unless ``quiet``."""
    out = console()
    if not quiet:
        out.print(_limits(placement))
        out.print(_cores(placement))
        out.print(escape(messages_line(placement)), soft_wrap=True)
        for note in placement.notes:
            out.print(f"[dim]{escape(note)}[/dim]", soft_wrap=True)
    out.print(escape(verdict_line(placement)), soft_wrap=True)
    for remedy in placement.remedies:
        out.print(f"  would fit: {escape(remedy.text)}", soft_wrap=True)


def verdict_line(placement: Placement) -> str:
    """One line: whether it fits, on how much, and what binds."""
    where = placement.profile_id if placement.board is None else f"{placement.profile_id} on {placement.board}"
    used = f"{_count(len(placement.cores), 'core')} on {_count(placement.chips, 'chip')}"
    binding = placement.binding
    told = f"{_told(binding)}" if binding else "no capacity is a number"
    unknown = len(placement.not_checked)
    rest = f"; {_count(unknown, 'limit')} not checked" if unknown else ""
    return f"{where}: {placement.verdict}: {used}; {told}{rest}"


def _told(binding: Limit) -> str:
    share = "" if binding.share is None else f" ({binding.share:.1%})"
    whose = f", {', '.join(binding.populations)}" if binding.populations else ""
    if binding.status == "exceeded":
        return f"{binding.name} {binding.used} of {binding.capacity}, {binding.excess} too many{share}{whose} at {binding.where}"
    return f"{binding.name} bind: {binding.used} of {binding.capacity}{share}{whose} at {binding.where}"


def messages_line(placement: Placement) -> str:
    """Messages a step by how far they go."""
    t = placement.traffic
    return (
        f"messages a step: {t.from_host:.6g} from outside, {t.within_core:.6g} within cores, "
        f"{t.between_cores:.6g} between cores of a chip, {t.between_chips:.6g} between chips"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _limits(placement: Placement) -> Table:
    table = Table(title="limits, where each is tightest", title_justify="left")
    for column in ("limit", "used", "capacity", "share", "status", "where", "figure"):
        table.add_column(
            column, overflow="fold", justify="right" if column in ("used", "capacity", "share") else "left"
        )
    for found in placement.limits:
        capacity = "unlimited" if found.status == "unlimited" else _known(found.capacity)
        share = "-" if found.share is None else f"{found.share:.1%}"
        row = (found.name, _known(found.used), capacity, share, found.status, found.where, found.figure)
        table.add_row(*(escape(cell) for cell in row), style="red" if found.status == "exceeded" else None)
    return table


def _known(number: int | None) -> str:
    return "?" if number is None else str(number)


def _cores(placement: Placement) -> Table:
    names = _shown(placement.cores)
    table = Table(
        title=f"{_count(len(placement.cores), 'core')}, and the share of each limit that it takes", title_justify="left"
    )
    for column in ("core", "chip", "holds", "holds neurons", "axons in", *(f"{name}, %" for name in names)):
        table.add_column(column, overflow="fold", justify="left" if column == "holds" else "right")
    table.columns[2].min_width = min(WIDEST_HOLDS, max(len(f"{piece}") for c in placement.cores for piece in c.slices))
    for core in placement.cores[:MOST_ROWS]:
        shares = [f"{100 * core.shares[name]:.0f}" if name in core.shares else "?" for name in names]
        holds = " ".join(str(piece) for piece in core.slices)
        table.add_row(str(core.index), str(core.chip), escape(holds), str(core.neurons), str(core.in_axons), *shares)
    if len(placement.cores) > MOST_ROWS:
        table.add_row("...", "", f"{len(placement.cores) - MOST_ROWS} more", "", "", *("" for _ in names))
    return table


def _shown(cores: Iterable[CoreUse]) -> list[str]:
    """Limits that some core uses at all and whose capacity is known."""
    names: dict[str, None] = {}
    for core in cores:
        names |= dict.fromkeys(name for name, share in core.shares.items() if share > 0)
    return list(names)
