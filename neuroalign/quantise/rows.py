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
) -> ConversionRow:
    """The row of one number class: ``stored`` integers (``<< shift``) that mean ``meaning`` where ``wanted`` was asked.

    The worst case is the number with the largest error; the relative error is over the largest magnitude of the class.
    """
    if wanted.size == 0:
        return ConversionRow(where, quantity, 0, 0.0, "", 0.0, 0.0, 0.0, unit, "", 0, "exact", note)
    error = np.abs(meaning - wanted)
    worst = np.unravel_index(int(np.argmax(error)), error.shape)
    largest = float(np.abs(wanted).max())
    shifts = np.broadcast_to(np.asarray(shift), stored.shape)
    held = f"{stored[worst]}" + (
        f" << {shifts[worst]}" if shifts[worst] > 0 else f" >> {-shifts[worst]}" if shifts[worst] < 0 else ""
    )
    worst_error = float(error[worst])
    relative = worst_error / largest if largest > 0 else (1.0 if worst_error > 0 else 0.0)
    if status is None:
        status = "saturated" if saturated else "exact" if relative <= 1e-12 else "rounded"
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
