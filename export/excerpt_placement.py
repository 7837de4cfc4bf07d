"""What the figures of a placement draw, still and live alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroalign.placement import HOST, Placement

FloatTable = NDArray[np.float64]


def core_shares(placement: Placement) -> tuple[list[str], FloatTable] | None:
    """Limits of a core whose capacity is known, and the share (limits, cores) that each core uses; None without any."""
    known = {name for core in placement.cores for name in core.shares}
    names = [limit.name for limit in placement.limits if limit.scope == "core" and limit.name in known]
    if not names:
        return None
    return names, np.array([[core.shares.get(name, np.nan) for core in placement.cores] for name in names])


def message_blocks(placement: Placement, most: int) -> FloatTable | None:
    """Messages a step, (1 + blocks, blocks), the host first; a block is a core, or several where they exceed ``most``.

    None for a single core, or where the pairs are too many to be listed.
    """
    cores, traffic = len(placement.cores), placement.traffic
    if cores < 2 or not traffic.source.size:
        return None
    blocks = min(cores, most)
    block = np.arange(cores) * blocks // cores
    found = np.zeros((1 + blocks, blocks))
    rows = np.where(traffic.source == HOST, 0, 1 + block[traffic.source])
    np.add.at(found, (rows, block[traffic.target]), traffic.spikes)
    return found
