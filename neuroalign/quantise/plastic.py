"""A plastic connection on chip: its initial integers, the unit they stand for, and the Program that changes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, Fixed, Float64, Plasticity
from neuroalign.conversion import ConversionRow
from neuroalign.errors import ConversionRefused, RuleError
from neuroalign.network import Connection
from neuroalign.profile import Profile
from neuroalign.quantise.formats import IntegerFormats
from neuroalign.quantise.learning import float_program, hold_rule
from neuroalign.quantise.normal_form import NormalPopulation
from neuroalign.quantise.rows import array_row
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.scale import Kernel, weight_exponent
from neuroalign.quantise.third_factor import SLOT, received_at
from neuroalign.rule import LearningRule

FloatArray = NDArray[np.float64]

MIXED_HIGH, MIXED_LOW = 255, -256
"""Range of a learnt weight: updates use every unit, while initial mixed weights are even."""
FOREVER = 2**62
"""A step that no run reaches."""


def plastic_kernel(form: NormalPopulation, c: Connection, reference: FloatArray, choices: RuleChoices) -> Kernel:
    """What a plastic connection demands of the population's scale: room for the largest weights it may learn."""
    share = float(_uniform(c, form.kernel_gain / reference)) * weight_limit(c, choices)
    return Kernel(c.name, np.full(c.weight.shape, share), 1.0, "mixed", 1, MIXED_LOW, MIXED_HIGH, c.pattern)


def weight_limit(c: Connection, choices: RuleChoices) -> float:
    """Largest magnitude that the weights may reach, in the model's unit."""
    if choices.weight_limit is not None:
        return choices.weight_limit
    largest = max(float(np.abs(c.weight).max(initial=0.0)), _rule(c).weight_limit or 0.0)
    if largest == 0:
        raise RuleError(
            f"connection {c.name!r} starts from zero weights, so its range is unknown; give weight_limit, the largest weight it may learn"
        )
    return largest


def hold_plastic(
    form: NormalPopulation,
    c: Connection,
    kernel: Kernel | None,
    k: float,
    units_per_volt: FloatArray,
    profile: Profile,
    formats: IntegerFormats,
    choices: RuleChoices,
    inputs: Mapping[str, object],
) -> tuple[ChipConnection, tuple[ConversionRow, ...]]:
    """Integers and Program of a plastic connection; ``kernel`` is None where it does not drive its target.

    ``inputs`` are named by the keys: they send third factors as payloads.

    Raises
    ------
    ConversionRefused
        If the target's neurons differ in what a weight unit means: one Program serves all synapses.
    """
    exponent = 0
    unit = choices.weight_unit or weight_limit(c, choices) / (MIXED_HIGH - 1)
    if kernel is not None:
        if choices.weight_unit is not None:
            raise RuleError(
                f"connection {c.name!r}: weight_unit is given, but its weights drive {c.target!r}, whose scale sets their unit; "
                "give weight_limit instead"
            )
        exponent = weight_exponent(kernel, k, formats.exponents)
        unit = float(_uniform(c, 2.0 ** (exponent + formats.align) / (units_per_volt * form.kernel_gain)))
    free = kernel is None and choices.weight_unit is None
    third = received_at(c, inputs)
    held_rule = hold_rule(_rule(c), c.name, profile, form.dt, unit, choices, free_unit=free, third=third)
    unit = held_rule.weight_unit
    wanted = np.rint(c.weight / unit / formats.mixed_lsb).astype(np.int64) * formats.mixed_lsb
    held = np.clip(wanted, MIXED_LOW, MIXED_HIGH - 1)
    row = array_row(
        c.name,
        "initial weight",
        c.weight,
        held,
        held * unit,
        "",
        f"plastic, 8 bits, exponent {exponent}",
        saturated=int(np.count_nonzero(held != wanted)),
        shift=exponent,
    )
    tag = np.zeros(held.shape, dtype=np.int64)
    plasticity = Plasticity(held_rule.program, tag, unit, _phases(form, c), modulators=_modulators(c))
    connection = ChipConnection(
        name=c.name,
        source=c.source,
        target=c.target,
        weight=held,
        weight_format=Fixed(formats.weight_bits, exponent, "nearest", "saturate"),
        weight_exp=exponent,
        sign_mode="mixed",
        plasticity=plasticity,
        drives=c.drives,
        pattern=c.pattern,
    )
    return connection, (row, *held_rule.rows)


def float_plastic(form: NormalPopulation, c: Connection, delays: NDArray[np.int64] | None) -> ChipConnection:
    """A plastic connection without rounding: weights in volts where it drives, else in the model's unit."""
    unit = 1.0 / float(_uniform(c, form.kernel_gain)) if c.drives else 1.0
    program = float_program(_rule(c), form.dt, unit)
    return ChipConnection(
        name=c.name,
        source=c.source,
        target=c.target,
        weight=c.weight / unit,
        weight_format=Float64(),
        weight_exp=0,
        sign_mode="mixed",
        delays=delays,
        plasticity=Plasticity(program, np.zeros(c.weight.shape), unit, _phases(form, c), modulators=_modulators(c)),
        drives=c.drives,
        pattern=c.pattern,
    )


def _rule(c: Connection) -> LearningRule:
    if c.rule is None:
        raise RuleError(f"connection {c.name!r} has no rule")
    return c.rule


def _modulators(c: Connection) -> tuple[tuple[str, str], ...]:
    return ((SLOT, c.third_factor),) if c.third_factor else ()


def _phases(form: NormalPopulation, c: Connection) -> tuple[tuple[int, int], ...]:
    """Learning phases in chip steps: the target lags the model, and terms that would act before it wait for it too."""
    lag = form.latency_steps
    learning = c.learning or (((1, FOREVER),) if lag and _acts_before_spikes(_rule(c)) else ())
    return tuple((start + lag, stop + lag) for start, stop in learning)


def _acts_before_spikes(rule: LearningRule) -> bool:
    """Whether a term acts in every step and has no trace of post, which is 0 until the target has spiked."""
    seen_post = {name for name, trace in rule.traces.items() if trace.of == "post"}
    return any(t.gate == "step" and not seen_post & set(t.factors) for t in (*rule.weight, *rule.tag))


def _uniform(c: Connection, values: FloatArray) -> float:
    """The one value of ``values`` (N_target,)."""
    if not np.isfinite(values).all() or np.ptp(values) > 1e-9 * abs(values).max(initial=0.0):
        raise ConversionRefused(
            f"connection {c.name!r} is plastic, but the neurons of {c.target!r} differ in threshold or gain, so that one weight unit means "
            "different things; give them equal parameters, or split the population"
        )
    return float(values[0])
