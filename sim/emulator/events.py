"""Counts events one by one as the readable emulator runs: what ``neuroalign.energy`` computes at once must equal it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Numbers
from neuroalign.pattern import expanded
from neuroalign.recording import Stimulus


@dataclass
class EventCounter:
    """Told by the reference of everything that is sent, updated and learnt.

    ``counts`` has ``<connection>.synaptic_operations``, ``<connection>.learning_updates``, ``<population>.spikes``,
    ``<population>.active`` and ``<population>.inactive`` updates, and ``barriers``. Which events these are is said in
    :mod:`neuroalign.energy.events`.
    """

    network: ChipNetwork
    counts: Counter[str] = field(default_factory=Counter)
    _stored: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stored = {c.name: stored(c) for c in self.network.connections}

    def updated(
        self, p: ChipPopulation, before: tuple[Numbers, Numbers], u: Numbers, a: Numbers, s: Numbers, t: int
    ) -> None:
        """A population in step t (from 0): current and membrane before, current after, input, spikes."""
        cleared = p.reset_interval > 0 and (t + 1 - p.reset_offset) % p.reset_interval == 0
        for neuron in range(p.size):
            left = not cleared and bool(before[0][neuron] or before[1][neuron])
            busy = left or a[neuron] or u[neuron] or p.bias_mant[neuron]
            self.counts[f"{p.name}.{'active' if busy else 'inactive'}"] += 1
            self.counts[f"{p.name}.spikes"] += int(s[neuron] != 0)

    def stepped(self, step: int, sent: Mapping[str, Numbers]) -> None:
        """Step ``step`` (from 1) is over; ``sent`` is what each input and population sent in it."""
        self.counts["barriers"] += 1
        for c in self.network.connections:
            for source in np.flatnonzero(sent[c.source]):
                self.counts[f"{c.name}.synaptic_operations"] += int(self._stored[c.name][:, source].sum())
            if c.plasticity is not None and c.plasticity.learns_at(step) and _updates(c, step):
                self.counts[f"{c.name}.learning_updates"] += int(self._stored[c.name].sum())


def stored(c: ChipConnection) -> NDArray[np.bool_]:
    """Where a connection has synapses, (N_target, N_source).

    Of a static matrix, sources without any weight have none, and of one that is mostly empty no 0 is one.
    """
    if c.pattern is not None:
        return np.asarray(expanded(c.pattern, np.ones(c.weight.shape, dtype=np.int64)) != 0)
    if c.plasticity is not None:
        return np.ones(c.weight.shape, dtype=bool)
    there = np.asarray(c.weight != 0)
    if 2 * there.sum() > there.size:
        there[:, there.any(axis=0)] = True
    return there


def _updates(c: ChipConnection, step: int) -> bool:
    """Whether an epoch ends with this step in which one of the rule's products is formed."""
    if c.plasticity is None or step % c.plasticity.program.t_epoch:
        return False
    program = c.plasticity.program
    epoch = step // program.t_epoch
    return any(p.dependency != "u" or epoch % 2 ** (p.k or 0) == 0 for p in program.products)


def count_events(network: ChipNetwork, stimulus: Stimulus) -> Mapping[str, int]:
    """The events of a run of ``stimulus.steps + network.latency_steps`` steps of each sample; slow, and readable."""
    from neuroalign.sim.emulator import reference

    counter = EventCounter(network)
    dtype = np.int64 if network.is_fixed else np.float64
    for sample in range(stimulus.samples):
        inputs = {port.name: stimulus.inputs[port.name][sample].astype(dtype) for port in network.inputs}
        reference.run_sample(network, inputs, stimulus.steps + network.latency_steps, {}, events=counter)
    return dict(counter.counts)
