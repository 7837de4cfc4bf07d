"""Find profile files, parse them and follow ``extends``; what their keys mean is decided in neuroalign.profile."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from neuroalign.errors import ProfileError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, eq=False)
class ProfileFile:
    """One parsed file: ``label`` is what messages call it, ``name`` its stem, ``table`` its content as TOML has it."""

    label: str
    name: str
    table: dict[str, Any]


def built_in_names() -> tuple[str, ...]:
    """Names of the profiles that come with the package, sorted."""
    folder = resources.files("neuroalign.hw_profiles")
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml")))


def nearest(word: str, names: Iterable[str]) -> str:
    """The entry of ``names`` most like ``word`` as ``" (nearest: ...)"``, or "" if none is like it."""
    found = difflib.get_close_matches(word, list(names), n=1, cutoff=0.5)
    return f" (nearest: {found[0]})" if found else ""


def read_chain(name_or_path: str | Path) -> tuple[ProfileFile, ...]:
    """A profile and all it extends, the furthest ancestor first.

    Parameters
    ----------
    name_or_path : str or Path
        A built-in name, or a path: anything that ends in ``.toml``, holds a folder separator or is a Path.

    Raises
    ------
    ProfileError
        Unknown name; file missing, unreadable or not TOML; ``extends`` that is no text, unknown or circular.
    """
    chain: list[ProfileFile] = []
    seen: list[Path | str] = []
    reference: str | Path | None = name_or_path
    folder: Path | None = None
    while reference is not None:
        where = _locate(reference, folder, chain[-1].label if chain else None)
        if where in seen:
            loop = " -> ".join(f.name for f in (*chain, chain[seen.index(where)]))
            raise ProfileError(f"{chain[-1].label}: extends goes in a circle ({loop}); remove one of them")
        seen.append(where)
        chain.append(_parse(where))
        folder = where.parent if isinstance(where, Path) else None
        reference = chain[-1].table.get("extends")
        if reference is not None and not isinstance(reference, str):
            raise ProfileError(f"{chain[-1].label}: extends = {reference!r} is not a profile name or path in quotes")
    return tuple(reversed(chain))


def _locate(reference: str | Path, folder: Path | None, parent: str | None) -> Path | str:
    """Absolute path of a file, or the name of a built-in profile; an extended file lies beside its extender."""
    prefix = f"{parent}: extends: " if parent else ""
    if is_path(reference):
        try:
            path = Path(reference).expanduser()
            return (path if folder is None else folder / path).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # no home, a circle of links, a null character
            raise ProfileError(f"{prefix}{str(reference)!r} is not a usable path ({error})") from None
    name = str(reference)
    beside = None if folder is None else folder / f"{name}.toml"
    if name in built_in_names():
        return name
    if beside is not None and beside.is_file():
        return beside.resolve()
    names = built_in_names()
    raise ProfileError(
        f"{prefix}unknown profile {name!r}{nearest(name, names)}; "
        f"built in are {', '.join(names)}, or give the path of a .toml file"
    )


def is_path(reference: str | Path) -> bool:
    """Whether a profile's reference names a file, and not a built-in profile."""
    return isinstance(reference, Path) or reference.endswith(".toml") or "/" in reference or "\\" in reference


def _parse(where: Path | str) -> ProfileFile:
    """Read one file; a broken one gives one line with its name and the place."""
    label = f"{where}.toml (built in)" if isinstance(where, str) else str(where)
    name = where if isinstance(where, str) else where.stem
    try:
        if isinstance(where, str):
            data = (resources.files("neuroalign.hw_profiles") / f"{where}.toml").read_bytes()
        else:
            data = _regular(where).read_bytes()
        table = tomllib.loads(data.decode("utf-8"))
    except FileNotFoundError:
        raise ProfileError(f"{label}: no such profile file; built in are {', '.join(built_in_names())}") from None
    except IsADirectoryError:
        raise ProfileError(f"{label}: is a folder; give the .toml file in it") from None
    except OSError as error:
        raise ProfileError(f"{label}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise ProfileError(f"{label}: not a text file in UTF-8 (byte {error.start}); give a .toml profile") from None
    except tomllib.TOMLDecodeError as error:
        reason = str(error).replace("\n", " ")
        raise ProfileError(f"{label}: not valid TOML: {reason}; the file may be truncated") from None
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, tables thousands deep
        raise ProfileError(f"{label}: not a usable TOML file ({error})") from None
    return ProfileFile(label, name, table)


def _regular(path: Path) -> Path:
    """The path, unless it is a device or pipe, which could be endless."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(0, "not a regular file")
    return path
