"""Which kind of rounding costs how much: the float network with one kind of the chip's numbers in it at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from neuroalign.calibration.layers import chip_error, float_given
from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Float64
from neuroalign.compile import compile_network
from neuroalign.deployment.searched import Cause
from neuroalign.network import Network
from neuroalign.pattern import spread_to_synapses
from neuroalign.profile import Profile, load_profile
from neuroalign.quantise.normal_form import normalise
from neuroalign.quantise.scale_question import ScaleChoice
from neuroalign.recording import Stimulus


def rounding_causes(
    network: Network, profile: Profile, stimulus: Stimulus, scales: Mapping[str, ScaleChoice] | None = None
) -> tuple[Cause, ...]:
    """Error of the network with rounded weights alone, decays alone, constants alone, all three, and on chip.

    What the chip adds to all three is its states: sums rounded down, decays truncated, limits that were reached.

    Parameters
    ----------
    stimulus
        0/1 spikes.
    """
    wanted = float_given(network, stimulus)
    chip, _ = compile_network(network, profile, scales=scales)
    ideal, _ = compile_network(network, load_profile("ideal"))

    def error(held: ChipNetwork) -> float:
        return chip_error(network, held, stimulus, wanted)

    weights = tuple(_rounded(c, chip) for c in chip.connections)
    decays = tuple(_decaying(network, p, chip.population(p.name)) for p in ideal.populations)
    constants = tuple(_driven(p, chip.population(p.name)) for p in ideal.populations)
    both = tuple(_driven(p, chip.population(p.name)) for p in decays)
    return (
        Cause("weights", error(replace(ideal, connections=weights))),
        Cause("decays", error(replace(ideal, populations=decays))),
        Cause("bias and leak", error(replace(ideal, populations=constants))),
        Cause("all three, states exact", error(replace(ideal, connections=weights, populations=both))),
        Cause("on chip", error(chip)),
    )


def _rounded(c: ChipConnection, chip: ChipNetwork) -> ChipConnection:
    """A connection's integers as volts."""
    target = chip.population(c.target)
    unit = spread_to_synapses(target.volts_per_unit, c.pattern) * 2.0 ** (c.weight_exp + target.weight_shift)
    return replace(c, weight=c.weight * unit, weight_format=Float64(), weight_exp=0, sign_mode="mixed")


def _decaying(network: Network, p: ChipPopulation, held: ChipPopulation) -> ChipPopulation:
    """A population with the decays that the chip has; its leak acts by them too."""
    unity = 2.0**held.decay_bits
    du, dv = (held.du + held.u_offset) / unity, (held.dv + held.v_offset) / unity
    form = normalise(network, network.population(p.name), p.latency_steps)
    return replace(p, du=du, dv=dv, bias_mant=p.bias_mant + (dv - p.dv) * form.leak_drive)


def _driven(p: ChipPopulation, held: ChipPopulation) -> ChipPopulation:
    return replace(p, bias_mant=held.bias_mant * 2.0**held.bias_exp * held.volts_per_unit)
