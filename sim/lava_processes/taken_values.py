"""Values of a Lava process's Vars as its fixed-point model holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import ConversionRefused
from neuroalign.sim.lava_processes.process_graph import title

Integers = NDArray[np.int64]
THRESHOLD_ROOM = 2**25


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


def require_type(process: Any, name: str, *, cast: bool = False) -> None:
    """Refuse what Lava's model computes with in the type it was given: floats fail there and small integers overflow.

    ``cast``: Lava makes 32-bit integers of it first. Lava shifts thresholds by 6.
    """
    raw = getattr(process, name).init
    given = np.asarray(raw)
    wide = cast or given.dtype.kind == "b" or given.dtype in (np.int32, np.int64)
    if wide and not (isinstance(raw, list | tuple) and name != "vth"):
        limited = cast or given.dtype == np.int32
        if limited and name.startswith("vth") and not (np.abs(given.astype(float)) < THRESHOLD_ROOM).all():
            raise ConversionRefused(
                f"{title(process)}: {name} is {np.abs(given).max():g}; Lava shifts it by 6 in 32 bits, which hold less than "
                f"{THRESHOLD_ROOM}, so lower it"
            )
        return
    of = f"of type {type(raw).__name__ if isinstance(raw, list | tuple) else given.dtype}"
    what = "fails on it and hangs" if given.dtype.kind == "f" else "computes in it as it is, which fails or overflows"
    raise ConversionRefused(
        f"{title(process)}: {name} is {of}; Lava's fixed-point model {what}, so give an int or np.array(..., dtype=int)"
    )


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
