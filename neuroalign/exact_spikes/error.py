r"""How far two spike trains are apart, as a virtual neuron downstream feels it, and which way each spike should move.

With ages ``a = t_now - t > 0``, and a virtual neuron whose response is ``(1/tau) exp(-beta/a) exp(-a/tau)``, the square of
the difference of its two potentials, integrated over beta from 0 on and tau from 0 to T, has a closed form::

    E(t_now) = S(D,D) + S(O,O) - 2 S(D,O)        S(A,B) = sum over a in A, b in B of k(a,b)
    k(a,b)   = a b / (a+b)^2 exp(-(a+b)/T)
    dE/da_i  = 2 (sum over b in O of g(a_i,b) - sum over b in D of g(a_i,b))
    g(a,b)   = dk/da = b ((b - a) - (a/T)(a + b)) / (a+b)^3 exp(-(a+b)/T)

No spike is matched with another. At which instants E is looked at is not known from the paper (**unverified**): they are an
argument, and errors and gradients are sums over them.

Source: Banerjee 2016, Neural Computation 28(5), 826-848; the algebra is checked here against quadrature, and that the paper
prints this very kernel is unverified.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError

FloatArray = NDArray[np.float64]
HORIZON = 150.0
"""T, the largest time constant of the virtual neuron in ms; unverified."""


@numba.njit(cache=True)
def kernel(a: float, b: float, horizon: float) -> float:
    """k(a, b)."""
    total = a + b
    return a * b / (total * total) * math.exp(-total / horizon)


@numba.njit(cache=True)
def kernel_slope(a: float, b: float, horizon: float) -> float:
    """dk/da."""
    total = a + b
    return b * ((b - a) - a / horizon * total) / (total * total * total) * math.exp(-total / horizon)


@numba.njit(cache=True)
def _overlap(first: FloatArray, second: FloatArray, now: float, horizon: float) -> float:
    total = 0.0
    for a in first:
        for b in second:
            if a < now and b < now:
                total += kernel(now - a, now - b, horizon)
    return total


@numba.njit(cache=True)
def _error(desired: FloatArray, actual: FloatArray, instants: FloatArray, horizon: float) -> float:
    total = 0.0
    for now in instants:
        total += _overlap(desired, desired, now, horizon) + _overlap(actual, actual, now, horizon)
        total -= 2.0 * _overlap(desired, actual, now, horizon)
    return total


@numba.njit(cache=True)
def _gradient(desired: FloatArray, actual: FloatArray, instants: FloatArray, horizon: float) -> FloatArray:
    found = np.zeros(actual.size)
    for now in instants:
        for i in range(actual.size):
            a = now - actual[i]
            if a <= 0.0:
                continue
            for t in actual:
                if t < now:
                    found[i] -= 2.0 * kernel_slope(a, now - t, horizon)
            for t in desired:
                if t < now:
                    found[i] += 2.0 * kernel_slope(a, now - t, horizon)
    return found


def train_error(desired: FloatArray, actual: FloatArray, instants: FloatArray, horizon: float = HORIZON) -> float:
    """E of two trains, summed over ``instants``; spikes that are still to come do not count.

    Parameters
    ----------
    desired, actual : (spikes,), ms
    instants : (K,), ms
    horizon : ms
        T.
    """
    return float(_error(desired, actual, instants, _checked(horizon)))


def train_gradient(
    desired: FloatArray, actual: FloatArray, instants: FloatArray, horizon: float = HORIZON
) -> FloatArray:
    """dE/dt of every spike of ``actual``: minus dE/da, since a spike that comes later is younger."""
    return np.asarray(_gradient(desired, actual, instants, _checked(horizon)))


def _checked(horizon: float) -> float:
    if not (np.isfinite(horizon) and horizon > 0):
        raise InputError(f"horizon is {horizon} ms; a positive number is needed")
    return float(horizon)
