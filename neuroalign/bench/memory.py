"""Resident memory of a large plastic network, in a process of its own; its weights lie in a file, read in blocks."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neuroalign.bench.marks import MEMORY_BASE, MEMORY_BYTES
from neuroalign.bench.measured import Figure, Result
from neuroalign.bench.settings import Settings
from neuroalign.errors import BackendFailed

SIZE, QUICK_SIZE = 4096, 1024
STEPS = 20
BLOCK_ROWS = 256


def memory_cases(settings: Settings) -> Iterator[Result]:
    """Growth and peak, for weights only and with a tag for every synapse."""
    size = max(settings.chosen((SIZE,), (QUICK_SIZE,)))
    with tempfile.TemporaryDirectory(prefix="neuroalign-bench-") as folder:
        weights = write_weights(Path(folder) / "weights.npy", size, settings.seed)
        for number, kind in enumerate(MEMORY_BYTES):
            settings.report("memory", number, len(MEMORY_BYTES))
            yield measured(kind, size, weights)
    settings.report("memory", len(MEMORY_BYTES), len(MEMORY_BYTES))


def write_weights(path: Path, size: int, seed: int) -> Path:
    """Weights (N_target, N_source) as int16 in a .npy file, written in blocks."""
    rng = np.random.default_rng(seed)
    held = np.lib.format.open_memmap(path, mode="w+", dtype=np.int16, shape=(size, size))
    for first in range(0, size, BLOCK_ROWS):
        held[first : first + BLOCK_ROWS] = 2 * rng.integers(-50, 51, held[first : first + BLOCK_ROWS].shape)
    held.flush()
    return path


def measured(kind: str, size: int, weights: Path) -> Result:
    """What a process of its own says of itself.

    Raises
    ------
    BackendFailed
        If it fails; where the system does not tell the resident memory too.
    """
    command = [sys.executable, "-m", "neuroalign.bench.memory_probe", str(weights), str(STEPS), kind]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        lines = ended.stderr.strip().splitlines() or ["no message"]
        raise BackendFailed(f"bench: the process that measures memory failed: {lines[-1]}")
    found = json.loads(ended.stdout.splitlines()[-1])
    synapses, limit = size * size, MEMORY_BYTES[kind]
    growth, peak = found["after"] - found["before"], found["peak"] - found["before"]
    return Result(
        "memory",
        f"N = {size}, {kind}",
        {"N": size, "synapses": synapses, "steps": STEPS},
        (),
        (
            Figure("growth", growth / 1e6, "MB", (limit * synapses + MEMORY_BASE) / 1e6, None, at_most=True),
            Figure("growth a synapse", growth / synapses, "bytes"),
            Figure("of it pages of the file", (found["file after"] - found["file before"]) / 1e6, "MB"),
            Figure("peak above the start", peak / 1e6, "MB"),
            Figure("process before", found["before"] / 1e6, "MB"),
        ),
        (
            f"mark: {limit:g} bytes a synapse and {MEMORY_BASE / 1e6:.0f} MB; before: after imports and a run of 16 neurons "
            f"with the same rule, which loads the compiled code; after: {STEPS} steps",
        ),
    )
