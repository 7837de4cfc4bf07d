"""What graded source spikes do to the trace x1.

==============  ====================================================================================
impulse         nothing beyond the impulse of every spike
overwrite       ``x1 := payload / 2``
add-saturate    ``x1 := x1 + payload / 2``, at most 127 (Fixed)
add-carry       the same; past 127 the rest stays, x2 gets its impulse, and only then there was a spike (Fixed)
==============  ====================================================================================

Fixed halves the payload with ties to even and keeps 8 bits of it and of the sum, so 600 counts 44 and -6 counts 253.
In Float64 both adding modes add. Source: Lava 0.10, ``magma/core/model/py/connection.py`` (GradedSpikeCfg).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import GradedMode, Numbers
from neuroalign.microcode import TRACE_LIMIT

_BYTE = 255


def graded_x1(mode: GradedMode, fixed: bool, x1: Numbers, payload: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """The trace x1 after the payloads of one step, and which of them count as spikes.

    Parameters
    ----------
    x1, payload : (N_source,)
        A payload of 0 is no spike.
    """
    spiked = np.asarray(payload != 0)
    if mode == "impulse":
        return x1, spiked
    half = np.asarray(payload / 2, dtype=np.float64)
    if not fixed:
        return (np.where(spiked, half, x1) if mode == "overwrite" else x1 + half), spiked
    byte = np.round(half).astype(np.int64) & _BYTE
    if mode == "overwrite":
        return np.where(spiked, byte, x1), spiked
    total = (x1 + byte) & _BYTE
    if mode == "add-saturate":
        return np.minimum(total, TRACE_LIMIT - 1), spiked
    carried = total >= TRACE_LIMIT
    return np.where(carried, total - (TRACE_LIMIT - 1), total), spiked & carried
