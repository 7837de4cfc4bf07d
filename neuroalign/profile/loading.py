"""Profile files to Profile: each file checked on its own, laid over what it extends, then built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from neuroalign.errors import ProfileError
from neuroalign.profile.capacities import (
    Arithmetic,
    Board,
    Conflict,
    Core,
    Learning,
    Memory,
    Profile,
    Source,
    Time,
    Topology,
)
from neuroalign.profile.conflicts import check_conflicts, merged_conflicts
from neuroalign.profile.formats import Delay, Neuron, Spike, Synapse
from neuroalign.profile.prices import PriceList
from neuroalign.profile.provenance import MEMORY_FIELDS, figures, nearest_entry
from neuroalign.profile.reading import ProfileFile, built_in_names, is_path, nearest, read_chain
from neuroalign.profile.schema import build, check_table, leaves, merge, possible_paths


@dataclass(frozen=True)
class FileKeys:
    """The keys that a file may have at its top; anything but the header may come from the file it extends."""

    neuron: Neuron
    synapse: Synapse
    delay: Delay
    spike: Spike
    core: Core
    topology: Topology
    boards: Mapping[str, Board]
    learning: Learning
    time: Time
    prices: Mapping[str, PriceList]
    arithmetic: Arithmetic
    conflicts: tuple[Conflict, ...]
    provenance: Mapping[str, Source]
    schema: Literal["hwprofile/1"]
    id: str
    name: str
    extends: str
    unset: tuple[str, ...]


TABLES = ("neuron", "synapse", "delay", "spike", "core", "topology", "boards", "learning", "time", "prices")
INHERITED = ("arithmetic", *TABLES)
MAY_BE_NEGATIVE = ("min", "max", "mant_min", "mant_max", "exp_min", "exp_max")
WIDTHS = ("bits", "mant_bits", "weight_bits", "word_bits")
WIDEST = 64
AT_LEAST_ONE = (
    "chips",
    "cores_per_chip",
    "cores_per_chip_usable",
    "cores_per_tile",
    "tile_columns",
    "neurons_max",
    "max_per_entry",
    "in_static",
    "in_learning",
    "out_discrete",
    "out_pop16",
    "out_pop32",
)


def available_profiles() -> tuple[str, ...]:
    """Names of the built-in profiles, sorted.

    Examples
    --------
    >>> import neuroalign
    >>> "loihi2" in neuroalign.available_profiles()
    True
    """
    return built_in_names()


def load_profile(name_or_path: str | Path) -> Profile:
    """The profile called ``name_or_path``, or read from the file there.

    Parameters
    ----------
    name_or_path : str or Path
        A built-in name, or a path (anything that ends in ``.toml``, holds a folder separator or is a Path).

    Raises
    ------
    ProfileError
        Unknown name; missing, unreadable or invalid file; unknown key or ill-typed value; circular ``extends``.

    Examples
    --------
    >>> import neuroalign
    >>> neuroalign.load_profile("loihi2").name
    'Intel Loihi 2'
    """
    if is_path(name_or_path):
        return _read(name_or_path)
    profile = _built_in(str(name_or_path))  # whose mappings a caller may change: everyone gets their own
    own = (dict(profile.boards), dict(profile.prices), dict(profile.provenance))
    return replace(profile, boards=own[0], prices=own[1], provenance=own[2])


@cache
def _built_in(name: str) -> Profile:
    """A built-in profile: its file does not change while a process runs."""
    return _read(name)


def _read(name_or_path: str | Path) -> Profile:
    table: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    conflicts: tuple[dict[str, Any], ...] = ()
    chain = read_chain(name_or_path)
    for file in chain:
        own = check_table(FileKeys, file.table, "", file.label)
        _check_paths(own, file.label)
        _check_figures(own, file.label)
        below = _without(table, own.get("unset", ()), file.label)
        _check_lists(own, below, file.label)
        table = merge(below, {key: value for key, value in own.items() if key in INHERITED})
        sources = _merged_sources(sources, table, own, file)
        for k, entry in enumerate(own.get("conflicts", ())):
            build(Conflict, entry, f"conflicts[{k}]", file.label)  # by its place in its own file
        conflicts = merged_conflicts(conflicts, own, set(dict(leaves({k: own[k] for k in own if k in TABLES}))))
    return _built(chain[-1], {**table, "conflicts": conflicts}, sources)


def _built(file: ProfileFile, table: dict[str, Any], sources: dict[str, Source]) -> Profile:
    """The Profile; what neither a file nor its ancestors say gets the reader's default, and a source that says so."""
    if "arithmetic" not in table:
        raise ProfileError(f'{file.label}: arithmetic is missing; write arithmetic = "fixed" or extends = "loihi2"')
    name = file.table.get("id", file.name)
    header = {"id": name, "name": file.table.get("name", name), "extends": file.table.get("extends")}
    profile = build(Profile, {**table, **header}, "", file.label)
    _check_usable(profile, file.label)
    check_conflicts(profile.conflicts, dict(figures(profile)), file.label)
    default = Source("default of the reader; the file does not say", "U", "assumed")
    said = {path for path, _ in leaves(table)}
    missing = {path: default for path, _ in figures(profile) if path not in said}
    return replace(profile, provenance={**sources, **missing})


def _without(table: dict[str, Any], paths: tuple[str, ...], label: str) -> dict[str, Any]:
    """The table without the inherited keys at ``paths``."""
    for path in paths:
        left = _removed(table, path)
        if left is None:
            raise ProfileError(f"{label}: unset names {path}, which what it extends does not have; remove it")
        table = left
    return table


def _removed(table: dict[str, Any], path: str) -> dict[str, Any] | None:
    """A copy of the table without ``path``; None where there is no such key."""
    head, _, rest = path.partition(".")
    if head not in table:
        return None
    if not rest:
        return {key: value for key, value in table.items() if key != head}
    inner = _removed(table[head], rest) if isinstance(table[head], dict) else None
    return None if inner is None else {**table, head: inner}


def _merged_sources(
    inherited: dict[str, Source], table: dict[str, Any], own: dict[str, Any], file: ProfileFile
) -> dict[str, Source]:
    """Sources of the merged table: a figure set in a file never keeps the source of the figure that it replaces."""
    given = {path: build(Source, entry, f"provenance.{path}", file.label) for path, entry in _entries(own)}
    set_here = dict(leaves({key: value for key, value in own.items() if key in TABLES}))
    present = dict(leaves({key: value for key, value in table.items() if key in TABLES}))
    own_sources = {path: nearest_entry(given, path) or _unsourced(file, value) for path, value in set_here.items()}
    kept = {path: nearest_entry(inherited, path) for path in present}
    gone = own.get("unset", ())
    tables = {
        path: source
        for path, source in inherited.items()
        if path not in present
        and not any(_within(path, top) for top in gone)
        and not any(_within(p, path) for p in set_here)
    }
    merged = {**tables, **{path: source for path, source in kept.items() if source is not None}, **given, **own_sources}
    for path, value in present.items():
        if merged[path].status == "unknown":
            raise ProfileError(f"{file.label}: provenance.{path}.status is unknown, but {path} is {value!r}")
    return merged


def _entries(own: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(own.get("provenance", {}).items())


def _unsourced(file: ProfileFile, value: Any) -> Source:
    return Source(
        f"set in {Path(file.label).name} without a source", "U", "unlimited" if value == "unlimited" else "assumed"
    )


def _within(path: str, ancestor: str) -> bool:
    return path == ancestor or path.startswith(ancestor + ".")


def _check_paths(own: dict[str, Any], label: str) -> None:
    """Refuse provenance and unset paths that no profile can have."""
    possible = _possible()
    named = [("provenance", path) for path, _ in _entries(own)] + [("unset", path) for path in own.get("unset", ())]
    named += [("conflicts", entry["key"]) for entry in own.get("conflicts", ()) if "key" in entry]
    for where, path in named:
        if path in possible:
            continue
        if not any(_matches(path, pattern) for pattern in possible):
            raise ProfileError(f"{label}: {where} names unknown key {path}{nearest(path, possible)}")
    for table in ("boards", "prices"):
        for name in own.get(table, {}):
            if "." in name:
                raise ProfileError(f"{label}: {table} has the name {name!r}; use letters, digits, - and _")


@cache
def _possible() -> list[str]:
    return [path for path, _ in possible_paths(FileKeys) if path.partition(".")[0] in INHERITED]


def _matches(path: str, pattern: str) -> bool:
    parts, wanted = path.split("."), pattern.split(".")
    return len(parts) == len(wanted) and all(b in ("*", a) for a, b in zip(parts, wanted, strict=True))


def _check_figures(own: dict[str, Any], label: str) -> None:
    """Refuse numbers that no chip can have."""
    for path, value in leaves({key: value for key, value in own.items() if key in TABLES}):
        key = path.rpartition(".")[2]
        numbers = [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, (int, float))]
        if key not in MAY_BE_NEGATIVE and any(number < 0 for number in numbers):
            raise ProfileError(f"{label}: {path} = {value!r} is negative; give 0 or more")
        if key in AT_LEAST_ONE and 0 in numbers:
            raise ProfileError(f"{label}: {path} = {value!r}; give 1 or more")
        if key in WIDTHS and not all(1 <= number <= WIDEST for number in numbers):
            raise ProfileError(f"{label}: {path} = {value!r}; give a width of 1 to {WIDEST} bits")


def _check_lists(own: dict[str, Any], below: dict[str, Any], label: str) -> None:
    """Refuse prices laid over those of another list: a total would carry one source's name and mix two."""
    for name in own.get("prices", {}):
        if name in below.get("prices", {}):
            raise ProfileError(
                f"{label}: prices.{name} is inherited, and no list mixes two sources; give yours a name of its own, or "
                f'unset = ["prices.{name}"] and set all of it'
            )


def _check_usable(profile: Profile, label: str) -> None:
    """Refuse ranges that hold nothing and more usable cores than cores."""
    values = dict(figures(profile))
    for path, value in values.items():
        upper = values.get(path[:-3] + "max") if path.endswith("min") else None
        if upper is not None and value > upper:
            raise ProfileError(f"{label}: {path} = {value!r} is above {path[:-3]}max = {upper!r}; swap them")
    nominal, usable = profile.topology.cores_per_chip, profile.topology.cores_per_chip_usable
    if isinstance(nominal, int) and isinstance(usable, int) and usable > nominal:
        raise ProfileError(
            f"{label}: topology.cores_per_chip_usable = {usable} is above cores_per_chip = {nominal}; lower it"
        )
    memory = profile.core.memory
    if isinstance(memory, Memory):
        known = MEMORY_FIELDS[memory.model]
        for path in (p for p in values if p.startswith("core.memory.") and p != "core.memory.model"):
            if path.rpartition(".")[2] not in known:
                raise ProfileError(
                    f'{label}: {path} = {values[path]!r} does not belong to core.memory.model = "{memory.model}", which has '
                    f'{", ".join(known)}; remove it, or unset = ["{path}"]'
                )
    for name, prices in profile.prices.items():
        _check_barrier(prices, f"{label}: prices.{name}.barrier")


def _check_barrier(prices: PriceList, where: str) -> None:
    """A barrier's times belong to rising counts of tiles."""
    barrier = prices.barrier
    if barrier is None:
        return
    if len(barrier.tiles) != len(barrier.s) or not barrier.tiles:
        raise ProfileError(f"{where} has {len(barrier.tiles)} tiles and {len(barrier.s)} times; give one time for each")
    if list(barrier.tiles) != sorted(set(barrier.tiles)) or list(barrier.s) != sorted(barrier.s):
        raise ProfileError(f"{where}: tiles {list(barrier.tiles)} and times {list(barrier.s)} must rise; sort them")
