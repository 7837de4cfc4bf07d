"""What our metadata states of a network beyond its NIR graph: delays, start states, names, learning rules.

The graph itself stays the only source of neuron parameters and of the weights that drive: whoever edits it in another
framework finds the edit again. Where the graph no longer fits the metadata, the metadata is left out, aloud.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from neuroalign.errors import InputError, NetworkError
from neuroalign.export.fields import from_text
from neuroalign.export.nir_graph.images import from_readable, readable
from neuroalign.export.nir_graph.maps import Map, Weights, as_weights, dense, summed
from neuroalign.export.nir_graph.parameters import LinearNode, NeuronNode
from neuroalign.export.nir_graph.tree import Note
from neuroalign.network import Connection, FloatArray, Network
from neuroalign.pattern import Convolution, Pattern, SparsePattern, as_sparse, pattern_problem, same_pattern
from neuroalign.rule import LearningRule

KEY = "neuroalign"
SCHEMA = 1


@dataclass(frozen=True, eq=False)
class StatedPopulation:
    """A population's node, its name and shape, and its states before the first step."""

    node: str
    name: str
    shape: tuple[int, ...]
    v0: FloatArray
    i0: FloatArray


@dataclass(frozen=True, eq=False)
class StatedConnection:
    """A connection's node, "" where it only learns; then ``weight`` holds its weights, in the rule's unit.

    ``pattern`` names the synapses, which the node may hold as a matrix or in a wider kernel.
    """

    name: str
    source: str
    target: str
    node: str
    weight: FloatArray | None
    delay_steps: int
    drives: bool
    learns: bool
    learning: tuple[tuple[int, int], ...] | None
    rule: LearningRule | None
    modulator: str = ""
    pattern: SparsePattern | Convolution | None = None


@dataclass(frozen=True, eq=False)
class StatedModel:
    """Pairs (node, name) of inputs, triples (node, name, population) of outputs; ``frame`` as meaning.Frame."""

    frame: str
    inputs: tuple[tuple[str, str], ...]
    populations: tuple[StatedPopulation, ...]
    connections: tuple[StatedConnection, ...]
    outputs: tuple[tuple[str, str, str], ...]


def with_stated(
    network: Network, nodes: Mapping[str, NeuronNode | LinearNode], metadata: Mapping[str, object], assume: Note
) -> Network | None:
    """``network`` with what the file's metadata states, each statement listed as an assumption; None without any.

    Parameters
    ----------
    network
        As read from the graph alone.
    nodes
        The graph's nodes, for the weights of each connection.

    Raises
    ------
    FileFormatError
        If the metadata is damaged.
    """
    own = metadata.get(KEY)
    if not isinstance(own, Mapping) or "model" not in own:
        return None
    schema = stated_schema(own)
    if schema != SCHEMA:
        assume(f"the metadata is of neuroalign's schema {schema}, this version knows {SCHEMA}: only the graph is read")
        return None
    arrays = own.get("arrays")
    stated: StatedModel = from_text(
        own["model"], arrays.get("model") if isinstance(arrays, Mapping) else None, StatedModel, "the metadata's model"
    )
    lines: list[str] = []
    try:
        joined = _join(network, nodes, stated, lines.append)
    except InputError as error:
        assume(
            f"WARNING: delays, start states and rules of the file's metadata are left out, since they do not fit: {error}"
        )
        return None
    for line in lines:
        assume(line)
    return joined


def stated_schema(own: Mapping[str, object]) -> int | None:
    """The schema that our metadata names; None where it names none."""
    schema = own.get("schema")
    if isinstance(schema, np.ndarray) and schema.size == 1 and schema.dtype.kind in "iu":
        return int(schema.ravel()[0])
    return None


def _join(network: Network, nodes: Mapping[str, NeuronNode | LinearNode], stated: StatedModel, say: Note) -> Network:
    """The network in the stated names and order, with delays, starts and rules."""
    built = {p.name: p for p in network.populations}
    if set(built) != {p.node for p in stated.populations}:
        unlike = sorted(set(built) ^ {p.node for p in stated.populations})
        raise NetworkError(f"population {unlike[0]!r} is in the graph or in the metadata only")
    ports = {p.name: p for p in network.inputs}
    named = {p.node: p.name for p in stated.populations} | dict(stated.inputs)
    missing = sorted({node for node, _ in stated.inputs} - set(ports))
    if missing:
        raise NetworkError(f"input {missing[0]!r} is not in the graph")
    _check_wiring(network, nodes, stated, named)
    populations = tuple(
        replace(built[p.node], name=p.name, shape=p.shape, v0=p.v0, i0=p.i0) for p in stated.populations
    )
    joined = Network(
        network.name,
        network.dt,
        tuple(replace(ports[node], name=name) for node, name in stated.inputs),
        populations,
        tuple(_connections(nodes, stated, say)),
        tuple((name, population) for _, name, population in stated.outputs),
        network.reset,
    )
    steps = " in steps of the chip" if stated.frame == "chip" else ""
    say(f"names, delays{steps} and start states as the file's metadata states")
    return joined


def _check_wiring(
    network: Network, nodes: Mapping[str, NeuronNode | LinearNode], stated: StatedModel, named: Mapping[str, str]
) -> None:
    """Refuse where the stated connections do not add up to those of the graph."""
    parts: dict[tuple[str, str], list[Map]] = {}
    for part in stated.connections:
        if part.node:
            parts.setdefault((part.source, part.target), []).append(_weight(nodes, part))
    for c in network.connections:
        found = parts.pop((named.get(c.source, ""), named.get(c.target, "")), None)
        if found is None:
            expected = Weights(np.zeros_like(c.weight), c.pattern)
        else:
            expected = as_weights(summed(found, c.shape[0]), c.shape[0])
        if not _alike(expected, Weights(c.weight, c.pattern)):
            raise NetworkError(f"connection {c.name!r} has other weights in the graph than its stated parts")
    if parts:
        source, target = next(iter(parts))
        raise NetworkError(f"the graph does not connect {source!r} to {target!r}")


def _alike(left: Weights, right: Weights) -> bool:
    if left.shape != right.shape:
        return False
    if same_pattern(left.pattern, right.pattern):
        return np.allclose(left.values, right.values, rtol=1e-12, atol=0)
    return np.allclose(dense(left), dense(right), rtol=1e-12, atol=0)


def _weight(nodes: Mapping[str, NeuronNode | LinearNode], c: StatedConnection) -> Weights:
    node = nodes.get(c.node)
    if not isinstance(node, LinearNode) or node.weight is None:
        raise NetworkError(f"connection {c.name!r}: the graph has no weights {c.node!r}")
    return Weights(node.weight, node.pattern)


def _held(nodes: Mapping[str, NeuronNode | LinearNode], c: StatedConnection) -> Weights | None:
    """The weights of a connection in the layout that it has; None where there are none."""
    if not c.node:
        return None if c.weight is None else Weights(c.weight, c.pattern)
    weights = _weight(nodes, c)
    if c.pattern is None or same_pattern(weights.pattern, c.pattern):
        return weights
    if pattern_problem(c.pattern) or weights.shape != c.pattern.shape:
        raise NetworkError(f"connection {c.name!r}: the stated synapses do not fit its weights {c.node!r}")
    return Weights(_in_layout(c.name, weights, c.pattern), c.pattern)


def _in_layout(name: str, weights: Weights, pattern: Pattern) -> FloatArray:
    """Values of ``pattern`` from the matrix, or the wider kernel, that holds them in the graph."""
    if isinstance(pattern, Convolution) and weights.pattern is not None and weights.pattern == readable(pattern):
        return from_readable(pattern, weights.values)
    if weights.pattern is not None:
        raise NetworkError(f"connection {name!r}: the graph has another convolution than is stated")
    if isinstance(pattern, SparsePattern):
        return np.asarray(weights.values[pattern.target, pattern.source])
    entries = np.prod(pattern.weight_shape)
    synapses, entry = as_sparse(pattern, np.arange(1.0, entries + 1).reshape(pattern.weight_shape))
    kernel = np.zeros(entries)
    kernel[entry.astype(np.int64) - 1] = weights.values[synapses.target, synapses.source]
    return kernel.reshape(pattern.weight_shape)


def _connections(nodes: Mapping[str, NeuronNode | LinearNode], stated: StatedModel, say: Note) -> Iterator[Connection]:
    for c in stated.connections:
        if c.rule is not None:
            say(f"connection {c.name!r} learns by rule {c.rule.name!r}, as the file's metadata states")
        elif c.learns:
            effect = "its initial weights are kept" if c.drives else "it drives nothing and is left out"
            say(f"connection {c.name!r} is plastic on the chip, but the file does not hold its rule: {effect}")
        held = _held(nodes, c)
        if held is None:
            raise NetworkError(f"connection {c.name!r} has neither node nor weights")
        if c.rule is not None:
            yield Connection(
                c.name,
                c.source,
                c.target,
                held.values,
                c.delay_steps,
                c.rule,
                c.drives,
                c.learning,
                c.modulator,
                held.pattern,
            )
        elif c.drives:
            yield Connection(c.name, c.source, c.target, held.values, c.delay_steps, pattern=held.pattern)
