"""Which population of a quantised network costs how much: by itself, and with all before it on chip.

By itself: the population alone is on chip, and takes the spikes that the float model gives to it, those of its own loops
included; what differs then was made in it. With all before it: the whole network is on chip, as it will run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network, float_model
from neuroalign.deployment.searched import LayerError
from neuroalign.network import InputPort, Network, Population
from neuroalign.profile import Profile, load_profile
from neuroalign.quantise.scale_question import ScaleChoice
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator

ENOUGH = 1000
"""Spikes of a population from which on its error counts in full: fewer are chance."""
Given = Mapping[str, NDArray[Any]]
"""Population (or input) to what it gave, (samples, steps, N): spikes, or v of neurons that never spike."""


def layer_errors(
    network: Network, profile: Profile, stimulus: Stimulus, scales: Mapping[str, ScaleChoice] | None = None
) -> tuple[LayerError, ...]:
    """Errors of every population.

    Parameters
    ----------
    stimulus
        0/1 spikes.
    scales
        As :func:`~neuroalign.compile.compile_network` takes them; ``finer`` is without, so that it says what a bit would buy
        the plain scheme.
    """
    reference = float_given(network, stimulus)
    chip, _ = compile_network(network, profile, scales=scales)
    together = chip_given(network, chip, stimulus)
    finer, wider = _finer(network, profile)
    rows = []
    for p in network.populations:
        own = None if scales is None or p.name not in scales else {p.name: scales[p.name]}
        alone = population_error(network, p, profile, stimulus, reference, own)
        rows.append(
            LayerError(
                p.name,
                alone,
                count_error(p, together[p.name], reference[p.name]),
                population_error(finer, p, wider, stimulus, reference, None),
            )
        )
    return tuple(rows)


def count_error(population: Population, found: NDArray[Any], wanted: NDArray[Any]) -> float:
    """``sum |n - n*| / sum n*`` over samples and neurons, ``n`` spikes in a sample; of v, ``|v - v*| / |v*|``."""
    if population.spiking:
        difference = found.sum(axis=1, dtype=np.int64) - wanted.sum(axis=1, dtype=np.int64)
        return float(np.abs(difference).sum() / max(int(wanted.sum()), 1))
    scale = float(np.sqrt(np.square(wanted).sum()))
    return float(np.sqrt(np.square(found - wanted).sum()) / scale) if scale else 0.0


def network_error(
    network: Network, profile: Profile, scales: Mapping[str, ScaleChoice], stimulus: Stimulus, wanted: Given
) -> float:
    """:func:`chip_error` of the network as the profile holds it."""
    return chip_error(network, compile_network(network, profile, scales=scales)[0], stimulus, wanted)


def chip_error(network: Network, chip: ChipNetwork, stimulus: Stimulus, wanted: Given) -> float:
    """Mean of the outputs' error and of that of all populations, those counted less that spike too rarely to tell."""
    found = chip_given(network, chip, stimulus)
    errors = {p.name: count_error(p, found[p.name], np.asarray(wanted[p.name])) for p in network.populations}
    weights = {
        p.name: min(1.0, float(np.count_nonzero(wanted[p.name])) / ENOUGH) if p.spiking else 1.0
        for p in network.populations
    }
    for _, name in network.outputs:
        weights[name] *= len(errors)
    total = sum(weights.values())
    return sum(weights[name] * error for name, error in errors.items()) / total if total else 0.0


def float_given(network: Network, stimulus: Stimulus) -> dict[str, NDArray[Any]]:
    """What every population of the float model gives."""
    return chip_given(network, float_model(network, load_profile("ideal")), stimulus)


def chip_given(network: Network, chip: ChipNetwork, stimulus: Stimulus) -> dict[str, NDArray[Any]]:
    """What every population gives on chip, in the model's steps; v in volts."""
    probes = [(p.name, "s" if p.spiking else "v") for p in network.populations]
    recording = Emulator().run(chip, stimulus, probes)
    found = {}
    for p, (name, state) in zip(network.populations, probes, strict=True):
        values = recording.aligned(name, state, stimulus.steps)
        if state == "v" and chip.is_fixed:
            held = chip.population(name)
            values = values * held.volts_per_unit + held.volts_offset
        found[p.name] = np.asarray(values)
    return found


def isolated(network: Network, population: Population) -> Network:
    """The population and what leads into it, its sources replaced by inputs."""
    ports = {port.name: port for port in network.inputs}
    sizes = {p.name: p.size for p in network.populations}
    incoming = [c for c in network.connections if c.target == population.name and c.rule is None]
    inputs = [
        InputPort(_port(s), ports[s].shape if s in ports else (sizes[s],))
        for s in dict.fromkeys(c.source for c in incoming)
    ]
    return replace(
        network,
        inputs=tuple(inputs),
        populations=(population,),
        connections=tuple(replace(c, source=_port(c.source)) for c in incoming),
        outputs=(),
    )


def population_error(
    network: Network,
    population: Population,
    profile: Profile,
    stimulus: Stimulus,
    reference: Given,
    scales: Mapping[str, ScaleChoice] | None,
) -> float:
    """Error of a population by itself on chip, taking what the float model (``reference``) gives."""
    own = isolated(network, population)
    given = {**stimulus.inputs, **reference}
    arrays = {port.name: np.asarray(given[port.name[len(_PORT) :]], dtype=np.uint8) for port in own.inputs}
    chip, _ = compile_network(own, profile, scales=scales)
    found = chip_given(own, chip, Stimulus(arrays))
    return count_error(population, found[population.name], np.asarray(reference[population.name]))


def _finer(network: Network, profile: Profile) -> tuple[Network, Profile]:
    """Both with one more bit a weight."""
    most = max(profile.synapse.weight_bits or (8,)) + 1
    connections = tuple(replace(c, weight_bits=(c.weight_bits or most - 1) + 1) for c in network.connections)
    wider = replace(profile.synapse, weight_bits=tuple(range(1, most + 1)))
    return replace(network, connections=connections), replace(profile, synapse=wider)


_PORT = "into "


def _port(name: str) -> str:
    return f"{_PORT}{name}"
