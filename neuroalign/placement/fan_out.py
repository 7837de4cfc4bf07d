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

    A full matrix is stored whole, with its zeros, unless at most half of it is other than 0 and nothing in it learns;
    then zeros are no synapses. A pattern is stored as it is, a kernel once for every place where it acts.
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
        """Targets (ascending) and sources of single synapses; None for a full matrix."""
        c = self.connection
        if isinstance(c.pattern, SparsePattern):
            return c.pattern.target, c.pattern.source
        kept = np.count_nonzero(c.weight)
        if c.plasticity is None and 0 < kept <= c.weight.size // 2:
            target, source = np.nonzero(c.weight)
            return target, source
        return None

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
            return np.full(c.shape[1], stop - start, dtype=np.int64)
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
            return np.full(c.shape[0], c.shape[1], dtype=np.int64)
        return np.bincount(self._synapses[0], minlength=c.shape[0])

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
