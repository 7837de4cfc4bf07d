"""Values of a Lava process's Vars as its fixed-point model holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import ConversionRefused
from neuroalign.sim.lava_processes.process_graph import title

Integers = NDArray[np.int64]


def whole(process: Any, name: str, notes: list[str]) -> Integers:
    """Initial values of a Var as an array; fractions are cut off, as Lava's integer types do, and that is noted."""
    given = np.asarray(getattr(process, name).init)
    _require_numbers(process, name, given)
    held: Integers = np.trunc(given).astype(np.int64)
    changed = int((held != given).sum())
    if changed:
        notes.append(f"{title(process)}: {changed} values of {name} have fractions, which Lava's integers cut off")
    return held


def per_neuron(process: Any, name: str, shape: tuple[int, ...], notes: list[str]) -> Integers:
    """:func:`whole` for each neuron, flattened."""
    return _spread(process, name, whole(process, name, notes), shape)


def exact_per_neuron(process: Any, name: str, shape: tuple[int, ...], remedy: str) -> Integers:
    """Values that Lava's model takes as they are, so that a fraction stays one: refused with ``remedy``."""
    given = np.asarray(getattr(process, name).init)
    _require_numbers(process, name, given)
    for value in given[given != np.floor(given)].ravel()[:1]:
        raise ConversionRefused(
            f"{title(process)}: {name} is {value:g}, a fraction, as Lava's floating-point models take it; {remedy}"
        )
    return _spread(process, name, given.astype(np.int64), shape)


def _spread(process: Any, name: str, values: Integers, shape: tuple[int, ...]) -> Integers:
    try:
        return np.array(np.broadcast_to(values, shape), dtype=np.int64).ravel()
    except ValueError:
        raise ConversionRefused(
            f"{title(process)}: {name} has shape {values.shape}, which does not fit its {shape} neurons"
        ) from None


def _require_numbers(process: Any, name: str, given: NDArray[Any]) -> None:
    if given.dtype.kind not in "biuf" or not np.isfinite(given).all():
        raise ConversionRefused(f"{title(process)}: {name} holds no finite numbers; give it whole ones")
