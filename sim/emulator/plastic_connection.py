"""A plastic connection inside a network, as the reference runs it: built from a ChipConnection, stepped, and read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, Fixed, Numbers, Plasticity
from neuroalign.microcode import POST_TRACES, PRE_TRACES, SYNAPTIC
from neuroalign.sim.emulator.learning_reference import PlasticState, plastic_state

PLASTIC_STATES = SYNAPTIC + PRE_TRACES + POST_TRACES
"""States of a plastic connection that can be read."""


def learners(network: ChipNetwork) -> dict[str, PlasticState]:
    """Connection name to the state of every plastic connection before step 1."""
    return {c.name: _learner(c, c.plasticity) for c in network.connections if c.plasticity is not None}


def _learner(connection: ChipConnection, plasticity: Plasticity) -> PlasticState:
    weight_format = connection.weight_format
    fixed = isinstance(weight_format, Fixed)
    return plastic_state(
        plasticity.program,
        connection.weight,
        fixed=fixed,
        sign_mode=connection.sign_mode,
        weight_bits=weight_format.bits if isinstance(weight_format, Fixed) else 0,
        tag=plasticity.tag,
        rounding_seed=plasticity.rounding_seed,
    )


def learn(network: ChipNetwork, states: Mapping[str, PlasticState], step: int, sent: Mapping[str, Numbers]) -> None:
    """Let the plastic connections see the spikes of a step (from 1) and learn from them.

    Parameters
    ----------
    sent
        Name of an input or population to what it sent in this step.
    """
    for c in network.connections:
        if c.plasticity is not None:
            state = states[c.name]
            state.record_source(step, sent[c.source])
            state.record_target(step, sent[c.target])
            state.learn(step, learns=c.plasticity.learns_at(step))


def read(state: PlasticState, name: str) -> Numbers:
    """One of :data:`PLASTIC_STATES`."""
    synaptic = {"w": state.weight, "t": state.tag, "d": state.delay}
    if name in synaptic:
        return synaptic[name]
    return np.asarray((state.x if name in PRE_TRACES else state.y)[int(name[1]) - 1])


def read_shape(connection: ChipConnection, name: str) -> tuple[int, ...]:
    """Shape of a state: (N_target, N_source), (N_source,) or (N_target,)."""
    targets, sources = connection.weight.shape
    if name in SYNAPTIC:
        return targets, sources
    return (sources,) if name in PRE_TRACES else (targets,)
