"""How what Lava cannot hold is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import ConversionRefused


def refused(where: str, name: str, value: object, held: str) -> ConversionRefused:
    """The error for something whose ``name`` has a ``value``, where Lava holds something else."""
    return ConversionRefused(f"lava: {where} has {name} {value}, but Lava holds {held}; quantise for a Loihi profile")


def check_range(where: str, name: str, values: NDArray[Any], low: int, high: int) -> None:
    """Raise ConversionRefused unless ``values`` are whole numbers from ``low`` to ``high``."""
    if not np.issubdtype(values.dtype, np.integer):
        raise refused(where, f"{name} of type", values.dtype, "whole numbers")
    outside = values[(values < low) | (values > high)]
    if outside.size:
        raise refused(where, name, outside[0], f"{low} to {high}")
