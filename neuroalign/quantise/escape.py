"""Escape noise on chip: the chance of a spike as a table over the distance from the threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import EscapeNoise
from neuroalign.conversion import ConversionRow
from neuroalign.errors import ConversionRefused
from neuroalign.network import Escape
from neuroalign.quantise.normal_form import NormalPopulation
from neuroalign.quantise.rows import array_row

FloatArray = NDArray[np.float64]

CHANCE_UNITS = 65536
REACH = 12.0
"""Widths on each side of the threshold that the table spans: beyond, chances are below 1 of its units."""
ENTRIES_PER_WIDTH = 32


def chance(escape_kind: str, distance: FloatArray) -> FloatArray:
    """P of :class:`neuroalign.network.Escape` for ``distance = (v - v_threshold) / width``."""
    with np.errstate(over="ignore"):
        if escape_kind == "logistic":
            return np.asarray(1 / (1 + np.exp(-distance)))
        return np.asarray(-np.expm1(-np.exp(distance)))


def float_escape(escape: Escape | None) -> EscapeNoise | None:
    """The escape function as it is."""
    if escape is None:
        return None
    return EscapeNoise(escape.kind, escape.width, np.zeros(0, dtype=np.int64), 0, escape.seed)


def refuse_early_chance(form: NormalPopulation) -> None:
    """Refuse neurons that spike by chance in steps before the model's first, or whose integers could not be scaled.

    Raises
    ------
    ConversionRefused
        If such a population has a latency.
    """
    name = form.population.name
    if form.population.escape is not None and form.latency_steps:
        raise ConversionRefused(
            f"population {name!r} spikes by chance and lags the model {form.latency_steps} steps, so it would spike before "
            "the model starts; give the connections into it and its inputs delay_steps 1"
        )
    if (form.window_steps or form.refractory_steps) and form.latency_steps and form.u_start.any():
        raise ConversionRefused(
            f"population {name!r} has a window or refractory time, starts with a current, and lags the model; start it at rest"
        )


def tabulated_escape(
    form: NormalPopulation, units_per_volt: FloatArray
) -> tuple[EscapeNoise | None, tuple[ConversionRow, ...]]:
    """The table of a population, and its conversion row.

    Raises
    ------
    ConversionRefused
        If the neurons differ in their width on chip: they share one table.
    """
    escape = form.population.escape
    if escape is None:
        return None, ()
    if (form.threshold <= 0).any():
        raise ConversionRefused(
            f"population {form.population.name!r}: v_threshold is not above v_reset, to which a chip's numbers refer; lower v_reset"
        )
    widths = escape.width * units_per_volt
    if np.ptp(widths) > 1e-9 * widths.max():
        raise ConversionRefused(
            f"population {form.population.name!r}: escape widths of {widths.min():.4g} to {widths.max():.4g} units of v; its neurons "
            "share one table, so give all the same width (and the same threshold above reset)"
        )
    width = float(widths[0])
    shift = max(0, int(np.floor(np.log2(max(width / ENTRIES_PER_WIDTH, 1.0)))))
    half = int(np.ceil(REACH * width / 2**shift))
    # an entry stands for the whole numbers k 2^shift .. (k + 1) 2^shift - 1; their mean is exact where P is straight
    middle = (np.arange(-half, half) * 2.0**shift + (2**shift - 1) / 2) / width
    exact = chance(escape.kind, middle)
    table = np.rint(exact * CHANCE_UNITS).astype(np.int64)
    row = array_row(
        form.population.name, "escape chance", exact, table, table / CHANCE_UNITS, "1/step",
        f"a table of {2 * half} entries, {2**shift} units of v each; Loihi 2 needs neuron microcode for it",
    )  # fmt: skip
    return EscapeNoise(escape.kind, escape.width, table, shift, escape.seed), (row,)
