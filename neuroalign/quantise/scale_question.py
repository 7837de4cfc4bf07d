"""What choosing the scale of a population starts from, and an answer that was found by trying it on input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.network import Connection
from neuroalign.pattern import spread_to_synapses
from neuroalign.profile import Profile
from neuroalign.quantise.decays import Decays, held_decays
from neuroalign.quantise.formats import IntegerFormats, integer_formats
from neuroalign.quantise.headroom import reach
from neuroalign.quantise.normal_form import NormalPopulation
from neuroalign.quantise.plastic import plastic_kernel, weight_limit
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.scale import Headroom, Kernel, make_kernel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEAST_THRESHOLD = 1024.0
"""Threshold mantissas are not lowered below this for worst cases: 0.1 % resolution."""


@dataclass(frozen=True)
class GradedSource:
    """A source that sends integers: payload bits, what one unit stands for, the largest magnitude in units."""

    message_bits: int
    value_per_unit: float
    largest: float


@dataclass(frozen=True, eq=False)
class ScaleChoice:
    """Numbers of a population that were found by trying them on input, instead of from the weights alone.

    Parameters
    ----------
    k
        ``K``: the threshold mantissa of a spiking population.
    exponents
        Connection to its weight exponent.
    weights
        Connection to its integers as held; those of others are rounded to nearest.
    note
        How they were found, for the conversion rows.
    """

    k: float
    exponents: Mapping[str, int]
    weights: Mapping[str, IntArray]
    note: str = ""


@dataclass(frozen=True, eq=False)
class ScaleQuestion:
    """What choosing a population's scale starts from: its kernels by connection, and the bounds on ``K``."""

    kernels: Mapping[str, Kernel]
    headroom: Headroom
    reference: FloatArray


def scale_question(
    form: NormalPopulation,
    incoming: Sequence[Connection],
    graded: Mapping[str, GradedSource],
    profile: Profile,
    learning: Mapping[str, RuleChoices],
) -> ScaleQuestion:
    """Kernels and bounds of a population in normal form."""
    formats = integer_formats(profile)
    driving = [c for c in incoming if c.drives]
    reference = _reference(form, driving, learning)
    kernels = {
        c.name: _kernel(form, c, reference, graded, formats)
        if c.rule is None
        else plastic_kernel(form, c, reference, learning.get(c.name, RuleChoices()))
        for c in driving
    }
    headroom = _headroom(form, tuple(kernels.values()), reference, held_decays(form, formats), formats)
    return ScaleQuestion(kernels, headroom, reference)


def _reference(
    form: NormalPopulation, incoming: Sequence[Connection], learning: Mapping[str, RuleChoices]
) -> FloatArray:
    """Voltage that the scale refers to: the threshold, or for readouts the largest jump that one spike makes."""
    if form.population.spiking:
        return form.threshold
    jumps = [
        float(np.abs(spread_to_synapses(form.kernel_gain, c.pattern) * c.weight).max())
        for c in incoming
        if c.weight.size
    ]
    plastic = [c for c in incoming if c.rule is not None]
    jumps += [
        float(np.abs(form.kernel_gain).max()) * weight_limit(c, learning.get(c.name, RuleChoices())) for c in plastic
    ]
    largest = max([*jumps, 0.0]) or float(np.abs(form.bias_drive).max(initial=0.0)) or 1.0
    return np.full(form.population.size, largest)


def _kernel(
    form: NormalPopulation,
    c: Connection,
    reference: FloatArray,
    graded: Mapping[str, GradedSource],
    formats: IntegerFormats,
) -> Kernel:
    source = graded.get(c.source)
    unit = source.value_per_unit if source else 1.0
    share = spread_to_synapses(form.kernel_gain / reference, c.pattern) * c.weight * unit
    largest = source.largest if source else 1.0
    return make_kernel(
        c.name, share, largest, weight_bits(c, formats), formats.mixed_lsb, formats.sign_modes, c.pattern
    )


def weight_bits(c: Connection, formats: IntegerFormats) -> int:
    """How many bits a connection's weights get: those it asks for, else those the profile has."""
    return c.weight_bits or formats.weight_bits


def _headroom(
    form: NormalPopulation, kernels: Sequence[Kernel], reference: FloatArray, decays: Decays, formats: IntegerFormats
) -> Headroom:
    """Bounds on K from the formats and from every input spiking in every step."""
    unit = 2.0**formats.align
    zero = np.zeros(form.population.size)
    drive = (decays.v * form.leak_drive + form.bias_drive) / reference
    above = sum((k.into_targets(1) * k.largest_input * form.burst for k in kernels), zero)
    below = sum((k.into_targets(-1) * k.largest_input * form.burst for k in kernels), zero)
    threshold = np.ones(form.population.size) if form.population.spiking else None
    bounds = reach(above, below, drive, (decays.u, decays.v), threshold)
    largest_drive = float(np.abs(drive).max(initial=0.0))
    start = float(np.abs(form.v_start / reference).max(initial=0.0))
    hard = min(
        float(formats.threshold_limit),
        formats.bias_limit / (largest_drive * unit) if largest_drive > 0 else np.inf,
        formats.v_limit / (start * unit) if start > 0 else np.inf,
    )
    safe = min(hard, bounds.limit_on_scale(formats.u_limit / unit, formats.v_limit / unit - 1))
    # Below this even the largest weights, of 8 bits, need a negative exponent, whose rounding down is a drift in every step.
    # Wider weights do not ask for more: their last bits are not worth states that wrap.
    wider = 2.0 ** max(formats.weight_bits - 8, 0)
    widest = min((1.0 / (k.needed * wider) for k in kernels if k.needed > 0), default=1.0)
    return Headroom(hard, safe, max(LEAST_THRESHOLD, widest) if form.population.spiking else widest)
