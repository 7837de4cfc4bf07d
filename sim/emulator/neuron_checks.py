"""What neurons beyond plain LIF must hold, checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neuroalign.chip import ChipPopulation, EscapeNoise, Fixed, Numbers
from neuroalign.errors import NetworkError
from neuroalign.sim.emulator.escape import SHAPES, TABLE_UNIT

LARGEST_COUNT = 2**31 - 1
LARGEST_SHIFT = 63
CheckArray = Callable[[str, Numbers, tuple[int, ...], bool], None]


def check_neurons(p: ChipPopulation, check_array: CheckArray) -> None:
    """Refuse a second threshold, a period, refractory steps or noise that cannot be meant (NetworkError).

    Parameters
    ----------
    check_array
        Refuses an array of another shape, or whose numbers the population's format does not hold.
    """
    where = f"population {p.name!r}"
    for label in ("reset_interval", "reset_offset", "refractory_steps", "window_steps"):
        count = getattr(p, label)
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or not 0 <= count <= LARGEST_COUNT:
            raise NetworkError(
                f"{where}: {label} is {count!r}; a whole number of steps, 0 to {LARGEST_COUNT}, is needed"
            )
    if p.window_steps > 1 and p.reset_interval:
        raise NetworkError(
            f"{where}: a window of {p.window_steps} steps and a reset_interval of {p.reset_interval}; give one of the two"
        )
    if p.threshold_low is not None:
        _check_low_threshold(where, p, p.threshold_low, check_array)
    if p.escape is not None:
        _check_escape(where, p, p.escape, check_array)


def _check_low_threshold(where: str, p: ChipPopulation, low: Numbers, check_array: CheckArray) -> None:
    check_array(f"{where}: threshold_low", low, (p.size,), isinstance(p.v_format, Fixed))
    for k in np.flatnonzero(low > p.threshold)[:1]:
        raise NetworkError(
            f"{where}: threshold_low[{k}] is {low[k]}, above threshold[{k}] = {p.threshold[k]}; lower it"
        )


def _check_escape(where: str, p: ChipPopulation, noise: EscapeNoise, check_array: CheckArray) -> None:
    if not p.spiking:
        raise NetworkError(f"{where} has escape noise, but is not meant to spike; remove the noise")
    if noise.kind not in SHAPES:
        raise NetworkError(f"{where}: escape noise of kind {noise.kind!r}; one of {', '.join(SHAPES)} is needed")
    if isinstance(noise.seed, bool) or not isinstance(noise.seed, (int, np.integer)) or noise.seed < 0:
        raise NetworkError(f"{where}: the seed of its escape noise is {noise.seed!r}; a whole number from 0 is needed")
    if isinstance(p.v_format, Fixed):
        _check_table(where, noise, check_array)
        return
    check_array(f"{where}: escape width", noise.width, (p.size,), False)
    for k in np.flatnonzero(~((noise.width > 0) & np.isfinite(noise.width)))[:1]:
        raise NetworkError(f"{where}: escape width[{k}] is {noise.width[k]}; a finite number above 0 is needed")


def _check_table(where: str, noise: EscapeNoise, check_array: CheckArray) -> None:
    entries = np.size(noise.table)
    if entries == 0 or entries % 2:
        raise NetworkError(f"{where}: the escape table has {entries} entries; an even number, at least 2, is needed")
    check_array(f"{where}: escape table", noise.table, (entries,), True)
    for k in np.flatnonzero((noise.table < 0) | (noise.table > TABLE_UNIT))[:1]:
        raise NetworkError(f"{where}: escape table[{k}] is {noise.table[k]}; chances are 0 to {TABLE_UNIT}")
    if not 0 <= noise.table_shift <= LARGEST_SHIFT:
        raise NetworkError(f"{where}: table_shift is {noise.table_shift}; 0 to {LARGEST_SHIFT} is needed")
