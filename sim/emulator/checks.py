"""What the emulator is given, checked before anything runs: one line for each way in which it can be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from neuroalign.chip import (
    ChipConnection,
    ChipInput,
    ChipNetwork,
    ChipPopulation,
    Fixed,
    Float64,
    Numbers,
    pattern_problem,
    weight_shape,
)
from neuroalign.errors import InputError, NetworkError
from neuroalign.fixed_point import WEIGHT_BITS, lava_weights, truncate_weights
from neuroalign.recording import Probe, Stimulus
from neuroalign.sim.emulator.blocks import row_blocks
from neuroalign.sim.emulator.neuron_checks import check_neurons
from neuroalign.sim.emulator.plastic_checks import check_plasticity
from neuroalign.sim.emulator.plastic_connection import PLASTIC_STATES
from neuroalign.sim.emulator.settings_checks import check_settings

INT32 = np.iinfo(np.int32)
STATES = ("s", "u", "v", "a", "r")
STRETCH_STEPS = 4096


def check_network(network: ChipNetwork) -> None:
    """Refuse a network whose arrays or formats the emulator cannot compute with (NetworkError)."""
    sizes = {p.name: p.size for p in network.inputs} | {p.name: p.size for p in network.populations}
    if len(sizes) != len(network.inputs) + len(network.populations):
        raise NetworkError(f"network {network.name!r}: two nodes share a name; names must be unique")
    if len({c.name for c in network.connections}) != len(network.connections):
        raise NetworkError(f"network {network.name!r}: two connections share a name; names must be unique")
    check_settings(network)
    fixed = network.is_fixed
    for population in network.populations:
        _check_formats(population, fixed)
        for label in ("du", "dv", "threshold", "bias_mant", "bias_exp", "u0", "v0"):
            whole = fixed or label == "bias_exp"
            _check_array(
                f"population {population.name!r}: {label}", getattr(population, label), (population.size,), whole
            )
        if fixed:
            _check_decays(population)
        check_neurons(population, _check_array)
    targets = {p.name for p in network.populations}
    for connection in network.connections:
        if connection.source not in sizes or connection.target not in targets:
            raise NetworkError(
                f"connection {connection.name!r}: {connection.source!r} -> {connection.target!r} names a node that does not exist"
            )
        _check_connection(connection, (sizes[connection.target], sizes[connection.source]), fixed)
        if connection.plasticity is not None:
            _check_array(
                f"connection {connection.name!r}: tag", connection.plasticity.tag, connection.weight.shape, fixed
            )
            check_plasticity(connection, connection.plasticity, fixed, sizes)


def _check_formats(population: ChipPopulation, fixed: bool) -> None:
    for label, number_format in (("u_format", population.u_format), ("v_format", population.v_format)):
        if isinstance(number_format, Fixed) != fixed:
            raise NetworkError(
                f"population {population.name!r}: {label} is {number_format}, but a network is either all Fixed or all Float64"
            )
        if isinstance(number_format, Fixed) and not 2 <= number_format.bits <= 32:
            raise NetworkError(
                f"population {population.name!r}: {label} has {number_format.bits} bits; the emulator computes with 2 to 32"
            )


def _check_array(what: str, value: Numbers, shape: tuple[int, ...], whole: bool) -> None:
    """Refuse a wrong shape, and for integers another type or more than 32 bits; arrays may lie outside memory."""
    if not hasattr(value, "dtype") or not hasattr(value, "shape") or tuple(value.shape) != shape:
        raise NetworkError(f"{what} has shape {np.shape(value)}; {shape} is needed")
    if whole and value.dtype.kind not in "iu":
        raise NetworkError(f"{what} holds {value.dtype} numbers; a Fixed network holds integers")
    for first, block in row_blocks(value):
        if not whole:
            bad = np.isnan(block)
        elif block.dtype.itemsize < INT32.dtype.itemsize:
            continue
        else:
            bad = (block < INT32.min) | (block > INT32.max)
        if bad.any():
            index = tuple(int(k) for k in np.argwhere(bad)[0])
            raise NetworkError(
                f"{what}{[first + index[0], *index[1:]]} is {block[index]}; {'32 bits hold it' if whole else 'a number'} is needed"
            )


def _check_decays(population: ChipPopulation) -> None:
    if not 1 <= population.decay_bits <= 30:
        raise NetworkError(
            f"population {population.name!r}: decay_bits is {population.decay_bits}; 1 to 30 are possible"
        )
    if (np.abs(population.bias_exp) > 63).any():
        raise NetworkError(f"population {population.name!r}: a bias_exp beyond -63 to 63")
    for label, field, offset in (
        ("du", population.du, population.u_offset),
        ("dv", population.dv, population.v_offset),
    ):
        largest = (1 << population.decay_bits) - offset
        bad = (field < 0) | (field > largest)
        if bad.any():
            index = int(np.flatnonzero(bad)[0])
            raise NetworkError(
                f"population {population.name!r}: {label}[{index}] is {field[index]}; it must lie in 0 to {largest}"
            )


def _check_connection(connection: ChipConnection, joined: tuple[int, int], fixed: bool) -> None:
    """``joined``: the neurons of the target and of the source."""
    _check_pattern(connection, joined)
    shape = weight_shape(connection.pattern, joined)
    _check_array(f"connection {connection.name!r}: weight", connection.weight, shape, fixed)
    if isinstance(connection.weight_format, Float64) == fixed:
        raise NetworkError(
            f"connection {connection.name!r}: weight_format is {connection.weight_format}, but a network is either all Fixed or all Float64"
        )
    if connection.delays is not None:
        _check_array(f"connection {connection.name!r}: delays", connection.delays, shape, True)
        if (connection.delays < 0).any():
            raise NetworkError(
                f"connection {connection.name!r}: a delay of {connection.delays.min()} steps; delays must be >= 0"
            )
    if connection.plasticity is None and not connection.drives:
        raise NetworkError(
            f"connection {connection.name!r} neither learns nor drives its target; give it a Plasticity, or let it drive"
        )
    if isinstance(connection.weight_format, Fixed):
        _check_weights_held(connection, connection.weight_format)


def _check_pattern(connection: ChipConnection, joined: tuple[int, int]) -> None:
    problem = pattern_problem(connection.pattern) if connection.pattern is not None else None
    if problem is None and connection.pattern is not None and tuple(connection.pattern.shape) != joined:
        problem = f"pattern has shape {connection.pattern.shape}; its neurons need {joined}"
    if problem:
        raise NetworkError(f"connection {connection.name!r}: {problem}")


def _check_weights_held(connection: ChipConnection, weight_format: Fixed) -> None:
    """Refuse weights that Lava would change before computing with them (up to 8 bits; wider ones Lava cannot hold).

    Plastic weights beyond 8 bits stay: Lava limits them only at their first update.
    """
    if weight_format.bits > WEIGHT_BITS:
        return
    prepared = lava_weights if connection.plasticity is None else truncate_weights
    for first, weights in row_blocks(connection.weight):
        held = prepared(weights, connection.sign_mode, weight_format.bits)
        if not np.array_equal(held, weights):
            index = tuple(int(k) for k in np.argwhere(held != weights)[0])
            raise NetworkError(
                f"connection {connection.name!r}: weight{[first + index[0], *index[1:]]} = {weights[index]} is not held "
                f"by {weight_format.bits} {connection.sign_mode} bits; the chip would compute with {held[index]}; quantise it first"
            )


def check_stimulus(network: ChipNetwork, stimulus: Stimulus) -> None:
    """Refuse a stimulus that does not fit the network's inputs (InputError).

    An array without channels may have any name: it gives a network without inputs its samples and steps.
    """
    ports = {port.name: port for port in network.inputs}
    for name, array in stimulus.inputs.items():
        if name not in ports and array.shape[2] > 0:
            near = get_close_matches(name, ports, 1, 0) if ports else []
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InputError(f"stimulus {name!r}: network {network.name!r} has no such input{hint}")
    if not stimulus.inputs:
        raise InputError("the stimulus holds no array; without one there are no samples and no steps to run")
    for port in network.inputs:
        if port.name not in stimulus.inputs:
            raise InputError(f"input {port.name!r} of network {network.name!r} has no stimulus; give an array of zeros")
        _check_values(port, stimulus.inputs[port.name], network.is_fixed)


def _check_values(port: ChipInput, array: Numbers, fixed: bool) -> None:
    if array.shape[2] != port.size:
        raise InputError(f"stimulus {port.name!r} has {array.shape[2]} channels, but the input has {port.size}")
    if array.dtype.kind not in "biuf":
        raise InputError(f"stimulus {port.name!r} holds {array.dtype} values; numbers are needed")
    if array.dtype.kind == "b":
        return
    samples, steps = array.shape[:2]
    for sample in range(samples):
        # a stretch at a time, or long stimuli would take a multiple of their memory
        for start in range(0, steps, STRETCH_STEPS):
            values = array[sample, start : start + STRETCH_STEPS]
            if port.message_bits == 0:
                good, wanted = (values == 0) | (values == 1), "a binary input takes 0 or 1; encode it first"
            elif fixed:
                good = (values >= INT32.min) & (values <= INT32.max) & (values == np.floor(values))
                wanted = "a graded input takes integers of up to 32 bits; encode it first"
            else:
                good, wanted = np.isfinite(values), "a graded input takes finite numbers"
            if not good.all():
                step, channel = (int(k) for k in np.argwhere(~good)[0])
                raise InputError(
                    f"stimulus {port.name!r}[{sample}, {start + step}, {channel}] is {values[step, channel]}; {wanted}"
                )


def check_probes(network: ChipNetwork, probes: Sequence[Probe]) -> None:
    """Refuse probes of a population, plastic connection or state that is not there (InputError)."""
    known = {p.name: STATES for p in network.populations}
    plastic = {c.name for c in network.connections if c.plasticity is not None}
    for name, state in probes:
        states = (*known.get(name, ()), *(PLASTIC_STATES if name in plastic else ()))
        if not states:
            raise InputError(
                f"probe {name!r}: network {network.name!r} has no such population or plastic connection; it has "
                f"{', '.join(sorted(known.keys() | plastic))}"
            )
        if state not in states:
            raise InputError(f"probe {name!r}: no state {state!r}; one of {', '.join(states)}")
