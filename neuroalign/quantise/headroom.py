"""How far input and constant drive can take a population's states: the bounds behind its scale, and what the table says.

With every input of one sign spiking in every step, and the drive ``b`` constant::

    |u| <= input / decay_u
    v   <= threshold + |u| + b          a spiking membrane: its rise ends at the threshold
    v   <= (|u| + b) / decay_v          a membrane that never spikes, and every fall

Decays are truncated towards zero, so the integers stay within them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection
from neuroalign.conversion import ConversionRow
from neuroalign.pattern import sum_into_targets
from neuroalign.quantise.formats import IntegerFormats
from neuroalign.quantise.rows import note_row

FloatArray = NDArray[np.float64]
PLASTIC_RANGE = 256
"""Magnitude that a plastic weight can reach, whatever it is now."""


@dataclass(frozen=True, eq=False)
class Reach:
    """Largest magnitudes (N,): of the current from input alone, and of the membrane from drive and from input."""

    current: FloatArray
    membrane_drive: FloatArray
    membrane_input: FloatArray

    def limit_on_scale(self, u_limit: float, v_limit: float) -> float:
        """Largest factor on everything at which no state leaves its limits."""
        membrane = float((self.membrane_drive + self.membrane_input).max(initial=0.0))
        return min(_ratio(u_limit, float(self.current.max(initial=0.0))), _ratio(v_limit, membrane))

    def limit_on_input(self, u_limit: float, v_limit: float) -> float:
        """Largest share of the input, 0 to 1, at which no state leaves its limits; negative: the drive alone does."""
        shares = [_ratio(u_limit, float(self.current.max(initial=0.0)))]
        for drive, given in zip(self.membrane_drive, self.membrane_input, strict=True):
            if drive > v_limit:
                return -1.0
            shares.append(_ratio(v_limit - drive, float(given)))
        return min(1.0, *shares)


def reach(
    above: FloatArray,
    below: FloatArray,
    drive: FloatArray,
    decays: tuple[FloatArray, FloatArray],
    threshold: FloatArray | None,
) -> Reach:
    """Bounds for input of at most ``above`` and ``below`` (magnitudes, per step); ``threshold`` is None without spikes."""
    up, down = np.clip(drive, 0, None), np.clip(-drive, 0, None)
    rise, fall = above / decays[0], below / decays[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        low_drive, low_input = (np.where(x > 0, x / decays[1], 0.0) for x in (down, fall))
        if threshold is None:
            high_drive, high_input = (np.where(x > 0, x / decays[1], 0.0) for x in (up, rise))
        else:
            high_drive, high_input = threshold + up, rise
    higher = high_drive + high_input >= low_drive + low_input
    return Reach(
        np.maximum(rise, fall), np.where(higher, high_drive, low_drive), np.where(higher, high_input, low_input)
    )


def headroom_row(
    name: str,
    connections: Sequence[ChipConnection],
    largest: Sequence[float],
    drive: NDArray[np.int64],
    decays: tuple[FloatArray, FloatArray],
    threshold: NDArray[np.int64] | None,
    formats: IntegerFormats,
) -> ConversionRow:
    """What the integers as held can do at worst; ``largest`` is the most one source of each connection sends."""
    size = drive.shape[0]
    above, below = np.zeros(size), np.zeros(size)
    for c, most in zip(connections, largest, strict=True):
        held = np.full(c.weight.shape, PLASTIC_RANGE) if c.plasticity else c.weight
        unit = 2.0 ** (c.weight_exp + formats.align)
        low = held if c.plasticity is None else -held
        above += sum_into_targets(np.clip(held, 0, None), c.pattern) * most * unit
        # A negative exponent rounds the sum down: one unit of the input more, in every step.
        below += sum_into_targets(np.clip(-low, 0, None), c.pattern) * most * unit + (
            2.0**formats.align if c.weight_exp < 0 else 0.0
        )
    bounds = reach(
        above, below, drive.astype(np.float64), decays, None if threshold is None else threshold.astype(np.float64)
    )
    ceiling = formats.v_limit if threshold is not None else formats.threshold_limit << formats.threshold.shift
    share = bounds.limit_on_input(formats.u_limit, ceiling)
    if share < 0:
        return note_row(name, "headroom", "leak and bias alone drive v to its limit; runs count how often", "saturated")
    if share >= 1:
        return note_row(name, "headroom", "no input can make u wrap or v saturate", "exact")
    note = f"safe while a step's input stays below {share:.1%} of every input spiking in every step; runs count what exceeds it"
    return note_row(name, "headroom", note, "approximate")


def _ratio(limit: float, needed: float) -> float:
    return limit / needed if needed > 0 else np.inf
