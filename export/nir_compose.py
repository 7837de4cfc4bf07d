"""Chains of linear nodes folded into one matrix per pair of populations, and their biases into the targets' bias.

A linear node n gives ``y_n = sum over sources of M[n, source] s + c_n`` with, from the nodes p that feed it,
``M[n, source] = W_n sum_p M[p, source]`` and ``c_n = W_n sum_p c_p + b_n``, all in float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neuroalign.errors import NetworkError
from neuroalign.export.nir_flatten import FlatGraph
from neuroalign.export.nir_parameters import LinearNode
from neuroalign.network import FloatArray

MAX_WEIGHTS = 2**27
"""Limit on the entries of one composed matrix: 1 GiB in float64."""


@dataclass(frozen=True, eq=False)
class Drive:
    """What reaches a node's input.

    Parameters
    ----------
    size : int
        Number of values, N.
    maps
        Source (input or population) to what takes its values there: (N, N_source), or (N,) for a diagonal matrix, or
        None for the identity.
    constant : (N,)
        Sum of the propagated biases.
    """

    size: int
    maps: Mapping[str, FloatArray | None]
    constant: FloatArray

    def matrix(self, source: str) -> FloatArray:
        """The dense (N, N_source) matrix from one source."""
        return _dense(self.maps[source], self.size)


def compose(graph: FlatGraph, linear: Mapping[str, LinearNode], sizes: Mapping[str, int]) -> dict[str, Drive]:
    """What reaches each node that is not linear itself.

    Parameters
    ----------
    graph
        The flattened graph; its nodes outside ``linear`` are inputs, outputs and populations.
    linear
        The nodes without memory.
    sizes
        Number of values that each node takes.

    Raises
    ------
    NetworkError
        If linear nodes alone form a cycle, or a matrix would be too large.
    """
    given: dict[str, Drive] = {}
    for name in _in_order(graph, linear):
        given[name] = _through(linear[name], _sum(name, graph, given, sizes[name]))
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
    maps: dict[str, list[FloatArray | None]] = {}
    constants: list[FloatArray] = []
    for before in graph.before(name):
        if before not in given:
            maps.setdefault(before, []).append(None)
            continue
        constants.append(given[before].constant)
        for source, part in given[before].maps.items():
            maps.setdefault(source, []).append(part)
    summed = {
        s: parts[0] if len(parts) == 1 else _ordered_sum([_dense(p, size) for p in parts]) for s, parts in maps.items()
    }
    return Drive(size, dict(sorted(summed.items())), _ordered_sum(constants) if constants else np.zeros(size))


def _ordered_sum(parts: list[FloatArray]) -> FloatArray:
    """Sum in order of size: names, which decide the order of nodes, must not decide the last bit."""
    if len(parts) <= 2:
        return np.add(parts[0], parts[1]) if len(parts) == 2 else parts[0]
    total: FloatArray = np.sort(np.stack(parts), axis=0).sum(axis=0)
    return total


def _through(node: LinearNode, drive: Drive) -> Drive:
    """What a linear node gives for what it takes."""
    if node.weight is not None:
        weight = node.weight
        maps = {s: weight if m is None else weight * m if m.ndim == 1 else weight @ m for s, m in drive.maps.items()}
        constant = weight @ drive.constant if drive.constant.any() else np.zeros(weight.shape[0])
        return Drive(weight.shape[0], maps, constant if node.bias is None else constant + node.bias)
    if node.scale is not None:
        scale = np.broadcast_to(node.scale.ravel(), (drive.size,))
        scaled = {
            s: scale if m is None else scale * m if m.ndim == 1 else scale[:, None] * m for s, m in drive.maps.items()
        }
        return Drive(drive.size, scaled, scale * drive.constant)
    return drive


def _dense(part: FloatArray | None, size: int) -> FloatArray:
    if part is not None and part.ndim == 2:
        return part
    if size * size > MAX_WEIGHTS:
        raise NetworkError(
            f"a one-to-one connection of {size} neurons would need a matrix of {size * size} weights; the limit is {MAX_WEIGHTS}"
        )
    return np.eye(size) if part is None else np.diag(part)
