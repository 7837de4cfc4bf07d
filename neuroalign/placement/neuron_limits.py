"""Limits of single neurons and of a chip's channels, on targets that have them; they hold wherever a neuron lies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.placement.capacity import Capacity
from neuroalign.placement.fan_out import FanOut
from neuroalign.placement.limits import limit
from neuroalign.placement.types import Limit
from neuroalign.profile import Limit as Figure
from neuroalign.profile import Memory, Profile, provenance_of

Counts = Mapping[str, NDArray[np.int64]]
FAN_IN = "synapses into a neuron"
FAN_OUT = "synapses out of a neuron"
ENTRIES = "synapse entries of a neuron"
INPUTS = "input channels"
MEAN_FAN_OUT = "mean synapses out of a neuron"


def neuron_limits(chip: ChipNetwork, profile: Profile) -> list[Limit]:
    """Fan-in and fan-out of neurons, entries of their own memory, and channels, each where it is largest."""
    core = profile.core
    if core.fan is None and core.channels is None and not _own_memory(profile):
        return []
    fan_in, fan_out = _fans(chip)
    return [*_of_fans(profile, fan_in, fan_out), *_of_memory(profile, fan_in), *_of_channels(chip, profile, fan_out)]


def _own_memory(profile: Profile) -> bool:
    return isinstance(profile.core.memory, Memory) and profile.core.memory.model == "cam"


def _fans(chip: ChipNetwork) -> tuple[Counts, Counts]:
    """Synapses into each neuron, and out of each neuron and channel, over all connections."""
    fan_in = {p.name: np.zeros(p.size, dtype=np.int64) for p in chip.populations}
    fan_out = {port.name: np.zeros(port.size, dtype=np.int64) for port in chip.inputs}
    fan_out |= {name: np.zeros_like(into) for name, into in fan_in.items()}
    for c in chip.connections:
        fan = FanOut(c)
        fan_in[c.target] += fan.fan_in()
        fan_out[c.source] += fan.into(0, c.shape[0])
    return fan_in, fan_out


def _of_fans(profile: Profile, fan_in: Counts, fan_out: Counts) -> list[Limit]:
    fan = profile.core.fan
    if fan is None:
        return []
    of_neurons = {name: fan_out[name] for name in fan_in}
    return [
        _largest(FAN_IN, fan_in, profile, fan.in_max, "core.fan.in_max"),
        _largest(FAN_OUT, of_neurons, profile, fan.out_max, "core.fan.out_max"),
    ]


def _of_memory(profile: Profile, fan_in: Counts) -> list[Limit]:
    memory = profile.core.memory
    if not isinstance(memory, Memory) or memory.model != "cam":
        return []
    path = "core.memory.destinations_per_neuron"
    # How many destinations a neuron needs depends on how tags are given out, which is not done here.
    unknown = limit("destinations of a neuron", None, Capacity(None, "unknown"), "neuron", path)
    entries = _largest(ENTRIES, fan_in, profile, memory.synapses_per_neuron, "core.memory.synapses_per_neuron")
    return [entries, unknown]


def _of_channels(chip: ChipNetwork, profile: Profile, fan_out: Counts) -> list[Limit]:
    channels = profile.core.channels
    if channels is None:
        return []
    outputs = {target for _, target in chip.outputs}
    entered = {c.target for c in chip.connections if c.source in {i.name for i in chip.inputs}}
    feeding = {c.source for c in chip.connections if c.target in outputs} - {i.name for i in chip.inputs}
    neurons = {p.name: p.size for p in chip.populations}
    sent = np.concatenate([fan_out[name] for name in neurons]) if neurons else np.zeros(0)
    mean = int(np.ceil(sent.mean())) if sent.size else 0
    rows: list[tuple[str, int, Figure | None, str]] = [
        (INPUTS, sum(i.size for i in chip.inputs), channels.inputs_max, "inputs_max"),
        ("output neurons", sum(neurons[name] for name in outputs), channels.outputs_max, "outputs_max"),
        ("neurons reached by inputs", sum(neurons[n] for n in entered), channels.input_reach, "input_reach"),
        ("neurons that feed outputs", sum(neurons[n] for n in feeding), channels.output_reach, "output_reach"),
        (MEAN_FAN_OUT, mean, channels.fan_out_mean, "fan_out_mean"),
    ]
    return [
        limit(name, used, _capacity(profile, value, f"core.channels.{key}"), "chip", profile.id)
        for name, used, value, key in rows
    ]


def _largest(name: str, counts: Counts, profile: Profile, value: Figure | None, path: str) -> Limit:
    """The neuron with most."""
    tops = {population: int(of.max(initial=0)) for population, of in counts.items()}
    worst = max(tops, key=lambda population: tops[population], default="")
    where = f"{worst}[{int(counts[worst].argmax())}]" if worst and counts[worst].size else profile.id
    return limit(name, tops.get(worst, 0), _capacity(profile, value, path), "neuron", where, (worst,) if worst else ())


def _capacity(profile: Profile, value: Figure | None, path: str) -> Capacity:
    if value is None:
        return Capacity(None, "unknown")
    source = provenance_of(profile, path)
    return Capacity(value, source.status if source else "unknown")
