"""From checked nodes to a Network: SI units, one matrix per connection, delays, readouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError, NetworkError
from neuroalign.export.cycles import check_closing, closing_edges
from neuroalign.export.nir_graph.compose import Drive, Source, compose
from neuroalign.export.nir_graph.flatten import FlatGraph
from neuroalign.export.nir_graph.parameters import GAINS, LinearNode, NeuronNode, Shape
from neuroalign.export.nir_graph.shapes import broadcast
from neuroalign.export.nir_graph.time import raised_to_dt
from neuroalign.export.nir_graph.tree import Edge, Note
from neuroalign.network import Connection, FloatArray, InputPort, Network, NeuronKind, Population, ResetMode

Initial = Literal["rest", "zero", "settled"]
GainUnit = Literal["step", "second"]
Nodes = Mapping[str, NeuronNode | LinearNode]
ENDLESS_STEPS = 2.0**60
"""Steps of a time constant that stands for an infinite one: 1 - 2**-60 is 1 in double precision."""
LONGEST_DELAY = 1_000_000
"""Steps; longer ones are a unit mistaken."""


@dataclass(frozen=True)
class Timing:
    """What the file does not state: dt in s, the factor from its time constants to s, reset, start and gain of IF."""

    dt: float
    tau_scale: float
    reset: ResetMode
    initial: Initial
    if_gain: GainUnit

    def __post_init__(self) -> None:
        for label, value, known in (("initial", self.initial, Initial), ("if_gain", self.if_gain, GainUnit)):
            if value not in get_args(known):
                raise InputError(f"{label} {value!r} is unknown; it is one of {', '.join(get_args(known))}")


def build_network(
    name: str,
    graph: FlatGraph,
    nodes: Nodes,
    shapes: Mapping[str, tuple[Shape, Shape]],
    timing: Timing,
    closing: Sequence[Edge] | None,
    assume: Note,
) -> Network:
    """The Network of a flattened graph.

    Populations are in the order in which signals reach them, connections in the order of their targets.
    """
    linear = {k: n for k, n in nodes.items() if isinstance(n, LinearNode)}
    sizes = {k: prod(s[0]) for k, s in shapes.items()}
    drives = compose(graph, linear, sizes, _steps(linear, sizes, timing, assume))
    inputs = graph.of_type("Input")
    outputs, readouts = _outputs(graph, linear, drives, assume)
    drives = {k: d for k, d in drives.items() if isinstance(nodes.get(k), NeuronNode)} | readouts
    edges = [(source, target) for target, drive in drives.items() for source, late in drive.maps if late == 0]
    delayed = _closing(inputs, edges, closing, assume)
    order = _signal_order(inputs, drives, delayed)
    populations = tuple(
        _population(node, shapes[k][0], drives[k].constant, timing)
        if isinstance(node := nodes.get(k), NeuronNode)
        else _readout(k, drives[k])
        for k in order
    )
    _state_assumptions([n for n in nodes.values() if isinstance(n, NeuronNode)], timing, assume)
    rank = {k: i for i, k in enumerate([*inputs, *order])}
    connections = tuple(
        _connection(source, target, drives[target], (source[0], target) in delayed)
        for target in order
        for source in sorted(drives[target].maps, key=lambda s: (rank[s[0]], s[1]))
    )
    ports = tuple(InputPort(k, shapes[k][1]) for k in inputs)
    return Network(name, timing.dt, ports, populations, connections, outputs, timing.reset)


def _connection(source: Source, target: str, drive: Drive, closes: bool) -> Connection:
    """The connection of one source and delay; the edge that closes a cycle carries one step unless it waits anyway."""
    name, late = source
    weights = drive.weights(source)
    label = f"{name}->{target}" + (f"#{late}" if late else "")
    steps = late or int(closes)
    return Connection(label, name, target, weights.values, steps, pattern=weights.pattern)


def _steps(
    linear: Mapping[str, LinearNode], sizes: Mapping[str, int], timing: Timing, assume: Note
) -> dict[str, NDArray[np.int64]]:
    """Delay nodes' steps of dt, one for each value."""
    found = {}
    for name, node in linear.items():
        if node.delay is None:
            continue
        steps = broadcast(node.delay, node.delay.shape, sizes[name]) * (timing.tau_scale / timing.dt)
        whole = np.rint(steps)
        off = float(np.abs(steps - whole).max())
        if off > 1e-6:
            assume(f"node {name!r}: delays are rounded to whole steps of {timing.dt:g} s, by up to {off:.2g} of one")
        if steps.max() > LONGEST_DELAY:
            raise NetworkError(
                f"node {name!r}: a delay of {float(steps.max()):.4g} steps of {timing.dt:g} s; at most {LONGEST_DELAY} are "
                "read; check the unit of the file's delays (--tau-unit)"
            )
        found[name] = whole.astype(np.int64)
    return found


def _outputs(
    graph: FlatGraph, linear: Mapping[str, LinearNode], drives: Mapping[str, Drive], assume: Note
) -> tuple[tuple[tuple[str, str], ...], dict[str, Drive]]:
    """Pairs (output, population), and what drives the readouts that had to be made.

    An Output that one population feeds unchanged reads that population. Any other gets a readout, a population of kind
    "Linear" named after the node that feeds the Output (after the Output where several do); where several populations
    feed it, it sums them, as NIR's fan-in does.
    """
    outputs: list[tuple[str, str]] = []
    readouts: dict[str, Drive] = {}
    for name in graph.of_type("Output"):
        drive = drives[name]
        source = _unchanged(drive)
        if source is not None:
            if graph.nodes[source].type == "Input":
                raise NetworkError(f"output {name!r} is input {source!r} unchanged; there is no neuron between")
            outputs.append((name, source))
            continue
        before = graph.before(name)
        readout = before[0] if len(before) == 1 else name
        readouts[readout] = drive
        outputs.append((name, readout))
        assume(
            f"output {name!r} is read by {readout!r}, neurons without memory that sum {', '.join(dict.fromkeys(s for s, _ in drive.maps))}"
        )
    return tuple(outputs), readouts


def _unchanged(drive: Drive) -> str | None:
    """The one source whose values arrive as they are and at once; None where something changes them."""
    if len(drive.maps) != 1 or drive.constant.any():
        return None
    (source, late), part = next(iter(drive.maps.items()))
    return source if part is None and late == 0 else None


def _closing(
    inputs: Sequence[str], edges: Sequence[Edge], chosen: Sequence[Edge] | None, assume: Note
) -> frozenset[Edge]:
    """The edges that carry one step."""
    if chosen is not None:
        return frozenset(check_closing(inputs, edges, chosen))
    found = closing_edges(inputs, edges)
    for source, target in found:
        assume(f"edge {source} -> {target} closes a cycle and carries one step")
    return frozenset(found)


def _signal_order(inputs: Sequence[str], drives: Mapping[str, Drive], delayed: frozenset[Edge]) -> list[str]:
    """Populations, each after all that feed it within the step; by name where that leaves a choice."""
    order: list[str] = []
    placed = set(inputs)
    waiting = sorted(drives)
    while waiting:
        ready = [k for k in waiting if all(late or s in placed or (s, k) in delayed for s, late in drives[k].maps)]
        order += ready
        placed.update(ready)
        waiting = [k for k in waiting if k not in placed]
    return order


def _population(node: NeuronNode, shape: Shape, bias: FloatArray, timing: Timing) -> Population:
    """A population in SI units from a NIR node.

    ====================  ==========================================================
    LIF, LI               ``tau_mem = tau``, ``tau_syn = 0``
    CubaLIF, CubaLI       as they are
    IF, I                 ``tau_mem = inf``; ``r/dt`` where the gain is per step
    Threshold             ``tau_mem = tau_syn = 0``, ``r = 1``, ``v_threshold = threshold``
    ====================  ==========================================================
    """
    size = prod(shape)

    def value(key: str, default: float, factor: float = 1.0) -> FloatArray:
        return broadcast(node.values[key], node.shape, size) * factor if key in node.values else np.full(size, default)

    leaky = "v_leak" in node.values
    per_step = node.kind in ("IF", "I") and timing.if_gain == "step"
    node = _without_infinity(node, timing)
    v_leak, v_reset = value("v_leak", 0.0), value("v_reset", 0.0)
    v_threshold = value("threshold" if node.kind == "Threshold" else "v_threshold", np.inf)
    w_in, r = value("w_in", 1.0), value("r", 1.0) / (timing.dt if per_step else 1.0)
    v0, i0 = (v_leak if leaky and timing.initial == "rest" else np.zeros(size)), np.zeros(size)
    if leaky and timing.initial == "settled":
        i0 = w_in * bias
        v0 = np.where(v_leak + r * i0 < v_threshold, v_leak + r * i0, v_reset)
    tau_key = {"CubaLIF": "tau_mem", "CubaLI": "tau_mem", "Threshold": ""}.get(node.kind, "tau")
    return Population(
        name=node.name,
        kind=_kind(node.kind),
        shape=shape or (1,),
        tau_mem=raised_to_dt(value(tau_key, np.inf, timing.tau_scale), timing.dt) if tau_key else np.zeros(size),
        tau_syn=raised_to_dt(value("tau_syn", 0.0, timing.tau_scale), timing.dt),
        r=r,
        w_in=w_in,
        v_leak=v_leak,
        v_threshold=v_threshold,
        v_reset=v_reset,
        bias=bias,
        v0=v0,
        i0=i0,
    )


def _without_infinity(node: NeuronNode, timing: Timing) -> NeuronNode:
    """Filters with ``tau = gain = inf``, which keep all and add their input unscaled, in numbers.

    A membrane of which no neuron leaks has ``tau_mem = inf`` and ``r = 1/dt``; elsewhere a time constant stands for it that
    double precision cannot tell from infinite.
    """
    values = dict(node.values)
    for tau, gain in GAINS.items():
        if tau not in values or gain not in values or not np.isinf(values[tau]).any():
            continue
        values[tau], values[gain] = np.broadcast_arrays(values[tau], values[gain])
        endless = np.isinf(values[tau])
        if tau != "tau_syn" and endless.all():
            values[gain] = np.full_like(values[gain], 1 / timing.dt)
        else:
            values[tau] = np.where(endless, timing.dt * ENDLESS_STEPS / timing.tau_scale, values[tau])
            values[gain] = np.where(endless, ENDLESS_STEPS, values[gain])
    return replace(node, values=values)


def _kind(kind: str) -> NeuronKind:
    return next(k for k in get_args(NeuronKind) if k == kind)


def _readout(name: str, drive: Drive) -> Population:
    """Neurons without memory or threshold: ``v = x``."""
    zero, one = np.zeros(drive.size), np.ones(drive.size)
    return Population(
        name=name, kind="Linear", shape=(drive.size,), tau_mem=zero, tau_syn=zero, r=one, w_in=one, v_leak=zero,
        v_threshold=np.full(drive.size, np.inf), v_reset=zero, bias=drive.constant, v0=zero, i0=zero,
    )  # fmt: skip


def _state_assumptions(neurons: Sequence[NeuronNode], timing: Timing, assume: Note) -> None:
    """State what the build took for granted, where it matters."""
    integrators = [n.name for n in neurons if n.kind in ("IF", "I")]
    if integrators and timing.if_gain == "step":
        assume(
            f"{', '.join(integrators)}: input x adds r x in every step, as the frameworks that write IF mean it "
            "(NIR's equation would add r x dt); --if-gain second otherwise"
        )
    leaking = [n.name for n in neurons if "v_leak" in n.values and n.values["v_leak"].any()]
    if leaking and timing.initial == "rest":
        assume(f"{', '.join(leaking)}: v starts at v_leak, i at 0; --initial zero starts v at 0")
    if timing.initial == "settled":
        assume(
            "v and i start where leak and bias alone would bring them; where that is above threshold, v starts at v_reset"
        )
    unset = [n.name for n in neurons if "v_reset" in n.missing and n.name in leaking]
    if unset:
        assume(
            f"{', '.join(unset)}: the file has no v_reset, as files before NIR 1.0.6; 0 V taken although v_leak is not 0"
        )
