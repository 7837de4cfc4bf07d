"""What may enter the pipeline, and what may leave it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork, ChipPopulation, Fixed
from neuroalign.errors import ConversionRefused
from neuroalign.network import Connection, Network
from neuroalign.profile import Profile, not_run


def check_supported(network: Network, profile: Profile) -> None:
    """Refuse what no pass can turn into the profile's neurons.

    Raises
    ------
    ConversionRefused
        For arithmetic that nothing here computes in, for subtractive reset on a chip that resets to zero, and for connections that carry a membrane potential.
    """
    check_runs(profile)
    if not resets_alike(network, profile):
        remedy = "retrain with reset to zero, or accept the change with --reset zero"
        if profile.neuron.programmable:
            remedy += ", or hold it as neuron microcode with --microcode"
        raise ConversionRefused(
            f"network {network.name!r} resets by subtraction, neurons of profile {profile.id!r} reset to zero; {remedy}"
        )
    spiking = {p.name: p.spiking for p in network.populations}
    for c in network.connections:
        if not spiking.get(c.source, True):
            raise ConversionRefused(
                f"connection {c.name!r}: {c.source!r} never spikes, and a chip connection carries spikes only; end the network there, or use a spiking neuron"
            )
        _check_bits(c, profile)
    for p in network.populations:
        if p.spiking and not np.isfinite(p.v_threshold).all():
            raise ConversionRefused(
                f"population {p.name!r}: a spiking neuron has an infinite v_threshold; use LI or CubaLI for neurons that never spike"
            )


def _check_bits(c: Connection, profile: Profile) -> None:
    if c.weight_bits is None or profile.arithmetic == "float64":
        return
    if c.weight_bits not in profile.synapse.weight_bits:
        raise ConversionRefused(
            f"connection {c.name!r}: {c.weight_bits} bits a weight; profile {profile.id!r} has "
            f"{', '.join(map(str, profile.synapse.weight_bits))}"
        )
    if c.rule is not None:
        raise ConversionRefused(f"connection {c.name!r} learns, which takes weights of all bits; leave its bits out")


def check_runs(profile: Profile) -> None:
    """Refuse profiles with arithmetic that no backend computes in (ConversionRefused)."""
    reason = not_run(profile)
    if reason:
        raise ConversionRefused(reason)


def resets_alike(network: Network, profile: Profile) -> bool:
    """Whether the profile's neurons reset as the network's do."""
    return network.reset == "zero" or profile.arithmetic == "float64" or profile.neuron.reset == "subtract"


def with_microcode(profile: Profile) -> Profile:
    """The profile with neurons that reset by subtraction, as neuron microcode of a programmable core has them.

    Raises
    ------
    ConversionRefused
        If its neurons cannot be programmed.
    """
    if not profile.neuron.programmable:
        raise ConversionRefused(
            f"--microcode: the neurons of profile {profile.id!r} cannot be programmed; leave it out, or use one whose can, such as "
            "loihi2"
        )
    return replace(profile, neuron=replace(profile.neuron, reset="subtract"))


def check_chip(chip: ChipNetwork) -> None:
    """Verify that every integer fits its format: a quantising pass that slips is stopped here, not in a backend."""
    for p in chip.populations:
        if isinstance(p.v_format, Fixed) and isinstance(p.u_format, Fixed):
            limit = 2**p.decay_bits - 1
            _within(p, "du", p.du, 0, limit)
            _within(p, "dv", p.dv, 0, limit)
            _within(p, "u0", p.u0, -(2 ** (p.u_format.bits - 1)) + 1, 2 ** (p.u_format.bits - 1) - 1)
            _within(p, "v0", p.v0, -(2 ** (p.v_format.bits - 1)) + 1, 2 ** (p.v_format.bits - 1) - 1)
            _within(p, "threshold", p.threshold, 1, (2 ** (p.v_format.bits - 1) - 1) >> p.threshold_shift)
    for c in chip.connections:
        if isinstance(c.weight_format, Fixed):
            low = 0 if c.sign_mode == "excitatory" else -(2 ** max(c.weight_format.bits, 8))
            high = 0 if c.sign_mode == "inhibitory" else 2 ** max(c.weight_format.bits, 8) - 1
            if c.weight.size and (c.weight.min() < low or c.weight.max() > high):
                raise ConversionRefused(
                    f"connection {c.name!r}: a weight outside {low}..{high} left the quantiser; this is a defect, please report it"
                )


def _within(p: ChipPopulation, label: str, values: NDArray[np.int64], low: int, high: int) -> None:
    if values.size and (values.min() < low or values.max() > high):
        raise ConversionRefused(
            f"population {p.name!r}: {label} spans {values.min()}..{values.max()}, its format holds {low}..{high}; this is a defect, please report it"
        )
