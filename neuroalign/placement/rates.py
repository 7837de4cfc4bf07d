"""How often neurons spike: what weighs the messages between cores."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.errors import FileFormatError, InputError

Rates = Mapping[str, NDArray[np.float64]]
SHAPES = "one number, one a neuron, or spikes as (samples, steps, neurons)"


def read_rates(path: Path) -> dict[str, Any]:
    """Rates from a file: .json with one number or a list a population, or .npz with one array a population.

    Raises
    ------
    FileFormatError
        If the file is missing or is neither.
    """
    try:
        if path.suffix == ".npz":
            with path.open("rb") as file:  # numpy leaves a damaged archive that it opened itself open
                found = np.load(file, allow_pickle=False)
                if isinstance(found, np.ndarray):
                    raise FileFormatError(f"{path}: is a .npy array; give .npz with one array for each population")
                return {name: found[name] for name in found.files}
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileFormatError(
            f"{path}: no such file; --rates takes .json or .npz, a name for each population"
        ) from None
    except (OSError, ValueError, EOFError, RecursionError, zipfile.BadZipFile, zlib.error) as error:
        problem = " ".join(str(error).split())
        raise FileFormatError(
            f"{path}: not readable as rates ({problem}); give .json or .npz, a name for each population"
        ) from None
    if not isinstance(data, dict):
        raise FileFormatError(f"{path}: holds a {type(data).__name__}; a name for each population is needed")
    return data


def rates_of(chip: ChipNetwork, given: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Spikes a step of every neuron, (N,), by population or input.

    Parameters
    ----------
    given
        Population or input to a number, to one for each neuron, or to recorded spikes (samples, steps, neurons) or
        (steps, neurons), which are averaged. What is not named spikes 0 times.

    Raises
    ------
    InputError
        If a name is unknown, or its numbers are of another shape, negative, or not finite.
    """
    sizes = {**{i.name: i.size for i in chip.inputs}, **{p.name: p.size for p in chip.populations}}
    found = {name: np.zeros(size) for name, size in sizes.items()}
    for name, value in given.items():
        if name not in sizes:
            raise InputError(f"rates name {name!r}, which the network has not; it has {', '.join(sizes)}")
        found[name] = _checked(name, value, sizes[name])
    return found


def _checked(name: str, value: object, size: int) -> NDArray[np.float64]:
    rates = _numbers(name, value)
    if rates.ndim == 0:
        rates = np.full(size, rates)
    if rates.shape[-1] != size or rates.ndim > 3:
        raise InputError(f"rates of {name!r} have shape {rates.shape}, but it has {size} neurons; give {SHAPES}")
    if not (np.isfinite(rates) & (rates >= 0)).all():
        raise InputError(f"rates of {name!r} must be 0 or more and finite; give {SHAPES}")
    if not size:
        return np.zeros(0)
    rates = rates.reshape(-1, size)
    if not len(rates):
        raise InputError(f"rates of {name!r} hold no step at all; give {SHAPES}")
    return np.asarray(rates.mean(axis=0))


def _numbers(name: str, value: object) -> NDArray[np.float64]:
    """The value as an array; spikes may be true or false, a rate may not."""
    refusal = InputError(f"rates of {name!r} are no numbers; give {SHAPES}")
    try:
        found = np.asarray(value)
    except (TypeError, ValueError):
        raise refusal from None
    if found.dtype.kind not in "iufb" or (found.dtype.kind == "b" and found.ndim < 2):
        raise refusal
    return found.astype(np.float64)
