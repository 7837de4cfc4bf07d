"""Tensors of torch in a network: their values, as the numpy arrays that a network holds. torch itself is not imported."""

from __future__ import annotations

from typing import Any

import numpy as np


def take_tensors(holder: Any, names: tuple[str, ...]) -> None:
    """Replace fields of a frozen dataclass that are tensors by float64 arrays of their values (exact for single precision).

    Anything else stays as it is, for the checks that follow.
    """
    for name in names:
        detach = getattr(getattr(holder, name), "detach", None)
        if detach is not None:
            object.__setattr__(holder, name, np.asarray(detach().cpu().numpy(), dtype=np.float64))
