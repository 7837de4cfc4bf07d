"""What a profile says about its own figures: sources, what is assumed, what is unknown and so not checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from neuroalign.profile.capacities import Profile, Source
from neuroalign.profile.schema import hints_of, is_limit, join

MEMORY_LIMITS = {
    "fixed": ("synapse_words",),
    "pooled": ("total_bytes", "synapse_bytes_max"),
    "banks": ("kernel_entries", "neuron_entries", "bias_entries"),
    "cam": ("synapses_per_neuron", "destinations_per_neuron"),
    "array": ("rows", "columns"),
}
MEMORY_FIELDS = {
    **MEMORY_LIMITS,
    "fixed": ("word_bits", *MEMORY_LIMITS["fixed"]),
    "pooled": ("word_bits", *MEMORY_LIMITS["pooled"]),
    "array": (*MEMORY_LIMITS["array"], "rows_per_signed_input", "columns_merge"),
}
NO_FIGURES = ("id", "name", "arithmetic", "extends", "conflicts", "provenance")


class Row(NamedTuple):
    """One line of ``neuroalign profile show``; value None is an unknown limit."""

    path: str
    value: Any
    status: str
    grade: str
    source: str
    note: str


def figures(profile: Profile) -> Iterator[tuple[str, Any]]:
    """Dotted path and value of every figure that is known, in the order of the dataclasses."""
    for f in fields(profile):
        if f.name not in NO_FIGURES:
            yield from _figures(getattr(profile, f.name), f.name)


def _figures(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if is_dataclass(value):
        for f in fields(value):
            yield from _figures(getattr(value, f.name), join(path, f.name))
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _figures(entry, join(path, name))
    elif value is not None and value != ():
        yield path, value


def nearest_entry(entries: Mapping[str, Source], path: str) -> Source | None:
    """The entry of ``path`` or of the nearest table above it."""
    while path:
        if path in entries:
            return entries[path]
        path = path.rpartition(".")[0]
    return None


def provenance_of(profile: Profile, dotted_path: str) -> Source | None:
    """Source of the figure or table at ``dotted_path``, from itself or the nearest table above; None if none."""
    return nearest_entry(profile.provenance, dotted_path)


def not_checked(profile: Profile) -> tuple[str, ...]:
    """Dotted paths of the limits that are unknown: nothing may be called "ok" against them."""
    return tuple(path for path, value in _limits(profile, "") if value is None and _applies(profile, path))


def _limits(table: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, hint in hints_of(type(table)).items():
        value = getattr(table, name)
        if is_limit(hint):
            yield join(path, name), value
        if is_dataclass(value):
            yield from _limits(value, join(path, name))


def _applies(profile: Profile, path: str) -> bool:
    """Whether a limit means anything on this target."""
    table, _, name = path.rpartition(".")
    memory = profile.core.memory
    if table == "core.memory" and memory is not None and memory != "unlimited":
        return name in MEMORY_LIMITS[memory.model]
    return table != "learning" or profile.learning.supported


RUNNING = ("fixed", "float64")


def not_run(profile: Profile) -> str | None:
    """Why networks cannot be run on the profile's arithmetic; None where they can."""
    if profile.arithmetic in RUNNING:
        return None
    reason = {
        "fixed-other": "computes in integers by rules that no backend here has",
        "float32": "computes in single precision by programs of its own",
        "analog": "computes with analog circuits",
    }[profile.arithmetic]
    return (
        f"profile {profile.id!r} {reason}, so a network can be placed on it ('neuroalign place FILE --profile {profile.id}') "
        "but not run; choose loihi1, loihi2, cpu or ideal"
    )


def assumed(profile: Profile) -> tuple[str, ...]:
    """Dotted paths of the figures that are assumed, not taken from a source."""
    return tuple(row.path for row in describe(profile) if row.status == "assumed")


def assumed_in_words(profile: Profile) -> tuple[str, ...]:
    """A sentence for each assumed figure: what it is taken as, and why."""
    return tuple(
        f"{row.path} is taken as {row.value}: {'; '.join(filter(None, (row.source, row.note))) or 'no source is given'}."
        for row in describe(profile)
        if row.status == "assumed" and not isinstance(row.value, bool)
    )


def not_checked_in_words(profile: Profile) -> tuple[str, ...]:
    """A sentence for each unknown limit."""
    return tuple(f"{path}: no figure is known, so nothing was checked against it." for path in not_checked(profile))


def describe(profile: Profile) -> list[Row]:
    """Every figure with its source, then what is unknown (value None, status "unknown"): limits, and prices."""
    rows = [_row(profile, path, value) for path, value in figures(profile)]
    rows += [_row(profile, path, None) for path in not_checked(profile)]
    shown = {row.path for row in rows}
    said = [path for path, source in profile.provenance.items() if source.status == "unknown" and path not in shown]
    return rows + [_row(profile, path, None) for path in said if not any(_within(row.path, path) for row in rows)]


def _within(path: str, table: str) -> bool:
    return path.startswith(table + ".")


def _row(profile: Profile, path: str, value: Any) -> Row:
    source = provenance_of(profile, path)
    if value is None and (source is None or source.status != "unknown"):
        return Row(path, None, "unknown", "U", "", "not checked")
    if source is None:
        return Row(path, value, "assumed", "U", "", "")
    return Row(path, value, source.status, source.grade, source.source, source.note)
