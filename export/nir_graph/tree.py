"""A NIR file's content as graphs of named, typed nodes, before anything is understood or repaired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuroalign.errors import FileFormatError
from neuroalign.export.hdf5 import Tree, Value

Edge = tuple[str, str]
Note = Callable[[str], None]
"""Takes the description of one repair: collects it, or raises under ``--strict``."""


@dataclass(frozen=True, eq=False)
class RawNode:
    """One node as the file has it; ``type`` is "" where the file has none."""

    name: str
    type: str
    fields: Mapping[str, Value]


@dataclass(frozen=True, eq=False)
class RawGraph:
    """A graph or subgraph as the file has it; ``name`` is "" at the top."""

    name: str
    nodes: Mapping[str, RawNode | RawGraph]
    edges: tuple[Edge, ...]
    metadata: Mapping[str, Value] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How messages name the graph."""
        return f"subgraph {self.name!r}" if self.name else "the graph"


def parse_graph(tree: Tree, note: Note) -> RawGraph:
    """The graph in an HDF5 tree.

    Raises
    ------
    FileFormatError
        If the tree holds no NIR graph, or one whose nodes or edges are not stored as NIR stores them.
    """
    top = tree.get("node")
    if not isinstance(top, dict):
        lava_dl = "it looks like a .net of lava-dl, of which 'neuroalign convert FILE NEW.nir' makes one"
        hint = lava_dl if "layer" in tree else "it is HDF5 of another kind"
        raise FileFormatError(f"there is no group 'node' in the file, so no NIR network; {hint}")
    kind = top.get("type")
    if kind is None:
        raise FileFormatError(
            "the top node has no type, as in files that an export left behind when it failed (at a layer without NIR form, a "
            "scalar parameter or a missing bias or shape); see the error that the framework gave, and export again"
        )
    if not isinstance(kind, str) or kind != "NIRGraph":
        raise FileFormatError(
            f"the top node is of type {_shown(kind)}, a NIRGraph is needed; wrap it in one with Input and Output"
        )
    return _parse_group(top, "", note)


def _parse_group(group: Tree, name: str, note: Note) -> RawGraph:
    stored = group.get("nodes")
    label = f"subgraph {name!r}" if name else "the graph"
    if not isinstance(stored, dict) or not stored:
        raise FileFormatError(f"{label} has no nodes; export it again")
    nodes: dict[str, RawNode | RawGraph] = {}
    for key, content in sorted(stored.items()):
        _parse_node(nodes, key, content, name, note)
    metadata = group.get("metadata")
    return RawGraph(
        name, nodes, _parse_edges(group.get("edges"), label), metadata if isinstance(metadata, dict) else {}
    )


def _parse_node(nodes: dict[str, RawNode | RawGraph], key: str, content: Value, graph: str, note: Note) -> None:
    """Add the node stored under ``key``, or the nodes below it where a "/" in a name split it into nested groups."""
    path = _join(graph, key)
    if not path.isprintable() or not key:
        raise FileFormatError(f"node name {path!r} is empty or holds unprintable characters; rename the node")
    kind = content.get("type") if isinstance(content, dict) else None
    if isinstance(content, dict) and kind is None and content and all(isinstance(v, dict) for v in content.values()):
        for inner, value in sorted(content.items()):
            note(f"node {f'{path}/{inner}'!r} was stored as nested groups because its name holds '/': joined again")
            _parse_node(nodes, f"{key}/{inner}", value, graph, note)
    elif isinstance(kind, str) and kind == "NIRGraph":
        nodes[key] = _parse_group(content, path, note)
    else:
        fields = {k: v for k, v in content.items() if k != "type"} if isinstance(content, dict) else {}
        nodes[key] = RawNode(path, kind if isinstance(kind, str) and kind != "NoneType" else "", fields)


def _parse_edges(stored: Value, label: str) -> tuple[Edge, ...]:
    """Edges as pairs of names, sorted: the order in the file differs from one export to the next."""
    if stored is None or (isinstance(stored, np.ndarray) and stored.size == 0):
        return ()
    if not isinstance(stored, np.ndarray) or stored.ndim != 2 or stored.shape[1] != 2:
        raise FileFormatError(f"edges of {label} are {_shown(stored)}; pairs of node names are needed")
    if not all(isinstance(end, str) for end in stored.ravel().tolist()):
        raise FileFormatError(f"edges of {label} hold numbers of type {stored.dtype}; pairs of node names are needed")
    return tuple(sorted((str(a), str(b)) for a, b in stored))


def _join(graph: str, name: str) -> str:
    return f"{graph}.{name}" if graph else name


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    return "missing" if value is None else repr(value)[:60]
