"""What a NIR file holds, as rows to print; also for files that cannot be read as a Network."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuroalign.errors import InputError
from neuroalign.export.hdf5 import Value, read_tree
from neuroalign.export.nir_graph.flatten import PASS, FlatGraph, FlatNode, flatten
from neuroalign.export.nir_graph.parameters import NEURONS, NeuronNode, is_taken, neuron_node, unsupported
from neuroalign.export.nir_graph.read import naming, parse_nodes, read_nir
from neuroalign.export.nir_graph.shapes import resolve_shapes
from neuroalign.export.nir_graph.time import find_clue
from neuroalign.export.nir_graph.tree import Edge, RawGraph, RawNode, parse_graph
from neuroalign.export.nir_graph.unstated import written_dt

RESHAPING = ("Flatten", "SumPool2d", "AvgPool2d")


@dataclass(frozen=True)
class NodeRow:
    """One node: parameters as (field, smallest, largest) in the units of the file."""

    name: str
    type: str
    shape: str
    parameters: tuple[tuple[str, float, float], ...]
    taken: bool


@dataclass(frozen=True)
class Inspection:
    """What a file holds.

    Parameters
    ----------
    source, version
        The file and the NIR version that it names.
    nodes, edges
        Of the flattened graph; as the file has them where they cannot be flattened.
    repairs, assumptions
        What reading it changes, and takes for granted.
    dt_clue
        What the file says about dt, or "".
    problem
        Why the file cannot be read as a Network without further options, or "".
    """

    source: str
    version: str
    nodes: tuple[NodeRow, ...]
    edges: tuple[Edge, ...]
    repairs: tuple[str, ...]
    assumptions: tuple[str, ...]
    dt_clue: str
    problem: str


def inspect_nir(path: str | Path, **reading: Any) -> Inspection:
    """Describe a NIR file, also where dt is unknown, a primitive is not taken, or a repair would be ambiguous.

    Parameters
    ----------
    path
        The file.
    reading
        Keyword arguments of :func:`neuroalign.export.nir_graph.read_nir`.

    Raises
    ------
    FileFormatError
        If the file holds no NIR graph at all.
    """
    repairs: list[str] = []
    with naming(path):
        tree = read_tree(path)
        raw = parse_graph(tree, repairs.append)
    try:
        graph = flatten(raw, repairs.append)
        _note_shape_repairs(graph, repairs)
    except InputError:
        graph = _as_stored(raw)
    assumptions: tuple[str, ...] = ()
    problem = ""
    try:
        imported = read_nir(path, **reading)
        repairs, assumptions = list(imported.repairs), imported.assumptions
    except InputError as error:
        problem = str(error).removeprefix(f"{path}: ")
    version = tree.get("version")
    order = {name: at for at, name in enumerate(_along_edges(graph))}
    return Inspection(
        source=str(path),
        version=version if isinstance(version, str) else "",
        nodes=tuple(_row(graph.nodes[name]) for name in order),
        edges=tuple(sorted(graph.edges, key=lambda e: tuple(order.get(end, len(order)) for end in e))),
        repairs=tuple(repairs),
        assumptions=assumptions,
        dt_clue=_clue(graph, raw),
        problem=problem,
    )


def _along_edges(graph: FlatGraph) -> list[str]:
    """Names of the nodes as the signal meets them, breadth first; those that no edge leads to from an input come last."""
    targets = {b for _, b in graph.edges}
    found = dict.fromkeys(name for name, node in graph.nodes.items() if node.type == "Input" or name not in targets)
    waiting = list(found)
    while waiting:
        at = waiting.pop(0)
        following = [b for a, b in graph.edges if a == at and b not in found and b in graph.nodes]
        found |= dict.fromkeys(following)
        waiting += following
    return [*found, *(name for name in graph.nodes if name not in found)]


def _as_stored(raw: RawGraph) -> FlatGraph:
    """All nodes and edges with dotted names, nothing repaired."""
    nodes: dict[str, FlatNode] = {}
    prefix = f"{raw.name}." if raw.name else ""
    edges = [(prefix + a, prefix + b) for a, b in raw.edges]
    for node in raw.nodes.values():
        if isinstance(node, RawNode):
            nodes[node.name] = FlatNode(node.name, node.type, node.fields)
        else:
            inner = _as_stored(node)
            nodes |= inner.nodes
            edges += inner.edges
    return FlatGraph(nodes, tuple(sorted(edges)))


def _note_shape_repairs(graph: FlatGraph, repairs: list[str]) -> None:
    """Add the repairs that reading makes before it can stop for want of dt."""
    if unsupported(graph):
        return
    with suppress(InputError):  # read_nir meets the same error, which becomes the inspection's problem
        resolve_shapes(graph, parse_nodes(graph, repairs.append), repairs.append)


def _clue(graph: FlatGraph, raw: RawGraph) -> str:
    with suppress(InputError):
        written = written_dt(raw.metadata)
        if written is not None:
            return f"dt = {written:g} s, as the file's metadata states"
    neurons: list[NeuronNode] = []
    for node in graph.nodes.values():
        if node.type in NEURONS:
            try:
                neurons.append(neuron_node(node, lambda _: None))
            except InputError:
                continue
    clue = find_clue(neurons)
    return str(clue) if clue else ""


def _row(node: FlatNode) -> NodeRow:
    ranges = tuple(
        (key, float(np.nanmin(value)), float(np.nanmax(value)))
        for key, value in sorted(node.fields.items())
        if key not in ("shape", "input_type", "output_type") and _has_numbers(value)
    )
    kind = {PASS: "port", "": "(none)"}.get(node.type, node.type)
    return NodeRow(node.name, kind, _shape(node), ranges, is_taken(node))


def _has_numbers(value: Value) -> bool:
    return bool(isinstance(value, np.ndarray) and value.dtype.kind in "iuf" and not np.isnan(value).all())


def _shape(node: FlatNode) -> str:
    """The shape a node states, or that of its largest array; none where arrays only say how it reshapes."""
    if node.type in RESHAPING:
        return ""
    stated = node.fields.get("shape")
    if isinstance(stated, np.ndarray):
        return " x ".join(str(k) for k in stated.ravel()[:8])
    arrays = [v for v in node.fields.values() if isinstance(v, np.ndarray)]
    largest = max(arrays, key=lambda a: a.size, default=None)
    return " x ".join(str(k) for k in largest.shape) if largest is not None and largest.ndim else "1"
