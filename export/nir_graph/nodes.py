"""The numbers of NIR's nodes for a ChipNetwork's populations and connections, in a form that other readers run.

Populations become LIF, CubaLIF, IF, LI, CubaLI or I. LIF has r = 1, since Norse drops any other; CubaLIF has
r = tau_mem/dt and w_in = tau_syn/dt, as snnTorch writes it. A target of plastic synapses has the r that keeps the weights
in the rule's unit. ``v_reset`` is left out where it is 0, since NIR 1.0.5 and before cannot read it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroalign.export.hdf5 import Tree
from neuroalign.export.nir_graph.meaning import SLOWEST, Frame, NeuronMeaning, Part, synapse_volts
from neuroalign.network import FloatArray, Network
from neuroalign.pattern import spread_to_synapses

NEVER = 1e38
"""Threshold of neurons that do not spike but feed others; float32 holds it."""


@dataclass(frozen=True, eq=False)
class Target:
    """A population with all that its nodes follow from; arrays (N,).

    Parameters
    ----------
    parts
        The connections that drive it.
    feeds
        Whether it drives others.
    v_leak : V
        Leak of the file; the rest of the constant drive is its bias.
    gain : V
        What one unit of the file's weights adds to V in the step of a spike.
    """

    meaning: NeuronMeaning
    parts: tuple[Part, ...]
    feeds: bool
    v_leak: FloatArray
    gain: FloatArray

    @property
    def name(self) -> str:
        """The population's name."""
        return self.meaning.population.name

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.meaning.population.size

    @property
    def bias(self) -> FloatArray:
        """What is left of the constant drive, in units of the input."""
        m = self.meaning
        return (m.drive - m.decay_v * (self.v_leak - m.offset)) * np.maximum(m.decay_u, SLOWEST) / self.gain

    def unit(self, part: Part, value_per_unit: float) -> FloatArray:
        """Weight of the file that one held unit means, (N,); ``value_per_unit`` of a graded source."""
        return np.asarray(synapse_volts(part.connection, self.meaning) / (self.gain * value_per_unit))

    def weight(self, part: Part, value_per_unit: float) -> FloatArray:
        """Weights of the file, (N, N_source)."""
        return np.asarray(part.matrix() * self.unit(part, value_per_unit)[:, None], dtype=np.float64)

    def kernel(self, part: Part, value_per_unit: float) -> FloatArray:
        """Weights of the file, as a convolution's kernel."""
        return np.asarray(part.held * spread_to_synapses(self.unit(part, value_per_unit), part.pattern))

    def start(self, state: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray]:
        """(v0, i0) of :class:`~neuroalign.network.Population` from (u, v) in volts."""
        remains = self.meaning.decay_u < 1
        steady = self.bias / np.maximum(self.meaning.decay_u, SLOWEST)
        return state[1], np.where(remains, state[0] / self.gain + steady, 0.0)


def make_target(m: NeuronMeaning, frame: Frame, network: Network | None) -> Target:
    """A population's connections, leak and gain."""
    name = m.population.name
    parts = tuple(p for p in frame.parts if p.connection.drives and p.connection.target == name)
    learning = [(p.connection, p.connection.plasticity) for p in parts]
    units = [synapse_volts(c, m) / plasticity.weight_unit for c, plasticity in learning if plasticity is not None]
    if units:
        gain = units[0]
    elif m.filtered or m.integrates:
        gain = np.ones(m.population.size)
    else:
        gain = np.maximum(m.decay_v, SLOWEST)
    feeds = any(p.connection.drives and p.connection.source == name for p in frame.parts)
    v_leak = m.offset if network is None else network.population(name).v_leak
    return Target(m, parts, feeds, np.asarray(v_leak, dtype=np.float64), gain)


def neuron_node(target: Target, dt: float, shape: tuple[int, ...]) -> tuple[str, Tree]:
    """NIR type and fields of a population, its values in ``shape``."""
    kind, fields = _flat_node(target, dt)
    return kind, {name: np.reshape(values, shape) for name, values in fields.items()}


def _flat_node(target: Target, dt: float) -> tuple[str, dict[str, FloatArray]]:
    m = target.meaning
    spikes = m.population.spiking or target.feeds
    decay_u, decay_v = np.maximum(m.decay_u, SLOWEST), np.maximum(m.decay_v, SLOWEST)
    if m.filtered:
        kind = "CubaLI"
        fields = {"tau_syn": dt / decay_u, "tau_mem": dt / decay_v, "r": target.gain / decay_v, "w_in": 1 / decay_u}
    elif m.integrates:
        kind, fields = "I", {"r": target.gain}
    else:
        kind, fields = "LI", {"tau": dt / decay_v, "r": target.gain / decay_v}
    if kind != "I":
        fields["v_leak"] = target.v_leak
    if not spikes:
        return kind, fields
    fields["v_threshold"] = m.threshold if m.population.spiking else np.full(target.size, NEVER)
    if m.offset.any() and m.population.spiking:
        fields["v_reset"] = m.offset
    return f"{kind}F", fields
