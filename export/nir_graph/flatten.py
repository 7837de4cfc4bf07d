"""Repairs of a graph's structure, and subgraphs flattened into one graph with dotted names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neuroalign.errors import FileFormatError
from neuroalign.export.hdf5 import Value
from neuroalign.export.nir_graph.tree import Edge, Note, RawGraph, RawNode

PASS = "pass"
"""Type given to the Input and Output nodes of a subgraph: they hand values on unchanged."""


@dataclass(frozen=True, eq=False)
class FlatNode:
    """One node of the flattened graph, still with the fields of the file."""

    name: str
    type: str
    fields: Mapping[str, Value]


@dataclass(frozen=True, eq=False)
class FlatGraph:
    """Nodes by (dotted) name, in sorted order, and the edges between them, sorted and unique."""

    nodes: Mapping[str, FlatNode]
    edges: tuple[Edge, ...]

    def before(self, name: str) -> list[str]:
        """Names of the nodes that feed ``name``."""
        return self._neighbours[0].get(name, [])

    def after(self, name: str) -> list[str]:
        """Names of the nodes that ``name`` feeds."""
        return self._neighbours[1].get(name, [])

    @cached_property
    def _neighbours(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        before: dict[str, list[str]] = {}
        after: dict[str, list[str]] = {}
        for source, target in self.edges:
            before.setdefault(target, []).append(source)
            after.setdefault(source, []).append(target)
        return before, after

    def of_type(self, kind: str) -> list[str]:
        """Names of the nodes of one type."""
        return [n.name for n in self.nodes.values() if n.type == kind]


def flatten(graph: RawGraph, note: Note) -> FlatGraph:
    """One graph without subgraphs, its edges repaired and its dangling nodes dropped.

    Parameters
    ----------
    graph
        The file's graph.
    note
        Told of every repair.

    Raises
    ------
    FileFormatError
        If a repair would be ambiguous, or the graph lacks an Input, an Output or a path between them.
    """
    nodes: dict[str, FlatNode] = {}
    edges: list[Edge] = []
    _collect(graph, note, nodes, edges)
    flat = FlatGraph(dict(sorted(nodes.items())), tuple(sorted(edges)))
    for kind in ("Input", "Output"):
        if not flat.of_type(kind):
            raise FileFormatError(f"the graph has no {kind} node; export it with one")
    _check_ends(flat)
    return _drop_dangling(flat, note)


def _collect(graph: RawGraph, note: Note, nodes: dict[str, FlatNode], edges: list[Edge]) -> None:
    """Add ``graph`` and all that is in it to ``nodes`` and ``edges``."""
    for node in graph.nodes.values():
        if isinstance(node, RawGraph):
            _collect(node, note, nodes, edges)
            continue
        inner_port = graph.name and node.type in ("Input", "Output")
        if node.name in nodes:
            raise FileFormatError(f"two nodes would be called {node.name!r} once subgraphs are flattened; rename one")
        nodes[node.name] = FlatNode(node.name, PASS if inner_port else node.type, node.fields)
    for source, target in repair_edges(graph, note):
        edges.append((_end(graph.nodes[source], "Output", graph), _end(graph.nodes[target], "Input", graph)))
    unknown = {n.name for n in graph.nodes.values() if isinstance(n, RawNode) and not n.type}
    for name in sorted(unknown):
        if any(name in edge for edge in edges):
            raise FileFormatError(
                f"node {name!r} has no type (an exporter writes this for a layer it does not know); replace that layer and "
                "export again"
            )
        note(f"node {name!r} has no type and no edges: dropped")
        del nodes[name]


def _end(node: RawNode | RawGraph, port: str, graph: RawGraph) -> str:
    """The flat node an edge's end means: the node itself, or the one port of a subgraph."""
    if isinstance(node, RawNode):
        return node.name
    ports = [n.name for n in node.nodes.values() if isinstance(n, RawNode) and n.type == port]
    if len(ports) != 1:
        raise FileFormatError(
            f"subgraph {node.name!r} has {len(ports)} {port} nodes, but an edge of {graph.label} needs exactly one; "
            "split the subgraph"
        )
    return ports[0]


def repair_edges(graph: RawGraph, note: Note) -> list[Edge]:
    """Edges of one (sub)graph with duplicates kept once and a missing name rewired where only one node can be meant.

    NIR 1.0.8 refuses duplicates; which is meant cannot be told from a doubled one by mistake, so one is the reading
    that every framework's exporter intends.
    """
    for edge, count in sorted(Counter(graph.edges).items()):
        if count > 1:
            note(f"edge {edge[0]!r} -> {edge[1]!r} is listed {count} times in {graph.label}: kept once")
    edges = sorted(set(graph.edges))
    missing = sorted({end for edge in edges for end in edge} - set(graph.nodes))
    if not missing:
        return edges
    name = missing[0]
    used = {end for edge in edges for end in edge}
    unused = [k for k, n in graph.nodes.items() if k not in used and _can_replace(n, name, edges)]
    if len(missing) > 1 or len(unused) != 1:
        found = f"{len(unused)} unused nodes ({', '.join(unused[:4])})" if unused else "no unused node"
        raise FileFormatError(
            f"edges of {graph.label} name {', '.join(map(repr, missing[:4]))}, which does not exist, and there is {found} "
            "to take instead; exactly one of each can be repaired; correct the edges"
        )
    note(f"edges of {graph.label} name {name!r}, which does not exist: rewired to {unused[0]!r}, the only unused node")
    return sorted((unused[0] if a == name else a, unused[0] if b == name else b) for a, b in edges)


def _can_replace(node: RawNode | RawGraph, name: str, edges: list[Edge]) -> bool:
    """Whether ``node`` can stand where ``name`` stands: Inputs are no targets, Outputs no sources."""
    if isinstance(node, RawGraph):
        return True
    is_source = any(a == name for a, _ in edges)
    is_target = any(b == name for _, b in edges)
    return bool(node.type) and not (node.type == "Input" and is_target) and not (node.type == "Output" and is_source)


def _check_ends(flat: FlatGraph) -> None:
    """Refuse edges into an Input, out of an Output, and straight from one to the other."""
    for source, target in flat.edges:
        kinds = (flat.nodes[source].type, flat.nodes[target].type)
        if kinds[1] == "Input":
            raise FileFormatError(f"edge {source!r} -> {target!r} leads into an Input; nothing may feed an Input")
        if kinds[0] == "Output":
            raise FileFormatError(f"edge {source!r} -> {target!r} leaves an Output; nothing may read an Output")
        if kinds == ("Input", "Output"):
            raise FileFormatError(
                f"edge {source!r} -> {target!r} joins Input and Output directly; there is no neuron between"
            )


def _drop_dangling(flat: FlatGraph, note: Note) -> FlatGraph:
    """Without nodes that nothing feeds or that feed nothing, repeated until none is left.

    A neuron that nothing feeds is dropped too unless its leak alone drives it over its threshold.
    """
    nodes, edges = dict(flat.nodes), flat.edges
    while True:
        sources, targets = {a for a, _ in edges}, {b for _, b in edges}
        unread = {n.name for n in nodes.values() if n.type != "Output" and n.name not in sources}
        unfed = {n.name for n in nodes.values() if n.type != "Input" and n.name not in targets and not _fires_alone(n)}
        if not unread | unfed:
            break
        for name in sorted(unread | unfed):
            note(f"node {name!r} has no {'input' if name in unfed else 'output'}: dropped")
            del nodes[name]
        edges = tuple(e for e in edges if e[0] in nodes and e[1] in nodes)
    kinds = {n.type for n in nodes.values()}
    if "Input" not in kinds or "Output" not in kinds:
        raise FileFormatError("no path leads from an Input to an Output; the edges are wrong or missing")
    return FlatGraph(nodes, edges)


def _fires_alone(node: FlatNode) -> bool:
    leak, threshold = node.fields.get("v_leak"), node.fields.get("v_threshold")
    if not (isinstance(leak, np.ndarray) and isinstance(threshold, np.ndarray)):
        return False
    if leak.dtype.kind not in "iuf" or threshold.dtype.kind not in "iuf" or not leak.size or not threshold.size:
        return False
    return bool(leak.max() > threshold.min())
