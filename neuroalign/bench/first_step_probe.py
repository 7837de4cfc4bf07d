"""``python -m neuroalign.bench.first_step_probe DW DT IMPLEMENTATION``: prints the CPU time to a rule's first step as JSON."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from neuroalign.bench.networks import plastic_network, silence
from neuroalign.microcode.text import parse

if TYPE_CHECKING:
    from neuroalign.sim.emulator.driver import Implementation

SIZE = 128


def main(dw: str, dt: str, implementation: Implementation) -> None:
    """Import, then run one step."""
    network = plastic_network(SIZE, 1)
    (learning,) = network.connections
    if learning.plasticity is None:
        raise TypeError("the network of this benchmark learns")
    program = replace(learning.plasticity.program, dw=parse(dw, "dw"), tag_update=parse(dt, "dt") if dt else ())
    plasticity = replace(learning.plasticity, program=program)
    network = replace(network, connections=(replace(learning, plasticity=plasticity),))
    from neuroalign.sim.emulator import Emulator
    from neuroalign.sim.emulator.prepared import require_kernels

    require_kernels()
    imports = time.process_time()
    start = time.perf_counter()
    Emulator().run(network, silence(1), (), implementation=implementation)
    found = {
        "imports": imports,
        "first step": time.process_time() - imports,
        "wall": time.perf_counter() - start,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])  # type: ignore[arg-type]
