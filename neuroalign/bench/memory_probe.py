"""``python -m neuroalign.bench.memory_probe WEIGHTS STEPS KIND``: prints the resident memory of a plastic network as JSON."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from neuroalign.bench.emulated import EmulatedRun
from neuroalign.bench.networks import STDP, plastic_network, plastic_populations
from neuroalign.chip import ChipNetwork
from neuroalign.microcode.text import parse

TAG_RULE = "2^-2*x1*y0-2^-2*y1*x0"
TAG_TO_WEIGHT = STDP + "+2^-6*t*u0"


def main(weights: Path, steps: int, kind: str) -> None:
    """Measure before and after a network was laid out and run."""
    EmulatedRun(network_of(plastic_network(16, 1), kind), "generated").advance(steps)
    before = status()
    with contextlib.suppress(OSError):  # then the peak is that of the whole process
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    run = EmulatedRun(network_of(mapped_network(weights), kind), "generated")
    run.advance(steps)
    after = status()
    found = {
        "before": before["VmRSS"],
        "after": after["VmRSS"],
        "peak": after["VmHWM"],
        "file before": before["RssFile"],
        "file after": after["RssFile"],
    }
    print(json.dumps(found))


def mapped_network(weights: Path) -> ChipNetwork:
    """A plastic network whose weights stay in their file until they are read; its initial tags take no memory."""
    held = np.load(weights, mmap_mode="r")
    small = plastic_network(1, 1)
    populations = plastic_populations(held.shape[1], np.random.default_rng(1))
    (learning,) = small.connections
    if learning.plasticity is None:
        raise TypeError("the network of this benchmark learns")
    plasticity = replace(learning.plasticity, tag=np.broadcast_to(np.int16(0), held.shape))
    return replace(
        small,
        name=f"plastic-{held.shape[1]}",
        populations=populations,
        connections=(replace(learning, weight=held, plasticity=plasticity),),
    )


def network_of(network: ChipNetwork, kind: str) -> ChipNetwork:
    """The network with the rule that needs no tag, or one that changes tags too."""
    if kind != "with a tag":
        return network
    (learning,) = network.connections
    if learning.plasticity is None:
        raise TypeError("the network of this benchmark learns")
    program = replace(learning.plasticity.program, dw=parse(TAG_TO_WEIGHT, "dw"), tag_update=parse(TAG_RULE, "dt"))
    return replace(network, connections=(replace(learning, plasticity=replace(learning.plasticity, program=program)),))


def status() -> dict[str, int]:
    """Bytes by name, as the system states them for this process."""
    found = {}
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if value.strip().endswith("kB"):
            found[name] = int(value.split()[0]) * 1024
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
