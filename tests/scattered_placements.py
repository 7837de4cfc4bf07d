"""Random placements: any neurons on any cores, with no regard for capacities, so that whatever counts must follow."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.random import Generator

from neuroalign.chip import ChipNetwork
from neuroalign.placement import CoreUse, Placement, Slice, Traffic


def scattered(rng: Generator, chip: ChipNetwork, cores: int, per_chip: int) -> Placement:
    """Runs of neurons on random cores; ``per_chip`` cores a chip."""
    slices: list[list[Slice]] = [[] for _ in range(cores)]
    for p in chip.populations:
        cuts = sorted({0, p.size, *rng.integers(0, p.size + 1, 3).tolist()})
        for start, stop in pairwise(cuts):
            slices[int(rng.integers(cores))].append(Slice(p.name, start, stop))
    none = np.zeros(0, dtype=np.int64)
    return Placement(
        profile_id="random",
        board=None,
        chips=-(-cores // per_chip),
        cores=tuple(CoreUse(k, k // per_chip, tuple(s), {}, {}, 0, 0, 0) for k, s in enumerate(slices)),
        axon_modes={},
        limits=(),
        binding_limit=None,
        verdict="not checked",
        traffic=Traffic(none, none, np.zeros(0), "equal", 0.0, 0.0, 0.0, 0.0),
    )
