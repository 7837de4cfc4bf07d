"""Compiled loops: potentials, spike times, and what a change of weights or spike times does to them.

``psp`` arrays are the spikes that reach one neuron: arrival times (rising), signed weights, alpha and tau; ``constants``
are beta, R, gamma and memory. :mod:`neuroalign.exact_spikes.model` says what they mean.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
NEWTON_STEPS = 100
VANISHED = 700.0
"""exp(-700) is 1e-304: a response that has hardly begun is 0, and so is its slope."""


@numba.njit(cache=True)
def response(s: float, alpha: float, tau: float, beta: float) -> float:
    """xi(s)."""
    if s <= 0.0 or beta * alpha * alpha > VANISHED * s:
        return 0.0
    return math.exp(-beta * alpha * alpha / s - s / tau) / (alpha * math.sqrt(s))


@numba.njit(cache=True)
def response_slope(s: float, alpha: float, tau: float, beta: float) -> float:
    """xi'(s)."""
    if s <= 0.0 or beta * alpha * alpha > VANISHED * s:
        return 0.0
    xi: float = response(s, alpha, tau, beta)
    return xi * (beta * alpha * alpha / (s * s) - 0.5 / s - 1.0 / tau)


@numba.njit(cache=True)
def potential(
    t: float, arrivals: FloatArray, weights: FloatArray, alphas: FloatArray, taus: FloatArray, own: FloatArray,
    spikes: int, constants: FloatArray,
) -> tuple[float, float]:  # fmt: skip
    """P(t) and P'(t); of ``own`` spikes the first ``spikes`` count, and they lie before t."""
    beta, ahp, gamma, memory = constants
    value, slope = 0.0, 0.0
    for j in range(arrivals.size):
        s = t - arrivals[j]
        if s <= 0.0:
            break
        c = beta * alphas[j] * alphas[j]
        if s > memory or c > VANISHED * s:
            continue
        xi = weights[j] * math.exp(-c / s - s / taus[j]) / (alphas[j] * math.sqrt(s))
        value += xi
        slope += xi * (c / (s * s) - 0.5 / s - 1.0 / taus[j])
    for k in range(spikes - 1, -1, -1):
        s = t - own[k]
        if s > memory:
            break
        eta = ahp * math.exp(-s / gamma)
        value += eta
        slope -= eta / gamma
    return value, slope


@numba.njit(cache=True)
def _rise(
    low: float, high: float, threshold: float, arrivals: FloatArray, weights: FloatArray, alphas: FloatArray,
    taus: FloatArray, own: FloatArray, spikes: int, constants: FloatArray,
) -> float:  # fmt: skip
    """Where P passes ``threshold`` between ``low`` (below it) and ``high`` (not below): Newton, kept in the bracket."""
    t = 0.5 * (low + high)
    for _ in range(NEWTON_STEPS):
        value, slope = potential(t, arrivals, weights, alphas, taus, own, spikes, constants)
        if value >= threshold:
            high = t
        else:
            low = t
        step = (threshold - value) / slope if slope > 0.0 else np.inf
        new = t + step
        if not low < new < high:
            new = 0.5 * (low + high)
        if new == t or new in (low, high):
            break
        t = new
    return high if potential(t, arrivals, weights, alphas, taus, own, spikes, constants)[0] < threshold else t


@numba.njit(cache=True)
def _peak(
    low: float, high: float, threshold: float, arrivals: FloatArray, weights: FloatArray, alphas: FloatArray,
    taus: FloatArray, own: FloatArray, spikes: int, constants: FloatArray,
) -> float:  # fmt: skip
    """A time between ``low`` (P does not fall) and ``high`` (P falls) with P at the threshold or above; -inf if there is none."""
    for _ in range(60):
        t = 0.5 * (low + high)
        if not low < t < high:
            break
        value, slope = potential(t, arrivals, weights, alphas, taus, own, spikes, constants)
        if value >= threshold:
            return t
        # concave near a maximum: the tangents bound it from above
        bound = value + (slope * (high - t) if slope > 0.0 else slope * (low - t))
        if bound < threshold and high - low < 1e-2:
            return -np.inf
        if slope >= 0.0:
            low = t
        else:
            high = t
    return -np.inf


@numba.njit(cache=True)
def _may_reach(threshold: float, width: float, value: float, slope: float, value_new: float, slope_new: float) -> bool:
    """Whether a maximum within ``width`` may lie above: both tangents must pass below for a no, though one would do."""
    return max(value + slope * width, value_new - slope_new * width) >= threshold


@numba.njit(cache=True)
def sampled_responses(
    times: FloatArray, neurons: IntArray, alphas: FloatArray, taus: FloatArray, grid: FloatArray, constants: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Xi and xi' summed over the spikes of every source at rising times ``grid``, each (sources, times).

    ``alphas`` and ``taus`` are by source.
    """
    beta, memory = constants[0], constants[3]
    value, slope = np.zeros((alphas.size, grid.size)), np.zeros((alphas.size, grid.size))
    for j in range(times.size):
        i = neurons[j]
        c, scale, tau = beta * alphas[i] * alphas[i], 1.0 / alphas[i], taus[i]
        for k in range(np.searchsorted(grid, times[j]), grid.size):
            s = grid[k] - times[j]
            if s > memory:
                break
            if c > VANISHED * s:
                continue
            inverse = 1.0 / s
            xi = scale * math.exp(-c * inverse - s / tau) * math.sqrt(inverse)
            value[i, k] += xi
            slope[i, k] += xi * ((c * inverse - 0.5) * inverse - 1.0 / tau)
    return value, slope


@numba.njit(cache=True)
def _with_ahp(
    t: float, value: float, slope: float, own: FloatArray, spikes: int, constants: FloatArray
) -> tuple[float, float]:
    """The AHP of the first ``spikes`` own spikes added to a potential and its slope."""
    for k in range(spikes - 1, -1, -1):
        s = t - own[k]
        if s > constants[3] or s > VANISHED * constants[2]:
            break
        eta = constants[1] * math.exp(-s / constants[2])
        value += eta
        slope -= eta / constants[2]
    return value, slope


@numba.njit(cache=True)
def spike_times(
    grid: FloatArray, values: FloatArray, grid_slopes: FloatArray, arrivals: FloatArray, weights: FloatArray,
    alphas: FloatArray, taus: FloatArray, threshold: float, constants: FloatArray,
) -> FloatArray:  # fmt: skip
    """Times within ``grid`` at which one neuron spikes.

    Parameters
    ----------
    grid : (K,), ms
        Where the potential is looked at; maxima between are found by its slope.
    values, grid_slopes : (K,)
        The potential and its slope there without the AHP.
    """
    own = np.empty(64)
    count = 0
    highest = max(values.max(), 1e-9)
    rest = constants[2] * math.log(-constants[1] / highest) if -constants[1] > highest else 0.0
    t, value, slope = grid[0], values[0], grid_slopes[0]
    armed = value < threshold
    k = 1
    while k < grid.size:
        new = grid[k]
        value_new, slope_new = _with_ahp(new, values[k], grid_slopes[k], own, count, constants)
        above = -np.inf
        if armed and value_new >= threshold:
            above = new
        elif armed and slope >= 0.0 > slope_new and _may_reach(threshold, new - t, value, slope, value_new, slope_new):
            above = _peak(t, new, threshold, arrivals, weights, alphas, taus, own, count, constants)
        if above == -np.inf:
            armed = value_new < threshold
            t, value, slope = new, value_new, slope_new
            k += 1
            continue
        spike = _rise(t, above, threshold, arrivals, weights, alphas, taus, own, count, constants)
        if spike >= grid[-1]:
            break
        if count == own.size:
            own = np.concatenate((own, np.empty(own.size)))
        own[count] = spike
        count += 1
        t = max(spike + rest, np.nextafter(spike, np.inf))
        value, slope = potential(t, arrivals, weights, alphas, taus, own, count, constants)
        armed = value < threshold
        k = np.searchsorted(grid, t, side="right")
    return own[:count].copy()


@numba.njit(cache=True)
def slopes(
    own: FloatArray, arrivals: FloatArray, weights: FloatArray, alphas: FloatArray, taus: FloatArray,
    constants: FloatArray,
) -> FloatArray:  # fmt: skip
    """V_l = P'(t_l) of every own spike."""
    found = np.empty(own.size)
    for k in range(own.size):
        found[k] = potential(own[k], arrivals, weights, alphas, taus, own, k, constants)[1]
    return found


@numba.njit(cache=True)
def pull_back(
    adjoint: FloatArray, own: FloatArray, arrivals: FloatArray, weights: FloatArray, alphas: FloatArray,
    taus: FloatArray, constants: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """From dE/dt of own spikes to dE/d(virtual weight) and dE/dt of every spike that arrives.

    From the last spike to the first: what a spike's time changes in later spikes through the AHP is there when its turn
    comes. ``adjoint`` is used up.
    """
    beta, ahp, gamma, memory = constants
    by_weight, by_time = np.zeros(arrivals.size), np.zeros(arrivals.size)
    for k in range(own.size - 1, -1, -1):
        slope = potential(own[k], arrivals, weights, alphas, taus, own, k, constants)[1]
        share = adjoint[k] / slope
        for j in range(arrivals.size):
            s = own[k] - arrivals[j]
            if s <= 0.0:
                break
            if s <= memory:
                by_weight[j] -= share * response(s, alphas[j], taus[j], beta)
                by_time[j] += share * weights[j] * response_slope(s, alphas[j], taus[j], beta)
        for earlier in range(k):
            s = own[k] - own[earlier]
            if s <= memory:
                adjoint[earlier] += share * (-ahp / gamma) * math.exp(-s / gamma)
    return by_weight, by_time


@numba.njit(cache=True)
def jacobians(
    own: FloatArray, arrivals: FloatArray, weights: FloatArray, alphas: FloatArray, taus: FloatArray,
    constants: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """dt_l/dw and dt_l/dt of own spikes l by arriving spikes, each (spikes, arrivals), by the forward recursion."""
    beta, ahp, gamma, memory = constants
    by_weight, by_time = np.zeros((own.size, arrivals.size)), np.zeros((own.size, arrivals.size))
    for k in range(own.size):
        slope = potential(own[k], arrivals, weights, alphas, taus, own, k, constants)[1]
        for j in range(arrivals.size):
            s = own[k] - arrivals[j]
            if 0.0 < s <= memory:
                by_weight[k, j] = -response(s, alphas[j], taus[j], beta)
                by_time[k, j] = weights[j] * response_slope(s, alphas[j], taus[j], beta)
        for earlier in range(k):
            s = own[k] - own[earlier]
            if s <= memory:
                chain = (-ahp / gamma) * math.exp(-s / gamma)
                by_weight[k] += chain * by_weight[earlier]
                by_time[k] += chain * by_time[earlier]
        by_weight[k] /= slope
        by_time[k] /= slope
    return by_weight, by_time
