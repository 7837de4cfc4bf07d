"""The normal form: the same network in the state variables that a chip neuron has, still in floats.

With ``v' = v - v_reset`` and ``u`` the current in volts per step, less what a constant bias contributes in the
steady state, the Euler step of ``neuroalign.network`` becomes the chip's::

    u[t]  = (1 - decay_i) u[t-1] + gain_v gain_i W s
    v'[t] = (1 - decay_v) v'[t-1] + u[t] + b          b = decay_v (v_leak - v_reset) + gain_v w_in bias
    spike where v' > v_threshold - v_reset;  v' := 0

It is exact: a bias that the model filters through the synapse enters ``b`` as its steady state, and the transient is
carried by ``u`` starting at minus it. A population that lags the model by L steps starts L steps before it; its states
are therefore run L steps backward without input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import ConversionRefused
from neuroalign.network import Network, Population, ResetMode, euler, whole_steps

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NormalPopulation:
    """One population in normal form; arrays are (N,), voltages in V, decays per step.

    ``leak_drive`` is ``v_leak - v_reset`` and ``bias_drive`` is ``gain_v w_in bias``; ``b = decay_v leak_drive +
    bias_drive``. ``kernel_gain`` turns a weight into the volts per step that one spike adds to ``u``. ``u_start`` and
    ``v_start`` are the model's states before its first step; they take effect ``latency_steps`` steps after the chip
    starts. ``burst`` bounds how many spikes of one source count at once.
    """

    population: Population
    decay_u: FloatArray
    decay_v: FloatArray
    kernel_gain: FloatArray
    leak_drive: FloatArray
    bias_drive: FloatArray
    threshold: FloatArray
    offset: FloatArray
    u_start: FloatArray
    v_start: FloatArray
    latency_steps: int
    reset: ResetMode
    dt: float
    window_steps: int = 0
    refractory_steps: int = 0
    burst: int = 1


def normalise(network: Network, population: Population, latency_steps: int) -> NormalPopulation:
    """The normal form of one population."""
    e = euler(population, network.dt)
    offset = _offset(network, population)
    steady = population.w_in * population.bias
    return NormalPopulation(
        population=population,
        decay_u=e.decay_i,
        decay_v=e.decay_v,
        kernel_gain=e.gain_v * e.gain_i,
        leak_drive=population.v_leak - offset,
        bias_drive=e.gain_v * steady,
        threshold=population.v_threshold - offset,
        offset=offset,
        u_start=np.where(e.decay_i < 1, e.gain_v * (population.i0 - steady), 0.0),
        v_start=population.v0 - offset,
        latency_steps=latency_steps,
        reset=network.reset,
        dt=network.dt,
        window_steps=whole_steps(population, "window", network.dt),
        refractory_steps=whole_steps(population, "refractory", network.dt),
        burst=_burst(network, population),
    )


def _burst(network: Network, population: Population) -> int:
    """Most spikes of one source within the population's window: refractory sources send few."""
    window = max(1, whole_steps(population, "window", network.dt))
    apart = {p.name: 1 + whole_steps(p, "refractory", network.dt) for p in network.populations}
    shortest = min((apart.get(c.source, 1) for c in network.connections if c.target == population.name), default=1)
    return -(-window // shortest)


def _offset(network: Network, population: Population) -> FloatArray:
    """The voltage that becomes 0 on chip: where a spike resets to, or where a membrane that never spikes rests."""
    if not population.spiking:
        return population.v_leak
    return population.v_reset if network.reset == "zero" else np.zeros_like(population.v_reset)


def states_before_start(
    form: NormalPopulation, decay_u: FloatArray, decay_v: FloatArray, drive: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """``(u0, v0)`` in volts: the start states run ``latency_steps`` steps backward without input.

    Uses the decays and the drive ``b`` that the chip really has, so that the forward run ends in the model's start.

    Raises
    ------
    ConversionRefused
        If the membrane crosses its threshold on that path: the chip would spike before the model starts.
    """
    u, v = form.u_start.copy(), form.v_start.copy()
    for step in range(form.latency_steps, 0, -1):
        # A state that decays fully in one step has no past: any value will do, 0 is taken.
        refuse_crossing(form, np.where(decay_v < 1, v, u + drive), step)
        v = np.where(decay_v < 1, (v - u - drive) / np.where(decay_v < 1, 1 - decay_v, 1.0), 0.0)
        u = np.where(decay_u < 1, u / np.where(decay_u < 1, 1 - decay_u, 1.0), 0.0)
    return u, v


def refuse_crossing(form: NormalPopulation, v: FloatArray, step: int) -> None:
    """Raise ConversionRefused where the membrane ``v`` (V, shifted) is above threshold at chip step ``step``."""
    above = v > form.threshold
    if form.population.spiking and above.any():
        index = int(np.flatnonzero(above)[0])
        raise ConversionRefused(
            f"population {form.population.name!r}: neuron {index} would be above its threshold at chip step {step}, before the "
            f"model starts (the population lags {form.latency_steps} steps); {_remedy(form, index)}"
        )


def _remedy(form: NormalPopulation, index: int) -> str:
    """What would keep the lead-in below threshold."""
    drive = float(form.decay_v[index] * form.leak_drive[index] + form.bias_drive[index])
    if drive > form.threshold[index]:
        return "its constant drive alone is above the threshold: lower its bias"
    if form.v_start[index] > 0 and drive <= 0:
        return "it starts high and falls: start it nearer to rest (--initial zero or settled), or raise its bias"
    return "its bias pulls it down from there: start it settled (--initial settled), or raise its bias"
