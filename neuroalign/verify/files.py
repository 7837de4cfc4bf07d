"""Cases as JSON files: what a network holds, what enters it, and where it went wrong, to be read and run again."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork, Convolution
from neuroalign.errors import FileFormatError, InputError
from neuroalign.export.atomic import write_atomically
from neuroalign.export.fields import from_text, to_text
from neuroalign.recording import Stimulus
from neuroalign.verify.case import Case
from neuroalign.verify.compare import Difference

SCHEMA = "neuroalign verify 1"


@dataclass(frozen=True, eq=False)
class _Stored:
    """What a file holds of a case, in types that :mod:`neuroalign.export.fields` can store."""

    seed: int
    number: int
    network: ChipNetwork
    inputs: Mapping[str, NDArray[Any]]


def write_case(path: Path, case: Case, difference: Difference | None, versions: Mapping[str, str]) -> Path:
    """Write a case, with what is known of it; the same arguments give the same bytes.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    document = {
        "schema": SCHEMA,
        "versions": dict(versions),
        "difference": None if difference is None else {"text": str(difference), **asdict(difference)},
        **_document(case),
    }
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    return write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_case(path: Path) -> Case:
    """The case of a file.

    Raises
    ------
    FileFormatError
        If the file is missing or holds no case.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        raise FileFormatError(f"{path}: {problem}; a file that 'neuroalign verify' wrote is needed") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise FileFormatError(f"{path} is no case of 'neuroalign verify' (schema {SCHEMA!r})")
    stored: _Stored = from_text(
        json.dumps(document.get("case")), _arrays(document.get("arrays"), str(path)), _Stored, str(path)
    )
    try:
        return Case(stored.network, Stimulus(stored.inputs), stored.seed, stored.number)
    except InputError as error:
        raise FileFormatError(f"{path}: {error}") from error


def is_smaller(one: Case, other: Case) -> bool:
    """Whether there is less to read in ``one``: fewer numbers, or as many and a shorter file, or fewer that are not 0."""
    counts = _numbers(one), _numbers(other)
    return size(one) < size(other) if counts[0] == counts[1] else counts[0] < counts[1]


def size(case: Case) -> tuple[int, ...]:
    """How much there is to read in a case: numbers in arrays, characters of its file, numbers not 0, and step counts."""
    document = _document(case)
    text = json.dumps(document, separators=(",", ":"))
    nonzero = sum(int(np.count_nonzero(a["values"])) for a in document["arrays"].values())
    counts = sum(p.window_steps + p.refractory_steps + p.reset_interval for p in case.network.populations)
    return _numbers(case), len(text), nonzero, counts


def _numbers(case: Case) -> int:
    """Numbers that a case holds in arrays; a convolution counts for more than the matrix that it stands for."""
    parts = (*case.network.populations, *case.network.connections, *(c.plasticity for c in case.plastic))
    held = [getattr(part, f.name) for part in parts if part is not None for f in fields(part)]
    arrays = [*(a for a in held if isinstance(a, np.ndarray)), *case.stimulus.inputs.values()]
    shared = [2 * math.prod(c.shape) for c in case.network.connections if isinstance(c.pattern, Convolution)]
    return sum(a.size for a in arrays) + sum(shared)


def _document(case: Case) -> dict[str, Any]:
    text, arrays = to_text(_Stored(case.seed, case.number, case.network, case.stimulus.inputs))
    return {"case": json.loads(text), "arrays": dict(_lists("", arrays))}


def _lists(path: str, tree: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Arrays by their path, as lists."""
    found: list[tuple[str, dict[str, Any]]] = []
    for name, value in tree.items():
        where = f"{path}/{name}" if path else name
        if isinstance(value, np.ndarray):
            found.append(
                (where, {"dtype": value.dtype.str, "shape": list(value.shape), "values": value.ravel().tolist()})
            )
        else:
            found += _lists(where, value)
    return found


def _arrays(stored: object, where: str) -> dict[str, Any]:
    """The nested arrays of :func:`_lists`."""
    if not isinstance(stored, dict):
        raise FileFormatError(f"{where}: its arrays are missing")
    tree: dict[str, Any] = {}
    for path, array in stored.items():
        group = tree
        *folders, name = path.split("/")
        for folder in folders:
            group = group.setdefault(folder, {})
            if not isinstance(group, dict):
                raise FileFormatError(f"{where}: array {path:.60} lies within another")
        group[name] = _array(array, f"{where}: array {path:.60}")
    return tree


def _array(stored: object, where: str) -> NDArray[Any]:
    if not isinstance(stored, dict):
        raise FileFormatError(f"{where} is no array")
    try:
        dtype = np.dtype(stored["dtype"])
        if dtype.kind not in "biuf":
            raise FileFormatError(f"{where} holds {dtype} values; numbers are needed")
        return np.array(stored["values"], dtype=dtype).reshape(stored["shape"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FileFormatError(f"{where} is damaged ({error})") from error
