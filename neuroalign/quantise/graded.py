"""Inputs that send numbers instead of spikes: graded payloads where the profile has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipInput, ChipNetwork
from neuroalign.conversion import ConversionRow
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.network import Network
from neuroalign.profile import Profile
from neuroalign.quantise.rows import note_row
from neuroalign.quantise.scale_question import GradedSource
from neuroalign.quantise.third_factor import third_factors
from neuroalign.recording import Stimulus

PAYLOAD_BITS = 12
"""Payload bits used where a profile has more: finer input than 8-bit weights resolve, and exponents stay in range."""


def graded_sources(
    network: Network, profile: Profile, graded: Mapping[str, float], latency: Mapping[str, int]
) -> tuple[tuple[ChipInput, ...], dict[str, GradedSource], tuple[ConversionRow, ...]]:
    """The chip's inputs, its graded sources by name, and their conversion rows.

    Raises
    ------
    ConversionRefused
        If an input is graded and the profile's spikes carry no payload.
    """
    inputs, sources, rows = [], {}, []
    third, rows_of_third = third_factors(network, profile, latency)
    rows += rows_of_third
    for port in network.inputs:
        if port.name in third:
            inputs.append(third[port.name])
            sources[port.name] = GradedSource(third[port.name].message_bits, third[port.name].value_per_unit, 1.0)
            continue
        if port.name not in graded:
            inputs.append(ChipInput(port.name, port.size, latency_steps=latency[port.name]))
            continue
        if profile.arithmetic == "float64":
            sources[port.name] = GradedSource(64, 1.0, graded[port.name])
            inputs.append(ChipInput(port.name, port.size, 64, 1.0, latency[port.name]))
            continue
        available = profile.spike.payload_bits
        if not available:
            known = "carry no payload" if available == 0 else "have an unknown payload"
            raise ConversionRefused(
                f"input {port.name!r} sends numbers, but spikes of profile {profile.id!r} {known}; use --encode bernoulli, or a profile with graded spikes"
            )
        bits = min(available, PAYLOAD_BITS)
        largest = 2 ** (bits - 1) - 1
        unit = graded[port.name] / largest if graded[port.name] > 0 else 1.0
        sources[port.name] = GradedSource(bits, unit, float(largest))
        inputs.append(ChipInput(port.name, port.size, bits, unit, latency[port.name]))
        note = f"graded spikes of {bits} bits; one unit stands for {unit:.4g}"
        rows.append(note_row(port.name, "payload", note, "rounded", port.size))
    return tuple(inputs), sources, tuple(rows)


def chip_stimulus(stimulus: Stimulus, chip: ChipNetwork) -> Stimulus:
    """The stimulus as the chip's inputs take it: 0/1 spikes, or integers where an input is graded.

    Raises
    ------
    InputError
        If an input is missing, unknown, of the wrong width, or not 0/1 where spikes are needed.
    """
    names = {i.name for i in chip.inputs}
    if set(stimulus.inputs) != names:
        raise InputError(f"stimulus has inputs {sorted(stimulus.inputs)}, the network needs {sorted(names)}")
    arrays = {}
    for port in chip.inputs:
        values = stimulus.inputs[port.name]
        if values.shape[2] != port.size:
            raise InputError(f"input {port.name!r}: {values.shape[2]} channels given, the network has {port.size}")
        if port.message_bits == 0:
            if not np.isin(values, (0, 1)).all():
                raise InputError(
                    f"input {port.name!r} holds values other than 0 and 1; say how to encode it: --encode bernoulli or --encode current"
                )
            arrays[port.name] = values.astype(np.uint8)
        elif port.message_bits == 64:
            arrays[port.name] = values.astype(np.float64)
        else:
            arrays[port.name] = np.rint(values / port.value_per_unit).astype(np.int64)
            if port.zero:
                arrays[port.name] = np.clip(arrays[port.name] + port.zero, 1, 2 * port.zero - 1)
    lag = max((port.latency_steps for port in chip.inputs), default=0)
    if lag:
        arrays = {port.name: _delayed(arrays[port.name], port.latency_steps, lag, port.zero) for port in chip.inputs}
    return Stimulus(arrays, stimulus.labels, stimulus.description)


def _delayed(values: NDArray[Any], steps: int, longest: int, zero: int) -> NDArray[Any]:
    """``values`` (samples, steps, channels) after ``steps`` silent steps, all inputs ``longest`` steps longer."""
    return np.pad(values, ((0, 0), (steps, longest - steps), (0, 0)), constant_values=zero)
