"""Check TOML tables against dataclasses: unknown keys and ill-typed values are refused with path, file and nearest name.

A field's annotation is the whole rule: ``int``, ``float``, ``bool``, ``str``, ``Literal[...]``, ``tuple[T, ...]``,
``Mapping[str, Dataclass]`` (named tables), a dataclass (a table), and unions of these; None stands for "absent".
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from neuroalign.errors import ProfileError
from neuroalign.profile.reading import nearest

T = TypeVar("T")
_NO = object()  # "this value does not fit", where None and False are values
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def check_table(kind: type, table: Mapping[str, Any], path: str, label: str) -> dict[str, Any]:
    """The table with every value checked and converted (lists to tuples); absent keys stay absent.

    Parameters
    ----------
    kind : dataclass type
        Its fields are the keys that are allowed.
    path : str
        Dotted path of the table, "" at the top; for messages.
    label : str
        Name of the file; for messages.

    Raises
    ------
    ProfileError
        A key that is no field; a value that does not fit its annotation.
    """
    hints = hints_of(kind)
    for key in table:
        if key not in hints:
            raise ProfileError(f"{label}: unknown key {join(path, key)}{nearest(key, hints)}")
    return {key: _checked(hints[key], value, join(path, key), label) for key, value in table.items()}


def build(kind: type[T], table: Mapping[str, Any], path: str, label: str) -> T:
    """The dataclass from a checked (and merged) table; ProfileError where a key without default is absent."""
    hints = hints_of(kind)
    values: dict[str, Any] = {}
    for f in fields(kind):  # type: ignore[arg-type]  # every kind is a dataclass
        if f.name in table:
            values[f.name] = _built(hints[f.name], table[f.name], join(path, f.name), label)
        elif _required(f):
            raise ProfileError(f"{label}: {join(path, f.name)} is missing; give it, or leave out all of {path}")
    return kind(**values)


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """``above`` laid over ``below``, table by table; whatever is no table is replaced whole."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def leaves(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted path and value of everything in a table that is no table."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from leaves(value, join(path, key))
        else:
            yield join(path, key), value


def possible_paths(kind: type, path: str = "") -> Iterator[tuple[str, bool]]:
    """Every dotted path a file may have, tables included, and whether it is a limit; ``*`` stands for any name."""
    for name, hint in hints_of(kind).items():
        here = join(path, name)
        options = _options(hint)
        yield here, is_limit(hint)
        for option in options:
            if is_dataclass(option):
                yield from possible_paths(option, here)  # type: ignore[arg-type]  # a hint: a class, no instance
            elif get_origin(option) is Mapping:
                yield join(here, "*"), False
                yield from possible_paths(get_args(option)[1], join(here, "*"))


def hints_of(kind: type[Any]) -> dict[str, Any]:
    """Annotations of a dataclass by field; they are text, and reading them would take most of a load."""
    return _read_hints(kind)  # type: ignore[arg-type]  # classes are hashable


@cache
def _read_hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def is_limit(hint: Any) -> bool:
    """Whether an annotation admits the word "unlimited"."""
    return Literal["unlimited"] in _options(hint)


def join(path: str, key: str) -> str:
    """``path.key``, or ``key`` at the top."""
    return f"{path}.{key}" if path else key


def _options(hint: Any) -> tuple[Any, ...]:
    """The members of a union without None; a hint that is no union is its only member."""
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(part for arg in get_args(hint) for part in _options(arg) if arg is not type(None))
    return (hint,)


def _required(f: Field[Any]) -> bool:
    return f.default is MISSING and f.default_factory is MISSING


def _checked(hint: Any, value: Any, path: str, label: str) -> Any:
    options = _options(hint)
    for option in options:
        found = _fitted(option, value, path, label)
        if found is not _NO:
            return found
    expected = " or ".join(_spoken(option) for option in options)
    shown = "a table" if isinstance(value, dict) else repr(value)
    raise ProfileError(f"{label}: {path} is {shown}, but must be {expected}{_nearest_value(options, value)}")


def _fitted(option: Any, value: Any, path: str, label: str) -> Any:
    """The value as ``option`` wants it, or ``_NO``."""
    origin = get_origin(option)
    if isinstance(value, dict):
        return _fitted_table(option, value, path, label)
    if origin is Literal:
        return value if isinstance(value, str) and value in get_args(option) else _NO
    if origin is tuple:
        if not isinstance(value, list):
            return _NO
        return tuple(_checked(get_args(option)[0], v, f"{path}[{k}]", label) for k, v in enumerate(value))
    if option is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return float(value) if number and math.isfinite(value) else _NO
    return value if type(value) is option else _NO


def _fitted_table(option: Any, value: dict[str, Any], path: str, label: str) -> Any:
    if is_dataclass(option):
        return check_table(option, value, path, label)  # type: ignore[arg-type]  # a hint: a class, no instance
    if get_origin(option) is not Mapping:
        return _NO
    for name in value:
        if not _TABLE_NAME.fullmatch(name):
            raise ProfileError(f"{label}: {path} has the name {name!r}; use letters, digits, - and _")
    return {name: _checked(get_args(option)[1], entry, join(path, name), label) for name, entry in value.items()}


def _built(hint: Any, value: Any, path: str, label: str) -> Any:
    if isinstance(value, tuple):
        return _built_list(hint, value, path, label)
    if not isinstance(value, dict):
        return value
    for option in _options(hint):
        if is_dataclass(option):
            return build(option, value, path, label)  # type: ignore[arg-type]  # a hint: a class, no instance
        if get_origin(option) is Mapping:
            kind = get_args(option)[1]
            return {name: build(kind, entry, join(path, name), label) for name, entry in value.items()}
    raise TypeError(f"{path}: a table where {hint} has none")


def _built_list(hint: Any, value: tuple[Any, ...], path: str, label: str) -> tuple[Any, ...]:
    """A list of tables; any other list is as it is."""
    kinds = [get_args(option)[0] for option in _options(hint) if get_origin(option) is tuple]
    if not kinds or not is_dataclass(kinds[0]):
        return value
    return tuple(build(kinds[0], entry, f"{path}[{k}]", label) for k, entry in enumerate(value))  # type: ignore[arg-type]  # a hint: a class, no instance


def _spoken(option: Any) -> str:
    """What to write in the file for ``option``, in words."""
    if get_origin(option) is Literal:
        return " or ".join(f'"{word}"' for word in get_args(option))
    if get_origin(option) is tuple:
        return f"a list, each entry {_spoken(get_args(option)[0])}"
    words = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text in quotes"}
    return words.get(option, "a table")


def _nearest_value(options: tuple[Any, ...], value: Any) -> str:
    names = [word for option in options if get_origin(option) is Literal for word in get_args(option)]
    return nearest(value, names) if isinstance(value, str) else ""
