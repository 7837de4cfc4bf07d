"""The local spike-train rule on Norse's neurons: the rule written out in numpy, beside the emulator that runs its Program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Float64
from neuroalign.errors import InputError
from neuroalign.experiments.spike_train_chip import ERROR, SLOPE, SPIKES, LocalRule
from neuroalign.network import Population
from neuroalign.sim.norse_reference.stepped import SteppedNeurons

FloatArray = NDArray[np.float64]


class NorseStepper:
    """A float network of :func:`~neuroalign.experiments.spike_train_chip.local_chip`, its neurons Norse's.

    A spike takes one step, and the weight that it had when it was sent.
    """

    def __init__(self, network: ChipNetwork, probes: Sequence[tuple[str, str]], rule: LocalRule) -> None:
        if network.is_fixed:
            raise InputError(f"network {network.name!r} is held in integers; Norse runs its float form")
        self.probes = tuple(probes)
        self.neurons = {p.name: SteppedNeurons(_model(p, network.dt), network.dt) for p in network.populations}
        self.synapses = tuple(_Synapses(c, rule) for c in network.connections)

    def step(self, inputs: Mapping[str, NDArray[Any]]) -> dict[tuple[str, str], FloatArray]:
        """One step: inputs by name in, probes out."""
        now = {name: np.asarray(values, dtype=np.float64) for name, values in inputs.items()}
        membranes = {}
        for name, neurons in self.neurons.items():
            arriving = [c.under_way for c in self.synapses if c.target == name]
            now[name], membranes[name] = neurons.step(np.sum(arriving, axis=0))
        for synapses in self.synapses:
            synapses.under_way = synapses.weight @ now[synapses.source]
            synapses.learn(now)
        return {(name, state): (now if state == "s" else membranes)[name] for name, state in self.probes}

    def read(self, name: str, state: str) -> FloatArray:
        """Weights "w" or tags "t" of a connection."""
        found = next(c for c in self.synapses if c.name == name)
        return found.weight if state == "w" else found.tag


class _Synapses:
    """The rule as its equations have it."""

    def __init__(self, connection: ChipConnection, rule: LocalRule) -> None:
        self.name, self.source, self.target = connection.name, connection.source, connection.target
        self.weight = np.array(connection.weight, dtype=np.float64)
        self.tag, self.under_way = np.zeros_like(self.weight), np.zeros(self.weight.shape[0])
        self.learns, self.rule = connection.plasticity is not None, rule
        self.membrane, self.current = np.zeros(self.weight.shape[1]), np.zeros(self.weight.shape[1])

    def learn(self, now: Mapping[str, FloatArray]) -> None:
        if not self.learns:
            return
        rule, pre, post = self.rule, now[self.source], now[self.target]
        self.membrane = self.membrane * np.exp(-1 / rule.tau_mem) + rule.impulse * pre
        self.current = self.current * np.exp(-1 / rule.tau_syn) + rule.impulse * pre
        slope, error, spikes = (now[f"{self.target} {what}"] for what in (SLOPE, ERROR, SPIKES))
        before = self.tag
        response = np.outer(post * slope, self.membrane - self.current)
        self.tag = before + rule.tag_rate * response - before / rule.horizon
        self.weight = (
            self.weight - rule.error_rate * before * error[:, None] + rule.spike_rate * np.outer(spikes, self.membrane)
        )


def _model(population: ChipPopulation, dt: float) -> Population:
    """The float model whose Euler step is the chip's: ``u := (1 - du) u + a;  v := (1 - dv) v + u``."""
    if not isinstance(population.v_format, Float64):
        raise InputError(f"population {population.name!r} is held in integers; Norse runs its float form")
    zero = np.zeros(population.size)
    return Population(
        population.name, "CubaLIF", population.shape, dt / population.dv, dt / population.du, 1 / population.dv,
        1 / population.du, zero, population.threshold, zero, zero, zero, zero,
    )  # fmt: skip
