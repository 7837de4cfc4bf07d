"""A plastic connection inside a network, as the reference runs it: built from a ChipConnection, stepped, and read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, Fixed, Numbers, Plasticity, SparsePattern
from neuroalign.microcode import POST_TRACES, PRE_TRACES, SYNAPTIC
from neuroalign.sim.emulator.learning_reference import PlasticState, plastic_state

SOURCE_STATES = (*PRE_TRACES, "tx")
TARGET_STATES = (*POST_TRACES, "ty")
PLASTIC_STATES = SYNAPTIC + SOURCE_STATES + TARGET_STATES
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
        graded=plasticity.graded,
        modulated=bool(plasticity.modulators),
        pattern=connection.pattern if isinstance(connection.pattern, SparsePattern) else None,
        rounding_seed=plasticity.rounding_seed,
        rounding_draws=plasticity.rounding_draws,
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
            if c.plasticity.modulators:
                state.receive(_third_factors(c.plasticity, state, sent))
            state.learn(step, learns=c.plasticity.learns_at(step))


def _third_factors(plasticity: Plasticity, state: PlasticState, sent: Mapping[str, Numbers]) -> Numbers:
    """y1, y2, y3 (3, N_target) as the modulators send them; 0 without a sender."""
    factors = np.zeros_like(state.y)
    for trace, sender in plasticity.modulators:
        factors[POST_TRACES.index(trace)] = sent[sender]
    return factors


def read(state: PlasticState, name: str) -> Numbers:
    """One of :data:`PLASTIC_STATES`."""
    single = {"w": state.weight, "t": state.tag, "d": state.delay, "tx": state.tx, "ty": state.ty}
    if name in single:
        return single[name]
    return np.asarray((state.x if name in PRE_TRACES else state.y)[int(name[1]) - 1])


def read_shape(connection: ChipConnection, name: str) -> tuple[int, ...]:
    """Shape of a state: that of the weights, (N_source,) or (N_target,)."""
    if name in SYNAPTIC:
        return tuple(connection.weight.shape)
    targets, sources = connection.shape
    return (sources,) if name in SOURCE_STATES else (targets,)
