"""The emulator against Lava: the same network in both, chunks in turn, states compared after each.

Lava runs its own models without recorders in processes of its own. Its times are taken in its worker, from the call of
``run`` to its return, after a warm-up; each chunk of Lava is followed by the same steps in the emulator, and by a chunk
of the emulator's own that is timed. u and v of all neurons are equal on both sides after each of Lava's chunks or the
measurement fails: equal at every chunk's end, they had the same spikes. How many, a separate recorded run of the first
steps counts on both sides.
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
LEAST_STEPS, MOST_STEPS, MOST_EMULATED = 10, 20_000, 200_000


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
    rates = {p.name: turns.ahead.spikes(p.name) / (turns.ahead.done * p.size) for p in network.populations}
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
            f"u and v of all neurons equal Lava's after each of {len(lava.steps)} chunks ({steps} steps with warm-up); the emulator's chunks have {turns.steps} steps; "
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
    ours = Emulator().run(network, silence(steps), probes, implementation="kernels")
    theirs = LavaBackend().run(network, silence(steps), probes, time_limit_s=3600.0)
    for probe in probes:
        if not np.array_equal(ours.states[probe], theirs.states[probe]):
            raise BackendFailed(f"bench: spikes of {probe[0]!r} differ between emulator and Lava; no ratio is given")
    return sum(int(ours.states[probe].sum()) for probe in probes)


@dataclass
class Turns:
    """Called between Lava's chunks: runs the same steps in the emulator, times it, and says how long the next chunk is.

    One run of the emulator keeps step with Lava, so that states can be compared. Where Lava's chunk is over for the
    emulator in a moment, its time would be that of filling the caches again: so a second run of the same network, which
    is timed, takes at least ``share`` of Lava's seconds and gets ahead. A session takes the same steps one by one.
    """

    network: ChipNetwork
    chunks: int
    chunk_seconds: float
    stepped: bool = False
    share: float = 0.1
    lava: list[LavaChunk] = field(default_factory=list)
    steps: int = WARM_STEPS
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"emulator": [], "stepped": []})

    def __post_init__(self) -> None:
        self.emulated, self.ahead = EmulatedRun(self.network), EmulatedRun(self.network)
        self.session = Emulator().start(self.network) if self.stepped else None

    def __call__(self, number: int, chunk: LavaChunk) -> int:
        self.emulated.advance(chunk.steps)
        for (name, state), theirs in chunk.states.items():
            ours = self.emulated.state(name, state)
            _same(f"{state} of {name!r}", "emulator and Lava", self.emulated.done, ours, theirs)
        seconds, session_seconds = self._advance(), self._step()
        if number == 0:
            return TRIAL_STEPS
        if number == 1:
            return self._lengths(chunk, seconds / self.steps)
        self.lava.append(chunk)
        self.seconds["emulator"].append(seconds)
        self.seconds["stepped"].append(session_seconds)
        return chunk.steps if len(self.lava) < self.chunks else 0

    def series(self, side: str) -> Series:
        """What one side measured."""
        if side == "lava":
            return Series(side, tuple(c.steps for c in self.lava), tuple(c.seconds for c in self.lava))
        return Series(side, (self.steps,) * len(self.lava), tuple(self.seconds[side]))

    def _lengths(self, chunk: LavaChunk, per_step: float) -> int:
        """Steps of Lava's chunks; those of the emulator's are kept."""
        steps = min(max(round(self.chunk_seconds * TRIAL_STEPS / chunk.seconds), LEAST_STEPS), MOST_STEPS)
        self.steps = max(steps, min(round(self.share * self.chunk_seconds / per_step), MOST_EMULATED))
        return steps

    def _advance(self) -> float:
        start = time.perf_counter()
        self.ahead.advance(self.steps)
        return time.perf_counter() - start

    def _step(self) -> float:
        """The same steps, each a call that returns the targets' spikes."""
        if self.session is None:
            return 0.0
        step = self.session.step
        start = time.perf_counter()
        for _ in range(self.steps):
            step()
        seconds = time.perf_counter() - start
        for population in self.network.populations:
            theirs = self.ahead.state(population.name, "v")
            ours = self.session.read(population.name, "v")
            _same(f"v of {population.name!r}", "a session and a run", self.ahead.done, ours, theirs)
        return seconds


def _same(what: str, sides: str, steps: int, ours: NDArray[Any], theirs: NDArray[Any]) -> None:
    if not np.array_equal(ours, theirs):
        raise BackendFailed(f"bench: {what} differs between {sides} after {steps} steps; no ratio is given")
