"""The compiled Float64 form against the reference that defines it: how far apart they are after many steps."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from neuroalign.bench.marks import FLOAT64
from neuroalign.bench.measured import Figure, Result, Series
from neuroalign.bench.networks import plastic_network, silence
from neuroalign.bench.settings import Settings
from neuroalign.recording import Recording
from neuroalign.sim.emulator import Emulator

STEPS, QUICK_STEPS = 100_000, 5_000
SIZE = 16
RATE = 0.05


def float64_cases(settings: Settings) -> Iterator[Result]:
    """A plastic network in floats: largest difference of any state at any step, relative to its largest value."""
    size, steps = min(settings.chosen((SIZE,), (SIZE,))), QUICK_STEPS if settings.quick else STEPS
    network = plastic_network(size, settings.seed, rate=RATE, fixed=False)
    reads = np.unique(np.linspace(1, steps, 101, dtype=int)).tolist()
    probes = [(p.name, s) for p in network.populations for s in ("s", "u", "v")]
    probes += [("learning", s) for s in ("w", "x1", "y1")]
    Emulator().run(network, silence(2), ())  # compiles
    runs: dict[str, Recording] = {}
    seconds: dict[str, float] = {}
    for number, name in enumerate(("kernels", "reference")):
        settings.report("float64", number, 2)
        start = time.perf_counter()
        runs[name] = Emulator().run(network, silence(steps), probes, read_steps=reads, implementation=name)  # type: ignore[arg-type]
        seconds[name] = time.perf_counter() - start
    settings.report("float64", 2, 2)
    ours, theirs = runs["kernels"].states, runs["reference"].states
    worst = max(difference(ours[probe], theirs[probe]) for probe in probes if probe[1] != "s")
    spikes = {p: int(theirs[p].sum()) for p in probes if p[1] == "s"}
    unequal = sum(int((ours[p] != theirs[p]).sum()) for p in spikes)
    learnt = ours["learning", "w"][0]
    yield Result(
        "float64",
        f"N = {size}, {steps:,} steps",
        {"N": size, "steps": steps, "rate": RATE, "seed": settings.seed},
        tuple(Series(name, (steps,), (s,)) for name, s in seconds.items()),
        (
            Figure("largest difference, relative", worst, "", FLOAT64, None, at_most=True),
            Figure("spikes that differ", unequal),
            Figure("compiled, a step", 1e6 * seconds["kernels"] / steps, "us"),
            Figure("reference, a step", 1e6 * seconds["reference"] / steps, "us"),
        ),
        (
            f"u and v of every step, weights and traces at {len(reads)} steps; {sum(spikes.values()):,} spikes; "
            f"{np.mean(learnt[-1] != learnt[0]):.0%} of the weights changed",
        ),
    )


def difference(
    ours: np.ndarray[tuple[int, ...], np.dtype[np.float64]], theirs: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> float:
    """Largest absolute difference, as a share of the largest absolute value."""
    largest = float(np.abs(theirs).max(initial=0.0))
    return float(np.abs(ours - theirs).max(initial=0.0)) / (largest or 1.0)
