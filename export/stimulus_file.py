"""Reading a stimulus from .npz, .npy, .csv or NIR data, for the inputs of a network."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import FileFormatError, InputError
from neuroalign.export.hdf5 import read_tree
from neuroalign.network import InputPort
from neuroalign.recording import Stimulus

LABELS = ("labels", "label", "y")


def read_stimulus(path: Path, inputs: tuple[InputPort, ...], dt: float, *, scale: float = 1.0) -> Stimulus:
    """The stimulus in a file, every value divided by ``scale``.

    Arrays are (steps, channels) or (samples, steps, channels); channels may keep the input's own shape. An .npz names
    its arrays after the inputs, or holds one array for the only input; ``labels`` gives the class of each sample. A .csv
    has a row per step. NIR data is what ``nir.write_data`` writes, with time-gridded or event observables.

    Raises
    ------
    FileFormatError
        If the file is missing, unreadable or of an unknown kind.
    InputError
        If its arrays do not fit the network's inputs.
    """
    if not path.exists():
        raise FileFormatError(f"input file {path} does not exist")
    readers: dict[str, Callable[[Path], Mapping[str, NDArray[Any]]]] = {
        ".npz": _read_npz,
        ".npy": _read_npy,
        ".csv": _read_csv,
        ".nir": lambda file: _read_nir_data(file, dt),
        ".h5": lambda file: _read_nir_data(file, dt),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise FileFormatError(f"input file {path}: unknown kind {path.suffix!r}; one of {', '.join(readers)}")
    arrays = dict(reader(path))
    labels = next((arrays.pop(key) for key in LABELS if key in arrays), None)
    if scale == 0 or not np.isfinite(scale):
        raise InputError(f"--input-scale is {scale}; a finite number other than 0 is needed")
    shaped = {
        p.name: _shape(path, p, _pick(path, p, arrays, len(inputs))) / (scale if scale != 1.0 else 1) for p in inputs
    }
    return Stimulus(shaped, None if labels is None else np.asarray(labels, dtype=np.int64).ravel(), f"{path.name}")


def _pick(path: Path, port: InputPort, arrays: Mapping[str, NDArray[Any]], inputs: int) -> NDArray[Any]:
    if port.name in arrays:
        return arrays[port.name]
    if inputs == 1 and len(arrays) == 1:
        return next(iter(arrays.values()))
    raise InputError(
        f"input file {path} has no array {port.name!r}; it has {', '.join(sorted(arrays)) or 'none'}; name the arrays after the network's inputs"
    )


def _shape(path: Path, port: InputPort, array: NDArray[Any]) -> NDArray[Any]:
    """``array`` as (samples, steps, channels)."""
    if array.dtype.kind not in "biuf":
        raise InputError(f"input file {path}: array for {port.name!r} has type {array.dtype}; numbers are needed")
    if not array.size:
        raise InputError(f"input file {path}: array for {port.name!r} is empty")
    given, own = array.shape, len(port.shape)
    if own > 1 and array.shape[-own:] == port.shape:
        array = array.reshape(*array.shape[:-own], port.size)
    if array.ndim == 1 and port.size == 1:
        array = array[:, None]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or array.shape[2] != port.size:
        raise InputError(
            f"input file {path}: array for {port.name!r} has shape {given}; the network needs (steps, {port.size}) or (samples, steps, {port.size})"
        )
    return array


def _read_npz(path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
        raise FileFormatError(f"input file {path} is not a readable .npz: {_first_line(error)}") from None


def _read_npy(path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        loaded = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FileFormatError(f"input file {path} is not a readable .npy: {_first_line(error)}") from None
    if not isinstance(loaded, np.ndarray):
        raise FileFormatError(f"input file {path} is not a .npy array; is it an .npz?")
    return {path.stem: loaded}


def _read_csv(path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = [line for line in text.splitlines() if line.strip()]
        skip = 1 if rows and not _is_number(rows[0].split(",")[0]) else 0
        return {path.stem: np.loadtxt(rows[skip:], delimiter=",", ndmin=2, dtype=np.float64)}
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise FileFormatError(
            f"input file {path} is not a table of comma-separated numbers: {_first_line(error)}"
        ) from None


def _read_nir_data(path: Path, dt: float) -> Mapping[str, NDArray[Any]]:
    """Spikes of each node of a NIRGraphData file: its first observable, or the one called "spikes"."""
    tree = read_tree(path, attributes=True)
    nodes = tree.get("nodes")
    if not isinstance(nodes, dict) or tree.get("@__type__") != "NIRGraphData":
        raise FileFormatError(f"input file {path} holds no NIR data (NIRGraphData); a network file cannot be an input")
    arrays = {}
    for name, node in nodes.items():
        observables = node.get("observables", {}) if isinstance(node, dict) else {}
        if observables:
            chosen = observables.get("spikes", next(iter(observables.values())))
            arrays[name] = _grid(path, name, chosen, dt)
    return arrays


def _grid(path: Path, name: str, observable: Mapping[str, Any], dt: float) -> NDArray[Any]:
    """(samples, steps, channels) at the network's dt."""
    try:
        if observable["@__type__"] == "TimeGriddedData":
            own = float(observable["@dt"])
            if abs(own - dt) > 1e-6 * dt:
                raise InputError(
                    f"input file {path}: node {name!r} has dt = {own:g} s, the network {dt:g} s; resample it, or set --dt {own:g}"
                )
            return np.asarray(observable["data"])
        index, time = np.asarray(observable["idx"], dtype=np.int64), np.asarray(observable["time"], dtype=np.float64)
        values = np.asarray(observable.get("value", np.ones(index.shape)), dtype=np.float64)
        neurons, steps = int(observable["@n_neurons"]), int(np.ceil(float(observable["@t_max"]) / dt - 1e-9))
    except KeyError as missing:
        raise FileFormatError(f"input file {path}: node {name!r} lacks {missing}") from None
    gridded = np.zeros((index.shape[0], steps, neurons))
    sample, event = np.nonzero((index >= 0) & np.isfinite(time))
    step = np.floor(time[sample, event] / dt + 1e-9).astype(np.int64)
    if (step >= steps).any() or (step < 0).any() or (index[sample, event] >= neurons).any():
        raise InputError(
            f"input file {path}: node {name!r} has events beyond its {neurons} neurons or t_max; write it again"
        )
    gridded[sample, step, index[sample, event]] = values[sample, event]
    return gridded


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
