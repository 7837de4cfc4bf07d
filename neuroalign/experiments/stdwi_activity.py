r"""Activity from which STDWI infers weights: Poisson sources, one to one into input neurons, these into output neurons.

One step of ``dt``, with ``kappa(t) = (exp(-t/tau_slow) - exp(-t/tau_fast)) / (tau_slow - tau_fast)``, which is 0 at 0 and
has unit area, in 1/ms::

    I_i[t] = scale (kappa * source_i)[t]          I_j[t] = sum over i of W[j, i] (kappa * S_i)[t]
    v[t]   = v[t-1] + dt/tau_mem ((0 - v[t-1]) + (I[t-1] - v[t-1]));     S[t] = v[t] >= 1;  v[t] := -1 where S[t]

i are input neurons, j output neurons; v is dimensionless. Every 100 ms another fifth of the sources is active, each an
independent Poisson process (Bernoulli in each step), the others are silent. The weights are drawn as ::

    W = 7.5 scale (0.5 / sqrt(N p) normal + 1 / (N p))        N inputs, p the active share

Source: Ahmad, Ambrogioni, van Gerven 2020 (arXiv 2003.03988), settings of the authors' code (github nasiryahm/STDWI).
The random numbers are our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError

FloatArray = NDArray[np.float64]
Spikes = NDArray[np.uint8]

TAU_MEM, TAU_SLOW, TAU_FAST = 0.020, 0.010, 0.003
"""Membrane and kernel time constants, in s."""
THRESHOLD, RESET = 1.0, -1.0


@dataclass(frozen=True)
class Protocol:
    """The published setting.

    Parameters
    ----------
    inputs, outputs
        Neurons.
    dt : s
        Time step.
    scale : ms
        Weight from source to input neuron.
    active_share, source_rate : 1, Hz
        Share of the sources that is active, and the rate of those.
    stimulus : s
        How long the same sources stay active.
    correlation
        Share of each active source's spikes that is copied from one shared train (single-interaction process, Kuhn,
        Aertsen, Rotter 2003); the rate stays the same.
    """

    inputs: int = 100
    outputs: int = 10
    dt: float = 0.25e-3
    scale: float = 12.0
    active_share: float = 0.2
    source_rate: float = 200.0
    stimulus: float = 0.1
    correlation: float = 0.0

    def __post_init__(self) -> None:
        if self.active < 1:
            raise InputError(f"{self.active_share:g} of {self.inputs} sources is none; at least one must be active")
        if not 0 <= self.correlation <= 1:
            raise InputError(f"correlation is {self.correlation:g}; it is a share, 0 to 1")
        if not 0 < self.source_rate * self.dt <= 1:
            raise InputError(
                f"source_rate {self.source_rate:g} Hz at dt {self.dt:g} s is no probability; choose a smaller dt"
            )

    @property
    def active(self) -> int:
        """Number of active sources."""
        return round(self.active_share * self.inputs)


@dataclass(frozen=True, eq=False)
class Activity:
    """Recorded spikes (steps, neurons) and the weights (outputs, inputs) behind them."""

    dt: float
    weight: FloatArray
    input_spikes: Spikes
    output_spikes: Spikes

    @property
    def rates(self) -> tuple[float, float]:
        """Mean rates of input and output neurons, in Hz."""
        return float(self.input_spikes.mean() / self.dt), float(self.output_spikes.mean() / self.dt)


def record_activity(protocol: Protocol, seconds: float, seed: int) -> Activity:
    """The network's spikes over ``seconds``, everything drawn from ``seed``."""
    steps = round(seconds / protocol.dt)
    if steps < 1:
        raise InputError(f"{seconds:g} s are no step of {protocol.dt:g} s; ask for more")
    weight = forward_weights(protocol, np.random.default_rng([seed, 0]))
    sources = poisson_sources(protocol, steps, np.random.default_rng([seed, 1]))
    inputs, outputs = _compiled()(sources, weight, protocol.scale, protocol.dt)
    return Activity(protocol.dt, weight, inputs, outputs)


def forward_weights(protocol: Protocol, rng: np.random.Generator) -> FloatArray:
    """Weights from input to output neurons (outputs, inputs), in ms."""
    mean_active = protocol.inputs * protocol.active_share
    normal = rng.standard_normal((protocol.outputs, protocol.inputs))
    return np.asarray(7.5 * protocol.scale * (0.5 / np.sqrt(mean_active) * normal + 1 / mean_active))


def poisson_sources(protocol: Protocol, steps: int, rng: np.random.Generator) -> Spikes:
    """Spikes of the sources (steps, inputs)."""
    spikes = np.zeros((steps, protocol.inputs), dtype=np.uint8)
    length = max(1, round(protocol.stimulus / protocol.dt))
    for start in range(0, steps, length):
        stop = min(start + length, steps)
        on = rng.choice(protocol.inputs, protocol.active, replace=False)
        chance = protocol.source_rate * protocol.dt
        own = rng.random((stop - start, on.size)) < chance * (1 - protocol.correlation)
        if protocol.correlation > 0:
            shared = rng.random((stop - start, 1)) < chance
            own |= shared & (rng.random((stop - start, on.size)) < protocol.correlation)
        spikes[start:stop, on] = own
    return spikes


def binned(activity: Activity, bin_steps: int) -> tuple[Activity, int]:
    """The activity in bins of ``bin_steps`` steps, and the spikes lost: a bin holds at most one of a neuron."""
    lost = 0
    parts = []
    for spikes in (activity.input_spikes, activity.output_spikes):
        bins = len(spikes) // bin_steps
        counts = spikes[: bins * bin_steps].reshape(bins, bin_steps, -1).sum(axis=1)
        parts.append((counts > 0).astype(np.uint8))
        lost += int(counts.sum() - parts[-1].sum())
    return Activity(activity.dt * bin_steps, activity.weight, *parts), lost


def network_steps(sources: Spikes, weight: FloatArray, scale: float, dt: float) -> tuple[Spikes, Spikes]:
    """Spikes of input and output neurons, step by step; numba compiles it as it stands."""
    steps, inputs = sources.shape
    outputs = weight.shape[0]
    keep_slow, keep_fast, per_ms = np.exp(-dt / TAU_SLOW), np.exp(-dt / TAU_FAST), 1e-3 / (TAU_SLOW - TAU_FAST)
    slow, fast = np.zeros((2, inputs)), np.zeros((2, inputs))  # traces of the sources, and of the input neurons
    v, drive = np.zeros(inputs), np.zeros(inputs)
    v_out, drive_out = np.zeros(outputs), np.zeros(outputs)
    input_spikes = np.zeros((steps, inputs), dtype=np.uint8)
    output_spikes = np.zeros((steps, outputs), dtype=np.uint8)
    for t in range(steps):
        for i in range(inputs):
            v[i] += dt / TAU_MEM * (drive[i] - 2 * v[i])
            if v[i] >= THRESHOLD:
                v[i] = RESET
                input_spikes[t, i] = 1
            slow[0, i] = keep_slow * slow[0, i] + sources[t, i]
            fast[0, i] = keep_fast * fast[0, i] + sources[t, i]
            slow[1, i] = keep_slow * slow[1, i] + input_spikes[t, i]
            fast[1, i] = keep_fast * fast[1, i] + input_spikes[t, i]
            drive[i] = scale * per_ms * (slow[0, i] - fast[0, i])
        for j in range(outputs):
            v_out[j] += dt / TAU_MEM * (drive_out[j] - 2 * v_out[j])
            if v_out[j] >= THRESHOLD:
                v_out[j] = RESET
                output_spikes[t, j] = 1
            drive_out[j] = 0.0
            for i in range(inputs):
                drive_out[j] += weight[j, i] * per_ms * (slow[1, i] - fast[1, i])
    return input_spikes, output_spikes


@cache
def _compiled() -> Any:
    from numba import njit

    return njit(network_steps)
