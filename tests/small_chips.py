"""Small ChipNetworks written by hand: neurons and connections with everything not named left at rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Fixed, Float64, Numbers
from neuroalign.recording import Stimulus


def neurons(name: str, size: int, *, fixed: bool = True, **changes: Any) -> ChipPopulation:
    """A population without decay or bias that spikes late; numbers among ``changes`` hold for each neuron."""
    dtype = np.int64 if fixed else np.float64
    zero = np.zeros(size, dtype=dtype)
    population = ChipPopulation(
        name=name,
        shape=(size,),
        du=zero,
        dv=zero,
        threshold=zero + (1 << 17) - 1,
        bias_mant=zero,
        bias_exp=np.zeros(size, dtype=np.int64),
        u0=zero,
        v0=zero,
        u_format=Fixed(24, 0, "toward-zero", "wrap") if fixed else Float64(),
        v_format=Fixed(24, 0, "toward-zero", "saturate") if fixed else Float64(),
        decay_bits=12,
        u_offset=1 if fixed else 0,
        v_offset=0,
        threshold_shift=6 if fixed else 0,
        weight_shift=6 if fixed else 0,
        spiking=True,
        latency_steps=0,
        volts_per_unit=np.ones(size),
        volts_offset=np.zeros(size),
    )
    arrays = {"du", "dv", "threshold", "bias_mant", "bias_exp", "u0", "v0"}
    per_neuron = {key: np.broadcast_to(np.asarray(value), (size,)) for key, value in changes.items() if key in arrays}
    return replace(population, **(changes | per_neuron))


def wire(source: str, target: str, weight: Any, *, fixed: bool = True, **changes: Any) -> ChipConnection:
    """A connection with ``weight`` (target, source), of mixed sign and 8 bits unless said otherwise."""
    held = np.atleast_2d(np.asarray(weight, dtype=np.int64 if fixed else np.float64))
    connection = ChipConnection(
        f"{source}->{target}", source, target, held, Fixed(8) if fixed else Float64(), 0, "mixed"
    )
    return replace(connection, **changes)


def chip(
    populations: list[ChipPopulation],
    connections: list[ChipConnection],
    channels: int = 0,
    *,
    message_bits: int = 0,
    connection_delay_steps: int = 1,
) -> ChipNetwork:
    """A network whose only input is called "in"; none where ``channels`` is 0."""
    inputs = (ChipInput("in", channels, message_bits),) if channels else ()
    return ChipNetwork(
        "small", 1e-3, "small", inputs, tuple(populations), tuple(connections), (), connection_delay_steps
    )


def spikes_at(steps: int, events: dict[int, Any], channels: int = 1) -> Stimulus:
    """One sample of "in": row ``k`` of ``events`` at step index ``k``, 0 elsewhere."""
    array = np.zeros((1, steps, channels), dtype=np.int64)
    for step, values in events.items():
        array[0, step] = values
    return Stimulus({"in": array})


def silence(steps: int, samples: int = 1) -> Stimulus:
    """Steps for a network without inputs."""
    return Stimulus({"clock": np.zeros((samples, steps, 0))})


def state(recording: Any, population: str, name: str) -> Numbers:
    """The first sample of a state."""
    return np.asarray(recording.states[population, name][0])
