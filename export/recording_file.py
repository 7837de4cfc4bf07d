"""Reading a recording made elsewhere: spikes and membranes by population, from .npz, .csv, NIR data or HDF5."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import FileFormatError, InputError
from neuroalign.export.hdf5 import Tree, read_tree
from neuroalign.export.stimulus_file import grid, read_csv, read_npz
from neuroalign.recording import Probe

STATES = ("s", "v", "u")
INPUT = ".input"
"""Ending of an array's name that holds what entered, as the chip took it."""
_COLUMN = re.compile(r"(?P<name>.+?)(?:\[(?P<index>\d+)\])?")


@dataclass(frozen=True, eq=False)
class OutsideRecording:
    """What a file holds: (population, state) and input name to arrays (samples, steps, channels)."""

    states: Mapping[Probe, NDArray[Any]]
    inputs: Mapping[str, NDArray[Any]]
    description: str


def read_recording(
    path: Path,
    populations: Mapping[str, int],
    inputs: Mapping[str, int],
    dt: float,
    columns: Sequence[str] | None = None,
) -> OutsideRecording:
    """Read a recording.

    Parameters
    ----------
    path
        .npz: arrays "population.s", ".v", ".u" (or "population" alone: spikes) and "input.input"; .csv: a row a step;
        .nir, .h5: NIR data with observables "spikes" and "v", or groups of populations with datasets s, v, u.
    populations, inputs
        Names and sizes.
    dt : s
        Of NIR data.
    columns
        What the columns of a .csv are: "population.s", "population.v[3]", "input[0]", "-" for none; where there is one
        population "s", "v", "u" and "input" do. None takes the file's first row.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    InputError
        If its arrays do not fit the network, or nothing of the network is in it.
    """
    suffix = path.suffix.lower()
    if columns is not None and suffix != ".csv":
        raise InputError(f"--columns names the columns of a .csv; {path} is none")
    if suffix == ".csv":
        arrays = _from_columns(path, columns, populations, inputs)
    elif suffix == ".npz":
        if not path.exists():
            raise FileFormatError(f"recording {path} does not exist")
        arrays = dict(read_npz(path))
    elif suffix in (".nir", ".h5", ".hdf5"):
        arrays = _from_tree(path, read_tree(path, attributes=True), dt)
    else:
        raise FileFormatError(f"recording {path}: unknown kind {path.suffix!r}; one of .npz, .csv, .nir, .h5")
    return _sorted(path, arrays, populations, inputs)


def _sorted(
    path: Path, arrays: Mapping[str, NDArray[Any]], populations: Mapping[str, int], inputs: Mapping[str, int]
) -> OutsideRecording:
    states: dict[Probe, NDArray[Any]] = {}
    entered: dict[str, NDArray[Any]] = {}
    for name, array in arrays.items():
        population, _, state = name.rpartition(".")
        if name in populations:
            states[name, "s"] = _shaped(path, name, array, populations[name])
        elif population in populations and state in STATES:
            states[population, state] = _shaped(path, name, array, populations[population])
        elif name in inputs or name.removesuffix(INPUT) in inputs:
            port = name if name in inputs else name.removesuffix(INPUT)
            entered[port] = _shaped(path, name, array, inputs[port])
    if not states:
        raise InputError(
            f"recording {path} holds {', '.join(sorted(arrays)[:9]) or 'nothing'}; nothing of the populations "
            f"{', '.join(populations)} is there: name arrays 'population.s' (spikes) and 'population.v'"
        )
    lengths = {f"{p}.{s}": a.shape[:2] for (p, s), a in states.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"recording {path}: samples or steps differ: {lengths}; record all for the same steps")
    return OutsideRecording(states, entered, path.name)


def _shaped(path: Path, name: str, array: NDArray[Any], size: int) -> NDArray[Any]:
    given = array.shape
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise InputError(f"recording {path}: {name} holds something else than finite numbers; record numbers")
    if array.dtype.kind == "b":
        array = array.astype(np.uint8)
    if array.ndim == 1 and size == 1:
        array = array[:, None]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or array.shape[2] != size or not array.size:
        raise InputError(
            f"recording {path}: {name} has shape {given}; (steps, {size}) or (samples, steps, {size}) is needed"
        )
    return array


def _from_columns(
    path: Path, columns: Sequence[str] | None, populations: Mapping[str, int], inputs: Mapping[str, int]
) -> dict[str, NDArray[Any]]:
    if not path.exists():
        raise FileFormatError(f"recording {path} does not exist")
    (table,) = read_csv(path).values()
    names = _header(path) if columns is None else list(columns)
    if len(names) != table.shape[1]:
        raise InputError(
            f"recording {path} has {table.shape[1]} columns, {len(names)} are named; name each with --columns, '-' for none"
        )
    found: dict[str, dict[int, NDArray[Any]]] = {}
    for column, given in enumerate(names):
        if given.strip() in ("-", ""):
            continue
        name, index = _column(path, given.strip(), populations, inputs)
        if index in found.setdefault(name, {}):
            raise InputError(f"recording {path}: two columns are {name}[{index}]; name them differently")
        found[name][index] = table[:, column]
    return {name: _joined(path, name, parts) for name, parts in found.items()}


def _header(path: Path) -> list[str]:
    first = next((line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.split("#")[0].strip()), "")
    names = [cell.strip() for cell in first.split(",")]
    if any(re.fullmatch(r"[-+.\deE]+", name) and name != "-" for name in names):
        raise InputError(f"recording {path} has no row of names; say what its columns are: --columns input,v,s")
    return names


def _column(path: Path, given: str, populations: Mapping[str, int], inputs: Mapping[str, int]) -> tuple[str, int]:
    match = _COLUMN.fullmatch(given)
    name, index = (match["name"], int(match["index"] or 0)) if match else (given, 0)
    if name in STATES and name not in populations and len(populations) == 1:
        name = f"{next(iter(populations))}.{name}"
    elif name == "input" and name not in inputs and len(inputs) == 1:
        name = next(iter(inputs))
    known = name in inputs or name in populations or (name.rpartition(".")[0] in populations and name[-2:-1] == ".")
    if not known:
        raise InputError(
            f"recording {path}: column {given!r} names nothing in the network; populations are {', '.join(populations)}, "
            f"inputs {', '.join(inputs)}: write 'population.s', 'population.v[3]', 'input[0]' or '-'"
        )
    return name, index


def _joined(path: Path, name: str, parts: Mapping[int, NDArray[Any]]) -> NDArray[Any]:
    if sorted(parts) != list(range(len(parts))):
        raise InputError(f"recording {path}: {name} has columns {sorted(parts)}; 0, 1, ... without gaps are needed")
    return np.stack([parts[k] for k in range(len(parts))], axis=1)


def _from_tree(path: Path, tree: Tree, dt: float) -> dict[str, NDArray[Any]]:
    """NIR data, or groups of populations with a dataset for each state."""
    nodes = tree.get("nodes") if tree.get("@__type__") == "NIRGraphData" else None
    found: dict[str, NDArray[Any]] = {}
    for name, node in (nodes if isinstance(nodes, dict) else tree).items():
        if not isinstance(node, dict):
            continue
        observables = node.get("observables") if nodes is not None else node
        for key, value in (observables if isinstance(observables, dict) else {}).items():
            state = "s" if key == "spikes" else key
            if nodes is not None and isinstance(value, dict):
                found[f"{name}.{state}"] = grid(path, name, value, dt)
            elif isinstance(value, np.ndarray):
                found[f"{name}.{state}"] = value
    return found
