"""The shape of every node of a flattened graph, with scalars broadcast and batch dimensions dropped."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from neuroalign.errors import NetworkError
from neuroalign.export.nir_graph.flatten import PASS, FlatGraph
from neuroalign.export.nir_graph.parameters import LinearNode, NeuronNode, Shape, declared_shape
from neuroalign.export.nir_graph.spatial import SpatialNode
from neuroalign.export.nir_graph.tree import Note
from neuroalign.network import FloatArray

Nodes = Mapping[str, NeuronNode | LinearNode | SpatialNode]


def resolve_shapes(graph: FlatGraph, nodes: Nodes, note: Note) -> dict[str, tuple[Shape, Shape]]:
    """What each node takes and gives, without batch and time.

    A shape comes from the node's own arrays; where these hold a single value, from its neighbours, first those that
    feed it; last from what Inputs and Outputs declare, since exporters put batch dimensions there.

    Returns
    -------
    dict
        Node name to (shape in, shape out).

    Raises
    ------
    NetworkError
        If an Input or Output declares another number of values than its neighbours have.
    """
    shapes = {name: _own(node) for name, node in nodes.items()}
    known: dict[str, tuple[Shape, Shape]] = {name: s for name, s in shapes.items() if s is not None}
    _spread(graph, nodes, known)
    for kind in ("Input", "Output"):
        for name in graph.of_type(kind):
            declared = declared_shape(graph.nodes[name])
            if name not in known and declared is not None:
                known[name] = (declared, declared)
                _spread(graph, nodes, known)
    for name in graph.nodes:
        if name not in known and isinstance(nodes.get(name), SpatialNode):
            raise NetworkError(
                f"node {name!r}: nothing says the shape of what reaches it; give the Input its shape, or the node its input_shape"
            )
        known.setdefault(name, ((1,), (1,)))
    _check_neurons(graph, nodes, known, note)
    _check_ports(graph, known, note)
    _check_edges(graph, known, note)
    return known


def broadcast(values: FloatArray, own: Shape, size: int) -> FloatArray:
    """``values`` as one number for each of ``size`` neurons, in row-major order.

    Parameters
    ----------
    own
        The shape that all arrays of the node broadcast to.
    """
    full = np.broadcast_to(values, own).ravel()
    return np.array(np.broadcast_to(full, (size,)), dtype=np.float64)


def _own(node: NeuronNode | LinearNode | SpatialNode) -> tuple[Shape, Shape] | None:
    """Shape that a node's own arrays give; None where they hold one value only, or work on images of any size."""
    if isinstance(node, SpatialNode):
        shape = node.own_shape
        return None if shape is None else (shape, node.result_shape(shape))
    if isinstance(node, LinearNode):
        if node.weight is not None:
            return (node.weight.shape[1],), (node.weight.shape[0],)
        shape = _parameter_shape(node) or ()
    else:
        shape = node.shape
    return (shape, shape) if prod(shape) > 1 else None


def _spread(graph: FlatGraph, nodes: Nodes, known: dict[str, tuple[Shape, Shape]]) -> None:
    """Give nodes of unknown shape that of a neighbour, forwards as far as possible, then backwards.

    Convolutions and pooling change shapes: they take theirs from before, and a shape behind one says nothing.
    """
    changed = True
    while changed:
        changed = False
        for forwards in (True, False):
            for name in graph.nodes:
                if name in known:
                    continue
                found = _from_neighbours(graph, nodes, known, name, forwards)
                if found is not None:
                    known[name] = found
                    changed = True
            if changed:
                break


def _from_neighbours(
    graph: FlatGraph, nodes: Nodes, known: dict[str, tuple[Shape, Shape]], name: str, forwards: bool
) -> tuple[Shape, Shape] | None:
    """Shape before and after a node, from what feeds it or, backwards, what it feeds; None where they do not say."""
    neighbours = graph.before(name) if forwards else graph.after(name)
    neighbour = next((n for n in neighbours if n in known), None)
    if neighbour is None:
        return None
    found, node = known[neighbour][1 if forwards else 0], nodes.get(name)
    if graph.nodes[name].type == "Flatten":
        before = found if forwards else declared_shape(graph.nodes[name], "input_type") or found
        return before, (prod(before),)
    if not isinstance(node, SpatialNode):
        return found, found
    if not forwards:
        return None
    if graph.nodes[neighbour].type == "Input":  # exporters put batch dimensions there
        found = found[-node.dimensions - 1 :]
        known[neighbour] = (found, found)
    shape = node.source_shape(found)
    return shape, node.result_shape(shape)


def _check_neurons(graph: FlatGraph, nodes: Nodes, known: dict[str, tuple[Shape, Shape]], note: Note) -> None:
    """Note parameters with fewer values than neurons, and batch dimensions in the shape of neurons."""
    for name, node in nodes.items():
        own = _parameter_shape(node)
        if own is None:
            continue
        shape = known[name][0]
        if prod(own) == 1 and prod(shape) > 1:
            note(f"node {name!r}: its parameters are single values: broadcast to shape {shape}")
        elif isinstance(node, NeuronNode):
            single = sorted(k for k, v in node.values.items() if v.shape != own and k not in node.missing | {"w_in"})
            if single:
                note(f"node {name!r}: {', '.join(single)} broadcast to shape {shape}")
        for source in graph.before(name):
            given = known[source][1] if source in known else ()
            if source in nodes and given != shape and _trailing(shape, given):
                note(f"node {name!r} has shape {shape} but {source!r} gives {given}: leading dimensions dropped")
                known[name] = (given, given)
                break


def _parameter_shape(node: NeuronNode | LinearNode | SpatialNode) -> Shape | None:
    """Shape of a node's parameters, where it has one value for each value that passes."""
    if isinstance(node, NeuronNode):
        return node.shape
    own = None if isinstance(node, SpatialNode) else node.scale if node.scale is not None else node.delay
    return None if own is None else own.shape


def _trailing(shape: Shape, inner: Shape) -> bool:
    """Whether ``shape`` is ``inner`` behind dimensions of 1."""
    return 0 < len(inner) < len(shape) and shape == (1,) * (len(shape) - len(inner)) + inner


def _check_ports(graph: FlatGraph, known: dict[str, tuple[Shape, Shape]], note: Note) -> None:
    """Compare what Inputs, Outputs and subgraphs' ports declare with what their neighbours have."""
    for name, node in graph.nodes.items():
        if node.type not in ("Input", "Output", PASS):
            continue
        declared, needed = declared_shape(node), known[name][0]
        label = f"{'port' if node.type == PASS else node.type} {name!r}"
        if declared is None:
            note(f"{label} states no shape: taken as {needed}")
            continue
        if declared == needed:
            continue
        label = f"{label} has shape {declared}"
        if declared[-len(needed) :] == needed:
            note(f"{label} where {needed} is needed: batch dimension dropped")
        elif prod(declared) == prod(needed):
            note(f"{label} where {needed} is needed: values taken in row-major order")
        else:
            raise NetworkError(f"{label}, but its neighbours have {needed}; correct the file")


def _check_edges(graph: FlatGraph, known: dict[str, tuple[Shape, Shape]], note: Note) -> None:
    """Refuse edges between different numbers of values; note those between different shapes."""
    for source, target in graph.edges:
        given, taken = known[source][1], known[target][0]
        if prod(given) != prod(taken):
            raise NetworkError(
                f"edge {source!r} -> {target!r}: {source!r} gives {prod(given)} values (shape {given}), {target!r} takes "
                f"{prod(taken)} (shape {taken}); correct the file"
            )
        if given != taken:
            note(f"edge {source!r} -> {target!r} joins shape {given} to {taken}: values taken in row-major order")
