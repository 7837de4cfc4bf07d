"""Which framework probably wrote a file, by what only it does; a guess, named as one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neuroalign.export.nir_graph.flatten import FlatGraph
from neuroalign.export.nir_graph.parameters import NeuronNode
from neuroalign.export.nir_graph.time import find_clue
from neuroalign.network import FloatArray

Writer = Literal["norse", "snntorch", "sinabs", "sinabs-sum", "rockpool", "spyx"]
SNNTORCH_DT = 1e-4
"""s; snnTorch's exporter and importer have it built in."""


@dataclass(frozen=True)
class Guess:
    """A framework and what in the file speaks for it."""

    writer: Writer
    traits: tuple[str, ...]

    def __str__(self) -> str:
        """One line for the user."""
        return f"{self.writer} probably wrote this file (a guess: {'; '.join(self.traits)})"


def guess_writer(graph: FlatGraph, neurons: Sequence[NeuronNode], metadata: Mapping[str, object]) -> Guess | None:
    """The framework whose traits the file has; None where there are none, or our own metadata says who wrote it."""
    if "neuroalign" in metadata or not neurons:
        return None
    for writer, traits in _TRAITS.items():
        found = traits(graph, neurons)
        if found:
            return Guess(writer, tuple(found))
    return None


def _rockpool(graph: FlatGraph, neurons: Sequence[NeuronNode]) -> list[str]:
    named = _named(graph, r"\d+_\w+Torch")
    clue = find_clue(neurons)
    gains = ["r = (tau/dt) exp(-dt/tau)"] if clue is not None and clue.framework == "rockpool" else []
    return [f"nodes named like {named!r}", *gains] if named else gains


def _spyx(graph: FlatGraph, neurons: Sequence[NeuronNode]) -> list[str]:
    named = _named(graph, r"layer_\d+(\..*)?")
    steps = _spyx_dt(neurons)
    gains = [f"r = 1 - dt/tau for dt = {steps:g}"] if steps is not None else []
    return [f"nodes named like {named!r}", *gains] if named else gains


def _snntorch(graph: FlatGraph, neurons: Sequence[NeuronNode]) -> list[str]:
    endless = any(np.isinf(tau).any() for tau, _ in _pairs(neurons))
    if endless:
        return ["tau = r = inf, its form of beta = 1"]
    clue = find_clue(neurons)
    if clue is None or clue.framework != "snnTorch" or abs(clue.dt - SNNTORCH_DT) > 1e-5 * SNNTORCH_DT:
        return []
    return [f"r = tau/dt for its built-in dt of {SNNTORCH_DT:g} s"]


def _sinabs(graph: FlatGraph, neurons: Sequence[NeuronNode]) -> list[str]:
    numbered = _named(graph, r"\d+")
    if not numbered or not _unit_gains(neurons) or not all(_lacks_reset(n) for n in neurons):
        return []
    taus = [tau for tau, _ in _pairs(neurons)]
    if taus and min(float(t.min()) for t in taus) < 1:
        return []
    steps = ["time constants of 1 and more, which are steps"] if taus else []
    return [*steps, "r = 1", "nodes named by number", "no v_reset, as the NIR 1.0.4 that it pins"]


def _norse(graph: FlatGraph, neurons: Sequence[NeuronNode]) -> list[str]:
    if not _unit_gains(neurons):
        return []
    taus = [tau for tau, _ in _pairs(neurons)]
    short = bool(taus) and max(float(t.max()) for t in taus) < SNNTORCH_DT
    numbered = _named(graph, r"\d+")
    if not (short or numbered):
        return []
    why = [f"time constants below {SNNTORCH_DT:g} s: norse 1.1.0 writes tau x dt"] if short else []
    return [*why, "every r and w_in is 1", *(["nodes named by number"] if numbered else [])]


_TRAITS: Mapping[Writer, Callable[[FlatGraph, Sequence[NeuronNode]], list[str]]] = {
    "rockpool": _rockpool,
    "spyx": _spyx,
    "snntorch": _snntorch,
    "sinabs": _sinabs,
    "norse": _norse,
}
"""In the order of how telling the traits are."""


def _named(graph: FlatGraph, pattern: str) -> str:
    """The first node that is no port and named like ``pattern``; "" where one of them is not."""
    names = [n.name for n in graph.nodes.values() if n.type not in ("Input", "Output", "pass")]
    return names[0] if names and all(re.fullmatch(pattern, name) for name in names) else ""


def _pairs(neurons: Iterable[NeuronNode]) -> list[tuple[FloatArray, FloatArray]]:
    """(tau, gain) of every filter."""
    keys = (("tau", "r"), ("tau_mem", "r"), ("tau_syn", "w_in"))
    return [(n.values[tau], n.values[gain]) for n in neurons for tau, gain in keys if tau in n.values]


def _unit_gains(neurons: Iterable[NeuronNode]) -> bool:
    return all((n.values[key] == 1).all() for n in neurons for key in ("r", "w_in") if key in n.values)


def _lacks_reset(neuron: NeuronNode) -> bool:
    return "v_reset" not in neuron.values or "v_reset" in neuron.missing


def _spyx_dt(neurons: Iterable[NeuronNode]) -> float | None:
    """The one dt of ``r = 1 - dt/tau``, Spyx's r; None where the neurons disagree."""
    found = [
        np.ravel(n.values[key] * (1 - n.values["r"]))
        for n in neurons
        for key in ("tau", "tau_mem")
        if key in n.values and np.isfinite(n.values[key]).all()
    ]
    if not found:
        return None
    steps = np.concatenate(found)
    middle = float(np.median(steps))
    return middle if middle > 0 and bool((np.abs(steps - middle) <= 1e-4 * middle).all()) else None
