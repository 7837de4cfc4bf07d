"""Smaller cases by fewer neurons and smaller images: every array that has an entry for one loses it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import (
    ChipConnection,
    ChipNetwork,
    ChipPopulation,
    Convolution,
    SparsePattern,
    expanded,
    pattern_problem,
)
from neuroalign.recording import Stimulus
from neuroalign.verify.case import Case
from neuroalign.verify.compare import Difference


def neurons(case: Case, difference: Difference) -> Iterator[Case]:
    """Fewer neurons, and fewer channels."""
    network = case.network
    fixed = {n for c in network.connections if isinstance(c.pattern, Convolution) for n in (c.source, c.target)}
    for name, size in [*((p.name, p.size) for p in network.populations), *((i.name, i.size) for i in network.inputs)]:
        if name in fixed:
            continue
        for dropped in parts(size):
            if len(dropped) < size:
                yield with_neurons(case, name, np.array([k for k in range(size) if k not in dropped]))


def convolutions(case: Case, difference: Difference) -> Iterator[Case]:
    """The matrix of a convolution, and smaller images."""
    for k, c in enumerate(case.network.connections):
        if isinstance(c.pattern, Convolution):
            matrix = replace(c, weight=expanded(c.pattern, c.weight), pattern=None)
            yield from with_connection(case, k, iter([matrix]))
            for axis in (1, 2):
                yield from _cropped(case, k, c, c.pattern, axis)


def _cropped(case: Case, k: int, c: ChipConnection, pattern: Convolution, axis: int) -> Iterator[Case]:
    """Without the last row or column of an image that nothing else uses."""
    sizes = list(pattern.source_shape)
    sizes[axis] -= 1
    smaller = replace(pattern, source_shape=(sizes[0], sizes[1], sizes[2]))
    others = [o for o in case.network.connections if o is not c]
    if c.source == c.target or any({c.source, c.target} & {o.source, o.target} for o in others):
        return
    if sizes[axis] < 1 or pattern_problem(smaller) or c.source not in case.stimulus.inputs:
        return
    places = []
    for whole, cut in ((pattern.source_shape, smaller.source_shape), (pattern.target_shape, smaller.target_shape)):
        numbered = np.arange(math.prod(whole)).reshape(whole)
        places.append(numbered[: cut[0], : cut[1], : cut[2]].ravel())
    population = _fewer_neurons(case.network.population(c.target), places[1])
    network = replace(
        case.network,
        inputs=tuple(replace(i, size=len(places[0])) if i.name == c.source else i for i in case.network.inputs),
        populations=tuple(population if p.name == c.target else p for p in case.network.populations),
        connections=tuple(replace(o, pattern=smaller) if n == k else o for n, o in enumerate(case.network.connections)),
    )
    given = {n: a[:, :, places[0]] if n == c.source else a for n, a in case.stimulus.inputs.items()}
    yield with_inputs(with_network(case, network), given)


def with_neurons(case: Case, name: str, kept: NDArray[Any]) -> Case:
    """The case with the neurons ``kept`` of a population or input, and third factors of the same size cut alike."""
    network = case.network
    also = {
        sender
        for c in network.connections
        if c.plasticity is not None and c.target == name
        for _, sender in c.plasticity.modulators
        for i in network.inputs
        if i.name == sender and i.size == c.shape[0] > 1
    }
    cut = {name, *also}
    populations = tuple(_fewer_neurons(p, kept) if p.name in cut else p for p in network.populations)
    inputs = tuple(replace(i, size=len(kept)) if i.name in cut else i for i in network.inputs)
    changed = tuple(_fewer_synapses(c, cut, kept) for c in network.connections)
    smaller = replace(network, populations=populations, inputs=inputs, connections=changed)
    given = {n: a[:, :, kept] if n in cut else a for n, a in case.stimulus.inputs.items()}
    return with_inputs(with_network(case, smaller), given)


def _fewer_neurons(population: ChipPopulation, kept: NDArray[Any]) -> ChipPopulation:
    names = ("du", "dv", "threshold", "bias_mant", "bias_exp", "u0", "v0", "volts_per_unit", "volts_offset")
    changes: dict[str, Any] = {name: getattr(population, name)[kept] for name in names}
    if population.threshold_low is not None:
        changes["threshold_low"] = population.threshold_low[kept]
    if population.escape is not None:
        changes["escape"] = replace(population.escape, width=population.escape.width[kept])
    return replace(population, shape=(len(kept),), **changes)


def _fewer_synapses(connection: ChipConnection, cut: set[str], kept: NDArray[Any]) -> ChipConnection:
    rows, columns = (np.arange(n) for n in connection.shape)
    rows = kept if connection.target in cut else rows
    columns = kept if connection.source in cut else columns
    pattern = connection.pattern
    if isinstance(pattern, SparsePattern):
        chosen = np.isin(pattern.target, rows) & np.isin(pattern.source, columns)
        target, source = (
            np.searchsorted(left, values[chosen])
            for left, values in ((rows, pattern.target), (columns, pattern.source))
        )
        smaller = SparsePattern(target, source, (len(rows), len(columns)))
        return replace(take_synapses(connection, lambda a: a[chosen]), pattern=smaller)
    return take_synapses(connection, lambda a: a[np.ix_(rows, columns)])


def take_synapses(connection: ChipConnection, take: Callable[[NDArray[Any]], NDArray[Any]]) -> ChipConnection:
    """The connection with ``take`` applied to what there is one of for each synapse."""
    held = connection.plasticity
    return replace(
        connection,
        weight=take(connection.weight),
        delays=None if connection.delays is None else take(connection.delays),
        plasticity=None if held is None else replace(held, tag=take(held.tag)),
    )


def with_connection(case: Case, k: int, candidates: Iterator[ChipConnection]) -> Iterator[Case]:
    for candidate in candidates:
        changed = [candidate if n == k else c for n, c in enumerate(case.network.connections)]
        yield with_network(case, replace(case.network, connections=tuple(changed)))


def parts(count: int) -> Iterator[frozenset[int]]:
    """Which of ``count`` things to leave out: all, halves, quarters, ..., single ones."""
    length = count
    while length >= 1:
        for first in range(0, count, length):
            yield frozenset(range(first, min(first + length, count)))
        length //= 2


def with_network(case: Case, network: ChipNetwork) -> Case:
    return replace(case, network=network)


def with_inputs(case: Case, inputs: Any) -> Case:
    return replace(case, stimulus=Stimulus(inputs, description=case.stimulus.description))
