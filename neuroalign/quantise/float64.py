"""The same network without rounding: the ideal profile, and the float model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipPopulation, Float64
from neuroalign.network import Connection
from neuroalign.pattern import spread_to_synapses
from neuroalign.quantise.escape import float_escape
from neuroalign.quantise.normal_form import NormalPopulation, states_before_start
from neuroalign.quantise.plastic import float_plastic


def hold_population(
    form: NormalPopulation,
    incoming: Sequence[Connection],
    delays: Mapping[str, NDArray[np.int64] | None],
    graded: Sequence[str],
) -> tuple[ChipPopulation, tuple[ChipConnection, ...]]:
    """A population in normal form and the connections into it, every number a Float64 in volts."""
    drive = form.decay_v * form.leak_drive + form.bias_drive
    u0, v0 = states_before_start(form, form.decay_u, form.decay_v, drive)
    size = form.population.size
    population = ChipPopulation(
        name=form.population.name,
        shape=form.population.shape,
        du=form.decay_u,
        dv=form.decay_v,
        threshold=form.threshold,
        bias_mant=drive,
        bias_exp=np.zeros(size, dtype=np.int64),
        u0=u0,
        v0=v0,
        u_format=Float64(),
        v_format=Float64(),
        decay_bits=0,
        u_offset=0,
        v_offset=0,
        threshold_shift=0,
        weight_shift=0,
        spiking=form.population.spiking,
        latency_steps=form.latency_steps,
        volts_per_unit=np.ones(size),
        volts_offset=form.offset,
        reset=form.reset,
        window_steps=form.window_steps,
        refractory_steps=form.refractory_steps,
        escape=float_escape(form.population.escape),
    )
    connections = tuple(
        float_plastic(form, c, delays[c.name]) if c.rule is not None else _static(form, c, delays[c.name], graded)
        for c in incoming
    )
    return population, connections


def _static(
    form: NormalPopulation, c: Connection, delays: NDArray[np.int64] | None, graded: Sequence[str]
) -> ChipConnection:
    return ChipConnection(
        name=c.name,
        source=c.source,
        target=c.target,
        weight=spread_to_synapses(form.kernel_gain, c.pattern) * c.weight,
        weight_format=Float64(),
        weight_exp=0,
        sign_mode="mixed",
        delays=delays,
        message_bits=64 if c.source in graded else 0,
        pattern=c.pattern,
    )
