"""Puts runs of neurons on as few cores as can be: whole runs into the fullest core that has room, or one after another."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neuroalign.placement.capacity import ENDLESS, IN_SLOTS, NEURONS, OUT_SLOTS, WORDS
from neuroalign.placement.cutting import Room, cut, longest_run
from neuroalign.placement.meter import Meter, Use

ADDED_UP = (NEURONS, IN_SLOTS, OUT_SLOTS, WORDS)
CANDIDATES = 8
"""Cores that are tried in earnest for one run."""


@dataclass
class Bin:
    """A core while it is being filled."""

    uses: list[Use] = field(default_factory=list)

    @property
    def neurons(self) -> int:
        """Compartments taken, which is where the next run begins."""
        return sum(u.piece.size for u in self.uses)

    def with_run(self, meter: Meter, run: Use, room: Room) -> Use | None:
        """The run behind those that are there, or None where the core does not hold it."""
        if any(u.piece.population == run.piece.population for u in self.uses):
            return None
        placed = meter.use(run.piece.population, run.piece.start, run.piece.stop, self.neurons)
        return placed if room.holds(meter.total([*self.uses, placed])) else None


def pack_runs(meter: Meter, runs: list[Use], room: Room) -> list[Bin]:
    """Every run whole, the largest first, into the fullest core that has room for it."""
    bounds = np.array([max(room.bounds.get(name, ENDLESS), 1) for name in ADDED_UP], dtype=np.float64)
    totals = [[total[name] for name in ADDED_UP] for total in map(meter.total, ([run] for run in runs))]
    sizes = np.array(totals, dtype=np.float64).reshape(-1, bounds.size) / bounds
    bins: list[Bin] = []
    filled = np.zeros((len(runs), len(ADDED_UP)))
    # A run of one population never shares a core with another run of the same.
    order = sorted(range(len(runs)), key=lambda k: (-sizes[k].max(), k))
    for k in order:
        chosen = _roomiest(meter, runs[k], room, bins, filled[: len(bins)], sizes[k])
        if chosen is None:
            bins.append(Bin([runs[k]]))
            filled[len(bins) - 1] = sizes[k]
        else:
            number, placed = chosen
            bins[number].uses.append(placed)
            filled[number] += sizes[k]
    return bins


def _roomiest(
    meter: Meter, run: Use, room: Room, bins: list[Bin], filled: NDArray[np.float64], size: NDArray[np.float64]
) -> tuple[int, Use] | None:
    """The fullest core that holds the run, and the run as it lies there."""
    if not bins:
        return None
    after = (filled + size).max(axis=1)
    open_bins = np.flatnonzero(after <= 1)
    for number in open_bins[np.argsort(-after[open_bins], kind="stable")][:CANDIDATES]:
        placed = bins[number].with_run(meter, run, room)
        if placed is not None:
            return int(number), placed
    return None


def pack_whole(meter: Meter, room: Room) -> list[Bin]:
    """Populations cut each for itself, into runs that may share cores."""
    runs = [run for name, p in meter.populations.items() if p.size for run in cut(meter, name, room)]
    return pack_runs(meter, runs, room)


def pack_alone(meter: Meter) -> list[Bin]:
    """Each population whole on a core of its own."""
    return [Bin([meter.use(name, 0, p.size)]) for name, p in meter.populations.items() if p.size]


def pack_one_after_another(meter: Meter, room: Room) -> list[Bin]:
    """Each population begins where the last one ended, in what is left of its core."""
    bins = [Bin()]
    for name, p in meter.populations.items():
        start, guess = 0, p.size
        while start < p.size:
            run = _longest_behind(meter, name, start, room, bins[-1])
            if run is None:
                run = longest_run(meter, name, start, room, guess)
                guess = run.piece.size
                bins.append(Bin())
            bins[-1].uses.append(run)
            start = run.piece.stop
    return [b for b in bins if b.uses]


def _longest_behind(meter: Meter, name: str, start: int, room: Room, bin_: Bin) -> Use | None:
    """The longest run that fits behind what a core already has; None where not even one neuron does."""
    if not bin_.uses or any(u.piece.population == name for u in bin_.uses):
        return None
    most = meter.largest_run(name, room.bounds[NEURONS]) - bin_.neurons
    low, high = start, min(meter.populations[name].size, start + max(most, 0)) + 1
    best: Use | None = None
    while high - low > 1:
        middle = (low + high) // 2
        placed = meter.use(name, start, middle, bin_.neurons)
        if room.holds(meter.total([*bin_.uses, placed])):
            low, best = middle, placed
        else:
            high = middle
    return best
