"""Places 100,000 neurons with 50 million random synapses, and prints what that takes: the whole process counts.

PYTHONPATH=.:tests python tests/placement/large_placement.py loihi1
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
from networks_to_place import connection, network, population

from neuroalign.chip import SparsePattern
from neuroalign.placement import place
from neuroalign.profile import load_profile

NEURONS, FAN_IN = 100_000, 500


def main(profile: str) -> None:
    """One network, one profile."""
    rng = np.random.default_rng(0)
    source = np.empty((NEURONS, FAN_IN), dtype=np.int64)
    for row in source:
        row[:] = np.sort(rng.choice(NEURONS, FAN_IN, replace=False))
    target = np.repeat(np.arange(NEURONS), FAN_IN)
    pattern = SparsePattern(target, source.reshape(-1), (NEURONS, NEURONS))
    weight = rng.integers(-100, 100, target.size) * 2
    chip = network([], [population("all", NEURONS)], [connection("c", "all", "all", weight, pattern=pattern)])
    wall, cpu = time.perf_counter(), time.process_time()
    placement = place(chip, load_profile(profile))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{profile}: {placement.verdict}, {len(placement.cores)} cores, {placement.chips} chips, binding "
        f"{placement.binding_limit}; {wall:.1f} s ({cpu:.1f} s of processor time), {peak:.2f} GiB"
    )


if __name__ == "__main__":
    main(sys.argv[1])
