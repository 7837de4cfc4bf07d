"""Cuts a population into as few runs of neurons as cores can hold, each as large as fits or all alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuroalign.placement.capacity import NEURONS, Capacity
from neuroalign.placement.meter import Meter, Use

Bounds = Mapping[str, int]
MOST_ALIKE = 256
"""Runs of a population up to which runs of one length are tried."""


@dataclass(frozen=True)
class Room:
    """Bounds of a core by the names of the limits."""

    bounds: Bounds

    @classmethod
    def of(cls, capacities: Mapping[str, Capacity]) -> Room:
        """The bounds of a profile; what is unlimited or unknown never binds."""
        return cls({name: capacity.bound for name, capacity in capacities.items()})

    def holds(self, total: Mapping[str, int]) -> bool:
        """Whether nothing is exceeded."""
        return all(total[name] <= bound for name, bound in self.bounds.items())

    def raised_to(self, total: Mapping[str, int]) -> Room:
        """The same where ``total`` keeps it; elsewhere as much as ``total`` uses.

        What a single neuron exceeds cannot be mended by cutting: it is cut as if it had just that much.
        """
        return Room({name: max(bound, total[name]) for name, bound in self.bounds.items()})


def cut(meter: Meter, population: str, room: Room) -> list[Use]:
    """Runs of neurons, in order, each of which a core holds alone; as few as runs can be."""
    size = meter.populations[population].size
    greedy: list[Use] = []
    guess = size
    search = meter.search(population, room.bounds[NEURONS])
    while not greedy or greedy[-1].piece.stop < size:
        start = greedy[-1].piece.stop if greedy else 0
        run = None if search is None else _searched(meter, population, start, search.stop(start, room.bounds), room)
        greedy.append(run or longest_run(meter, population, start, room, guess))
        guess = greedy[-1].piece.size
    return greedy if len(greedy) > MOST_ALIKE else alike(meter, population, room, len(greedy)) or greedy


def _searched(meter: Meter, population: str, start: int, stop: int, room: Room) -> Use | None:
    """The run that was found, if a core holds it in every respect."""
    found = meter.use(population, start, stop)
    return found if _as_good_as_one(meter, found, room) else None


def longest_run(meter: Meter, population: str, start: int, room: Room, guess: int) -> Use:
    """The longest run from neuron ``start`` that a core holds alone; at least one neuron, whatever that one uses."""
    best = meter.use(population, start, start + 1)
    room = room.raised_to(meter.total([best]))
    most = max(meter.largest_run(population, room.bounds[NEURONS]), 1)
    reach = _Search(start + 1, min(meter.populations[population].size, start + most) + 1, start + guess)
    while (stop := reach.next_probe()) is not None:
        found = meter.use(population, start, stop)
        fits = room.holds(meter.total([found]))
        reach.told(stop, fits)
        if fits:
            best = found
    return best


class _Search:
    """Bisection between a stop that fits and one that does not, which begins near a guess."""

    def __init__(self, fits: int, fails: int, guess: int):
        self._fits, self._fails, self._guess, self._step = fits, fails, guess, 1

    def next_probe(self) -> int | None:
        """A stop to try, or None when the longest is known."""
        if self._fails - self._fits <= 1:
            return None
        if self._guess:
            return min(max(self._guess, self._fits + 1), self._fails - 1)
        return (self._fits + self._fails) // 2

    def told(self, stop: int, fits: bool) -> None:
        """What the probe at ``stop`` has shown."""
        if fits:
            self._fits = stop
        else:
            self._fails = stop
        # Two probes that stand close to the guess, then halves.
        near = stop + self._step if fits else stop - self._step
        self._step *= 4
        self._guess = near if self._guess and self._step <= 64 else 0


def alike(meter: Meter, population: str, room: Room, runs: int) -> list[Use] | None:
    """So many runs of the same length, the last one shorter; None where a core does not hold one of them."""
    size = meter.populations[population].size
    length = -(-size // runs)
    found: list[Use] = []
    for start in range(0, size, length):
        stop = min(start + length, size)
        found.append(meter.use(population, start, stop))
        if not _as_good_as_one(meter, found[-1], room):
            return None
    return found


def _as_good_as_one(meter: Meter, run: Use, room: Room) -> bool:
    """Whether a core holds the run, or its first neuron alone exceeds whatever the run exceeds."""
    total = meter.total([run])
    if room.holds(total):
        return True
    first = run.piece.start
    return room.raised_to(meter.total([meter.use(run.piece.population, first, first + 1)])).holds(total)
