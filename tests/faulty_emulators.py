"""Emulators with a defect on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Convolution, SparsePattern
from neuroalign.microcode import Trace
from neuroalign.recording import Recording
from neuroalign.verify.case import Case
from neuroalign.verify.compare import EmulatorRunner


@dataclass(frozen=True)
class Faulty:
    """Runs another network than it is given."""

    change: Callable[[ChipNetwork], ChipNetwork]
    implementation: str = "faulty"

    def __call__(self, case: Case) -> Recording:
        return EmulatorRunner("kernels")(replace(case, network=self.change(case.network)))


def slow_trace(network: ChipNetwork) -> ChipNetwork:
    """x1 decays too slowly."""

    def changed(c: ChipConnection) -> ChipConnection:
        held = c.plasticity
        if held is None:
            return c
        trace = held.program.trace("x1")
        program = replace(held.program, x1=Trace(trace.impulse, trace.tau * 1.5))
        return replace(c, plasticity=replace(held, program=program))

    return replace(network, connections=tuple(map(changed, network.connections)))


def fast_membrane(network: ChipNetwork) -> ChipNetwork:
    """V decays by 1/4096 too much."""

    def changed(p: ChipPopulation) -> ChipPopulation:
        return replace(p, dv=np.minimum(p.dv + 1, 4096))

    return replace(network, populations=tuple(map(changed, network.populations)))


def forgotten_delays(network: ChipNetwork) -> ChipNetwork:
    """Delays of 2 steps and more are 1."""

    def changed(c: ChipConnection) -> ChipConnection:
        return c if c.delays is None else replace(c, delays=np.minimum(c.delays, 1))

    return replace(network, connections=tuple(map(changed, network.connections)))


def lost_product(network: ChipNetwork) -> ChipNetwork:
    """The last of several products of a weight's update is left out."""

    def changed(c: ChipConnection) -> ChipConnection:
        held = c.plasticity
        if held is None or len(held.program.dw) < 2:
            return c
        return replace(c, plasticity=replace(held, program=replace(held.program, dw=held.program.dw[:-1])))

    return replace(network, connections=tuple(map(changed, network.connections)))


def fails_on_delays(network: ChipNetwork) -> ChipNetwork:
    """No network with delays of 3 steps and more can be run."""
    if any(c.max_delay > 2 for c in network.connections):
        raise IndexError("index 3 is out of bounds")
    return network


def unflipped(network: ChipNetwork) -> ChipNetwork:
    """Kernels lie upside down."""

    def changed(c: ChipConnection) -> ChipConnection:
        return replace(c, weight=c.weight[:, :, ::-1]) if isinstance(c.pattern, Convolution) else c

    return replace(network, connections=tuple(map(changed, network.connections)))


def lost_synapse(network: ChipNetwork) -> ChipNetwork:
    """The last synapse of every sparse connection does nothing."""

    def changed(c: ChipConnection) -> ChipConnection:
        if not isinstance(c.pattern, SparsePattern) or not c.weight.size or c.plasticity is not None:
            return c
        return replace(c, weight=np.concatenate([c.weight[:-1], c.weight[-1:] * 0]))

    return replace(network, connections=tuple(map(changed, network.connections)))


def short_window(network: ChipNetwork) -> ChipNetwork:
    """Rectangular synapses end a step early."""

    def changed(p: ChipPopulation) -> ChipPopulation:
        return replace(p, window_steps=max(p.window_steps - 1, 0))

    return replace(network, populations=tuple(map(changed, network.populations)))
