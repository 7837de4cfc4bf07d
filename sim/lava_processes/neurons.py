"""A population's Lava process: Lava's own where it has one, else our ExtendedLIF."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipPopulation
from neuroalign.sim.lava_processes import lava_compat

lava_compat.install()

from lava.proc.lif.process import LIF, LIFReset, TernaryLIF  # noqa: E402

from neuroalign.sim.lava_processes.extended_lif.process import ExtendedLIF  # noqa: E402


def neuron_process(population: ChipPopulation, recorder: Any = None) -> Any:
    """Lava's LIF, LIFReset or TernaryLIF; :class:`ExtendedLIF` for everything that these do not hold.

    Lava has no combinations of them, no bit-accurate refractory or stochastic neurons, and one pair of thresholds for
    all ternary neurons of a process.
    """
    p = population
    states: dict[str, Any] = {
        "shape": (p.size,),
        "u": p.u0.astype(np.int32),
        "v": p.v0.astype(np.int32),
        "du": _scalar_if_uniform(p.du),
        "dv": _scalar_if_uniform(p.dv),
        "bias_mant": p.bias_mant.astype(np.int16),
        "bias_exp": p.bias_exp.astype(np.int16),
        "name": p.name,
    }
    process = _process(p, states)
    process.proc_params["recorder"] = recorder  # not every process of Lava takes keywords of others
    return process


def _process(p: ChipPopulation, states: dict[str, Any]) -> Any:
    ternary, reset = p.threshold_low is not None, p.reset_interval > 0
    beyond = p.refractory_steps > 0 or p.escape is not None or p.window_steps > 1
    if beyond or (ternary and (reset or not _one_pair_of_thresholds(p))):
        return _extended(p, states)
    if p.threshold_low is not None:
        return TernaryLIF(vth_hi=int(p.threshold[0]), vth_lo=int(p.threshold_low[0]), **states)
    vth = _scalar_if_uniform(p.threshold)
    if reset:
        return LIFReset(vth=vth, reset_interval=p.reset_interval, reset_offset=p.reset_offset, **states)
    return LIF(vth=vth, **states)


def _extended(p: ChipPopulation, states: dict[str, Any]) -> Any:
    noise = p.escape
    return ExtendedLIF(
        vth=p.threshold,
        vth_lo=p.threshold_low,
        reset_interval=p.reset_interval,
        reset_offset=p.reset_offset,
        refractory_steps=p.refractory_steps,
        window_steps=p.window_steps,
        escape_table=None if noise is None else noise.table,
        escape_shift=0 if noise is None else noise.table_shift,
        escape_seed=0 if noise is None else noise.seed,
        **states,
    )


def _one_pair_of_thresholds(p: ChipPopulation) -> bool:
    low = p.threshold_low
    return low is not None and p.size > 0 and bool((low == low[0]).all() and (p.threshold == p.threshold[0]).all())


def _scalar_if_uniform(values: NDArray[Any]) -> Any:
    """The number that Lava documents, or the array that its arithmetic takes as well where neurons differ."""
    return int(values[0]) if np.all(values == values[0]) else values.astype(np.int64)
