"""What a placement is: which neurons lie on which core, what each core holds of what it can hold, and what binds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.notebook import html_table

Verdict = Literal["fits", "does not fit", "not checked"]
LimitStatus = Literal["fits", "exceeded", "not checked", "unlimited"]
Scope = Literal["core", "neuron", "chip", "board", "rule"]
AxonMode = Literal["discrete", "pop16", "pop32"]
RemedyKind = Literal["fewer bits", "sparser", "split", "static", "board"]
HOST = -1
"""Stands for a core where spikes come from outside the chips."""


@dataclass(frozen=True)
class Slice:
    """Neurons ``start`` to ``stop - 1`` of a population, in its own numbering."""

    population: str
    start: int
    stop: int

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.stop - self.start

    def __str__(self) -> str:
        return f"{self.population}[{self.start}:{self.stop}]"


@dataclass(frozen=True)
class CoreUse:
    """One core.

    Parameters
    ----------
    index, chip
        Numbers from 0; cores of one chip follow one another, ``index - first index of the chip`` is its place there.
    slices
        In the order of their compartments.
    used
        Limit name (as in :class:`Limit`) to what this core uses of it.
    shares
        The same over the capacity, for limits whose capacity is known.
    in_axons, learning_axons
        Logical input axons, all and those that learn.
    synapses
        How many synapses the core holds (those of shared weights counted as often as they act).
    """

    index: int
    chip: int
    slices: tuple[Slice, ...]
    used: Mapping[str, int] = field(hash=False)
    shares: Mapping[str, float] = field(hash=False)
    in_axons: int
    learning_axons: int
    synapses: int

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return sum(s.size for s in self.slices)


@dataclass(frozen=True)
class Limit:
    """One limit, where its share is largest.

    Parameters
    ----------
    name
        Such as ``synapse words`` or ``input axon slots``.
    used, capacity, share
        None where not known; ``share`` is used over capacity.
    status
        ``not checked`` where the profile does not say what the capacity is, which is never the same as ``fits``.
    scope, where
        Of what it is a limit, and of which core (with its slices) or rule.
    populations
        Whose neurons or incoming synapses use it there, the largest use first.
    figure
        Status of the capacity in the profile (documented, measured, assumed, derived, unlimited, unknown).
    """

    name: str
    used: int | None
    capacity: int | None
    share: float | None
    status: LimitStatus
    scope: Scope
    where: str
    populations: tuple[str, ...]
    figure: str

    @property
    def excess(self) -> int | None:
        """By how much the capacity is exceeded (0 where it is not)."""
        return None if self.used is None or self.capacity is None else max(self.used - self.capacity, 0)


@dataclass(frozen=True)
class Remedy:
    """A change with which the network fits; found by placing the changed network, whose figures these are."""

    kind: RemedyKind
    text: str
    cores: int
    chips: int
    binding_limit: str | None
    share: float | None


@dataclass(frozen=True, eq=False)
class Traffic:
    """Spike messages between cores, one a source axon and target core.

    Parameters
    ----------
    source, target : (pairs,)
        Core numbers; ``HOST`` as a source. Pairs of one core with itself are included.
    spikes : (pairs,)
        Messages a step.
    rates
        ``given``, or ``equal``: one spike a neuron and step, where no rates were given.
    within_core, between_cores, between_chips, from_host
        Sums; ``between_cores`` counts pairs on one chip, ``between_chips`` those on two.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    spikes: NDArray[np.float64]
    rates: Literal["given", "equal"]
    within_core: float
    between_cores: float
    between_chips: float
    from_host: float

    def matrix(self, cores: int) -> NDArray[np.float64]:
        """Messages a step, (cores, cores), rows the sources; those of the host left out."""
        found = np.zeros((cores, cores))
        inside = self.source != HOST
        np.add.at(found, (self.source[inside], self.target[inside]), self.spikes[inside])
        return found


@dataclass(frozen=True)
class Placement:
    """Where a network lies on a target, and how full that is.

    Parameters
    ----------
    profile_id, board
        ``board`` None: as many chips as it takes.
    chips
        Chips used.
    axon_modes
        Connection to how its spikes travel.
    limits
        Every limit, exceeded ones first, then by share; those not checked last.
    binding_limit
        Name of the first of them; None where no capacity is known.
    verdict
        ``fits``: every limit that could be checked is kept. ``not checked``: none could be.
    notes
        What the figures rest on: assumed packing, leftover freedom, what was not refined.

    Examples
    --------
    >>> import neuroalign
    >>> profile = neuroalign.load_profile("loihi1")
    >>> chip, _ = neuroalign.compile_network(neuroalign.read_nir("network.nir").network, profile)
    >>> placement = neuroalign.place(chip, profile)
    >>> placement.verdict, placement.chips, placement.binding_limit
    ('fits', 1, 'threshold profiles')
    """

    profile_id: str
    board: str | None
    chips: int
    cores: tuple[CoreUse, ...]
    axon_modes: Mapping[str, AxonMode] = field(hash=False)
    limits: tuple[Limit, ...]
    binding_limit: str | None
    verdict: Verdict
    traffic: Traffic
    remedies: tuple[Remedy, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def binding(self) -> Limit | None:
        """The limit that binds."""
        return next((limit for limit in self.limits if limit.name == self.binding_limit), None)

    @property
    def not_checked(self) -> tuple[str, ...]:
        """Names of the limits that the profile does not know."""
        return tuple(limit.name for limit in self.limits if limit.status == "not checked")

    def _repr_html_(self) -> str:
        rows = [
            (x.name, "" if x.used is None else x.used, "" if x.capacity is None else x.capacity,
             "" if x.share is None else f"{x.share:.1%}", x.status, x.where)
            for x in self.limits
        ]  # fmt: skip
        place = f"{self.profile_id}{f', board {self.board}' if self.board else ''}"
        title = f"Placement on {place}: {self.verdict}, {len(self.cores)} cores on {self.chips} chips"
        note = "; ".join((*self.notes, *(f"would fit: {r.text}" for r in self.remedies)))
        return html_table(title, ("limit", "used", "capacity", "share", "status", "where"), rows, note)

    def core_of(self, population: str, size: int) -> NDArray[np.int64]:
        """Core of each neuron of a population, (size,)."""
        found = np.full(size, HOST, dtype=np.int64)
        for core in self.cores:
            for piece in core.slices:
                if piece.population == population:
                    found[piece.start : piece.stop] = core.index
        return found
