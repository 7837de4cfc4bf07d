"""Changed networks that remedies are tried on. They are made to be placed, not to be run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, Convolution, Fixed, SparsePattern
from neuroalign.placement.fan_out import FanOut


def replaced(chip: ChipNetwork, changed: Iterable[ChipConnection]) -> ChipNetwork:
    """The network with changed connections in the place of those whose names they have; others come last."""
    by_name = {c.name: c for c in changed}
    kept = [by_name.pop(c.name, c) for c in chip.connections]
    return replace(chip, connections=(*kept, *by_name.values()))


def with_bits(c: ChipConnection, bits: int) -> ChipConnection:
    """Weights of at most so many bits."""
    form = c.weight_format
    if not isinstance(form, Fixed) or form.bits <= bits:
        return c
    return replace(c, weight_format=replace(form, bits=bits))


def static(c: ChipConnection) -> ChipConnection:
    """The connection without learning."""
    return replace(c, plasticity=None)


def fewer_synapses(c: ChipConnection, share: float) -> ChipConnection:
    """The share of the synapses with the largest weights; of equal ones the first."""
    target, source, weight = listed(c)
    kept = np.sort(np.argsort(-np.abs(weight), kind="stable")[: int(share * weight.size)])
    return of_synapses(c, target[kept], source[kept], weight[kept])


def fewer_sources(c: ChipConnection, count: int) -> ChipConnection:
    """The sources with the largest sums of weights; of equal ones the first."""
    target, source, weight = listed(c)
    strength = np.bincount(source, np.abs(weight), minlength=c.shape[1])
    keep = np.zeros(c.shape[1], dtype=bool)
    keep[np.argsort(-strength, kind="stable")[:count]] = True
    kept = keep[source]
    return of_synapses(c, target[kept], source[kept], weight[kept])


def fewer_learning(c: ChipConnection, count: int) -> list[ChipConnection]:
    """The first sources learn, the others do not."""
    target, source, weight = listed(c)
    learns = source < count
    still = static(of_synapses(c, target[~learns], source[~learns], weight[~learns]))
    return [of_synapses(c, target[learns], source[learns], weight[learns]), replace(still, name=f"{c.name} (static)")]


def copies_by_sources(chip: ChipNetwork, population: str, copies: int) -> ChipNetwork:
    """Copies of a population, each fed by a part of the sources of every connection; all drive what it drives."""
    names = [f"{population} ({k + 1})" for k in range(copies)]
    populations = [
        replace(p, name=name) for p in chip.populations for name in (names if p.name == population else [p.name])
    ]
    connections: list[ChipConnection] = []
    for c in chip.connections:
        parts = _parts(c, copies) if c.target == population else [c]
        for k, part in enumerate(parts):
            target = names[k] if c.target == population else c.target
            for source in names if c.source == population else [c.source]:
                connections.append(replace(part, name=f"{c.name} {source} {target}", source=source, target=target))
    return replace(chip, populations=tuple(populations), connections=tuple(connections), outputs=())


def _parts(c: ChipConnection, copies: int) -> list[ChipConnection]:
    if isinstance(c.pattern, Convolution):
        return [c] * copies
    target, source, weight = listed(c)
    part = source * copies // max(c.shape[1], 1)
    return [of_synapses(c, target[part == k], source[part == k], weight[part == k]) for k in range(copies)]


def listed(c: ChipConnection) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Target, source and weight of each synapse that is stored, sorted by both; not of a convolution."""
    target, source = FanOut(c).listed()
    return target, source, c.weight if isinstance(c.pattern, SparsePattern) else c.weight[target, source]


def of_synapses(
    c: ChipConnection, target: NDArray[np.int64], source: NDArray[np.int64], weight: NDArray[np.float64]
) -> ChipConnection:
    """The same connection with these synapses alone; delays stay the slowest one's."""
    delays = None if c.delays is None else np.full(weight.shape, c.max_delay)
    return replace(c, weight=weight, delays=delays, pattern=SparsePattern(target, source, c.shape))
