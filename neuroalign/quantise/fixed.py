"""Integers for one population and the connections into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipPopulation, EscapeNoise, Fixed
from neuroalign.conversion import ConversionRow
from neuroalign.network import Connection
from neuroalign.pattern import spread_to_synapses
from neuroalign.profile import Profile
from neuroalign.quantise.decays import Decays, decay_rows, held_decays
from neuroalign.quantise.escape import tabulated_escape
from neuroalign.quantise.formats import IntegerFormats, integer_formats
from neuroalign.quantise.headroom import headroom_row
from neuroalign.quantise.normal_form import NormalPopulation
from neuroalign.quantise.plastic import hold_plastic
from neuroalign.quantise.rows import array_row, note_row
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.scale import Kernel, choose_k, quantise_weights, weight_exponent
from neuroalign.quantise.scale_question import GradedSource, ScaleChoice, scale_question, weight_bits
from neuroalign.quantise.start_states import StartStates, fixed_start_states

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def convert_population(
    form: NormalPopulation,
    incoming: Sequence[Connection],
    delays: Mapping[str, IntArray | None],
    graded: Mapping[str, GradedSource],
    profile: Profile,
    learning: Mapping[str, RuleChoices],
    choice: ScaleChoice | None = None,
) -> tuple[ChipPopulation, tuple[ChipConnection, ...], tuple[ConversionRow, ...]]:
    """Integers for a population in normal form and the connections into it, with their conversion rows."""
    formats = integer_formats(profile)
    decays = held_decays(form, formats)
    drive = decays.v * form.leak_drive + form.bias_drive
    asked = scale_question(form, incoming, graded, profile, learning)
    kernels, reference = asked.kernels, asked.reference
    k = (
        choice.k
        if choice is not None
        else choose_k(tuple(kernels.values()), asked.headroom, formats.exponents, integer=form.population.spiking)
    )
    units_per_volt = k * 2.0**formats.align / reference
    converted = [
        _connection(form, c, kernels[c.name], k, units_per_volt, delays[c.name], graded.get(c.source), formats, choice)
        if c.rule is None
        else hold_plastic(
            form,
            c,
            kernels.get(c.name),
            k,
            units_per_volt,
            profile,
            formats,
            learning.get(c.name, RuleChoices()),
            graded,
        )
        for c in incoming
    ]
    mantissa, exponent, bias_row = _bias(form, drive, units_per_volt, formats)
    threshold = np.full(
        form.population.size, int(k) if form.population.spiking else formats.threshold_limit, dtype=np.int64
    )
    start = fixed_start_states(
        form,
        (decays.du + formats.decay.u_offset, decays.dv + formats.decay.v_offset),
        mantissa << exponent,
        threshold << formats.threshold.shift,
        units_per_volt,
        formats,
    )
    escape, escape_rows = tabulated_escape(form, units_per_volt)
    population = _population(form, decays, threshold, (mantissa, exponent), start, units_per_volt, formats, escape)
    connections = tuple(c for c, _ in converted)
    rows = (
        *(row for _, rows in converted for row in rows),
        _threshold_row(form, threshold, units_per_volt, formats),
        *decay_rows(form, decays, formats),
        *bias_row,
        *start.rows,
        *_reset_rows(form),
        *escape_rows,
        _worst_case_row(form, connections, graded, population, decays, formats),
    )
    return population, connections, rows


def _worst_case_row(
    form: NormalPopulation,
    connections: Sequence[ChipConnection],
    graded: Mapping[str, GradedSource],
    population: ChipPopulation,
    decays: Decays,
    formats: IntegerFormats,
) -> ConversionRow:
    """How far the states go where every input arrives in every step."""
    driving = [c for c in connections if c.drives]
    largest = [form.burst * (graded[c.source].largest if c.source in graded else 1.0) for c in driving]
    threshold = population.threshold << population.threshold_shift if population.spiking else None
    bias = population.bias_mant << population.bias_exp
    return headroom_row(population.name, driving, largest, bias, (decays.u, decays.v), threshold, formats)


def _population(
    form: NormalPopulation,
    decays: Decays,
    threshold: IntArray,
    bias: tuple[IntArray, IntArray],
    start: StartStates,
    units_per_volt: FloatArray,
    formats: IntegerFormats,
    escape: EscapeNoise | None,
) -> ChipPopulation:
    return ChipPopulation(
        name=form.population.name,
        shape=form.population.shape,
        du=decays.du,
        dv=decays.dv,
        threshold=threshold,
        bias_mant=bias[0],
        bias_exp=bias[1],
        u0=start.u0,
        v0=start.v0,
        u_format=Fixed(formats.u.bits, 0, formats.decay.rounding, formats.u.on_excess),
        v_format=Fixed(formats.v.bits, 0, formats.decay.rounding, formats.v.on_excess),
        decay_bits=formats.decay.bits,
        u_offset=formats.decay.u_offset,
        v_offset=formats.decay.v_offset,
        threshold_shift=formats.threshold.shift,
        weight_shift=formats.align,
        spiking=form.population.spiking,
        latency_steps=form.latency_steps,
        volts_per_unit=1.0 / units_per_volt,
        volts_offset=form.offset,
        reset=form.reset,
        window_steps=form.window_steps,
        refractory_steps=form.refractory_steps,
        escape=escape,
    )


def _connection(
    form: NormalPopulation,
    c: Connection,
    kernel: Kernel,
    k: float,
    units_per_volt: FloatArray,
    delays: IntArray | None,
    source: GradedSource | None,
    formats: IntegerFormats,
    choice: ScaleChoice | None = None,
) -> tuple[ChipConnection, tuple[ConversionRow, ...]]:
    found = None if choice is None else choice.exponents.get(c.name)
    exponent = weight_exponent(kernel, k, formats.exponents) if found is None else found
    held, clipped = quantise_weights(kernel, k, exponent)
    if choice is not None and c.name in choice.weights:
        held = choice.weights[c.name]
    unit = source.value_per_unit if source else 1.0
    gain = spread_to_synapses(form.kernel_gain, c.pattern) * unit
    volts = held * 2.0 ** (exponent + formats.align) / spread_to_synapses(units_per_volt, c.pattern)
    meaning = np.divide(volts, gain, out=np.array(c.weight), where=gain != 0)
    note = f"{kernel.sign_mode}, {weight_bits(c, formats)} bits, exponent {exponent}"
    note += f"; {choice.note}" if choice is not None and choice.note else ""
    # A weight counts by what it does to its neuron: gains and thresholds may differ by orders of magnitude.
    effect = spread_to_synapses(np.abs(form.kernel_gain) * units_per_volt, c.pattern)
    largest = float((effect * np.abs(c.weight)).max(initial=0.0))
    scale = np.divide(largest, effect, out=np.full(effect.shape, np.inf), where=effect > 0)
    row = array_row(c.name, "weight", c.weight, held, meaning, "", note, saturated=clipped, shift=exponent, scale=scale)
    chip = ChipConnection(
        name=c.name,
        source=c.source,
        target=c.target,
        weight=held,
        weight_format=Fixed(weight_bits(c, formats), exponent, "nearest", "saturate"),
        weight_exp=exponent,
        sign_mode=kernel.sign_mode,
        delays=delays,
        message_bits=source.message_bits if source else 0,
        pattern=c.pattern,
    )
    return chip, (row,)


def _bias(
    form: NormalPopulation, drive: FloatArray, units_per_volt: FloatArray, formats: IntegerFormats
) -> tuple[IntArray, IntArray, tuple[ConversionRow, ...]]:
    """Mantissa and exponent of the constant drive; the smallest exponent that holds it, per neuron."""
    wanted = drive * units_per_volt
    ratio = np.abs(np.rint(wanted)) / formats.bias_mantissa_limit
    exponent = np.ceil(np.log2(np.maximum(ratio, 1.0))).astype(np.int64)
    exponent = np.minimum(exponent, formats.bias_exponent_limit)
    rounded = np.rint(wanted / 2.0**exponent).astype(np.int64)
    mantissa = np.clip(rounded, -formats.bias_mantissa_limit, formats.bias_mantissa_limit)
    if not drive.any():
        return mantissa, exponent, ()
    note = "leak and bias in one constant"
    if (form.population.bias != 0).any() and (form.decay_u < 1).any():
        note += "; the bias that the model filters through its synapse stands at its steady state, its transient in u0"
    meaning = mantissa * 2.0**exponent / units_per_volt
    row = array_row(
        form.population.name,
        "bias",
        drive,
        mantissa,
        meaning,
        "V/step",
        note,
        shift=exponent,
        saturated=int(np.count_nonzero(mantissa != rounded)),
    )
    return mantissa, exponent, (row,)


def _reset_rows(form: NormalPopulation) -> tuple[ConversionRow, ...]:
    """What the reset by subtraction asks of a chip."""
    if form.reset == "zero" or not form.population.spiking:
        return ()
    note = "by subtraction, exactly, as neuron microcode: no standard neuron of a Loihi, nor Lava's LIF, has it"
    return (note_row(form.population.name, "reset", note, count=form.population.size),)


def _threshold_row(
    form: NormalPopulation, threshold: IntArray, units_per_volt: FloatArray, formats: IntegerFormats
) -> ConversionRow:
    name = form.population.name
    if not form.population.spiking:
        return note_row(
            name, "threshold", "never spikes: the largest threshold stands for none", count=form.population.size
        )
    note = "one integer for all neurons; weights and bias share its scale"
    if form.reset == "zero" and form.offset.any():
        note += "; v_reset is moved to 0, exactly"
    if np.unique(form.threshold).size > 1:
        note += "; thresholds differ, so each neuron has its own scale"
    meaning = (threshold << formats.threshold.shift) / units_per_volt + form.offset
    return array_row(
        name, "threshold", form.population.v_threshold, threshold, meaning, "V", note, shift=formats.threshold.shift
    )
