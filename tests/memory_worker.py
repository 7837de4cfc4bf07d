"""Runs an all-to-all plastic network whose weights lie in a file, and prints by how much the process grew.

Arguments: file with the weights, neurons, 1 if the rule uses the tag. Prints the growth of resident memory while the
network runs, over a process that has imported everything and run a small network, and what was stated beforehand.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

import h5py  # noqa: F401  so that it is not measured
import numpy as np
from small_chips import chip, neurons, silence, wire

from neuroalign.chip import ChipNetwork, Plasticity
from neuroalign.export.hdf5 import read_tree
from neuroalign.microcode import Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.sim.emulator import Emulator, memory_needed

STEPS = 12


def resident() -> int:
    """Resident memory of this process, in bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def network(weight: Any, tagged: bool) -> ChipNetwork:
    """Neurons that spike by themselves, all joined to all by pair STDP."""
    size = weight.shape[0]
    tag = "2^-2*x0*y1" if tagged else ""
    program = program_from_text("2^-1*x0*y1 - 2^-1*y0*x1", dt=tag, x1=Trace(16, 20), y1=Trace(16, 20))
    plasticity = Plasticity(program, np.broadcast_to(np.int64(0), weight.shape), 1.0)
    some = np.arange(size) % 7 == 0
    population = neurons("n", size, du=4095, dv=400, threshold=40, bias_mant=np.where(some, 2000, 0))
    return chip([population], [replace(wire("n", "n", 0), weight=weight, plasticity=plasticity)])


def main(path: str, size: str, tagged: bool) -> None:
    """Measure."""
    probes = [("n", "s")]
    Emulator().run(network(np.zeros((8, 8), dtype=np.int64), tagged), silence(STEPS), probes, implementation="kernels")
    before = resident()
    large = network(read_tree(path, in_blocks=True)["weight"], tagged)
    assert large.connections[0].shape == (int(size), int(size))
    seen = []
    recording = Emulator().run(large, silence(STEPS), probes, progress=lambda done, total: seen.append(resident()))
    assert recording.states["n", "s"].any()
    print(max(seen) - before, memory_needed(large, 1, STEPS, probes).total)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] == "1")
