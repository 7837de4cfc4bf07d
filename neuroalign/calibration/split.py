"""Large weights over two synapses: few outliers then no longer set the step of all weights of a connection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuroalign.errors import InputError
from neuroalign.network import Connection, Network
from neuroalign.pattern import Convolution, SparsePattern

REST = "+"
"""Ends the name of the connection that holds what is beyond the limit."""


def split_large(network: Network, share: float) -> Network:
    """The same network with the largest ``share`` of each static connection's weights held by two synapses.

    ``w = clip(w, -limit, limit) + rest``, exactly; ``limit`` is the magnitude that the share lies above. Connections whose
    weights all have one magnitude stay as they are.

    Raises
    ------
    InputError
        If the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InputError(f"the share of weights over two synapses is {share}; it lies between 0 and 1")
    parts = [part for c in network.connections for part in (_split(c, share) if c.rule is None else (c,))]
    return replace(network, connections=tuple(parts))


def _split(c: Connection, share: float) -> tuple[Connection, ...]:
    magnitudes = np.abs(c.weight)
    if not magnitudes.size:
        return (c,)
    limit = float(np.quantile(magnitudes, 1.0 - share))
    if limit <= 0 or limit >= magnitudes.max():
        return (c,)
    core = np.clip(c.weight, -limit, limit)
    rest = c.weight - core
    first = replace(c, weight=core)
    if isinstance(c.pattern, Convolution):
        return first, replace(c, name=c.name + REST, weight=rest)
    if c.pattern is None:
        target, source = np.nonzero(rest)
        pattern, values = SparsePattern(target, source, c.shape), rest[target, source]
    else:
        keep = np.flatnonzero(rest)
        pattern = SparsePattern(c.pattern.target[keep], c.pattern.source[keep], c.shape)
        values = rest[keep]
    return first, replace(c, name=c.name + REST, weight=values, pattern=pattern)
