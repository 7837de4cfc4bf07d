"""Decay fields: the integers that stand for the leak of current and voltage in a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.conversion import ConversionRow
from neuroalign.quantise.formats import IntegerFormats
from neuroalign.quantise.normal_form import NormalPopulation
from neuroalign.quantise.rows import array_row

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Decays:
    """Decay fields and the fractions they mean, each (N,)."""

    du: IntArray
    dv: IntArray
    u: FloatArray
    v: FloatArray


def held_decays(form: NormalPopulation, formats: IntegerFormats) -> Decays:
    """The nearest fields, and what they mean: ``(field + offset) / 2**bits`` of a state is lost in a step."""
    scale = 2.0**formats.decay.bits
    du = np.clip(np.rint(form.decay_u * scale) - formats.decay.u_offset, 0, formats.decay_limit).astype(np.int64)
    dv = np.clip(np.rint(form.decay_v * scale) - formats.decay.v_offset, 0, formats.decay_limit).astype(np.int64)
    return Decays(du, dv, (du + formats.decay.u_offset) / scale, (dv + formats.decay.v_offset) / scale)


def decay_rows(form: NormalPopulation, decays: Decays, formats: IntegerFormats) -> tuple[ConversionRow, ...]:
    """What became of the decays of current and voltage, leaks that were lost named."""
    name, unit = form.population.name, 2.0**-formats.decay.bits

    def beyond(held: FloatArray, wanted: FloatArray) -> int:
        # One unit is what a full decay misses where the field has no offset; more was cut off by the field's range.
        return int(np.count_nonzero(np.abs(held - wanted) > unit * (1 + 1e-9)))

    u = array_row(
        name, "decay_u", form.decay_u, decays.du, decays.u, "1/step", saturated=beyond(decays.u, form.decay_u)
    )
    dead = int(np.count_nonzero((form.decay_v > 0) & (decays.v == 0)))
    note = f"{dead} neuron(s) lose their leak: dt/tau_mem is below half a unit of the decay field" if dead else ""
    v = array_row(
        name,
        "decay_v",
        form.decay_v,
        decays.dv,
        decays.v,
        "1/step",
        note,
        saturated=beyond(decays.v, form.decay_v),
        status="approximate" if dead else None,
    )
    return u, v
