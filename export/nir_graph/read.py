"""NIR files to Networks: repairs and assumptions are listed, never silent.

Reads with its own reader, since the reference reader refuses files that exist in the wild. Units, dt, reset mode and
the delay of recurrent edges, which the format does not state, are asked for, inferred from clues, or stated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neuroalign.errors import FileFormatError, InputError, NetworkError
from neuroalign.export.hdf5 import read_tree
from neuroalign.export.nir_graph.build import GainUnit, Initial, Timing, build_network
from neuroalign.export.nir_graph.conventions import as_written, rewired
from neuroalign.export.nir_graph.flatten import FlatGraph, flatten
from neuroalign.export.nir_graph.late_reset import with_late_reset
from neuroalign.export.nir_graph.parameters import (
    LINEAR,
    NEURONS,
    SPATIAL,
    LinearNode,
    NeuronNode,
    linear_node,
    neuron_node,
    unsupported,
)
from neuroalign.export.nir_graph.shapes import resolve_shapes
from neuroalign.export.nir_graph.spatial import SpatialNode, spatial_node
from neuroalign.export.nir_graph.stated import with_stated
from neuroalign.export.nir_graph.time import TauUnit
from neuroalign.export.nir_graph.tree import Edge, Note, parse_graph
from neuroalign.export.nir_graph.unstated import FileReset, settle_reset, settle_time
from neuroalign.export.nir_graph.written_by import Writer, guess_writer
from neuroalign.network import Network


@dataclass(frozen=True, eq=False)
class ImportedNetwork:
    """A network from a file.

    Parameters
    ----------
    network
        The network.
    repairs
        What had to be changed in the file to read it, one line each.
    assumptions
        What the file does not say and was inferred or assumed, one line each.
    source
        The file's path.
    """

    network: Network
    repairs: tuple[str, ...]
    assumptions: tuple[str, ...]
    source: str


def read_nir(
    path: str | Path,
    *,
    dt: float | None = None,
    reset: FileReset | None = None,
    strict: bool = False,
    initial: Initial = "rest",
    tau_unit: TauUnit | None = None,
    if_gain: GainUnit = "step",
    closing: Sequence[Edge] | None = None,
    written_by: Writer | None = None,
) -> ImportedNetwork:
    """Read a NIR file.

    Parameters
    ----------
    path
        The file.
    dt : s
        Time step; None infers it where the file holds a clue.
    reset
        "zero" (to v_reset), "subtract", or "subtract-late" (the threshold is subtracted behind the decay of the next step,
        as snnTorch and Spyx do); None takes what the file's metadata states, else "zero", stated as assumption.
    strict
        Refuse a file that needs repairs.
    initial
        State before the first step: "rest" (v at v_leak, as Norse starts), "zero", or "settled" (where leak and bias
        alone lead; v_reset where that is above threshold).
    tau_unit
        Unit of the file's time constants: "s", "ms", "steps", or "dt" for seconds times dt (a fault of norse 1.1.0).
        None reads seconds, and refuses values that are implausible as seconds.
    if_gain
        What IF and I add for input x: ``r x`` each "step" (as all frameworks that write IF do) or ``r x`` per "second".
    closing
        Edges (source, target) between populations that carry one step; None takes those that close a cycle depth-first.
    written_by
        Take parameters as this framework means them (:mod:`neuroalign.export.nir_graph.conventions`); None takes NIR's equations.

    Returns
    -------
    ImportedNetwork
        The network with all repairs and assumptions.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or its repair is ambiguous, or it needs one under ``strict``.
    NetworkError
        If shapes do not fit or numbers are not finite.
    InputError
        If dt or the unit of time has to be given.

    Examples
    --------
    >>> import neuroalign
    >>> network = neuroalign.read_nir("network.nir", dt=1e-3, reset="zero").network
    >>> [c.name for c in network.connections]
    ['input->hidden', 'hidden->readout']
    """
    repairs: list[str] = []
    assumptions: list[str] = []
    note = _refuse if strict else repairs.append
    with naming(path):
        content = load(path, note)
        refusal = unsupported(content.graph)
        if refusal:
            raise NetworkError(refusal)
        graph = rewired(content.graph, written_by, note)
        parsed = parse_nodes(graph, note)
        shapes = resolve_shapes(graph, parsed, note)
        nodes = {k: n.linear(shapes[k][0]) if isinstance(n, SpatialNode) else n for k, n in parsed.items()}
        stored = {k: n for k, n in nodes.items() if isinstance(n, NeuronNode)}
        if not stored:
            raise NetworkError("the graph has no neurons; at least one node of " + ", ".join(NEURONS) + " is needed")
        hint = _writer_hint(content, list(stored.values()), written_by)
        if hint:
            assumptions.append(hint)
        read = as_written(written_by, stored, dt, tau_unit, reset, note, assumptions.append)
        nodes |= read.neurons
        neurons = list(read.neurons.values())
        with _adding(hint):
            step, scale = settle_time(neurons, read.dt, read.tau_unit, content.metadata, note, assumptions.append)
        mode = settle_reset(read.reset, neurons, content.metadata, assumptions.append)
        timing = Timing(step, scale, mode, initial, if_gain)
        assumed: list[str] = []
        network = build_network(Path(path).stem, graph, nodes, shapes, timing, closing, assumed.append)
        stated = None
        if closing is None and initial == "rest":
            stated = with_stated(network, nodes, content.metadata, assumptions.append)
        if read.reset == "subtract-late":
            network = with_late_reset(network, filtered_at_once=written_by == "spyx")
        # Where our metadata states it all, nothing about the graph was assumed.
        if stated is None:
            assumptions += assumed
    return ImportedNetwork(stated or network, tuple(repairs), tuple(assumptions), str(path))


@dataclass(frozen=True, eq=False)
class NirContent:
    """A file's flattened graph with its metadata."""

    graph: FlatGraph
    metadata: Mapping[str, object]
    version: str


def load(path: str | Path, note: Note) -> NirContent:
    """The flattened graph of a file, its structure repaired."""
    tree = read_tree(path)
    raw = parse_graph(tree, note)
    version = tree.get("version")
    return NirContent(flatten(raw, note), raw.metadata, version if isinstance(version, str) else "")


def parse_nodes(graph: FlatGraph, note: Note) -> dict[str, NeuronNode | LinearNode | SpatialNode]:
    """Parameters of all neurons and of the nodes between them, by name."""
    nodes: dict[str, NeuronNode | LinearNode | SpatialNode] = {}
    for node in graph.nodes.values():
        if node.type in NEURONS:
            nodes[node.name] = neuron_node(node, note)
        elif node.type in LINEAR:
            nodes[node.name] = linear_node(node, note)
        elif node.type in SPATIAL:
            nodes[node.name] = spatial_node(node, note)
    return nodes


def _writer_hint(content: NirContent, neurons: Sequence[NeuronNode], given: Writer | None) -> str:
    """Which framework probably wrote the file, and the option that follows; "" where the user has named one."""
    guess = None if given is not None else guess_writer(content.graph, neurons, content.metadata)
    return f"{guess}; --written-by {guess.writer} takes its parameters as it means them" if guess is not None else ""


@contextmanager
def _adding(hint: str) -> Iterator[None]:
    """Put the hint behind a question about time, since the answer follows from the writer."""
    try:
        yield
    except InputError as error:
        if not hint or isinstance(error, FileFormatError | NetworkError):
            raise
        raise type(error)(f"{error}; {hint}") from error


def _refuse(repair: str) -> None:
    raise FileFormatError(f"refused under --strict, since the file needs a repair: {repair}")


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Put the file's name in front of errors that do not have it."""
    try:
        yield
    except InputError as error:
        if str(error).startswith(str(path)):
            raise
        raise type(error)(f"{path}: {error}") from error
