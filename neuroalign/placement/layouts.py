"""How the synapses of one connection lie: which axons reach a run of target neurons, and how many words they take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neuroalign.pattern import Convolution, source_places
from neuroalign.placement.packing import LARGEST_BASE, AxonWords, EntryScheme, axon_words

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Measured:
    """What a run of target neurons takes of one connection.

    Parameters
    ----------
    axons, words, synapses
        Counts; ``NO_PACKING`` words and more where no packing holds the targets.
    packings
        Packings in use, each a synapse format.
    """

    axons: int
    words: int
    synapses: int
    packings: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class EntryFormat:
    """Bits of a synapse without its index, whether it learns, and the packing."""

    bits: int
    learning: bool
    scheme: EntryScheme


@dataclass(frozen=True, eq=False)
class FullRows:
    """Every live source reaches every target; the others have no axon."""

    shape: tuple[int, int]
    format: EntryFormat
    live: Indices

    @property
    def sources(self) -> int:
        """Number of sources, each the number of an axon."""
        return self.shape[1]

    def measure(self, start: int, stop: int, offset: int) -> Measured:
        """What targets ``start`` to ``stop - 1`` take, the first of them on compartment ``offset``."""
        size, axons = stop - start, self.live.size
        if axons == 0:
            return Measured(0, 0, 0, ())
        count, first, last = _one(size, offset, offset + size - 1)
        found = axon_words(count, first, last, self.format.bits, self.format.scheme, learning=self.format.learning)
        return Measured(axons, int(found.words[0]) * axons, size * axons, found.packings)

    def axons_into(self, start: int, stop: int) -> Indices:
        """Axons that reach these targets, ascending."""
        return self.live

    def most_cores(self) -> Indices | None:
        """Most cores that each axon can reach, however its targets are cut; None where that says nothing."""
        return None

    def least_cores(self) -> Indices:
        """1 for each axon that reaches anything, 0 for the others."""
        least = np.zeros(self.sources, dtype=np.int64)
        least[self.live] = 1
        return least


@dataclass(frozen=True, eq=False)
class SparseRows:
    """Synapse k leads from ``source[k]``; those of target i are ``offsets[i]`` to ``offsets[i + 1] - 1``."""

    shape: tuple[int, int]
    source: Indices
    offsets: Indices
    format: EntryFormat

    @property
    def sources(self) -> int:
        """Number of axons."""
        return self.shape[1]

    def measure(self, start: int, stop: int, offset: int) -> Measured:
        """What targets ``start`` to ``stop - 1`` take, the first of them on compartment ``offset``."""
        low, high = int(self.offsets[start]), int(self.offsets[stop])
        if low == high:
            return Measured(0, 0, 0, ())
        # One number a synapse, (source, target), sorts faster than two arrays in step.
        size = stop - start
        fan_in = np.diff(self.offsets[start : stop + 1])
        key = self.source[low:high] * np.int64(size) + np.repeat(np.arange(size), fan_in)
        key.sort()
        axon, place = np.divmod(key, size)
        begins = np.flatnonzero(np.concatenate(([True], axon[1:] != axon[:-1])))
        ends = np.append(begins[1:], key.size) - 1
        found = axon_words(
            ends - begins + 1,
            place[begins] + offset,
            place[ends] + offset,
            self.format.bits,
            self.format.scheme,
            learning=self.format.learning,
        )
        return Measured(begins.size, int(found.words.sum()), high - low, found.packings)

    def axons_into(self, start: int, stop: int) -> Indices:
        """Axons that reach these targets, ascending."""
        reached = np.zeros(self.sources, dtype=bool)
        reached[self.source[self.offsets[start] : self.offsets[stop]]] = True
        return np.flatnonzero(reached)

    def most_cores(self) -> Indices | None:
        """Most cores that each axon can reach, however its targets are cut; None where that says nothing."""
        return np.bincount(self.source, minlength=self.sources)

    def least_cores(self) -> Indices:
        """1 for each axon that reaches anything, 0 for the others."""
        least = np.zeros(self.sources, dtype=np.int64)
        least[self.source] = 1
        return least


@dataclass(frozen=True, eq=False)
class SharedRows:
    """A convolution by population axons: one axon a place of the source, its channels the atoms.

    Rows of weights that lie at the same compartments from their bases are held once.
    """

    pattern: Convolution
    format: EntryFormat
    pop16: bool = False

    @cached_property
    def _places(self) -> Indices:
        return source_places(self.pattern)

    @property
    def shape(self) -> tuple[int, int]:
        """(N_target, N_source)."""
        return self.pattern.shape

    @property
    def atoms(self) -> int:
        """Sources that share an axon."""
        return self.pattern.weight_shape[1]

    @property
    def sources(self) -> int:
        """Number of axons."""
        return self.pattern.groups * math.prod(self.pattern.source_shape[1:])

    def axon_of_source(self) -> Indices:
        """Axon of each source neuron, (N_source,)."""
        channel, place = np.divmod(np.arange(self.shape[1]), math.prod(self.pattern.source_shape[1:]))
        return np.asarray(channel // self.atoms * math.prod(self.pattern.source_shape[1:]) + place)

    def measure(self, start: int, stop: int, offset: int) -> Measured:
        """What targets ``start`` to ``stop - 1`` take, the first of them on compartment ``offset``."""
        axon, target, weight = self._meetings(start, stop)
        if axon.size == 0:
            return Measured(0, 0, 0, ())
        order = np.lexsort((weight, target, axon))
        axon, place, weight = axon[order], target[order] - start + offset, weight[order]
        begins = np.flatnonzero(np.concatenate(([True], axon[1:] != axon[:-1])))
        count = np.diff(np.append(begins, axon.size))
        base = place[begins] % (LARGEST_BASE + 1)
        if self.pop16:
            base = base // 4 * 4
        index = place - np.repeat(base, count)
        _, kept = np.unique(np.add.reduceat(_mixed(index, weight), begins), return_index=True)
        last = index[begins + count - 1]
        rows = _row_words(count[kept], last[kept], self.atoms, self.format)
        return Measured(begins.size, int(rows.words.sum()), int(axon.size) * self.atoms, rows.packings)

    def axons_into(self, start: int, stop: int) -> Indices:
        """Axons that reach these targets, ascending."""
        return np.unique(self._meetings(start, stop)[0])

    def most_cores(self) -> Indices | None:
        """Most cores that each axon can reach, however its targets are cut; None where that says nothing."""
        return None

    def least_cores(self) -> Indices:
        """1 for each axon: kernels reach something from every place but where strides leave it out."""
        return np.ones(self.sources, dtype=np.int64)

    def every_synapse(self) -> tuple[Indices, Indices]:
        """Target and source of each synapse, sorted by both."""
        axon, target, _ = self._meetings(0, self.shape[0])
        inside = math.prod(self.pattern.source_shape[1:])
        group, place = np.divmod(axon, inside)
        source = (group * self.atoms * inside + place)[:, None] + np.arange(self.atoms) * inside
        pairs = np.stack([np.repeat(target, self.atoms), source.reshape(-1)])
        order = np.lexsort((pairs[1], pairs[0]))
        return pairs[0][order], pairs[1][order]

    def _meetings(self, start: int, stop: int) -> tuple[Indices, Indices, Indices]:
        """Axon, target and place in the kernel (with the channel) of everything that meets."""
        places, entries = self._places.shape
        channel, place = np.divmod(np.arange(start, stop), places)
        found = self._places[place]
        inside = found >= 0
        group = channel // (self.pattern.channels // self.pattern.groups)
        axon = found + (group * math.prod(self.pattern.source_shape[1:]))[:, None]
        target = np.broadcast_to(np.arange(start, stop)[:, None], found.shape)
        weight = (channel * entries)[:, None] + np.arange(entries)
        return axon[inside], target[inside], weight[inside]


def _row_words(count: Indices, last: Indices, atoms: int, form: EntryFormat) -> AxonWords:
    """Words of rows whose indices count from the base of their axon."""
    return axon_words(count, np.zeros_like(count), last, form.bits, form.scheme, atoms=atoms)


def _mixed(index: Indices, weight: Indices) -> NDArray[np.uint64]:
    """64 bits that depend on every bit of both (splitmix64); sums of them tell rows apart."""
    x = (index.astype(np.uint64) << np.uint64(32)) + weight.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(x ^ (x >> np.uint64(31)))


def _one(*values: int) -> tuple[Indices, ...]:
    return tuple(np.array([value], dtype=np.int64) for value in values)


Layout = FullRows | SparseRows | SharedRows
