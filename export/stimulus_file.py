"""Reading a stimulus from .npz, .npy, .csv or NIR data, for the inputs of a network."""

from __future__ import annotations

import os
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
MAX_BYTES = 2**31
"""Limit on what the events of a file may become as arrays over time: 2 GiB."""


def read_stimulus(path: Path, inputs: tuple[InputPort, ...], dt: float, *, scale: float = 1.0) -> Stimulus:
    """The stimulus in a file, every value divided by ``scale``.

    Arrays are (steps, channels) or (samples, steps, channels); channels may keep the input's own shape. An .npz names
    its arrays after the inputs, or holds one array for the only input; ``labels`` gives the class of each sample. A .csv
    has a row per step, a header if it likes, and commas, semicolons or tabs. NIR data is what ``nir.write_data`` writes, with time-gridded or event observables.

    Raises
    ------
    FileFormatError
        If the file is missing, unreadable or of an unknown kind.
    InputError
        If its arrays do not fit the network's inputs.
    """
    if not os.path.exists(path):
        raise FileFormatError(f"input file {path} does not exist")
    check_scale(scale)
    readers: dict[str, Callable[[Path], Mapping[str, NDArray[Any]]]] = {
        ".npz": read_npz,
        ".npy": _read_npy,
        ".csv": read_csv,
        ".nir": lambda file: _read_nir_data(file, dt),
        ".h5": lambda file: _read_nir_data(file, dt),
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        remedy = "; write it as numpy.save('input.npy', tensor.numpy())" if path.suffix in (".pt", ".pth") else ""
        raise FileFormatError(f"input file {path}: unknown kind {path.suffix!r}; one of {', '.join(readers)}{remedy}")
    arrays = dict(reader(path))
    names = {p.name for p in inputs}
    labels = next((arrays.pop(key) for key in LABELS if key in arrays and key not in names), None)
    shaped = {
        p.name: _shape(path, p, _pick(path, p, arrays, len(inputs))) / (scale if scale != 1.0 else 1) for p in inputs
    }
    samples = next(iter(shaped.values())).shape[0] if shaped else 0
    return Stimulus(shaped, None if labels is None else _classes(path, labels, samples), f"{path.name}")


def check_scale(scale: float) -> None:
    """Refuse a divisor that would leave no finite input (InputError)."""
    if scale == 0 or not np.isfinite(scale):
        raise InputError(f"--input-scale is {scale}; a finite number other than 0 is needed")


def _classes(path: Path, labels: NDArray[Any], samples: int) -> NDArray[np.int64]:
    """Labels as one whole number a sample."""
    remedy = "give the class of each sample as a whole number from 0"
    if labels.dtype.kind not in "biuf":
        first = f", the first {labels.ravel()[0]!s:.40}" if labels.size else ""
        raise InputError(f"input file {path}: labels have type {labels.dtype}{first}; {remedy}")
    if labels.shape not in ((samples,), (samples, 1)):
        raise InputError(
            f"input file {path}: labels have shape {labels.shape} for {samples} samples; {remedy} (one-hot: its argmax)"
        )
    flat = labels.ravel()
    odd = np.flatnonzero(~np.isfinite(flat) | (flat != np.round(flat)) | (np.abs(flat) >= 2.0**53))
    if odd.size:
        raise InputError(f"input file {path}: the label of sample {odd[0]} is {flat[odd[0]]}; {remedy}")
    return flat.astype(np.int64)


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
            f"{_likely(given, port)}"
        )
    return array


def _likely(given: tuple[int, ...], port: InputPort) -> str:
    """What an array of another shape probably is, and what to do with it; "" where nothing is likely."""
    if port.size > 1 and port.size in given[:-1]:
        return f"; channels stand in axis {given.index(port.size)} and come last (numpy.moveaxis)"
    if len(given) == 2 and given[1] == port.size + 1:
        return "; if its first column is time, leave it out"
    if len(given) == 2 and given[1] == 2:
        return "; if its rows are events (time, channel), write a row a step with 1 where a channel spikes"
    return ""


def read_npz(path: Path) -> Mapping[str, NDArray[Any]]:
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


def read_csv(path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = [line for line in text.splitlines() if line.split("#")[0].strip()]
        delimiter = next((d for d in (",", ";", "\t") if rows and d in rows[-1]), ",")
        skip = 1 if rows and not _is_number(rows[0].split(delimiter)[0]) else 0
        if len(rows) == skip:
            raise FileFormatError(f"input file {path} holds no row of numbers; write one row a step")
        return {path.stem: np.loadtxt(rows[skip:], delimiter=delimiter, ndmin=2, dtype=np.float64)}
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
            arrays[name] = grid(path, name, chosen, dt)
    return arrays


def grid(path: Path, name: str, observable: Mapping[str, Any], dt: float) -> NDArray[Any]:
    """(samples, steps, channels) at the network's dt."""
    where = f"input file {path}: node {name!r}"
    try:
        if observable["@__type__"] == "TimeGriddedData":
            own = float(observable["@dt"])
            if not abs(own - dt) <= 1e-6 * dt:
                raise InputError(f"{where} has dt = {own:g} s, the network {dt:g} s; resample it, or set --dt {own:g}")
            return np.asarray(observable["data"])
        index, time = np.asarray(observable["idx"], dtype=np.int64), np.asarray(observable["time"], dtype=np.float64)
        values = np.asarray(observable.get("value", np.ones(index.shape)), dtype=np.float64)
        neurons, t_max = int(observable["@n_neurons"]), float(observable["@t_max"])
    except KeyError as missing:
        raise FileFormatError(f"{where} lacks {missing}; write it again") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise FileFormatError(
            f"{where} holds something else than numbers ({_first_line(error)}); write it again"
        ) from None
    if not index.shape == time.shape == values.shape or index.ndim != 2:
        raise FileFormatError(
            f"{where} has idx of shape {index.shape}, time {time.shape} and values {values.shape}; "
            "all three must be (samples, events)"
        )
    steps = _event_steps(where, index.shape[0], neurons, t_max, dt)
    gridded = np.zeros((index.shape[0], steps, neurons))
    sample, event = np.nonzero((index >= 0) & np.isfinite(time))
    at = np.floor(time[sample, event] / dt + 1e-9)
    if (at >= steps).any() or (at < 0).any() or (index[sample, event] >= neurons).any():
        raise InputError(f"{where} has events beyond its {neurons} neurons or t_max; write it again")
    gridded[sample, at.astype(np.int64), index[sample, event]] = values[sample, event]
    return gridded


def _event_steps(where: str, samples: int, neurons: int, t_max: float, dt: float) -> int:
    """Steps of events up to ``t_max``, refused where they would be none or more than memory should take."""
    if neurons < 1:
        raise InputError(f"{where} has n_neurons = {neurons}; at least 1 is needed")
    if not 0 < t_max < np.inf:
        raise InputError(f"{where} has t_max = {t_max:g} s; a positive finite time is needed")
    steps = int(np.ceil(t_max / dt - 1e-9))
    needed = samples * steps * neurons * 8
    if needed > MAX_BYTES:
        raise InputError(
            f"{where} has t_max = {t_max:g} s and {neurons} neurons: {samples} samples of {steps:.4g} steps need "
            f"{needed / 2**30:,.1f} GiB, the limit is {MAX_BYTES / 2**30:g} GiB; shorten t_max or split the samples"
        )
    return steps


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
