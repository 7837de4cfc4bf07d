"""Many networks at once: updates a second of a batch."""

from __future__ import annotations

import time
from collections.abc import Iterator

from neuroalign.bench.marks import BATCH
from neuroalign.bench.measured import Figure, Result, Series
from neuroalign.bench.networks import RATE, plastic_network, silence
from neuroalign.bench.settings import Settings
from neuroalign.sim.emulator import Batch, Emulator
from neuroalign.sim.emulator.jobs import usable_threads

MEMBERS, SIZE = 32, 128
STEPS, QUICK_STEPS = 10_000, 1000


def batch_cases(settings: Settings) -> Iterator[Result]:
    """32 networks of 128 x 128 plastic synapses that differ in their seeds, whole calls of ``Emulator.run``."""
    size, steps = min(settings.chosen((SIZE,), (SIZE,))), QUICK_STEPS if settings.quick else STEPS
    network, batch = plastic_network(size, settings.seed), Batch(MEMBERS, seeds=range(MEMBERS))
    everyone = usable_threads(None, MEMBERS)
    counts = tuple(dict.fromkeys((1, everyone)))
    seconds: dict[int, list[float]] = {threads: [] for threads in counts}
    Emulator().run(network, silence(2), (), batch=batch, implementation="generated")  # compiles
    for chunk in range(settings.chunks):
        settings.report("batch", chunk, settings.chunks)
        for threads in counts:
            start = time.perf_counter()
            Emulator().run(network, silence(steps), (), batch=batch, threads=threads, implementation="generated")
            seconds[threads].append(time.perf_counter() - start)
    settings.report("batch", settings.chunks, settings.chunks)
    updates = MEMBERS * size * size * steps
    for threads in counts:
        side = Series("emulator", (steps,) * settings.chunks, tuple(seconds[threads]))
        marks = BATCH if size == SIZE else (None, None)
        yield Result(
            "batch",
            f"{MEMBERS} x N = {size}, {threads} thread{'s' if threads > 1 else ''}",
            {"members": MEMBERS, "N": size, "threads": threads, "steps": steps, "rate": RATE, "seed": settings.seed},
            (side,),
            (
                Figure("synapse updates a second", updates / (side.median * steps), "1/s", *marks),
                Figure("a step of one network", 1e6 * side.median / MEMBERS, "us"),
                Figure("spread", 100 * side.spread, "%"),
            ),
            (f"whole calls of run() with {steps} steps: checks, layout and the first steps included",),
        )
