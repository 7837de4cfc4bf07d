"""Compiled check of what a session is given: a call of numpy would take as long as a step."""

from __future__ import annotations

from typing import Any

import numba


@numba.njit(cache=True, nogil=True)
def first_not_binary(row: Any, binary: Any) -> Any:
    """The first channel of a binary input that is neither 0 nor 1; -1 where there is none."""
    for k in range(row.size):
        if binary[k] and row[k] != 0 and row[k] != 1:
            return k
    return -1
