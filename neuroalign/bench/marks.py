"""The figures to reach: (must, stretch) by case, size and name. Ratios are of one run; none is asserted in a test."""

from __future__ import annotations

from collections.abc import Mapping

Marks = tuple[float | None, float | None]

AGAINST_LAVA: Mapping[str, Mapping[int, Marks]] = {
    "static": {128: (300, 650), 256: (250, 500), 512: (120, 250), 1024: (60, 115), 2048: (30, 60)},
    "plastic": {128: (200, 400), 256: (150, 400), 512: (250, 700), 1024: (250, 640), 2048: (250, 700)},
    "stepped": {128: (None, None), 256: (50, None), 512: (150, None), 1024: (200, None), 2048: (250, None)},
}
"""Times as fast as Lava's best chunk, ~2 % spikes."""

KERNEL_SHARE: Mapping[str, Marks] = {"int16 lanes": (50, 75), "int32 lanes": (25, 35), "interpreter": (8, 13)}
"""Per cent of a sweep that reads and writes as many int16, N = 1024."""

KERNEL_SIZE = 1024
RIVALS: Marks = (5, 15)
"""Times as fast as NEST and brian2."""

RIVALS_SIZE = 1024
BATCH: Marks = (15e9, 30e9)
"""Synapse updates a second, 32 x N = 128."""

FIRST_STEP: Mapping[str, Marks] = {"cold": (2.0, 1.0), "warm": (0.5, 0.3)}
"""CPU seconds to the first step of a new rule."""

MEMORY_BYTES: Mapping[str, float] = {"weights only": 3.0, "with a tag": 5.0}
"""Bytes a synapse, N = 4096, beside :data:`MEMORY_BASE`."""

MEMORY_BASE = 50e6
BETTER_OF_TWO = 1.2
"""The kernel chosen takes at most this many times what the better of dense and event takes."""

FLOAT64 = 1e-9
"""Largest difference of the compiled Float64 form and the reference, relative to the largest value."""
