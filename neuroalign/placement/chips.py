"""Numbers cores so that those which exchange many spikes share a chip.

Cores are taken in the order in which they hang together, chip after chip; then pairs of cores on two chips change
places as long as that takes spikes off the links (the best of a core's swaps at a time, as Kernighan and Lin do). No
graph of this size needs METIS, and the result is the same on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuroalign.placement.layouts import Indices
from neuroalign.placement.messages import Rows
from neuroalign.placement.types import HOST

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SWEEPS = 4


def chip_order(rows: Rows, cores: int, per_chip: int | None) -> tuple[Indices, bool]:
    """Cores in the order of their new numbers, and whether it was searched."""
    if per_chip is None or cores <= per_chip:
        return np.arange(cores), True
    links = _links(rows, cores)
    order = _hanging_together(links, per_chip)
    given = np.arange(cores)
    best = min((given, order), key=lambda o: _crossing(links, _chips(o, per_chip)))
    chip = _exchanged(links, _chips(best, per_chip), per_chip)
    return np.lexsort((np.argsort(best, kind="stable"), chip)), True


def _chips(order: Indices, per_chip: int) -> Indices:
    chip = np.empty(order.size, dtype=np.int64)
    chip[order] = np.arange(order.size) // per_chip
    return chip


def _links(rows: Rows, cores: int) -> csr_matrix:
    """Messages between each two cores, both ways together."""
    from scipy.sparse import csr_matrix  # a quarter of the time that importing deploy would take

    source, target, spikes = rows
    kept = (source != HOST) & (source != target)
    one_way = csr_matrix((spikes[kept], (source[kept], target[kept])), shape=(cores, cores))
    return (one_way + one_way.T).tocsr()


def _row(links: csr_matrix, core: int) -> tuple[Indices, NDArray[np.float64]]:
    low, high = links.indptr[core], links.indptr[core + 1]
    return links.indices[low:high], links.data[low:high]


def _crossing(links: csr_matrix, chip: Indices) -> float:
    source = np.repeat(np.arange(chip.size), np.diff(links.indptr))
    return float(links.data[chip[source] != chip[links.indices]].sum())


def _hanging_together(links: csr_matrix, per_chip: int) -> Indices:
    """Each next core is the one with most messages to the chip being filled; the lowest number where several are."""
    cores = links.shape[0]
    left = np.ones(cores, dtype=bool)
    pull = np.zeros(cores)
    order = np.empty(cores, dtype=np.int64)
    for k in range(cores):
        if k % per_chip == 0:
            pull[:] = 0
        core = int(np.argmax(np.where(left, pull, -1.0)))
        order[k], left[core] = core, False
        neighbours, spikes = _row(links, core)
        pull[neighbours] += spikes
    return order


def _exchanged(links: csr_matrix, chip: Indices, per_chip: int) -> Indices:
    chips = int(chip.max()) + 1
    chip = chip.copy()
    toward = np.zeros((chip.size, chips))
    for core in range(chip.size):
        neighbours, spikes = _row(links, core)
        np.add.at(toward[core], chip[neighbours], spikes)
    room = per_chip - np.bincount(chip, minlength=chips)
    for _ in range(SWEEPS):
        moved = sum(_improve(links, core, chip, toward, room) for core in range(chip.size))
        if not moved:
            break
    return chip


def _improve(links: csr_matrix, core: int, chip: Indices, toward: NDArray[np.float64], room: Indices) -> bool:
    """Move a core to the chip it talks to most, or swap it with the one that gains most by it."""
    here = int(chip[core])
    there = int(np.argmax(toward[core]))
    gain = toward[core, there] - toward[core, here]
    if there == here or gain <= 0:
        return False
    if room[there] > 0:
        room[there] -= 1
        room[here] += 1
        _move(links, core, there, chip, toward)
        return True
    others = np.flatnonzero(chip == there)
    between = np.zeros(chip.size)
    neighbours, spikes = _row(links, core)
    between[neighbours] = spikes
    gains = gain + toward[others, here] - toward[others, there] - 2 * between[others]
    best = int(np.argmax(gains))
    if gains[best] <= 1e-9 * max(float(gain), 1.0):
        return False
    _move(links, core, there, chip, toward)
    _move(links, int(others[best]), here, chip, toward)
    return True


def _move(links: csr_matrix, core: int, there: int, chip: Indices, toward: NDArray[np.float64]) -> None:
    neighbours, spikes = _row(links, core)
    toward[neighbours, chip[core]] -= spikes
    toward[neighbours, there] += spikes
    chip[core] = there
