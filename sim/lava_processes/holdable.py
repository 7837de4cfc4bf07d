"""What Lava's bit-accurate models hold exactly as it is; looked at without Lava, so that refusals come at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, EscapeNoise, Fixed
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.recording import Stimulus
from neuroalign.sim.lava_processes.holdable_learning import check_plasticity
from neuroalign.sim.lava_processes.holdable_synapses import check_payloads, check_synapses
from neuroalign.sim.lava_processes.refusal import check_range, refused

_LAVA_FIELDS: dict[str, int | str] = {
    "decay_bits": 12,
    "u_offset": 1,
    "v_offset": 0,
    "threshold_shift": 6,
    "weight_shift": 6,
    "reset": "zero",
}
_STATE_BITS = 24
_LARGEST_TERNARY = 2**25
_LARGEST_COUNT = 2**31 - 1
# Lava checks none of these; beyond them its integer types would wrap or its shifts be undefined.
_RANGES = {
    "bias_mant": (-(2**15), 2**15 - 1),
    "bias_exp": (-31, 31),
    "u0": (-(2**31), 2**31 - 1),
    "v0": (-(2**31), 2**31 - 1),
    "du": (0, 4095),
    "dv": (0, 4096),
    "threshold": (-(2**31), 2**31 - 1),
}


def check_network(network: ChipNetwork) -> None:
    """Raise ConversionRefused unless Lava's models hold ``network`` exactly as it is (RuleError for a Program)."""
    if network.connection_delay_steps != 1:
        raise refused(f"network {network.name!r}", "connection_delay_steps", network.connection_delay_steps, "1")
    named = [i.name for i in network.inputs]
    named += [p.name for p in network.populations] + [c.name for c in network.connections]
    for name in named:
        if named.count(name) > 1:
            raise ConversionRefused(f"lava: two parts of network {network.name!r} are named {name!r}; rename one")
    for population in network.populations:
        _check_population(population)
    sizes = {i.name: i.size for i in network.inputs} | {p.name: p.size for p in network.populations}
    for connection in network.connections:
        _check_connection(connection, sizes, {i.name for i in network.inputs})


def check_stimulus(network: ChipNetwork, stimulus: Stimulus) -> None:
    """Raise InputError unless every sample of ``stimulus`` passes :func:`check_sample`."""
    if not stimulus.inputs:
        raise InputError("lava: the stimulus holds no array; without one there are no samples and no steps to run")
    rows = stimulus.samples * stimulus.steps
    check_sample(network, {name: a.reshape(rows, a.shape[2]) for name, a in stimulus.inputs.items()})


def check_sample(network: ChipNetwork, sample: Mapping[str, NDArray[Any]]) -> None:
    """Raise InputError unless ``sample`` has one (steps, channels) array of whole numbers for each input.

    An array without channels may have any name: it gives a network without inputs its steps.
    """
    ports = {port.name: port for port in network.inputs}
    given = {name for name, values in sample.items() if name in ports or values.shape[-1] > 0}
    if given != set(ports):
        raise InputError(f"lava: stimulus has inputs {sorted(given)}, but the network has {sorted(ports)}")
    for name, port in ports.items():
        _check_values(port, sample[name])
    for connection in network.connections:
        if connection.source in ports:
            check_payloads(connection, sample[connection.source])


def _check_values(port: ChipInput, values: NDArray[Any]) -> None:
    if values.ndim != 2 or values.shape[1] != port.size:
        raise InputError(f"lava: input {port.name!r} has shape {values.shape}; (steps, {port.size}) is needed")
    if values.size == 0:
        return
    low, high = (-(2**31), 2**31 - 1) if port.message_bits else (0, 1)
    outside = ~((values >= low) & (values <= high) & (values == np.floor(values)))
    if outside.any():
        kind = "whole numbers" if port.message_bits else "spikes, 0 or 1"
        raise InputError(f"lava: input {port.name!r} holds {values[outside][0]}; {kind} are needed; encode it first")


def _check_population(population: ChipPopulation) -> None:
    where = f"population {population.name!r}"
    for name, value in _LAVA_FIELDS.items():
        if getattr(population, name) != value:
            raise refused(where, name, getattr(population, name), str(value))
    for name, excess in (("u_format", "wrap"), ("v_format", "saturate")):
        held = getattr(population, name)
        if not isinstance(held, Fixed) or (held.bits, held.on_excess) != (_STATE_BITS, excess):
            raise refused(where, name, held, f"{_STATE_BITS} bits that {excess}")
    for name, (low, high) in _RANGES.items():
        check_range(where, name, getattr(population, name), low, high)
    _check_beyond_lif(where, population)


def _check_beyond_lif(where: str, population: ChipPopulation) -> None:
    for name in ("reset_interval", "reset_offset", "refractory_steps", "window_steps"):
        if not 0 <= getattr(population, name) <= _LARGEST_COUNT:
            raise refused(where, name, getattr(population, name), f"0 to {_LARGEST_COUNT} steps")
    if population.window_steps > 1 and population.reset_interval:
        raise refused(where, "a window and a reset_interval of", population.reset_interval, "one of the two")
    if population.threshold_low is not None:
        for name in ("threshold", "threshold_low"):  # shifted in 32 bits by Lava's TernaryLIF
            check_range(where, name, getattr(population, name), -_LARGEST_TERNARY, _LARGEST_TERNARY - 1)
        if population.threshold_low.shape != population.threshold.shape:
            raise refused(where, "threshold_low of shape", population.threshold_low.shape, "one for each neuron")
        for k in np.flatnonzero(population.threshold_low > population.threshold)[:1]:
            raise refused(
                where, f"threshold_low[{k}]", population.threshold_low[k], f"at most {population.threshold[k]}"
            )
    if population.escape is not None:
        _check_escape(where, population.escape)


def _check_escape(where: str, noise: EscapeNoise) -> None:
    check_range(where, "escape table", noise.table, 0, 65536)
    if noise.table.size == 0 or noise.table.size % 2:
        raise refused(where, "escape table of length", noise.table.size, "an even number of entries")
    if not 0 <= noise.table_shift <= 63:
        raise refused(where, "table_shift", noise.table_shift, "0 to 63")
    if noise.seed < 0:
        raise refused(where, "escape seed", noise.seed, "seeds from 0")


def _check_connection(connection: ChipConnection, sizes: Mapping[str, int], inputs: Collection[str]) -> None:
    check_synapses(connection, (sizes[connection.target], sizes[connection.source]))
    if connection.plasticity is not None:
        check_plasticity(connection, connection.plasticity, sizes, inputs)
