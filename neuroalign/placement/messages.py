"""Spike messages between cores: one for each spike of an axon and each core that it reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.placement.demand import Demand, Incoming
from neuroalign.placement.layouts import Indices, SharedRows
from neuroalign.placement.types import HOST, Slice, Traffic

Rows = tuple[Indices, Indices, NDArray[np.float64]]
MOST_PAIRS = 2_000_000
"""Pairs of cores that are listed; of more, only the sums are kept."""


def messages(demand: Demand, cores: Sequence[Sequence[Slice]], rates: Mapping[str, NDArray[np.float64]]) -> Rows | None:
    """Source core, target core and messages a step of every pair of cores that has an axon, sorted by both.

    None where there are more than ``MOST_PAIRS``.
    """
    found: list[Rows] = []
    pairs = 0
    for target, (total, seen) in enumerate(_into_each(demand, cores, rates)):
        sources = np.flatnonzero(seen)
        pairs += sources.size
        if pairs > MOST_PAIRS:
            return None
        found.append((sources - 1, np.full(sources.size, target), total[sources]))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    source, target_core, sent = (np.concatenate([f[k] for f in found]) for k in range(3))
    order = np.lexsort((target_core, source))
    return source[order], target_core[order], sent[order]


def _into_each(
    demand: Demand, cores: Sequence[Sequence[Slice]], rates: Mapping[str, NDArray[np.float64]]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """For each core, messages from the host (place 0) and from every core, and where there are axons."""
    spikes = _Spikes(core_of_neurons(demand, cores), rates, len(cores))
    incoming = {p.name: p.incoming for p in demand.populations}
    for slices in cores:
        total, seen = np.zeros(len(cores) + 1), np.zeros(len(cores) + 1, dtype=bool)
        for piece in slices:
            for c in incoming[piece.population]:
                spikes.add(c, c.layout.axons_into(piece.start, piece.stop), total, seen)
        yield total, seen


def sums_of(
    demand: Demand,
    cores: Sequence[Sequence[Slice]],
    rates: Mapping[str, NDArray[np.float64]],
    chip_of: Indices,
    *,
    given: bool,
) -> Traffic:
    """The sums alone, without the pairs."""
    within = between = beyond = host = 0.0
    for target, (total, _) in enumerate(_into_each(demand, cores, rates)):
        own, near = total[target + 1], total[1:][chip_of == chip_of[target]].sum()
        host, within, between = host + total[0], within + own, between + near - own
        beyond += total[1:].sum() - near
    none = np.zeros(0, dtype=np.int64)
    sums = [float(x) for x in (within, between, beyond, host)]
    return Traffic(none, none, np.zeros(0), "given" if given else "equal", *sums)


def core_of_neurons(demand: Demand, cores: Sequence[Sequence[Slice]]) -> dict[str, Indices]:
    """Core of every neuron by population; of inputs, the host."""
    home = {p.name: np.full(p.size, HOST, dtype=np.int64) for p in demand.populations}
    home |= {name: np.full(size, HOST, dtype=np.int64) for name, size in demand.inputs.items()}
    for number, slices in enumerate(cores):
        for piece in slices:
            home[piece.population][piece.start : piece.stop] = number
    return home


class _Spikes:
    """Adds up what the axons of a connection send from each core; place 0 of the sums is the host."""

    def __init__(self, home: Mapping[str, Indices], rates: Mapping[str, NDArray[np.float64]], cores: int):
        self._places = {name: where + 1 for name, where in home.items()}
        self._rates = rates
        self._cores = cores
        self._full: dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]] = {}

    def add(self, c: Incoming, axons: Indices, total: NDArray[np.float64], seen: NDArray[np.bool_]) -> None:
        place, rate = self._places[c.source], self._rates[c.source]
        if isinstance(c.layout, SharedRows):
            # Every atom of an axon sends its own spikes.
            reached = np.zeros(c.layout.sources, dtype=bool)
            reached[axons] = True
            kept = reached[c.layout.axon_of_source()]
            place, rate = place[kept], rate[kept]
        elif axons.size == c.layout.sources:
            if c.source not in self._full:
                sums = np.asarray(np.bincount(place, rate, minlength=self._cores + 1), dtype=np.float64)
                sends: NDArray[np.bool_] = np.bincount(place, minlength=self._cores + 1) > 0
                self._full[c.source] = sums, sends
            total += self._full[c.source][0]
            seen |= self._full[c.source][1]
            return
        else:
            place, rate = place[axons], rate[axons]
        total += np.bincount(place, rate, minlength=self._cores + 1)
        seen[place] = True


def traffic_of(rows: Rows, chip_of: Indices, given: bool) -> Traffic:
    """The same rows with their sums; ``chip_of`` each core."""
    source, target, spikes = rows
    inside = source != HOST
    same_core = source == target
    same_chip = chip_of[np.where(inside, source, 0)] == chip_of[target] if chip_of.size else inside
    return Traffic(
        source,
        target,
        spikes,
        "given" if given else "equal",
        within_core=float(spikes[same_core].sum()),
        between_cores=float(spikes[inside & ~same_core & same_chip].sum()),
        between_chips=float(spikes[inside & ~same_chip].sum()),
        from_host=float(spikes[~inside].sum()),
    )


def equal_rates(chip: ChipNetwork) -> dict[str, NDArray[np.float64]]:
    """One spike a neuron and step."""
    return {**{i.name: np.ones(i.size) for i in chip.inputs}, **{p.name: np.ones(p.size) for p in chip.populations}}
