"""Parameters as the framework means them that wrote them, where that differs from NIR's equations.

What each framework computes, for decays ``a`` (synapse) and ``b`` (membrane) per step, and the parameters that give it in
the Euler step of :mod:`neuroalign.network`:

========== ==================================== =================================================================
writer     its step                             read as
========== ==================================== =================================================================
norse      ``i = a i + x``                      tau / dt where below dt; CubaLIF: ``w_in = tau_syn/dt``
snntorch   ``v = b v + x``                      as it is, at its built-in dt of 1e-4 s
sinabs     ``v = b v + (1-b) x, b = e^(-1/tau)``   ``tau = dt/(1-b)``, ``r = 1``; tau of the file in steps
sinabs-sum the same with ``norm_input=False``   ``r = tau/dt``: ``v = b v + x``
rockpool   ``i = a (i + x)``, ``v = b v + i``   ``tau = dt/(1-b)``, ``r = tau/dt``, ``w_in = a tau_syn/dt``
spyx       ``v = b v + x``                      ``r = tau/dt`` (the file holds b), ``w_in = tau_syn/dt``
========== ==================================== =================================================================

What a spike does is not in the parameters: sinabs and rockpool emit several spikes in a step and spike at the threshold
itself; Spyx emits a spike one step late in each layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from neuroalign.errors import InputError
from neuroalign.export.nir_graph.flatten import PASS, FlatGraph
from neuroalign.export.nir_graph.parameters import NeuronNode
from neuroalign.export.nir_graph.time import SHORT, TauUnit, check_dt, check_units, find_clue, time_scale
from neuroalign.export.nir_graph.tree import Note
from neuroalign.export.nir_graph.unstated import FileReset
from neuroalign.export.nir_graph.written_by import SNNTORCH_DT, Writer
from neuroalign.network import FloatArray

NORSE_DT = 1e-3
"""s; the default of norse's ``to_nir``, which a file does not hold: taken where its time constants were multiplied by dt."""
_RESETS: Mapping[str, FileReset] = {
    "sinabs": "subtract", "sinabs-sum": "subtract", "rockpool": "subtract", "spyx": "subtract-late",
}  # fmt: skip
"""What a spike does by default where that is not to v_reset."""
LOOPED = ("Linear", "Affine")
_TAUS = ("tau", "tau_mem", "tau_syn")


@dataclass(frozen=True, eq=False)
class Read:
    """Neurons whose parameters mean what NIR's equations say, and what is now known of time and reset."""

    neurons: Mapping[str, NeuronNode]
    dt: float | None
    tau_unit: TauUnit | None
    reset: FileReset | None


def as_written(
    writer: Writer | None,
    neurons: Mapping[str, NeuronNode],
    dt: float | None,
    tau_unit: TauUnit | None,
    reset: FileReset | None,
    note: Note,
    assume: Note,
) -> Read:
    """Neurons by name as ``writer`` means their parameters; each change is noted.

    Parameters
    ----------
    writer
        The framework; None leaves everything as it is.
    dt, tau_unit, reset
        As the user gave them; where they are None and the framework settles them, that is assumed and said.

    Raises
    ------
    InputError
        If the writer is unknown, or dt has to be given.
    """
    if writer is None:
        return Read(neurons, dt, tau_unit, reset)
    if writer not in get_args(Writer):
        raise InputError(f"writer {writer!r} is unknown; it is one of {', '.join(get_args(Writer))}")
    dt = check_dt(dt) if dt is not None else _own_dt(writer, neurons, assume)
    unit = tau_unit or _own_unit(writer, neurons, dt)
    check_units(neurons.values(), unit)
    if reset is None and writer in _RESETS:
        reset = _RESETS[writer]
        assume(f"reset {reset!r}, the default of {writer}; --reset otherwise")
    if dt is None:
        raise InputError(f"the time step is unknown: {writer} does not write it; add --dt SECONDS")
    changed = {name: _converted(writer, node, dt / time_scale(unit, dt), note) for name, node in neurons.items()}
    return Read(changed, dt, unit, reset)


def rewired(graph: FlatGraph, writer: Writer | None, note: Note) -> FlatGraph:
    """``graph`` with the input of Spyx's recurrent layers led to their neurons.

    Spyx 1.0.0 writes input -> w_rec instead of input -> lif, so that its input would pass the recurrent weights.
    """
    if writer != "spyx":
        return graph
    loops = {
        w: n for w, node in graph.nodes.items() if node.type in LOOPED for n in graph.after(w) if w in graph.after(n)
    }
    edges = []
    for source, target in graph.edges:
        if graph.nodes[source].type == PASS and target in loops:
            note(
                f"edge {source!r} -> {target!r}: led to {loops[target]!r}, since Spyx adds a layer's input to its feedback"
            )
            edges.append((source, loops[target]))
        else:
            edges.append((source, target))
    return FlatGraph(graph.nodes, tuple(sorted(edges)))


def _own_dt(writer: Writer, neurons: Mapping[str, NeuronNode], assume: Note) -> float | None:
    """The dt that a framework has built in, or that its gains give."""
    if writer == "rockpool":
        clue = find_clue(neurons.values())
        return clue.dt if clue is not None and clue.framework == "rockpool" else None
    if writer == "snntorch":
        assume(f"dt = {SNNTORCH_DT:g} s, built into it; --dt otherwise")
        return SNNTORCH_DT
    if writer == "norse" and _shortest(neurons) < SHORT:
        assume(f"dt = {NORSE_DT:g} s, the default of its to_nir; --dt otherwise")
        return NORSE_DT
    return None


def _own_unit(writer: Writer, neurons: Mapping[str, NeuronNode], dt: float | None) -> TauUnit:
    """The unit in which a framework writes time constants: norse 1.1.0 in seconds times dt, others in steps or s."""
    shortest = _shortest(neurons)
    if writer == "norse" and dt is not None and shortest < dt * (1 - 1e-6):
        return "dt"
    return "steps" if writer in ("sinabs", "sinabs-sum") or (writer == "spyx" and shortest >= 1) else "s"


def _shortest(neurons: Mapping[str, NeuronNode]) -> float:
    taus = [n.values[key] for n in neurons.values() for key in _TAUS if key in n.values]
    return min((float(t.min()) for t in taus), default=np.inf)


def _converted(writer: Writer, node: NeuronNode, step: float, note: Note) -> NeuronNode:
    """One neuron node; ``step`` is dt in the unit of the node's time constants."""
    changes: dict[str, FloatArray] = {}
    if writer == "norse" and "w_in" in node.values and (node.values["w_in"] == 1).all():
        changes["w_in"] = node.values["tau_syn"] / step
        note(f"node {node.name!r}: w_in is 1 but norse adds input to the current unscaled: taken as tau_syn/dt")
    elif writer == "spyx":
        changes = _gains_of_one(node, step)
        if changes:
            note(f"node {node.name!r}: r is the decay of Spyx, whose input enters unscaled: gains taken as tau/dt")
    elif writer in ("sinabs", "sinabs-sum", "rockpool"):
        changes = _exponential(writer, node, step)
        if changes:
            note(
                f"node {node.name!r}: {writer} decays by exp(-dt/tau) a step: read as the Euler step that does the same"
            )
    return replace(node, values={**node.values, **changes}) if changes else node


def _gains_of_one(node: NeuronNode, step: float) -> dict[str, FloatArray]:
    """Gains with which input enters unscaled."""
    pairs = (("tau", "r"), ("tau_mem", "r"), ("tau_syn", "w_in"))
    return {gain: node.values[tau] / step for tau, gain in pairs if tau in node.values}


def _exponential(writer: Writer, node: NeuronNode, step: float) -> dict[str, FloatArray]:
    """Time constants whose Euler step decays as ``exp(-step/tau)``, with the writer's gains."""
    changes: dict[str, FloatArray] = {}
    for key in (k for k in _TAUS if k in node.values):
        tau = node.values[key]
        steps = np.divide(step, tau, out=np.full_like(tau, np.inf), where=tau > 0)
        changes[key] = np.divide(step, -np.expm1(-steps), out=np.full_like(tau, np.inf), where=steps > 0)
    if writer in ("rockpool", "sinabs-sum"):
        changes |= _gains_of_one(replace(node, values={**node.values, **changes}), step)
    if writer == "rockpool" and "tau_syn" in node.values:
        changes["w_in"] = changes["w_in"] * (1 - step / changes["tau_syn"])
    if writer == "rockpool" and node.kind == "LI":
        changes["r"] = changes["r"] * (1 - step / changes["tau"])
    return changes
