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
from neuroalign.sim.emulator.driver import Implementation

STEPS, QUICK_STEPS = 100_000, 5_000
SIZE = 16
COMPILED: tuple[Implementation, ...] = ("generated", "interpreter")
REFERENCE: Implementation = "reference"
RATE = 0.05


def float64_cases(settings: Settings) -> Iterator[Result]:
    """A plastic network in floats: largest difference of any state at any step, relative to its largest value."""
    size, steps = min(settings.chosen((SIZE,), (SIZE,))), QUICK_STEPS if settings.quick else STEPS
    network = plastic_network(size, settings.seed, rate=RATE, fixed=False)
    reads = np.unique(np.linspace(1, steps, 101, dtype=int)).tolist()
    probes = [(p.name, s) for p in network.populations for s in ("s", "u", "v")]
    probes += [("learning", s) for s in ("w", "x1", "y1")]
    for name in COMPILED:
        Emulator().run(network, silence(2), (), implementation=name)  # compiles
    runs: dict[str, Recording] = {}
    seconds: dict[str, float] = {}
    for number, name in enumerate((*COMPILED, REFERENCE)):
        settings.report("float64", number, 3)
        start = time.perf_counter()
        runs[name] = Emulator().run(network, silence(steps), probes, read_steps=reads, implementation=name)
        seconds[name] = time.perf_counter() - start
    settings.report("float64", 3, 3)
    theirs = runs[REFERENCE].states
    compared = [(runs[name].states[probe], theirs[probe]) for name in COMPILED for probe in probes if probe[1] != "s"]
    spikes = [probe for probe in probes if probe[1] == "s"]
    unequal = sum(int((runs[name].states[p] != theirs[p]).sum()) for name in COMPILED for p in spikes)
    learnt = theirs["learning", "w"][0]
    yield Result(
        "float64",
        f"N = {size}, {steps:,} steps",
        {"N": size, "steps": steps, "rate": RATE, "seed": settings.seed},
        tuple(Series(name, (steps,), (s,)) for name, s in seconds.items()),
        (
            Figure(
                "largest difference, relative",
                max(difference(*pair) for pair in compared),
                "",
                FLOAT64,
                None,
                at_most=True,
            ),
            Figure("spikes that differ", unequal),
            *(Figure(f"{name}, a step", 1e6 * s / steps, "us") for name, s in seconds.items()),
        ),
        (
            f"u and v of every step, weights and traces at {len(reads)} steps; {sum(int(theirs[p].sum()) for p in spikes):,} spikes; "
            f"{np.mean(learnt[-1] != learnt[0]):.0%} of the weights changed",
        ),
    )


def difference(
    ours: np.ndarray[tuple[int, ...], np.dtype[np.float64]], theirs: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> float:
    """Largest absolute difference, as a share of the largest absolute value."""
    largest = float(np.abs(theirs).max(initial=0.0))
    return float(np.abs(ours - theirs).max(initial=0.0)) / (largest or 1.0)
