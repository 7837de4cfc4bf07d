"""How much of each limit a run of neurons uses, alone and together with others on a core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neuroalign.placement.capacity import (
    EPOCHS,
    FORMATS,
    IN_SLOTS,
    NEURON_PROFILES,
    NEURONS,
    OUT_SLOTS,
    PRE_TRACES,
    RULES,
    THRESHOLDS,
    WORDS,
)
from neuroalign.placement.demand import Demand, Incoming, PopulationDemand
from neuroalign.placement.layouts import Indices, SharedRows, SparseRows
from neuroalign.placement.types import Slice

if TYPE_CHECKING:
    from neuroalign.placement.run_search import RunSearch

LEAST_TO_SEARCH = 500_000
"""Synapses into a population from which its runs are searched synapse by synapse."""
Keys = frozenset[object]
NO_KEYS: Keys = frozenset()


@dataclass(frozen=True)
class Use:
    """What one run of neurons uses. The sets hold what is counted once a core, however many runs need it."""

    piece: Slice
    in_axons: int
    learning_axons: int
    in_slots: int
    out_slots: int
    words: int
    synapses: int
    neuron_profiles: Keys
    thresholds: Keys
    formats: Keys
    pre_traces: Keys
    epochs: Keys
    rules: Keys
    max_delay: int


class Meter:
    """Measures runs of neurons.

    Parameters
    ----------
    demand
        What is asked of cores.
    reached
        Connection to the number of cores that each of its axons reaches; where it is not given, one if it has synapses.
    free_delay
        Extra steps of delay that cost no neurons; None where delays cost none.
    """

    def __init__(self, demand: Demand, reached: Mapping[str, Indices] | None = None, free_delay: int | None = None):
        self.demand = demand
        self.free_delay = free_delay
        self.populations = {p.name: p for p in demand.populations}
        self._alike = {p.name: _all_alike(p) for p in demand.populations}
        self._out = {
            name: [_OutSlots(c, (reached or {}).get(c.name)) for c in connections]
            for name, connections in demand.outgoing.items()
        }

    def use(self, population: str, start: int, stop: int, offset: int = 0) -> Use:
        """What neurons ``start`` to ``stop - 1`` use, the first of them on compartment ``offset``."""
        p = self.populations[population]
        found = [(c, c.layout.measure(start, stop, offset)) for c in p.incoming]
        learning = [c.program for c, m in found if c.program is not None and m.axons]
        return Use(
            piece=Slice(population, start, stop),
            in_axons=sum(m.axons for _, m in found),
            learning_axons=sum(m.axons for c, m in found if c.learning),
            in_slots=sum(m.axons * (c.in_slots or 1) for c, m in found),
            out_slots=self.out_slots(Slice(population, start, stop)),
            words=sum(m.words for _, m in found),
            synapses=sum(m.synapses for _, m in found),
            neuron_profiles=self._keys(p, 0, p.profile_of[start:stop]),
            thresholds=self._keys(p, 1, p.threshold_of[start:stop]),
            formats=frozenset((c.format_key, packing) for c, m in found for packing in m.packings),
            pre_traces=frozenset((program.trace("x1"), program.trace("x2")) for program in learning),
            epochs=frozenset(program.t_epoch for program in learning),
            rules=frozenset(learning),
            max_delay=p.max_delay,
        )

    def out_slots(self, piece: Slice) -> int:
        """Slots of the output map that a run takes."""
        return sum(o.of(piece.start, piece.stop) for o in self._out.get(piece.population, ()))

    def search(self, population: str, neurons: int) -> RunSearch | None:
        """A fast search for runs, of populations so large and sparse that it pays."""
        p = self.populations[population]
        rows = [c.layout for c in p.incoming if isinstance(c.layout, SparseRows)]
        if len(rows) < len(p.incoming) or sum(r.source.size for r in rows) < LEAST_TO_SEARCH:
            return None
        out = sum((o.each() for o in self._out.get(population, ())), np.zeros(p.size, dtype=np.int64))
        from neuroalign.placement.run_search import RunSearch  # numba takes a second to load

        return RunSearch(rows, [c.in_slots or 1 for c in p.incoming], out, self.largest_run(population, neurons))

    def _keys(self, p: PopulationDemand, which: int, numbers: Indices) -> Keys:
        alike = self._alike[p.name][which]
        return alike if alike is not None else frozenset(np.unique(numbers).tolist())

    def total(self, uses: Iterable[Use]) -> dict[str, int]:
        """What a core with these runs uses, by the names of the limits."""
        uses = tuple(uses)
        neurons = sum(u.piece.size for u in uses)
        formats = _union(u.formats for u in uses)
        return {
            NEURONS: neurons * self._delay_factor(max((u.max_delay for u in uses), default=0)),
            IN_SLOTS: sum(u.in_slots for u in uses),
            OUT_SLOTS: sum(u.out_slots for u in uses),
            WORDS: sum(u.words for u in uses),
            NEURON_PROFILES: len(_union(u.neuron_profiles for u in uses)),
            THRESHOLDS: len(_union(u.thresholds for u in uses)),
            FORMATS: len(formats) + 1 if formats else 0,  # format 0 is kept unused
            PRE_TRACES: len(_union(u.pre_traces for u in uses)),
            EPOCHS: len(_union(u.epochs for u in uses)),
            RULES: len(_union(u.rules for u in uses)),
        }

    def _delay_factor(self, max_delay: int) -> int:
        """Compartments a neuron takes: delay slots beyond the free ones are those of other compartments."""
        if self.free_delay is None or max_delay <= self.free_delay:
            return 1
        return 1 << (max_delay.bit_length() - self.free_delay.bit_length())

    def largest_run(self, population: str, neurons: int) -> int:
        """Neurons of a population that ``neurons`` compartments hold."""
        return neurons // self._delay_factor(self.populations[population].max_delay)


class _OutSlots:
    """Slots of the output map that runs of a source population take for one connection."""

    def __init__(self, connection: Incoming, reached: Indices | None):
        layout = connection.layout
        slots = connection.out_slots or 1
        cores = layout.least_cores() if reached is None else reached
        self._axon = layout.axon_of_source() if isinstance(layout, SharedRows) else None
        self._slots = cores * slots
        self._before = None if self._axon is not None else np.concatenate(([0], np.cumsum(self._slots)))

    def each(self) -> Indices:
        """Slots of each neuron alone; those that several share count for the first of them."""
        if self._axon is None:
            return self._slots
        each = np.zeros(self._axon.size, dtype=np.int64)
        axons, first = np.unique(self._axon, return_index=True)
        each[first] = self._slots[axons]
        return each

    def of(self, start: int, stop: int) -> int:
        if self._before is not None:
            return int(self._before[stop] - self._before[start])
        assert self._axon is not None
        return int(self._slots[np.unique(self._axon[start:stop])].sum())


def _all_alike(p: PopulationDemand) -> tuple[Keys | None, Keys | None]:
    """The one key of every neuron, where all have the same."""
    return tuple(  # type: ignore[return-value]
        frozenset([int(numbers[0])]) if p.size and (numbers == numbers[0]).all() else None
        for numbers in (p.profile_of, p.threshold_of)
    )


def _union(sets: Iterable[Keys]) -> Keys:
    return NO_KEYS.union(*sets)


def cores_reached(demand: Demand, cores: Iterable[Iterable[Slice]]) -> dict[str, Indices]:
    """How many cores each axon of each connection reaches."""
    reached = {c.name: np.zeros(c.layout.sources, dtype=np.int64) for p in demand.populations for c in p.incoming}
    incoming = {p.name: p.incoming for p in demand.populations}
    for slices in cores:
        for piece in slices:
            for c in incoming[piece.population]:
                reached[c.name][c.layout.axons_into(piece.start, piece.stop)] += 1
    return reached
