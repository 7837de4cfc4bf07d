"""Chains of linear nodes folded into one map per pair of populations, and their biases into the targets' bias.

A linear node n gives ``y_n = sum over sources of M[n, source] s + c_n`` with, from the nodes p that feed it,
``M[n, source] = W_n sum_p M[p, source]`` and ``c_n = W_n sum_p c_p + b_n``, all in float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import NetworkError
from neuroalign.export.nir_graph.flatten import FlatGraph
from neuroalign.export.nir_graph.maps import Map, Weights, as_weights, kept_rows, ordered_sum, scaled, summed, through
from neuroalign.export.nir_graph.parameters import LinearNode
from neuroalign.network import FloatArray

Source = tuple[str, int]
"""An input or population, and by how many steps its values come late."""


@dataclass(frozen=True, eq=False)
class Drive:
    """What reaches a node's input.

    Parameters
    ----------
    size : int
        Number of values, N.
    maps
        Source to what takes its values there.
    constant : (N,)
        Sum of the propagated biases.
    """

    size: int
    maps: Mapping[Source, Map]
    constant: FloatArray

    def weights(self, source: Source) -> Weights:
        """The weights from one source."""
        return as_weights(self.maps[source], self.size)


def compose(
    graph: FlatGraph,
    linear: Mapping[str, LinearNode],
    sizes: Mapping[str, int],
    delays: Mapping[str, NDArray[np.int64]] | None = None,
) -> dict[str, Drive]:
    """What reaches each node that is not linear itself.

    Parameters
    ----------
    graph
        The flattened graph; its nodes outside ``linear`` are inputs, outputs and populations.
    linear
        The nodes without memory.
    sizes
        Number of values that each node takes.
    delays
        Steps that each value waits, (N,), for the nodes that delay.

    Raises
    ------
    NetworkError
        If nodes without memory alone form a cycle, or a matrix would be too large.
    """
    given: dict[str, Drive] = {}
    for name in _in_order(graph, linear):
        drive = _sum(name, graph, given, sizes[name])
        given[name] = _delayed(delays[name], drive) if delays and name in delays else _through(linear[name], drive)
    return {name: _sum(name, graph, given, sizes[name]) for name in graph.nodes if name not in linear}


def _in_order(graph: FlatGraph, linear: Mapping[str, LinearNode]) -> list[str]:
    """Linear nodes, each after those that feed it."""
    waiting = {name: sum(p in linear for p in graph.before(name)) for name in linear}
    ready = sorted(name for name, count in waiting.items() if count == 0)
    order: list[str] = []
    while ready:
        name = ready.pop(0)
        order.append(name)
        for target in graph.after(name):
            if target in waiting:
                waiting[target] -= 1
                if waiting[target] == 0:
                    ready.append(target)
    left = sorted(set(linear) - set(order))
    if left:
        raise NetworkError(
            f"nodes {', '.join(map(repr, left[:6]))} form a cycle, or hang on one, without a neuron in it; nothing delays "
            "such a loop; put a neuron in it"
        )
    return order


def _sum(name: str, graph: FlatGraph, given: Mapping[str, Drive], size: int) -> Drive:
    """The sum of all that feeds ``name``; independent of the order of the nodes, to the last bit."""
    maps: dict[Source, list[Map]] = {}
    constants: list[FloatArray] = []
    for before in graph.before(name):
        if before not in given:
            maps.setdefault((before, 0), []).append(None)
            continue
        constants.append(given[before].constant)
        for source, part in given[before].maps.items():
            maps.setdefault(source, []).append(part)
    together = {source: summed(parts, size) for source, parts in sorted(maps.items())}
    return Drive(size, together, ordered_sum(constants) if constants else np.zeros(size))


def _through(node: LinearNode, drive: Drive) -> Drive:
    """What a linear node gives for what it takes."""
    if node.weight is not None:
        weights = Weights(node.weight, node.pattern)
        targets = weights.shape[0]
        constant = _constant(weights, drive.constant) if drive.constant.any() else np.zeros(targets)
        maps: Mapping[Source, Map] = {s: through(weights, m) for s, m in drive.maps.items()}
        return Drive(targets, maps, constant if node.bias is None else constant + node.bias)
    if node.scale is not None:
        scale = np.broadcast_to(node.scale.ravel(), (drive.size,))
        return Drive(drive.size, {s: scaled(scale, m) for s, m in drive.maps.items()}, scale * drive.constant)
    return drive


def _constant(weights: Weights, given: FloatArray) -> FloatArray:
    """What the weights make of constant values (N_source,)."""
    column = Weights(given[:, None], None)
    return through(weights, column).values[:, 0]


def _delayed(steps: NDArray[np.int64], drive: Drive) -> Drive:
    """Each value later by its own number of steps; a constant stays what it is."""
    maps: dict[Source, list[Map]] = {}
    for (source, late), part in drive.maps.items():
        for wait in np.unique(steps).tolist():
            alike = steps == wait
            kept = part if alike.all() else kept_rows(alike, part, drive.size)
            maps.setdefault((source, late + wait), []).append(kept)
    return Drive(drive.size, {s: summed(parts, drive.size) for s, parts in sorted(maps.items())}, drive.constant)
