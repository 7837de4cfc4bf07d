"""Products of a rule on a line of synapses: what all of them share as one number, the rest factor by factor along it."""

from __future__ import annotations

from typing import Any

import numba

from neuroalign.sim.emulator.plastic_tables import ACROSS, ALONG, GATHERED, SPIKE, SYNAPSE, VALUES


@numba.njit
def _scale(product: Any, values: Any, factor: Any, constant: Any) -> None:
    """Multiply a line by one factor: value + constant within its range, cut off towards zero, or its sign."""
    add, low, high = constant[0], constant[1], constant[2]
    as_held = product.dtype.type
    if factor.sign:
        for k in range(product.size):
            value = as_held(values[k] + add)
            # 0 is positive where the constant has a fraction beyond ``add``
            product[k] *= (value > 0 or (factor.partial and value == 0)) - (value < 0)
    elif factor.partial:
        for k in range(product.size):
            value = as_held(values[k] + add)
            product[k] *= min(max(as_held(value + (value < 0)), low), high)
    else:
        for k in range(product.size):
            product[k] *= min(max(as_held(values[k] + add), low), high)


@numba.njit(inline="always")
def _fill(line: Any, by: Any, flagged: Any, place: Any, s: Any) -> None:
    """Fill ``line`` with ``by``; where ``flagged``, only where the target spiked."""
    size = line.size
    if not flagged:
        line[:] = by
    elif place.sparse:
        for k in range(size):
            line[k] = by * s.flags[place.ids[k]]
    else:
        flags = s.flags[:size]
        for k in range(size):
            line[k] = by * flags[k]


@numba.njit(inline="always")
def _across(factor: Any, constant: Any, place: Any, at: Any, as_held: Any) -> Any:
    """A factor that all synapses of the line share; as in :func:`_scale`."""
    add, low, high = constant[0], constant[1], constant[2]
    value = as_held(place.across[(at * place.across_count + factor.index) * place.across_size + place.index] + add)
    if factor.sign:
        return as_held((value > 0 or (factor.partial and value == 0)) - (value < 0))
    if factor.partial:
        value = as_held(value + (value < 0))
    return min(max(value, low), high)


@numba.njit(inline="always")
def shared_part(product: Any, coefficient: Any, place: Any, at: Any, tables: Any, as_held: Any) -> Any:
    """What all synapses of a line share of a product, up to the first factor that differs; and which one that is.

    ``at`` is the step in the epoch at which traces are read; -1 where it differs along the line.
    """
    shared, f = coefficient, product.factor
    while f < product.factor_end:
        factor = tables.factors[f]
        if factor.kind != SPIKE:  # 1 wherever the product acts, or a flag of the line
            if factor.kind != place.across_kind or at < 0:
                break
            shared = as_held(shared * _across(factor, tables.constants[f], place, at, as_held))
        f += 1
    return shared, f


@numba.njit(inline="always")
def spread(line: Any, shared: Any, first: Any, product: Any, place: Any, at: Any, tables: Any, s: Any) -> None:
    """Fill ``line`` with a product, of which ``shared`` has the factors before ``first``."""
    as_held = s.lines.dtype.type
    _fill(line, shared, product.needs_target != 0 and not place.by_column, place, s)
    for f in range(first, product.factor_end):
        factor, constant = tables.factors[f], tables.constants[f]
        if factor.kind == SPIKE:
            continue
        if factor.kind == place.across_kind and at >= 0:
            by = _across(factor, constant, place, at, as_held)
            for k in range(line.size):
                line[k] *= by
        else:
            _scale(line, _values(factor, place, at, s), factor, constant)


@numba.njit(inline="always")
def _values(factor: Any, place: Any, at: Any, s: Any) -> Any:
    """Values of a factor that differ along the line."""
    n, size = factor.index, place.size
    if factor.kind == SYNAPSE:
        return s.lines[VALUES + n, :size]
    if factor.kind == place.across_kind:
        return s.lines[ACROSS + n, :size]
    if place.sparse:
        gathered = s.lines[GATHERED, :size]
        if at < 0:
            for k in range(size):
                gathered[k] = s.lines[ALONG + n, place.ids[k]]
        else:
            traces = place.along[(at * place.along_count + n) * place.along_size :]
            for k in range(size):
                gathered[k] = traces[place.ids[k]]
        return gathered
    if at < 0:
        return s.lines[ALONG + n, :size]
    first = (at * place.along_count + n) * size
    return place.along[first : first + size]
