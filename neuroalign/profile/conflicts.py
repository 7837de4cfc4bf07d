"""Sources that disagree are kept beside the figure that was taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuroalign.errors import ProfileError
from neuroalign.profile.capacities import Conflict

UNSET = "unset"
"""What a conflict's ``used`` says where none of its values was taken."""


def merged_conflicts(
    inherited: tuple[dict[str, Any], ...], own: Mapping[str, Any], set_here: set[str]
) -> tuple[dict[str, Any], ...]:
    """A file's conflicts after those it inherits; one about a figure that it sets or unsets itself is no longer true."""
    touched = {*set_here, *own.get("unset", ()), *(entry.get("key") for entry in own.get("conflicts", ()))}
    kept = tuple(c for c in inherited if not any(_about(str(path), c["key"]) for path in touched))
    return (*kept, *own.get("conflicts", ()))


def check_conflicts(conflicts: tuple[Conflict, ...], figures: Mapping[str, Any], label: str) -> None:
    """Refuse conflicts of fewer than two values, without a source for each, or that took what the profile does not have."""
    for conflict in conflicts:
        where = f"{label}: conflicts about {conflict.key}"
        if len(conflict.values) < 2 or len(conflict.values) != len(conflict.sources):
            raise ProfileError(
                f"{where}: {len(conflict.values)} values and {len(conflict.sources)} sources; give two or more, one each"
            )
        if conflict.used != UNSET and conflict.used not in conflict.values:
            raise ProfileError(
                f'{where}: used = {conflict.used!r} is none of the values {list(conflict.values)} nor "unset"'
            )
        found = figures.get(conflict.key)
        if isinstance(found, int | float | str) and not isinstance(conflict.used, str) and found != conflict.used:
            raise ProfileError(
                f"{where}: used = {conflict.used!r}, but {conflict.key} = {found!r}; they must be the same"
            )


def _about(path: str, key: str) -> bool:
    return path == key or key.startswith(path + ".") or path.startswith(key + ".")
