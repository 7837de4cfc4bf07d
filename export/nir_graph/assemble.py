"""The NIR graph of a ChipNetwork: standard nodes only, whole enough that no reader has to repair it.

A connection is a Linear or Affine node; the constant drive of a population is the bias of the first one into it. Where a
reader would add or drop something, it is made explicit: a population that nothing drives, or an input that drives
nothing, gets weights of 0; a population that nothing reads gets an Output. Delays are not written as Delay nodes:
Norse's reader silently ends the graph at one. They are in the metadata, as is what was added here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any

import numpy as np

from neuroalign.chip import ChipNetwork, Convolution
from neuroalign.errors import NetworkError
from neuroalign.export.hdf5 import Tree
from neuroalign.export.nir_graph.images import Images, convolution_fields, find_images
from neuroalign.export.nir_graph.meaning import Part, choose_frame, neuron_meaning
from neuroalign.export.nir_graph.nodes import Target, make_target, neuron_node
from neuroalign.export.nir_graph.stated import StatedConnection, StatedModel, StatedPopulation
from neuroalign.network import Connection, FloatArray, Network


@dataclass
class NirGraph:
    """Nodes by name with the fields that NIR stores, and edges."""

    nodes: dict[str, Tree] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)

    def add(self, name: str, kind: str, fields: Mapping[str, Any]) -> str:
        """Add a node; its name becomes a word that frameworks take as a module's name, and a free one."""
        plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
        plain = f"n{plain}" if plain[0].isdigit() else f"{plain}_" if iskeyword(plain) else plain
        free, k = plain, 2
        while free in self.nodes:
            free, k = f"{plain}_{k}", k + 1
        self.nodes[free] = {"type": kind, **fields}
        return free

    def linear(self, name: str, ends: tuple[str, str], weight: FloatArray, bias: FloatArray | None) -> str:
        """Add a Linear, or an Affine where there is a bias, between two nodes (none after it where the name is "")."""
        if bias is not None and bias.any():
            node = self.add(name, "Affine", {"weight": weight, "bias": bias})
        else:
            node = self.add(name, "Linear", {"weight": weight})
        self.edges += [(ends[0], node), (node, ends[1])] if ends[1] else [(ends[0], node)]
        return node

    def port(self, name: str, kind: str, shape: tuple[int, ...]) -> str:
        """Add an Input or Output."""
        return self.add(name, kind, {"shape": np.array(shape, dtype=np.int64)})

    def convolution(self, name: str, ends: tuple[str, str], kind: str, fields: Mapping[str, Any]) -> str:
        """Add a Conv1d or Conv2d between two nodes (none after it where the name is "")."""
        node = self.add(name, kind, fields)
        self.edges += [(ends[0], node), (node, ends[1])] if ends[1] else [(ends[0], node)]
        return node

    def flattened(self, node: str, shape: tuple[int, ...]) -> str:
        """The node whose values are those of ``node`` in a row: itself where it is flat, else a Flatten behind it."""
        if len(shape) == 1:
            return node
        known = next((b for a, b in self.edges if a == node and self.nodes[b]["type"] == "Flatten"), None)
        if known is None:
            ends = {"start_dim": np.array(0), "end_dim": np.array(-1)}
            known = self.add(f"{node}_flat", "Flatten", {"input_type": np.array(shape, dtype=np.int64), **ends})
            self.edges.append((node, known))
        return known


def chip_graph(chip: ChipNetwork, network: Network | None) -> tuple[NirGraph, StatedModel]:
    """The graph of a chip's float meaning, and what a Network has beyond it.

    Parameters
    ----------
    network
        The Network that ``chip`` was made from: gives the learning rules, and which share of a constant drive is leak.

    Raises
    ------
    NetworkError
        If there is no population, resets differ between populations, or ``network`` is another one.
    """
    _check(chip, network)
    meanings = {p.name: neuron_meaning(p) for p in chip.populations}
    frame = choose_frame(chip, meanings)
    targets = {name: make_target(m, frame, network) for name, m in meanings.items()}
    graph = NirGraph()
    images = find_images(chip, targets, _padded(chip, targets))
    ports = {i.name: graph.port(i.name, "Input", images.shape(i.name, i.size)) for i in chip.inputs}
    readouts = _readouts(chip, targets)
    named = ports | {
        k: graph.add(k, *neuron_node(t, chip.dt, images.shape(k, t.size)))
        for k, t in targets.items()
        if k not in readouts
    }
    wires = _add_synapses(graph, chip, targets, named, readouts, images)
    _add_padding(graph, chip, targets, named, images)
    outputs = tuple((_add_output(graph, name, targets[p], named, images), name, p) for name, p in chip.outputs)
    read = {p for _, p in chip.outputs}
    for name, target in targets.items():
        if not target.feeds and name not in read:
            _add_output(graph, f"output_{name}", target, named, images)
    stated = {} if network is None else {c.name: c for c in network.connections}
    populations = []
    for name, target in targets.items():
        v0, i0 = target.start(frame.start[name])
        populations.append(StatedPopulation(named[name], name, target.meaning.population.shape, v0, i0))
    return graph, StatedModel(
        frame=frame.name,
        inputs=tuple((node, name) for name, node in ports.items()),
        populations=tuple(populations),
        connections=tuple(_stated_connection(p, wires.get(p.name), frame.lag, stated) for p in frame.parts),
        outputs=outputs,
    )


def _check(chip: ChipNetwork, network: Network | None) -> None:
    if not chip.populations:
        raise NetworkError(f"network {chip.name!r} has no population, so there is no graph to write")
    for p in chip.populations:
        beyond = {
            "a second threshold": p.threshold_low is not None, "a periodic reset": p.reset_interval > 0,
            "refractory steps": p.refractory_steps > 0, "escape noise": p.escape is not None,
            "a window": p.window_steps > 1,
        }  # fmt: skip
        found = ", ".join(name for name, there in beyond.items() if there)
        if found:
            raise NetworkError(
                f"population {p.name!r} has {found}, which no NIR node says: the file would run as plain neurons elsewhere; "
                "save networks without them"
            )
    resets = {p.reset: p.name for p in chip.populations}
    if len(resets) > 1:
        raise NetworkError(
            f"network {chip.name!r}: {resets['zero']!r} resets to zero, {resets['subtract']!r} by subtraction; a NIR file "
            "is read with one reset for all populations, so save them as two networks"
        )
    if network is not None and {p.name: p.size for p in network.populations} != {
        p.name: p.size for p in chip.populations
    }:
        raise NetworkError(
            f"network {network.name!r} has other populations than the chip network {chip.name!r}; give the one it was compiled from"
        )


def _readouts(chip: ChipNetwork, targets: Mapping[str, Target]) -> frozenset[str]:
    """Populations that are no neurons in NIR but the linear node before an Output, which Norse reads and LI it does not."""
    read = {p for _, p in chip.outputs}
    found = {
        name
        for name, t in targets.items()
        if t.meaning.memoryless
        and not t.meaning.population.spiking
        and len(t.parts) == 1
        and not t.feeds
        and name in read
    }
    return frozenset(found) if len(found) < len(targets) else frozenset()


def _add_synapses(
    graph: NirGraph,
    chip: ChipNetwork,
    targets: Mapping[str, Target],
    named: dict[str, str],
    readouts: frozenset[str],
    images: Images,
) -> dict[str, str]:
    """Add a node for each part that drives its target; part name to node name. Readouts are named after their node."""
    units = {i.name: i.value_per_unit for i in chip.inputs}
    wires = {}
    for name, target in targets.items():
        bias = target.bias
        for part in target.parts:
            source = part.connection.source
            label = name if name in readouts else f"w_{source}_{name}"
            ends, unit = (named[source], named.get(name, "")), units.get(source, 1.0)
            if isinstance(part.pattern, Convolution) and images.holds(part):
                fields = convolution_fields(part.pattern, target.kernel(part, unit), bias)
                wires[part.name] = graph.convolution(label, ends, *fields)
            else:
                flat = graph.flattened(ends[0], images.shape(source, part.connection.shape[1]))
                wires[part.name] = graph.linear(label, (flat, ends[1]), target.weight(part, unit), bias)
            if name in readouts:
                named[name] = wires[part.name]
            bias = np.zeros_like(bias)
    return wires


def _idle(chip: ChipNetwork, targets: Mapping[str, Target]) -> list[tuple[str, int]]:
    """Inputs that drive nothing, and their sizes."""
    driving = {p.connection.source for t in targets.values() for p in t.parts}
    return [(i.name, i.size) for i in chip.inputs if i.name not in driving]


def _padded(chip: ChipNetwork, targets: Mapping[str, Target]) -> frozenset[str]:
    """The population that takes weights of 0 from inputs that drive nothing."""
    return frozenset(list(targets)[:1]) if _idle(chip, targets) else frozenset()


def _add_padding(
    graph: NirGraph, chip: ChipNetwork, targets: Mapping[str, Target], named: Mapping[str, str], images: Images
) -> None:
    """Weights of 0 into populations that nothing drives, and from inputs that drive nothing."""
    idle = _idle(chip, targets)
    unfed = [t for t in targets.values() if not t.parts]
    if not idle and not unfed:
        return
    sources = {name: (named[name], size) for name, size in idle} or {
        i.name: (graph.flattened(named[i.name], images.shape(i.name, i.size)), i.size) for i in chip.inputs
    }
    if not sources:
        sources = {"": (graph.port("no_input", "Input", (1,)), 1)}
        idle = [("", 1)]
    first = next(iter(sources.values()))
    for target in unfed:
        weight = np.zeros((target.size, first[1]))
        graph.linear(f"w_0_{target.name}", (first[0], named[target.name]), weight, target.bias)
    some = next(iter(targets.values()))
    for name, size in idle[1:] if unfed else idle:
        graph.linear("w_0", (sources[name][0], named[some.name]), np.zeros((some.size, size)), None)


def _add_output(graph: NirGraph, name: str, target: Target, named: Mapping[str, str], images: Images) -> str:
    node = graph.port(name, "Output", images.shape(target.name, target.size))
    graph.edges.append((named[target.name], node))
    return node


def _stated_connection(
    part: Part, node: str | None, lag: Mapping[str, int], stated: Mapping[str, Connection]
) -> StatedConnection:
    """What the graph does not say of a connection: its delay and, where it learns, rule and phases."""
    c = part.connection
    phases = () if c.plasticity is None else c.plasticity.phases
    own = stated.get(c.name) if c.plasticity is not None else None
    weight = None if node is not None else part.held * (1.0 if c.plasticity is None else c.plasticity.weight_unit)
    return StatedConnection(
        name=part.name,
        source=c.source,
        target=c.target,
        node=node or "",
        weight=weight,
        delay_steps=part.delay_steps,
        drives=c.drives,
        learns=c.plasticity is not None,
        learning=own.learning
        if own is not None
        else tuple((max(1, start - lag[c.target]), stop - lag[c.target]) for start, stop in phases) or None,
        rule=own.rule if own is not None else None,
        modulator=own.modulator if own is not None else "",
        pattern=part.pattern,
    )
