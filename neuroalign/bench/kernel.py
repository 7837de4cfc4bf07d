"""The learning kernels alone: against a sweep over the same memory, and over sizes and rates of spikes.

A kernel is called again and again on the state of a network that has run for a while, each time with another set of
spikes out of :data:`SPIKE_SETS`. The sweep reads and writes as many int16 as there are weights, which is the least that
an update of all of them can do. All take turns. Times are CPU times of the thread: nothing here waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import numba
import numpy as np
from numpy.typing import NDArray

from neuroalign.bench.marks import BETTER_OF_TWO, KERNEL_SHARE, KERNEL_SIZE
from neuroalign.bench.measured import Figure, Result, Series
from neuroalign.bench.networks import RATE, STDP, plastic_network
from neuroalign.bench.settings import Settings
from neuroalign.chip import ChipNetwork
from neuroalign.sim.emulator.codegen_source import ARGUMENTS, CHOOSE, DENSE, EVENT, lanes_of
from neuroalign.sim.emulator.interpreter import update_synapses
from neuroalign.sim.emulator.kernels import COMPILED
from neuroalign.sim.emulator.lanes import call_routine
from neuroalign.sim.emulator.prepared import ENDLESS, Prepared

if TYPE_CHECKING:
    from neuroalign.sim.emulator.learning_kernels import LearningRun

WARM_STEPS = 200
SPIKE_SETS = 16
CHUNK_SECONDS, QUICK_CHUNK_SECONDS = 0.05, 0.005
LARGE_STDP = "2^2*x1*y0-2^2*y1*x0"
"""The same with amplitudes whose changes are beyond 16 bits."""

WEIGHTED_STDP = "2^-1*x1*w*y0-2^-1*y1*w*x0"
"""STDP in proportion to the weight, whose changes are beyond 16 bits too: lanes of 16 bits count in steps."""

FINE_RULE = "-2^-4*x1*y0+2^-7*x1*w*y0-2^-7*y1*x0"
"""Falls, then rises or falls by odd numbers: all rows need 32 bits."""

SPARSE, MANY, ALL = (RATE, RATE), (RATE, 0.25), (1.0, 1.0)
"""Rates of sources and targets; with many targets the interpreter runs all rows by its own choice."""

SIZES, QUICK_SIZES = (128, 256, 512, 1024, 2048, 4096), (128, 1024)
RATES, QUICK_RATES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4), (0.002, 0.02, 0.4)

UNCACHED = {**COMPILED, "cache": False}
"""As the emulator's own loops are compiled, which leaves out the counting of references."""

OFFSET, FORM = ARGUMENTS.index("offset"), ARGUMENTS.index("form")

Plastic = Literal["generated", "interpreter"]
Timed = Callable[[int], object]
"""Does something so many times."""


@numba.njit(**UNCACHED)  # type: ignore[untyped-decorator]
def _call(count: Any, spikes: Any, spiked_at: Any, address: Any, call: Any) -> None:
    """A generated kernel again and again; ``call`` was filled by the last epoch of the run."""
    for k in range(count):
        chosen = spikes[k % spikes.shape[0]]
        for n in range(chosen.size):
            spiked_at[n] = chosen[n]
        call[OFFSET] = k % 127 + 1
        call_routine(address, call.ctypes.data)


@numba.njit(**UNCACHED)  # type: ignore[untyped-decorator]
def _interpret(count: Any, spikes: Any, tables: Any, synapses: Any) -> None:
    for k in range(count):
        chosen = spikes[k % spikes.shape[0]]
        for n in range(chosen.size):
            synapses.spiked_at[n] = chosen[n]
        update_synapses(0, 1, k % 127 + 1, tables, synapses)


@numba.njit(**UNCACHED)  # type: ignore[untyped-decorator]
def _sweep(count: Any, values: Any) -> None:
    for _ in range(count):
        for k in range(values.size):
            values[k] = np.int16(values[k] ^ np.int16(1))


@dataclass(frozen=True, eq=False)
class Kernel:
    """A connection's state and what updates it."""

    run: LearningRun
    form: int

    def update(self, spikes: NDArray[np.int32]) -> Timed:
        """Updates with these sets of spikes, one after the other."""
        run, tables = self.run, self.run.layout.plastic.tables
        routines = run.calls.routines(tables)
        if not routines.addresses[0]:
            return lambda count: _interpret(count, spikes, tables, run.synapses)

        def timed(count: int) -> None:
            routines.calls[0, FORM] = self.form
            _call(count, spikes, run.synapses.spiked_at, routines.addresses[0], routines.calls[0])

        return timed


@dataclass(frozen=True)
class Variant:
    """A kernel of the first case: its rule, what runs it, and the rates of sources and targets."""

    rule: str
    implementation: Plastic
    rates: tuple[float, float]


VARIANTS: Mapping[str, Variant] = {
    "int16 lanes": Variant(STDP, "generated", SPARSE),
    "int16 lanes, changes beyond 16 bits": Variant(WEIGHTED_STDP, "generated", SPARSE),
    "int32 lanes": Variant(FINE_RULE, "generated", SPARSE),
    "interpreter": Variant(STDP, "interpreter", MANY),
    "int16 lanes, every neuron spikes": Variant(STDP, "generated", ALL),
    "int16 lanes, changes beyond 16 bits, every neuron spikes": Variant(LARGE_STDP, "generated", ALL),
    "interpreter, by events": Variant(STDP, "interpreter", SPARSE),
}
"""Generated kernels in their dense form. The interpreter chooses itself."""


def kernel_cases(settings: Settings) -> Iterator[Result]:
    """Share of the sweep that kernels reach which update every row."""
    size = max(settings.chosen((KERNEL_SIZE,), (KERNEL_SIZE,)))
    values = np.zeros(size * size, dtype=np.int16)
    timed: dict[str, Timed] = {"sweep": lambda count: _sweep(count, values)}
    notes = []
    for name, variant in VARIANTS.items():
        run = prepared(plastic_network(size, settings.seed, rule=variant.rule), variant.implementation)
        timed[name] = Kernel(run, DENSE).update(spike_sets(size, *variant.rates, settings.seed))
        lanes = "".join(lanes_of(chosen.plan, variant.rates == ALL) for chosen in run.calls.chosen if chosen)
        notes.append(
            f"{name}: dw = {variant.rule}{f', {lanes} bits a lane' if lanes else ''}, "
            f"{variant.rates[0]:.0%} of the sources and {variant.rates[1]:.0%} of the targets spike"
        )
    sides = in_turns("kernel", timed, settings)
    yield Result(
        "kernel",
        f"N = {size}",
        {"N": size, "seed": settings.seed},
        tuple(sides.values()),
        (
            Figure("sweep", 1e6 * sides["sweep"].median, "us"),
            *(_share(name, size, sides["sweep"], sides[name]) for name in VARIANTS),
            *(Figure(f"{name}: an update of all", 1e6 * sides[name].median, "us") for name in VARIANTS),
            *(Figure(f"{name}: synapses a second", size * size / sides[name].median, "1/s") for name in VARIANTS),
        ),
        ("CPU time of the thread", *notes),
    )


def _share(name: str, size: int, sweep: Series, side: Series) -> Figure:
    marks = KERNEL_SHARE.get(name, (None, None)) if size == KERNEL_SIZE else (None, None)
    share = median(a / b for a, b in zip(sweep.per_step, side.per_step, strict=True))
    return Figure(f"{name}: share of the sweep", 100 * share, "%", *marks)


def scaling_cases(settings: Settings) -> Iterator[Result]:
    """Dense, event by event, and what the kernel chooses, over sizes and rates."""
    sizes, rates = settings.chosen(SIZES, QUICK_SIZES), QUICK_RATES if settings.quick else RATES
    for number, size in enumerate(sizes):
        run = prepared(plastic_network(size, settings.seed), "generated")
        for rate in rates:
            spikes = spike_sets(size, rate, rate, settings.seed)
            timed = {
                name: Kernel(run, form).update(spikes)
                for name, form in (("dense", DENSE), ("event", EVENT), ("chosen", CHOOSE))
            }
            yield _scaled(size, rate, in_turns("scaling", timed, settings, (number, len(sizes))), settings)
    settings.report("scaling", len(sizes), len(sizes))


def _scaled(size: int, rate: float, sides: Mapping[str, Series], settings: Settings) -> Result:
    dense, event, chosen = (sides[name] for name in ("dense", "event", "chosen"))
    ratio = median(c / min(d, e) for d, e, c in zip(dense.per_step, event.per_step, chosen.per_step, strict=True))
    return Result(
        "scaling",
        f"N = {size}, {100 * rate:g} %",
        {"N": size, "rate": rate, "seed": settings.seed},
        (dense, event, chosen),
        (
            *(Figure(f"{side.name}, an update of all", 1e6 * side.median, "us") for side in (dense, event, chosen)),
            Figure("chosen / better of both", ratio, "times", BETTER_OF_TWO, None, at_most=True),
        ),
    )


def prepared(network: ChipNetwork, implementation: Plastic) -> LearningRun:
    """A run of the network past its first steps."""
    laid_out = Prepared(network, (), implementation=implementation)
    run: Any = laid_out.start(laid_out.draws(ENDLESS))
    layout = laid_out.layout
    run.advance(0, np.zeros((0, 0), dtype=layout.dtype), np.zeros((WARM_STEPS, 0), dtype=layout.dtype))
    learning: LearningRun = run
    return learning


def spike_sets(size: int, sources: float, targets: float, seed: int) -> NDArray[np.int32]:
    """Step of the last spike in an epoch of one step (0: none) of sources and then targets, in each set."""
    rng = np.random.default_rng(seed)
    rates = np.repeat([sources, targets], size)
    return (rng.random((SPIKE_SETS, 2 * size)) < rates).astype(np.int32)


def in_turns(
    what: str, timed: Mapping[str, Timed], settings: Settings, progress: tuple[int, int] | None = None
) -> dict[str, Series]:
    """Each in turn, chunk after chunk; a chunk lasts about as long for all."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    chunk = QUICK_CHUNK_SECONDS if settings.quick else CHUNK_SECONDS
    counts = {name: _calls(run, chunk) for name, run in timed.items()}
    for number in range(settings.chunks):
        settings.report(what, *(progress or (number, settings.chunks)))
        for name, run in timed.items():
            seconds[name].append(_seconds(run, counts[name]))
    return {name: Series(name, (counts[name],) * settings.chunks, tuple(s)) for name, s in seconds.items()}


def _calls(run: Timed, chunk: float) -> int:
    """Calls that take about ``chunk`` seconds: whole rounds of the spike sets."""
    _seconds(run, 1)  # compiles
    one = _seconds(run, SPIKE_SETS) / SPIKE_SETS
    return SPIKE_SETS * max(1, round(chunk / one / SPIKE_SETS))


def _seconds(run: Timed, count: int) -> float:
    start = time.thread_time()
    run(count)
    return time.thread_time() - start
