"""Building conversion rows: the worst case of an array of numbers against what is stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.conversion import ConversionRow, Status


def array_row(
    where: str,
    quantity: str,
    wanted: NDArray[Any],
    stored: NDArray[Any],
    meaning: NDArray[Any],
    unit: str,
    note: str = "",
    *,
    saturated: int = 0,
    shift: NDArray[np.int64] | int = 0,
    status: Status | None = None,
    scale: NDArray[np.float64] | None = None,
) -> ConversionRow:
    """The row of one number class: ``stored`` integers (``<< shift``) that mean ``meaning`` where ``wanted`` was asked.

    The worst case is the number with the largest error over ``scale``, which broadcasts against the numbers; without
    one it is the largest magnitude of the class.
    """
    if wanted.size == 0:
        return ConversionRow(where, quantity, 0, 0.0, "", 0.0, 0.0, 0.0, unit, "", 0, "exact", note)
    error = np.abs(meaning - wanted)
    scale = np.abs(wanted).max() if scale is None else scale
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(error > 0, error / np.broadcast_to(scale, error.shape), 0.0)
    shares = np.where(np.isinf(shares), 1.0, shares)  # something where nothing was wanted
    worst = np.unravel_index(int(np.argmax(shares)), error.shape)
    shifts = np.broadcast_to(np.asarray(shift), stored.shape)
    held = f"{stored[worst]}" + (
        f" << {shifts[worst]}" if shifts[worst] > 0 else f" >> {-shifts[worst]}" if shifts[worst] < 0 else ""
    )
    worst_error, relative = float(error[worst]), float(shares[worst])
    if status is None:
        exact = bool((error <= 1e-12 * np.abs(wanted)).all())
        status = "saturated" if saturated else "exact" if exact else "rounded"
    index = "" if wanted.size == 1 else "[" + ", ".join(str(int(k)) for k in worst) + "]"
    return ConversionRow(
        where,
        quantity,
        int(wanted.size),
        float(wanted[worst]),
        held,
        float(meaning[worst]),
        worst_error,
        relative,
        unit,
        index,
        saturated,
        status,
        note,
    )


def note_row(where: str, quantity: str, note: str, status: Status = "substituted", count: int = 1) -> ConversionRow:
    """A row that records a substitution without figures of its own."""
    return ConversionRow(where, quantity, count, 0.0, "", 0.0, 0.0, 0.0, "", "", 0, status, note)
