"""Frozen dataclasses to JSON text with arrays beside it, and back: nothing is executed, and every type is checked.

A dataclass becomes ``{"class": name, field: value, ...}``, a tuple a list, a mapping ``{"mapping": {...}}``; an array
becomes ``{"array": path, "dtype": ..., "shape": ...}`` and goes to that path in a nested dict of arrays. What is read
back is of the class that the caller expects, each field of the type that its class declares; names in the file only
choose among these. The microcode is stored in its rule language where that says all of it.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

import numpy as np

from neuroalign.chip import first_difference
from neuroalign.errors import FileFormatError, InputError, RuleError
from neuroalign.export.hdf5 import FileArray, Tree
from neuroalign.microcode import Program, Trace
from neuroalign.microcode.text import program_from_lines, program_to_text

Json = Any

NO_DECAY = "inf"
"""The tau of a trace that does not decay: JSON has no number for it."""

IN_FILE = ("weight", "tag")
"""Fields whose arrays may stay in their file: who uses them reads rows; all others are loaded."""


def to_text(value: Any) -> tuple[str, Tree]:
    """JSON text and nested arrays that say all of ``value``.

    Raises
    ------
    InputError
        If a value of another type is in it, or a number outside arrays is not finite (but for a trace's tau).
    """
    arrays: Tree = {}
    stored = _take_apart(value, (), arrays)
    try:
        return json.dumps(stored, allow_nan=False, separators=(",", ":")), arrays
    except ValueError as error:
        raise InputError(
            f"a {type(value).__name__} with a number that is not finite cannot be saved ({error})"
        ) from error


def from_text(text: object, arrays: object, expected: type, what: str) -> Any:
    """The value that :func:`to_text` took apart.

    Parameters
    ----------
    text, arrays
        As read from a file: anything at all.
    expected
        The class that it must be.
    what
        How messages name it.

    Raises
    ------
    FileFormatError
        If the text is no such value, or its arrays are missing or of other types or shapes.
    """
    if not isinstance(text, str):
        raise FileFormatError(f"{what} is missing its text; save it again")
    try:
        stored = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{what} is damaged ({type(error).__name__} in its JSON text); save it again") from error
    return _Reader(arrays if isinstance(arrays, dict) else {}).value(stored, expected, what)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _take_apart(value: Any, path: tuple[str, ...], arrays: Tree) -> Json:
    if value is None or isinstance(value, str | bool | int) or type(value) is float:
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        group = arrays
        for name in path[:-1]:
            group = group.setdefault(name, {})
        group[path[-1]] = value
        return {"array": "/".join(path), "dtype": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, np.number | np.bool_):
        return {"number": value.item(), "dtype": value.dtype.str}
    if isinstance(value, tuple):
        return [_take_apart(v, (*path, str(k)), arrays) for k, v in enumerate(value)]
    if isinstance(value, Mapping):
        return {"mapping": {str(k): _take_apart(v, (*path, str(k)), arrays) for k, v in value.items()}}
    if isinstance(value, Program) and (text := _program_text(value)):
        return {"class": "Program", "text": text}
    if is_dataclass(value):
        parts = {f.name: _take_apart(getattr(value, f.name), (*path, f.name), arrays) for f in fields(value)}
        if isinstance(value, Trace) and value.tau == math.inf:
            parts["tau"] = NO_DECAY
        return {"class": type(value).__name__, **parts}
    raise InputError(f"{'.'.join(path)}: a {type(value).__name__} cannot be saved; it is no part of a network")


def _program_text(program: Program) -> str:
    """The program in the rule language, or "" where that does not say all of it (real coefficients)."""
    try:
        text = program_to_text(program)
        return text if first_difference(program_from_lines(text), program) is None else ""
    except RuleError:
        return ""


class _Reader:
    """Puts values together again, checking each against the type that is declared for it."""

    def __init__(self, arrays: Tree) -> None:
        self.arrays = arrays

    def value(self, stored: Json, hint: Any, where: str) -> Any:
        """The value of type ``hint`` that ``stored`` stands for."""
        origin, options = _origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            return self.value(stored, _chosen(stored, options, where), where)
        if origin is Literal:
            if not isinstance(stored, str) or stored not in options:
                _refuse(where, stored)
            return stored
        if origin is tuple:
            return self._tuple(stored, options, where)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            entries = stored.get("mapping") if isinstance(stored, dict) else None
            if not isinstance(entries, dict):
                _refuse(where, stored)
            return {name: self.value(v, options[1], f"{where}.{name}") for name, v in entries.items()}
        if origin is np.ndarray:
            return self._array(stored, where)
        if is_dataclass(hint):
            return self._dataclass(stored, hint, where)
        return _scalar(stored, hint, where)

    def _tuple(self, stored: Json, options: Sequence[Any], where: str) -> tuple[Any, ...]:
        if not isinstance(stored, list):
            _refuse(where, stored)
        hints = [options[0]] * len(stored) if options[1:] == (Ellipsis,) else list(options)
        if len(hints) != len(stored):
            _refuse(where, stored)
        return tuple(self.value(v, hint, f"{where}.{k}") for k, (v, hint) in enumerate(zip(stored, hints, strict=True)))

    def _array(self, stored: Json, where: str) -> Any:
        path = stored.get("array") if isinstance(stored, dict) else None
        if not isinstance(path, str):
            _refuse(where, stored)
        found: Any = self.arrays
        for name in path.split("/"):
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, FileArray) and path.rsplit("/", 1)[-1] not in IN_FILE:
            found = np.asarray(found)
        if not isinstance(found, np.ndarray | FileArray) or found.dtype.kind not in "biuf":
            raise FileFormatError(f"{where}: its array {path:.60} is missing; save it again")
        if [found.dtype.str, list(found.shape)] != [stored.get("dtype"), stored.get("shape")]:
            raise FileFormatError(
                f"{where}: its array is {found.dtype} {found.shape}, the file states {stored.get('dtype')!s:.20} "
                f"{stored.get('shape')!s:.40}; save it again"
            )
        return found

    def _dataclass(self, stored: Json, cls: Any, where: str) -> Any:
        if not isinstance(stored, dict) or stored.get("class") != cls.__name__:
            _refuse(where, stored)
        text = stored.get("text")
        try:
            if cls is Program and isinstance(text, str):
                return program_from_lines(text)
            hints = _hints(cls)
            unlike = ({*stored} - {"class", *hints}) | (_needed(cls) - {*stored})
            if unlike:
                named = ", ".join(sorted(unlike))
                raise FileFormatError(f"{where}: fields of {cls.__name__} are missing or unknown ({named:.80})")
            if cls is Trace and stored["tau"] == NO_DECAY:
                stored = {**stored, "tau": math.inf}
            given = {name: hint for name, hint in hints.items() if name in stored}
            return cls(**{name: self.value(stored[name], hint, f"{where}.{name}") for name, hint in given.items()})
        except FileFormatError:
            raise
        except (InputError, ArithmeticError) as error:
            line = str(error).splitlines()[0]
            raise FileFormatError(f"{where}: {line:.200}") from error


def _origin(hint: Any) -> Any:
    """What a generic type is made from; numpy's NDArray is an alias by itself from numpy 2.5 on."""
    origin = get_origin(hint)
    return get_origin(getattr(origin, "__value__", None)) or origin


@cache
def _hints(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cls)}


@cache
def _needed(cls: type) -> set[str]:
    """Fields without a default; a file written before the others existed lacks them."""
    return {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}


def _chosen(stored: Json, options: Sequence[Any], where: str) -> Any:
    """The one of several types that ``stored`` shows itself to be."""
    if stored is None:
        if type(None) not in options:
            _refuse(where, stored)
        return type(None)
    name = stored.get("class") if isinstance(stored, dict) else None
    others = [o for o in options if o is not type(None)]
    fitting = [o for o in others if is_dataclass(o) and isinstance(o, type) and o.__name__ == name]
    if fitting or len(others) == 1:
        return (fitting or others)[0]
    return next((o for o in others if _plain(stored, o)), others[-1])


def _plain(stored: Json, hint: Any) -> bool:
    return type(stored) is hint


def _scalar(stored: Json, hint: Any, where: str) -> Any:
    """A number, text, truth value or None, of exactly the type; whole numbers may stand for floats."""
    if isinstance(stored, dict) and hint in (int, float, bool):
        return _numpy_scalar(stored, where)
    if _plain(stored, hint) or (hint is float and type(stored) is int):
        return stored
    _refuse(where, stored)


def _numpy_scalar(stored: dict[str, Json], where: str) -> Any:
    number, dtype = stored.get("number"), stored.get("dtype")
    if not isinstance(number, bool | int | float) or not isinstance(dtype, str) or dtype[:1] not in "<>|=":
        _refuse(where, stored)
    try:
        kind = np.dtype(dtype)
        if kind.kind not in "biuf":
            _refuse(where, stored)
        return kind.type(number)
    except (TypeError, ValueError, OverflowError):
        _refuse(where, stored)


def _refuse(where: str, stored: Json) -> NoReturn:
    raise FileFormatError(f"{where} is {json.dumps(stored)[:60]}, which cannot be; the file is damaged, save it again")
