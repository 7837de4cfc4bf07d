"""Populations in steps of dt: the coefficients of forward Euler, and times as whole numbers of steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from neuroalign.errors import NetworkError
from neuroalign.network.population import FloatArray, Population


@dataclass(frozen=True, eq=False)
class EulerCoefficients:
    """Per-step coefficients of one population, each (N,); see the equations of :mod:`neuroalign.network`."""

    decay_i: FloatArray
    gain_i: FloatArray
    decay_v: FloatArray
    gain_v: FloatArray


def euler(population: Population, dt: float) -> EulerCoefficients:
    """Forward-Euler coefficients of a population.

    ``decay_i = dt/tau_syn``, ``gain_i = w_in dt/tau_syn`` (1 and w_in without a filter);
    ``decay_v = dt/tau_mem``, ``gain_v = r dt/tau_mem`` (0 and ``r dt`` without leak, 1 and ``r`` without memory).
    """
    filtered = population.tau_syn > 0
    rate_i = np.divide(dt, population.tau_syn, out=np.ones_like(population.tau_syn), where=filtered)
    leaky = np.isfinite(population.tau_mem) & (population.tau_mem > 0)
    decay_v = np.divide(dt, population.tau_mem, out=np.ones_like(population.tau_mem), where=leaky)
    gain_v = population.r * np.where(np.isinf(population.tau_mem), dt, decay_v)
    decay_v = np.where(np.isinf(population.tau_mem), 0.0, decay_v)
    return EulerCoefficients(rate_i, population.w_in * rate_i, decay_v, gain_v)


def check_decays(population: Population, dt: float) -> None:
    """Refuse time constants below dt: the Euler step would change sign."""
    for label, tau in (("tau_mem", population.tau_mem), ("tau_syn", population.tau_syn)):
        bad = (tau > 0) & (tau < dt * (1 - 1e-9))
        if bad.any():
            index = int(np.flatnonzero(bad)[0])
            raise NetworkError(
                f"population {population.name!r}: {label}[{index}] = {tau[index]:g} s is below dt = {dt:g} s; "
                "a smaller --dt is needed, or the file's time constants are in other units"
            )


def whole_steps(population: Population, label: Literal["window", "refractory"], dt: float) -> int:
    """``window`` or ``refractory`` in steps of ``dt``.

    Raises
    ------
    NetworkError
        If it is no whole number of steps.
    """
    steps = float(getattr(population, label)) / dt
    if abs(steps - round(steps)) > 1e-6:
        raise NetworkError(
            f"population {population.name!r}: {label} {getattr(population, label):g} s is {steps:g} steps of {dt:g} s; "
            "give a whole number of steps"
        )
    return round(steps)
