"""How many synapses each source of a connection has in a run of target neurons, and each target in all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, Convolution, SparsePattern
from neuroalign.pattern import source_places

Counts = NDArray[np.int64]
Storage = Literal["dense", "sparse", "conv"]


@dataclass(frozen=True, eq=False)
class FanOut:
    """Synapses of a connection as a chip stores them.

    A full matrix is stored whole where it learns. Elsewhere, where more than half of it is other than 0, the rows of
    sources with any weight are stored, with their zeros; where at most half is, zeros are no synapses. A pattern is stored as it is, a kernel once for every place where it acts.
    """

    connection: ChipConnection

    @property
    def storage(self) -> Storage:
        """``conv``: shared weights; ``dense``: whole rows; ``sparse``: single synapses."""
        if isinstance(self.connection.pattern, Convolution):
            return "conv"
        return "dense" if self._synapses is None else "sparse"

    @cached_property
    def _synapses(self) -> tuple[Counts, Counts] | None:
        """Targets (ascending) and sources of single synapses; None where whole rows are stored."""
        c = self.connection
        if isinstance(c.pattern, SparsePattern):
            return c.pattern.target, c.pattern.source
        if c.plasticity is None and np.count_nonzero(c.weight) <= c.weight.size // 2:
            target, source = np.nonzero(c.weight)
            return target, source
        return None

    @cached_property
    def _live(self) -> NDArray[np.bool_]:
        """Sources whose rows are stored, of a full matrix, (N_source,)."""
        c = self.connection
        return np.ones(c.shape[1], dtype=bool) if c.plasticity is not None else np.any(c.weight, axis=0)

    @cached_property
    def _places(self) -> Counts | None:
        pattern = self.connection.pattern
        return source_places(pattern) if isinstance(pattern, Convolution) else None

    def into(self, start: int, stop: int) -> Counts:
        """Synapses that each source has in targets ``start`` to ``stop - 1``, (N_source,)."""
        c = self.connection
        if isinstance(c.pattern, Convolution) and self._places is not None:
            return _shared(c.pattern, self._places, start, stop)
        if self._synapses is None:
            return self._live * np.int64(stop - start)
        target, source = self._synapses
        low, high = np.searchsorted(target, (start, stop))
        return np.bincount(source[low:high], minlength=c.shape[1])

    def fan_in(self) -> Counts:
        """Synapses of each target, (N_target,)."""
        c = self.connection
        if isinstance(c.pattern, Convolution) and self._places is not None:
            inside = (self._places >= 0).sum(axis=1) * c.pattern.weight_shape[1]
            return np.asarray(np.tile(inside, c.pattern.channels))
        if self._synapses is None:
            return np.full(c.shape[0], np.count_nonzero(self._live), dtype=np.int64)
        return np.bincount(self._synapses[0], minlength=c.shape[0])

    def listed(self) -> tuple[Counts, Counts]:
        """Target and source of each synapse as stored, sorted by both; not of shared weights."""
        if self._synapses is not None:
            return self._synapses
        target, source = np.nonzero(np.broadcast_to(self._live, self.connection.shape))
        return target, source

    def total(self) -> int:
        """All synapses."""
        return int(self.into(0, self.connection.shape[0]).sum())


def _shared(pattern: Convolution, places: Counts, start: int, stop: int) -> Counts:
    inside = math.prod(pattern.source_shape[1:])
    channel, place = np.divmod(np.arange(start, stop), places.shape[0])
    found = places[place]
    group = channel // (pattern.channels // pattern.groups)
    meets = (group[:, None] * inside + found)[found >= 0]
    of_place = np.bincount(meets, minlength=pattern.groups * inside).reshape(pattern.groups, inside)
    return np.asarray(np.repeat(of_place, pattern.weight_shape[1], axis=0).reshape(-1))
