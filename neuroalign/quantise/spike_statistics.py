"""What unrelated Poisson spikes make of a Program: distributions of integer traces, and of the changes that products make.

An integer trace is a Markov chain on 0..127: a step decays it with stochastic rounding, then a spike of probability
``p = rate dt`` adds the impulse. Its stationary distribution and its rounding noise have closed forms::

    noise(t) = d noise(t - 1) + e(t),   E[e^2] = E[f (1 - f)],  f the fraction of d z,   d = exp(-1/tau)

Products of several variables are evaluated on a fixed lattice of values drawn from these distributions, with the very
arithmetic of the engine, so nothing about a rule's form is assumed and the same rule always gives the same figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from neuroalign.microcode import POST_TRACES, PRE_TRACES, TRACES, Dependency, Factor, Product, Program, Trace

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

POINTS = 4096
"""Points of the lattice."""
LEVELS = 128
WEIGHT_DEVIATION = 85.0
"""Learnt weights are taken as spread normally over a third of their range."""
FRACTION = 128
"""Changes of a synaptic variable are summed in 128ths."""
STRIDES = {
    "x1": 2**0.5, "x2": 3**0.5, "y1": 5**0.5, "y2": 7**0.5, "y3": 11**0.5, "w": 13**0.5, "t": 17**0.5, "n": 19**0.5,
}  # fmt: skip
"""One irrational step per variable: multiples of them fill the unit cube evenly."""


@dataclass(frozen=True, eq=False)
class TraceStatistics:
    """An integer trace under Poisson spikes.

    Parameters
    ----------
    stationary, at_spike : (128,)
        Probability of each value, at any step and at a spike of its own neuron.
    noise
        Variance of its deviation from the trace without rounding, limits left aside.
    decay
        ``exp(-1/tau)`` per step.
    saturated
        Probability that a spike finds no room for its whole impulse.
    """

    stationary: FloatArray
    at_spike: FloatArray
    noise: float
    decay: float
    saturated: float


HUGE = 1e100
"""Ratio of two states' shares beyond which the larger one becomes the measure."""


@cache
def lattice(variable: str) -> FloatArray:
    """The variable's coordinate of every lattice point, in (0, 1)."""
    return np.asarray((np.arange(POINTS) * STRIDES[variable] + 0.5 / POINTS) % 1.0)


@lru_cache(maxsize=256)
def trace_statistics(trace: Trace, chance: float) -> TraceStatistics:
    """Statistics of a trace whose neuron spikes in a step with probability ``chance``."""
    decay = float(np.exp(-1 / trace.tau)) if trace.tau > 0 else 0.0
    values = np.arange(LEVELS)
    exact = decay * values
    low, fraction = np.floor(exact).astype(np.int64), exact % 1
    step = np.zeros((LEVELS, LEVELS))
    np.add.at(step, (values, low), 1 - fraction)
    np.add.at(step, (values, np.minimum(low + 1, LEVELS - 1)), fraction)
    raised = np.minimum(values + round(trace.impulse), LEVELS - 1)
    p = min(max(chance, 1e-9), 1.0)
    both = (1 - p) * step
    np.add.at(both.T, raised, p * step.T)
    stationary = _stationary(both)
    decayed = (stationary[:, None] * step).sum(0)
    noise = float(stationary @ (fraction * (1 - fraction)))
    room = LEVELS - 1 - values
    return TraceStatistics(
        stationary,
        np.bincount(raised, decayed, LEVELS).astype(np.float64),
        noise / max(1 - decay**2, 1e-9),
        decay,
        float(decayed[room < trace.impulse].sum()) if trace.impulse else 0.0,
    )


def _stationary(step: FloatArray) -> FloatArray:
    """The distribution that a chain keeps, by elimination of one state after the other (Grassmann, Taksar, Heyman 1985)."""
    rest = step.copy()
    for n in range(LEVELS - 1, 0, -1):
        rest[:n, n] /= max(float(rest[n, :n].sum()), 1e-12)
        rest[:n, :n] += rest[:n, n, None] * rest[n, None, :n]
    found = np.zeros(LEVELS)
    found[0] = 1.0
    for n in range(1, LEVELS):
        found[n] = (found[:n] * rest[:n, n]).sum()
        if found[n] > HUGE:  # of traces that hardly ever fall
            found /= found[n]
    return np.asarray(found / found.sum())


@dataclass(frozen=True, eq=False)
class Spiking:
    """A Program under Poisson spikes.

    Parameters
    ----------
    rates : Hz
        Of pre and post.
    dt : s
    received : (low, high), or None
        Range of the third factor in y3, over which it is spread evenly; then no post trace is of spikes.
    """

    program: Program
    rates: tuple[float, float]
    dt: float
    received: tuple[int, int] | None = None

    def rate(self, gate: Dependency) -> float:
        """Epochs a second in which the gate is open."""
        epoch = self.program.t_epoch * self.dt
        if gate == "u":
            return 1.0 / (2.0 ** (self.program.k or 0) * epoch)
        none = np.log1p(-min(self.rates[gate == "y0"] * self.dt, 1 - 1e-9))  # in a step; traces have the same chance
        return float(-np.expm1(self.program.t_epoch * none)) / epoch

    def trace(self, name: str) -> TraceStatistics:
        """Statistics of one trace."""
        return trace_statistics(self.program.trace(name), self.rates[name in POST_TRACES] * self.dt)

    def noise(self, a: str, b: str) -> float:
        """Covariance of the rounding noise of two traces: those of one side are rounded with the same draw."""
        first, second = self.trace(a), self.trace(b)
        if a == b:
            return first.noise
        if a[0] != b[0]:
            return 0.0
        values = np.arange(LEVELS)
        f, g = (first.decay * values % 1)[:, None], (second.decay * values % 1)[None, :]
        together = first.stationary @ (np.minimum(f, g) - f * g) @ second.stationary
        return float(together) / max(1 - first.decay * second.decay, 1e-9)

    def values(self, gate: Dependency, tag: FloatArray | None = None) -> dict[str, IntArray]:
        """Lattice of all variables at a spike of ``gate``; ``tag`` (512,) is the distribution of the tag from -256."""
        found = dict(self._trace_values(gate))
        if self.received is not None:
            low, high = self.received
            found["y3"] = low + np.floor((high - low + 1) * lattice("y3")).astype(np.int64)
        found["w"] = _spread_weights()
        found["t"] = np.zeros(POINTS, dtype=np.int64) if tag is None else drawn(tag, lattice("t")) - 256
        found["d"] = np.zeros(POINTS, dtype=np.int64)
        for flag in ("x0", "y0"):
            found[flag] = np.full(POINTS, int(flag == gate), dtype=np.int64)
        return found

    def _trace_values(self, gate: Dependency) -> dict[str, IntArray]:
        own = {"x0": PRE_TRACES, "y0": POST_TRACES, "u": ()}[gate]
        return {
            name: _trace_points(name, self.program.trace(name), self.rates[name in POST_TRACES] * self.dt, name in own)
            for name in TRACES
        }


@lru_cache(maxsize=512)
def _trace_points(name: str, trace: Trace, chance: float, at_spike: bool) -> IntArray:
    """Lattice of one trace."""
    if trace.impulse == 0:
        return np.zeros(POINTS, dtype=np.int64)
    statistics = trace_statistics(trace, chance)
    return drawn(statistics.at_spike if at_spike else statistics.stationary, lattice(name))


@cache
def _spread_weights() -> IntArray:
    """Lattice of weights."""
    return np.rint(WEIGHT_DEVIATION * _normal(lattice("w"))).astype(np.int64).clip(-255, 255)


def drawn(distribution: FloatArray, coordinates: FloatArray) -> IntArray:
    """Values whose cumulated probability the coordinates are."""
    return np.searchsorted(np.cumsum(distribution)[:-1], coordinates, side="right").astype(np.int64)


def change(products: Sequence[Product], values: Mapping[str, IntArray]) -> IntArray:
    """The sum of the products in 128ths of a unit, as the engine forms it."""
    total = np.zeros(POINTS, dtype=np.int64)
    for product in products:
        result = np.full(POINTS, int(product.mantissa), dtype=np.int64)
        for factor in product.factors:
            result = result * _factor(factor, values)
        total += (result >> product.shift) << (product.exponent + 7)
    return total


def _factor(factor: Factor, values: Mapping[str, IntArray]) -> IntArray:
    value = values[factor.variable] + int(factor.constant)
    limit = 1 << factor.bits
    return np.sign(value) if factor.sign else np.clip(value, -limit, limit - 1)


def _normal(share: FloatArray) -> FloatArray:
    """Values of the normal distribution below which these shares lie (Giles 2010, relative error below 1e-3)."""
    x = 2 * share - 1
    w = -np.log((1 - x) * (1 + x))
    inner, outer = w - 2.5, np.sqrt(np.maximum(w, 5)) - 3
    small = np.polyval([2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941], inner)  # fmt: skip
    large = np.polyval([-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682], outer)  # fmt: skip
    return np.asarray(np.sqrt(2.0) * x * np.where(w < 5, small, large))
