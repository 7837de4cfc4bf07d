"""Backends as learners for experiments: a Network with one plastic connection in, its weights over time out.

A learner is called with a network, a stimulus of one sample and the steps of the model (from 1) after which the weights
are wanted, and returns them in the model's unit: (reads, N_target, N_source).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network
from neuroalign.errors import InputError
from neuroalign.network import Connection, Network
from neuroalign.profile import Profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.backend import Backend
from neuroalign.sim.norse_reference.backend import NorseReference

FloatArray = NDArray[np.float64]
Learner = Callable[[Network, Stimulus, Sequence[int]], FloatArray]


def chip_learner(backend: Backend, profile: Profile, choices: RuleChoices | None = None) -> Learner:
    """Compile for ``profile`` and run on ``backend``; weights are read when the chip has seen the step asked for."""

    def learn(network: Network, stimulus: Stimulus, read_steps: Sequence[int]) -> FloatArray:
        plastic = plastic_connection(network)
        chip, _ = compile_network(network, profile, learning={plastic.name: choices} if choices else None)
        lag = chip.population(plastic.target).latency_steps
        probe: Probe = (plastic.name, "w")
        recording = backend.run(
            chip, chip_stimulus(stimulus, chip), [probe], read_steps=[step + lag for step in read_steps]
        )
        return np.asarray(in_model_units(chip, recording, plastic.name)[0])

    return learn


def chip_weights(
    backend: Backend, profile: Profile, choices: Mapping[str, RuleChoices] | None = None
) -> Callable[[Network, Stimulus, Sequence[int]], Mapping[str, FloatArray]]:
    """As :func:`chip_learner`, for all plastic connections of a network: name to (reads, N_target, N_source).

    ``choices`` are by connection.
    """

    def learn(network: Network, stimulus: Stimulus, read_steps: Sequence[int]) -> Mapping[str, FloatArray]:
        plastic = [c for c in network.connections if c.rule is not None]
        chip, _ = compile_network(network, profile, learning=choices)
        lags = {c.name: chip.population(c.target).latency_steps for c in plastic}
        if len(set(lags.values())) > 1:
            raise InputError(f"network {network.name!r}: its plastic connections lag by different steps: {lags}")
        lag = next(iter(lags.values()), 0)
        probes: list[Probe] = [(c.name, "w") for c in plastic]
        recording = backend.run(
            chip, chip_stimulus(stimulus, chip), probes, read_steps=[step + lag for step in read_steps]
        )
        return {c.name: np.asarray(in_model_units(chip, recording, c.name)[0]) for c in plastic}

    return learn


def norse_learner() -> Learner:
    """Run the model itself on Norse's neurons."""

    def learn(network: Network, stimulus: Stimulus, read_steps: Sequence[int]) -> FloatArray:
        probe: Probe = (plastic_connection(network).name, "w")
        recording = NorseReference().run_model(network, stimulus, [probe], read_steps=read_steps)
        return np.asarray(recording.states[probe][0])

    return learn


def plastic_connection(network: Network) -> Connection:
    """The one connection that learns (InputError if there is none, or more)."""
    found = [c for c in network.connections if c.rule is not None]
    if len(found) != 1:
        names = ", ".join(c.name for c in found) or "none"
        raise InputError(f"network {network.name!r}: one plastic connection is needed, it has {names}")
    return found[0]


def in_model_units(chip: ChipNetwork, recording: Recording, name: str) -> FloatArray:
    """Recorded weights of the plastic connection ``name`` in the model's unit, (samples, reads, N_target, N_source)."""
    plasticity = {c.name: c.plasticity for c in chip.connections}[name]
    if plasticity is None:
        raise InputError(f"connection {name!r} of network {chip.name!r} does not learn; its weights have no record")
    return np.asarray(recording.states[name, "w"] * plasticity.weight_unit, dtype=np.float64)
