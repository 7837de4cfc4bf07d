"""One step of a population's neurons, compiled: the plain ones, and those with anything more.

Plain LIF neurons have a function of their own, whose loop LLVM vectorises; refractory steps and draws would stop that.
:mod:`~neuroalign.sim.emulator.reference` says what a step is.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from neuroalign import fixed_point
from neuroalign.sim.emulator.escape import SHAPES
from neuroalign.sim.emulator.neuron_shapes import CALM_BITS, LOIHI_WEIGHT_SHIFT

decay_towards_zero = numba.njit(fixed_point.decay_towards_zero)
wrap_int32 = numba.njit(fixed_point.wrap_int32)
fold_once = numba.njit(fixed_point.fold_once)
saturate = numba.njit(fixed_point.saturate)

LOGISTIC = SHAPES["logistic"]


@numba.njit(inline="always")
def _calm(u: Any, a: Any) -> Any:
    """Whether no sum of a step can leave 32 bits: v is always, and bias is where ``p.loihi``, within CALM_BITS."""
    found = np.int32(0)
    for k in range(u.size):  # bits of the largest magnitudes that are too many
        high = np.int32(np.int32(a[k] ^ (a[k] >> 31)) >> (CALM_BITS - LOIHI_WEIGHT_SHIFT))
        found = np.int32(found | np.int32(high | np.int32(np.int32(u[k] ^ (u[k] >> 31)) >> CALM_BITS)))
    return found == 0


@numba.njit(inline="always")
def _decay_12_bits(x: Any, factor: Any) -> Any:
    """:func:`~neuroalign.fixed_point.decay_towards_zero` by ``factor / 4096`` in 32 bits."""
    sign = np.int32(x >> 31)
    magnitude, by = np.uint32(np.int32((x ^ sign) - sign)), np.uint32(factor)
    high = np.uint32(np.uint32(magnitude >> np.uint32(12)) * by)
    low = np.uint32(np.uint32(np.uint32(magnitude & np.uint32(4095)) * by) >> np.uint32(12))
    return np.int32((np.int32(high + low) ^ sign) - sign)


@numba.njit(inline="always")
def _update_calm(
    a: Any, u: Any, v: Any, s: Any, keep_u: Any, keep_v: Any, threshold: Any, bias: Any, counts: Any
) -> None:
    """The same with Loihi's formats and reset, where :func:`_calm`: in 32 bits, twice as many neurons at a time.

    numba computes in 64 bits unless each result is cast; LLVM then takes the narrow operation.
    """
    u_excess = v_excess = spikes = np.int32(0)
    half, whole, limit = np.int32(1 << 23), np.int32(1 << 24), np.int32((1 << 23) - 1)
    for k in range(a.size):
        exact = np.int32(_decay_12_bits(u[k], keep_u[k]) + np.int32(a[k] << LOIHI_WEIGHT_SHIFT))
        new_u = np.int32(exact - (whole if exact > half else np.int32(0)))
        new_u = np.int32(new_u + (whole if exact <= -half else np.int32(0)))
        u_excess = np.int32(u_excess + np.int32(new_u != exact))
        exact = np.int32(_decay_12_bits(v[k], keep_v[k]) + np.int32(new_u + bias[k]))
        new_v = min(max(exact, np.int32(-limit)), limit)
        v_excess = np.int32(v_excess + np.int32(new_v != exact))
        spike = np.int32(new_v > threshold[k])
        spikes = np.int32(spikes + spike)
        u[k] = new_u
        v[k] = np.int32(0) if spike != 0 else new_v
        s[k] = spike
    counts[0] += u_excess
    counts[1] += v_excess
    counts[2] += spikes


@numba.njit
def update_fixed(
    p: Any, a: Any, u: Any, v: Any, s: Any, keep_u: Any, keep_v: Any, threshold: Any, bias: Any, counts: Any
) -> None:
    """One step of plain neurons; ``counts`` gains u and v out of format, and spikes."""
    if p.loihi and _calm(u, a):
        _update_calm(a, u, v, s, keep_u, keep_v, threshold, bias, counts)
        return
    u_excess = v_excess = spikes = 0
    for k in range(p.size):
        exact = decay_towards_zero(np.int64(u[k]), keep_u[k], p.decay_bits) + (np.int64(a[k]) << p.weight_shift)
        new_u = wrap_int32(exact)
        new_u = wrap_int32(fold_once(new_u, p.u_bits)) if p.u_wraps else saturate(new_u, p.u_bits)
        u_excess += new_u != exact
        exact = decay_towards_zero(np.int64(v[k]), keep_v[k], p.decay_bits) + new_u + bias[k]
        new_v = wrap_int32(exact)
        new_v = wrap_int32(fold_once(new_v, p.v_bits)) if p.v_wraps else saturate(new_v, p.v_bits)
        v_excess += new_v != exact
        spike = new_v > threshold[k]
        spikes += spike
        u[k] = new_u
        v[k] = new_v - spike * (threshold[k] if p.subtracts else new_v)
        s[k] = spike
    counts[0] += u_excess
    counts[1] += v_excess
    counts[2] += spikes


@numba.njit
def update_float(p: Any, a: Any, u: Any, v: Any, s: Any, keep_u: Any, keep_v: Any, threshold: Any, bias: Any) -> None:
    """One step of plain neurons."""
    for k in range(p.size):
        u[k] = u[k] * keep_u[k] + a[k]
        new_v = v[k] * keep_v[k] + u[k] + bias[k]
        spike = new_v > threshold[k]
        if spike:
            new_v = new_v - threshold[k] if p.subtracts else 0.0
        v[k] = new_v
        s[k] = spike


@numba.njit
def _reset_periodically(t: Any, p: Any, u: Any, v: Any) -> None:
    if p.reset_interval > 0 and (t + 1) % p.reset_interval == p.reset_phase:
        u[:] = 0
        v[:] = 0


@numba.njit
def update_more_fixed(
    t: Any, row: Any, p: Any, a: Any, u: Any, v: Any, s: Any, keep_u: Any, keep_v: Any, threshold: Any, bias: Any,
    counts: Any, more: Any,
) -> None:  # fmt: skip
    """One step of neurons with a period, a second threshold, noise, refractory steps or a window."""
    low, r, table, draws, window, window_sum = more
    _reset_periodically(t, p, u, v)
    for k in range(p.size):
        given = np.int64(a[k])
        if p.window_steps > 1:
            place = p.window + (t % p.window_steps) * p.size + k
            given = wrap_int32(window_sum[p.first + k] + given - window[place])
            window_sum[p.first + k] = given
            window[place] = a[k]
        exact = decay_towards_zero(np.int64(u[k]), keep_u[k], p.decay_bits) + (given << p.weight_shift)
        new_u = wrap_int32(exact)
        new_u = wrap_int32(fold_once(new_u, p.u_bits)) if p.u_wraps else saturate(new_u, p.u_bits)
        counts[0] += new_u != exact
        u[k] = new_u
        s[k] = 0
        if r[p.first + k] > 0:
            r[p.first + k] -= 1
            continue
        exact = decay_towards_zero(np.int64(v[k]), keep_v[k], p.decay_bits) + new_u + bias[k]
        new_v = wrap_int32(exact)
        new_v = wrap_int32(fold_once(new_v, p.v_bits)) if p.v_wraps else saturate(new_v, p.v_bits)
        counts[1] += new_v != exact
        v[k] = new_v
        crossed = threshold[k]
        if p.escape:
            place = ((new_v - crossed) >> p.table_shift) + p.table_size // 2
            place = p.table + min(max(place, 0), p.table_size - 1)
            s[k] = draws[row, p.draw + k] < table[place]
        else:
            s[k] = new_v > crossed
        if p.ternary and s[k] == 0 and new_v < low[p.first + k]:
            s[k] = -1
            crossed = low[p.first + k]
        if s[k] != 0:
            counts[2] += 1
            v[k] = new_v - crossed if p.subtracts else 0
            r[p.first + k] = p.refractory_steps


@numba.njit
def _chance(kind: Any, excess: Any, width: Any) -> Any:
    # math.exp of a large number is infinite when compiled, as numpy's
    if kind == LOGISTIC:
        return 1.0 / (1.0 + math.exp(-excess / width))
    return -math.expm1(-math.exp(excess / width))


@numba.njit
def update_more_float(
    t: Any, row: Any, p: Any, a: Any, u: Any, v: Any, s: Any, keep_u: Any, keep_v: Any, threshold: Any, bias: Any,
    more: Any,
) -> None:  # fmt: skip
    """As :func:`update_more_fixed`."""
    low, r, width, draws, window, window_sum = more
    _reset_periodically(t, p, u, v)
    for k in range(p.size):
        given = a[k]
        if p.window_steps > 1:
            place = p.window + (t % p.window_steps) * p.size + k
            given = window_sum[p.first + k] + given - window[place]
            window_sum[p.first + k] = given
            window[place] = a[k]
        u[k] = u[k] * keep_u[k] + given
        s[k] = 0
        if r[p.first + k] > 0:
            r[p.first + k] -= 1
            continue
        new_v = v[k] * keep_v[k] + u[k] + bias[k]
        v[k] = new_v
        crossed = threshold[k]
        if p.escape:
            s[k] = draws[row, p.draw + k] < _chance(p.escape, new_v - crossed, width[p.draw + k])
        else:
            s[k] = new_v > crossed
        if p.ternary and s[k] == 0 and new_v < low[p.first + k]:
            s[k] = -1
            crossed = low[p.first + k]
        if s[k] != 0:
            v[k] = new_v - crossed if p.subtracts else 0.0
            r[p.first + k] = p.refractory_steps
