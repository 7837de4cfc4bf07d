"""Where cores lie on their chips, and which links the messages between them pass: first east or west, then north or south."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.placement import HOST, Placement
from neuroalign.profile import Profile

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mesh:
    """Chip and tile of each core; cores fill the tiles of a chip row by row. No tiles: ``column`` is None.

    Parameters
    ----------
    chip, column, row : (cores,)
        Of each core; column and row are those of its tile.
    tiles
        Tiles in use.
    """

    chip: Indices
    column: Indices | None
    row: Indices | None
    tiles: int | None


def mesh_of(placement: Placement, profile: Profile) -> Mesh:
    """The places of a placement's cores; without tiles where the profile does not say how they lie."""
    chip = np.array([core.chip for core in placement.cores], dtype=np.int64)
    topology = profile.topology
    if topology.mesh is None or topology.cores_per_tile is None or topology.tile_columns is None:
        return Mesh(chip, None, None, None)
    place = np.arange(chip.size) - np.searchsorted(chip, chip)
    tile = place // topology.cores_per_tile
    used = len(set(zip(chip.tolist(), tile.tolist(), strict=True)))
    return Mesh(chip, tile % topology.tile_columns, tile // topology.tile_columns, used)


class Routes:
    """Adds up messages, target core after target core."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.from_outside = self.inter_chip = self.within_tile = self.hops_ew = self.hops_ns = 0.0
        self.leaving = np.zeros(mesh.chip.size)
        self.entering = np.zeros(mesh.chip.size)
        shape = (0, 0, 0)
        if mesh.column is not None and mesh.row is not None and mesh.chip.size:
            shape = (int(mesh.chip.max()) + 1, int(mesh.row.max()) + 1, int(mesh.column.max()) + 1)
        self._east, self._west, self._south, self._north = (np.zeros(shape) for _ in range(4))

    def add(self, target: int, messages: NDArray[np.float64]) -> None:
        """Messages into core ``target``: (1 + cores,), those from outside first, then from each core."""
        self.from_outside += float(messages[HOST + 1])
        self.entering[target] += float(messages.sum())
        sent = messages[1:]
        self.leaving += sent
        source = np.flatnonzero(sent)
        near = self.mesh.chip[source] == self.mesh.chip[target]
        self.inter_chip += float(sent[source[~near]].sum())
        self._pass(source[near], target, sent[source[near]])

    def _pass(self, source: Indices, target: int, sent: NDArray[np.float64]) -> None:
        """Messages on one chip, link by link."""
        column, row = self.mesh.column, self.mesh.row
        if column is None or row is None:
            return
        x, y, chip = column[source], row[source], self.mesh.chip[target]
        to_x, to_y = int(column[target]), int(row[target])
        self.within_tile += float(sent[(x == to_x) & (y == to_y)].sum())
        self.hops_ew += float((sent * abs(x - to_x)).sum())
        self.hops_ns += float((sent * abs(y - to_y)).sum())
        for at_x, at_y, count in zip(x.tolist(), y.tolist(), sent.tolist(), strict=True):
            self._east[chip, at_y, at_x:to_x] += count
            self._west[chip, at_y, to_x:at_x] += count
            self._south[chip, at_y:to_y, to_x] += count
            self._north[chip, to_y:at_y, to_x] += count

    @property
    def busiest_ew(self) -> float:
        """Messages over the link east or west that carries most."""
        return float(max(self._east.max(initial=0.0), self._west.max(initial=0.0)))

    @property
    def busiest_ns(self) -> float:
        """Messages over the link north or south that carries most."""
        return float(max(self._south.max(initial=0.0), self._north.max(initial=0.0)))
