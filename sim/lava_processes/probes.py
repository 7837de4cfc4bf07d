"""What can be recorded of a network in Lava, and the shape of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neuroalign.chip import ChipNetwork
from neuroalign.errors import InputError
from neuroalign.recording import Probe

STATES = ("u", "v", "s", "a")
"""States of a population, recorded in every step."""

RESTING = ("r",)
"""The further state of a population with refractory steps."""

SYNAPTIC = ("w", "t", "d")
SOURCE_STATES = ("x1", "x2", "tx")
TARGET_STATES = ("y1", "y2", "y3", "ty")
PLASTIC_STATES = SYNAPTIC + SOURCE_STATES + TARGET_STATES
"""States of a plastic connection, recorded at the end of chosen steps."""


def check_probes(network: ChipNetwork, probes: Sequence[Probe]) -> None:
    """Raise InputError unless every probe is a state of a population or of a plastic connection."""
    states: dict[str, tuple[str, ...]] = {
        p.name: (*STATES, *(RESTING if p.refractory_steps else ())) for p in network.populations
    }
    states |= {c.name: PLASTIC_STATES for c in network.connections if c.plasticity is not None}
    for name, state in probes:
        if name not in states:
            raise InputError(
                f"lava: {name!r} is no population and no plastic connection of network {network.name!r}; "
                f"it has {', '.join(sorted(states))}"
            )
        if state not in states[name]:
            raise InputError(f"lava has no state {state!r} of {name!r}; it has {', '.join(states[name])}")


def recorded_shape(network: ChipNetwork, probe: Probe, steps: int, reads: int) -> tuple[int, ...]:
    """Shape of one sample: (steps, neurons), or (reads, ...) of a plastic connection."""
    name, state = probe
    connection = {c.name: c for c in network.connections if c.plasticity is not None}.get(name)
    if connection is None:
        return steps, network.population(name).size
    if state in SYNAPTIC:
        return reads, *connection.weight.shape
    targets, sources = connection.shape
    return reads, sources if state in SOURCE_STATES else targets


def recorded_dtype(network: ChipNetwork, probe: Probe) -> np.dtype[Any]:
    """Type of a recorded state."""
    name, state = probe
    if state == "s":
        return np.dtype(np.bool_ if network.population(name).threshold_low is None else np.int8)
    return np.dtype(np.int32)
