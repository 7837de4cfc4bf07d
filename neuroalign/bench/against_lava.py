"""The emulator against Lava: the same network in both, chunks in turn, states compared after each.

Lava runs its own models without recorders in processes of its own. Its times are taken in its worker, from the call of
``run`` to its return, after a warm-up; each chunk of Lava is followed by the same steps in the emulator. u and v of all
neurons are then equal on both sides or the measurement fails: equal at every chunk's end, they had the same spikes.
How many, a separate recorded run of the first steps counts on both sides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.bench.emulated import EmulatedRun
from neuroalign.bench.marks import AGAINST_LAVA
from neuroalign.bench.measured import Figure, Result, Series
from neuroalign.bench.networks import RATE, plastic_network, silence, static_network, synapses
from neuroalign.bench.settings import Settings
from neuroalign.chip import ChipNetwork
from neuroalign.errors import BackendFailed
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.lava_processes.timing import LavaChunk, time_chunks

SIZES = (128, 256, 512, 1024, 2048)
QUICK_SIZES = (128, 512)
WARM_STEPS = 100
"""Before anything counts: by then traces are no longer 0 and weights have changed."""

TRIAL_STEPS = 20
LEAST_STEPS, MOST_STEPS = 10, 20_000


def static_cases(settings: Settings) -> Iterator[Result]:
    """LIF with recurrent Dense synapses, by size."""
    yield from _cases("static", settings, static_network)


def plastic_cases(settings: Settings) -> Iterator[Result]:
    """Pair STDP on all pairs at every step, by size."""
    yield from _cases("plastic", settings, plastic_network)


def _cases(case: str, settings: Settings, make: Callable[[int, int], ChipNetwork]) -> Iterator[Result]:
    sizes = settings.chosen(SIZES, QUICK_SIZES)
    for number, size in enumerate(sizes):
        settings.report(case, number, len(sizes))
        yield compare(case, make(size, settings.seed), size, settings)
    settings.report(case, len(sizes), len(sizes))


def compare(case: str, network: ChipNetwork, size: int, settings: Settings) -> Result:
    """One network in both, in turns.

    Raises
    ------
    BackendMissing, BackendFailed
        If Lava is not installed, fails, or differs from the emulator.
    """
    turns = Turns(network, settings.chunks, settings.chunk_seconds, stepped=case == "plastic")
    reads = [(p.name, state) for p in network.populations for state in ("u", "v")]
    warm = min(WARM_STEPS, 20) if settings.quick else WARM_STEPS
    time_chunks(network, silence(1), warm, turns, reads=reads)
    spikes = counted_spikes(network, warm)
    lava, emulator = turns.series("lava"), turns.series("emulator")
    stepped = [turns.series("stepped")] if turns.session else []
    steps = turns.emulated.done
    rates = {p.name: turns.emulated.spikes(p.name) / (steps * p.size) for p in network.populations}
    return Result(
        case,
        f"N = {size}",
        {"N": size, "rate": RATE, "seed": settings.seed, "synapses": synapses(network), "warm-up steps": warm},
        (lava, emulator, *stepped),
        (
            *ratios(case, size, lava, emulator),
            *_stepped(size, lava, stepped),
            *_updates(network, emulator),
            *(Figure(f"spikes a step, {name}", 100 * rate, "%") for name, rate in rates.items()),
        ),
        (
            f"u and v of all neurons equal Lava's after each of {len(lava.steps)} chunks ({steps} steps with warm-up); "
            f"{spikes} spikes on both sides in a recorded run of the first {warm} steps",
        ),
    )


def ratios(case: str, size: int, lava: Series, emulator: Series) -> tuple[Figure, ...]:
    """How many times as fast as Lava, and both sides' times."""
    must, stretch = AGAINST_LAVA.get(case, {}).get(size, (None, None))
    return (
        Figure("Lava's best / emulator's median", lava.best / emulator.median, "times", must, stretch),
        Figure("median / median", lava.median / emulator.median, "times"),
        Figure("Lava, median step", 1e6 * lava.median, "us"),
        Figure("Lava, spread", 100 * lava.spread, "%"),
        Figure("emulator, median step", 1e6 * emulator.median, "us"),
        Figure("emulator, spread", 100 * emulator.spread, "%"),
    )


def _stepped(size: int, lava: Series, stepped: Sequence[Series]) -> tuple[Figure, ...]:
    """The same stepped from Python."""
    if not stepped:
        return ()
    must, stretch = AGAINST_LAVA["stepped"].get(size, (None, None))
    return (
        Figure("stepped from Python: Lava's best / median", lava.best / stepped[0].median, "times", must, stretch),
        Figure("stepped from Python, median step", 1e6 * stepped[0].median, "us"),
    )


def _updates(network: ChipNetwork, emulator: Series) -> tuple[Figure, ...]:
    learning = sum(int(np.prod(c.shape)) for c in network.connections if c.plasticity is not None)
    return (Figure("synapse updates a second", learning / emulator.median, "1/s"),) if learning else ()


def counted_spikes(network: ChipNetwork, steps: int) -> int:
    """Spikes of the first steps, recorded in Lava and in the emulator.

    Raises
    ------
    BackendFailed
        If a spike differs.
    """
    probes = [(p.name, "s") for p in network.populations]
    ours = Emulator().run(network, silence(steps), probes)
    theirs = LavaBackend().run(network, silence(steps), probes, time_limit_s=3600.0)
    for probe in probes:
        if not np.array_equal(ours.states[probe], theirs.states[probe]):
            raise BackendFailed(f"bench: spikes of {probe[0]!r} differ between emulator and Lava; no ratio is given")
    return sum(int(ours.states[probe].sum()) for probe in probes)


@dataclass
class Turns:
    """Called between Lava's chunks: runs the same steps in the emulator, and says how long the next chunk is."""

    network: ChipNetwork
    chunks: int
    chunk_seconds: float
    stepped: bool = False
    lava: list[LavaChunk] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"emulator": [], "stepped": []})

    def __post_init__(self) -> None:
        self.emulated = EmulatedRun(self.network)
        self.session = Emulator().start(self.network) if self.stepped else None

    def __call__(self, number: int, chunk: LavaChunk) -> int:
        start = time.perf_counter()
        self.emulated.advance(chunk.steps)
        seconds = time.perf_counter() - start
        self._compare(chunk)
        session_seconds = self._step(chunk)
        if number == 0:
            return TRIAL_STEPS
        if number == 1:
            steps = round(self.chunk_seconds * TRIAL_STEPS / chunk.seconds)
            return min(max(steps, LEAST_STEPS), MOST_STEPS)
        self.lava.append(chunk)
        self.seconds["emulator"].append(seconds)
        self.seconds["stepped"].append(session_seconds)
        return chunk.steps if len(self.lava) < self.chunks else 0

    def series(self, side: str) -> Series:
        """What one side measured."""
        steps = tuple(c.steps for c in self.lava)
        return Series(side, steps, tuple(c.seconds for c in self.lava) if side == "lava" else tuple(self.seconds[side]))

    def _step(self, chunk: LavaChunk) -> float:
        """The same steps once more, each a call that returns the targets' spikes; the seconds they take."""
        if self.session is None:
            return 0.0
        step = self.session.step
        start = time.perf_counter()
        for _ in range(chunk.steps):
            step()
        seconds = time.perf_counter() - start
        for (name, state), theirs in chunk.states.items():
            self._same(name, state, self.session.read(name, state), theirs)
        return seconds

    def _compare(self, chunk: LavaChunk) -> None:
        for (name, state), theirs in chunk.states.items():
            self._same(name, state, self.emulated.state(name, state), theirs)

    def _same(self, name: str, state: str, ours: NDArray[Any], theirs: NDArray[Any]) -> None:
        if not np.array_equal(ours, theirs):
            raise BackendFailed(
                f"bench: {state} of {name!r} differs between emulator and Lava after {self.emulated.done} steps; "
                "no ratio is given"
            )
