"""The pipeline from a Network to what the chip holds; it reads top to bottom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation
from neuroalign.conversion import ConversionRow, ConversionTable
from neuroalign.errors import ConversionRefused
from neuroalign.network import Network
from neuroalign.profile import Delay, Profile
from neuroalign.quantise.align_delays import align_delays
from neuroalign.quantise.escape import refuse_early_chance
from neuroalign.quantise.fixed import convert_population
from neuroalign.quantise.float64 import hold_population
from neuroalign.quantise.graded import graded_sources
from neuroalign.quantise.legality import check_chip, check_supported
from neuroalign.quantise.normal_form import normalise
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.scale_question import ScaleChoice
from neuroalign.quantise.synapses import chip_synapses


def compile_network(
    network: Network,
    profile: Profile,
    *,
    strict: bool = False,
    graded: Mapping[str, float] | None = None,
    learning: Mapping[str, RuleChoices] | None = None,
    scales: Mapping[str, ScaleChoice] | None = None,
) -> tuple[ChipNetwork, ConversionTable]:
    """What ``profile`` holds of ``network``, and one row for every number class that changed.

    Parameters
    ----------
    network, profile
        The float model and the target.
    strict
        Refuse cycles that lag the model, numbers that saturate and leaks that are lost.
    graded
        Input name to the largest magnitude of its values, for inputs that send numbers instead of spikes.
    learning
        Plastic connection name to how its rule is put on chip; the direct form where it is not named.
    scales
        Population to numbers found on input (:mod:`neuroalign.calibration`); from the weights alone where not named.

    Raises
    ------
    ConversionRefused
        If the profile cannot hold the network; the message says what would.

    Examples
    --------
    >>> import neuroalign
    >>> network = neuroalign.read_nir("network.nir").network
    >>> chip, table = neuroalign.compile_network(network, neuroalign.load_profile("loihi2"))
    >>> chip.is_fixed, len(table.rows) > 5
    (True, True)
    """
    check_supported(network, profile)
    alignment, table = align_delays(network, profile.delay, strict=strict)
    inputs, sources, rows = graded_sources(network, profile, graded or {}, alignment.latency)
    table += ConversionTable(rows)
    populations: list[ChipPopulation] = []
    connections: list[ChipConnection] = []
    for population in network.populations:
        form = normalise(network, population, alignment.latency[population.name])
        refuse_early_chance(form)
        laid = [
            chip_synapses(c, form, alignment.extra[c.name]) for c in network.connections if c.target == population.name
        ]
        incoming = [c for c, _ in laid]
        table += ConversionTable(tuple(row for _, rows in laid for row in rows))
        delays = {c.name: _delays(c.weight.shape, alignment.extra[c.name]) for c in incoming}
        converted: tuple[ConversionRow, ...] = ()
        if profile.arithmetic == "float64":
            held, synapses = hold_population(form, incoming, delays, tuple(sources))
        else:
            choice = (scales or {}).get(population.name)
            held, synapses, converted = convert_population(
                form, incoming, delays, sources, profile, learning or {}, choice
            )
        populations.append(held)
        connections.extend(synapses)
        table += ConversionTable(converted)
    chip = _assemble(network, profile, inputs, populations, connections)
    check_chip(chip)
    if strict:
        _refuse_losses(table)
    return chip, table


def _refuse_losses(table: ConversionTable) -> None:
    for row in table.rows:
        if row.quantity != "headroom" and row.status in ("saturated", "approximate"):
            raise ConversionRefused(
                f"{row.where!r}: {row.quantity} is {row.status} ({row.float_value:.4g} would be held as {row.stored}, {row.note or 'its range ends there'}); "
                "--strict refuses it; change the network, or deploy without --strict"
            )


def float_model(network: Network, profile: Profile, graded: Mapping[str, float] | None = None) -> ChipNetwork:
    """The float model itself as a Float64 ChipNetwork: no obligatory delay, no latency, no rounding.

    ``profile`` is a float64 profile; its delays are replaced.
    """
    timeless = replace(profile, id="float-model", delay=Delay(min_steps=0, max_extra_steps="unlimited"))
    chip, _ = compile_network(network, timeless, graded=graded)
    return chip


def _delays(shape: tuple[int, ...], extra: int) -> NDArray[np.int64] | None:
    return np.full(shape, extra, dtype=np.int64) if extra else None


def _assemble(
    network: Network,
    profile: Profile,
    inputs: tuple[ChipInput, ...],
    populations: list[ChipPopulation],
    connections: list[ChipConnection],
) -> ChipNetwork:
    order = {c.name: position for position, c in enumerate(network.connections)}
    return ChipNetwork(
        name=network.name,
        dt=network.dt,
        profile_id=profile.id,
        inputs=inputs,
        populations=tuple(populations),
        connections=tuple(sorted(connections, key=lambda c: order[c.name])),
        outputs=network.outputs,
        connection_delay_steps=profile.delay.min_steps,
    )
