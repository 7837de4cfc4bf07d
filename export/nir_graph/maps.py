"""Linear maps between populations: dense, sparse or convolutional, with products and sums that keep them small.

A product stays a convolution where one is: pooling before or after a convolution, and scales that channels share. What
is no convolution any more is sparse, and dense only where a dense matrix took part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from neuroalign.errors import NetworkError
from neuroalign.network import FloatArray
from neuroalign.pattern import (
    Convolution,
    Pattern,
    SparsePattern,
    as_sparse,
    same_pattern,
    shares_kernel,
    spread_to_synapses,
)

MAX_WEIGHTS = 2**27
"""Limit on the entries of one matrix: 1 GiB in float64."""
FEW = 4
"""A one-to-one map of more neurons than this is held sparse."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A matrix (N_target, N_source) in the layout of ``pattern``; None: dense."""

    values: FloatArray
    pattern: Pattern | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(N_target, N_source)."""
        return self.pattern.shape if self.pattern is not None else (self.values.shape[0], self.values.shape[1])


Map = Weights | FloatArray | None
"""What a node makes of a source: weights, a diagonal (N,), or None for the identity."""


def through(node: Weights, given: Map) -> Weights:
    """``node`` after ``given``."""
    if given is None:
        return node
    if not isinstance(given, Weights):
        return _after_scale(node, given)
    if isinstance(node.pattern, Convolution) and isinstance(given.pattern, Convolution):
        joined = _joined(node.pattern, node.values, given.pattern, given.values)
        if joined is not None:
            return joined
    if node.pattern is None or given.pattern is None:
        _check_size(node.shape[0] * given.shape[1])
    if node.pattern is None and given.pattern is None:
        return Weights(node.values @ given.values)
    product = _matrix(node) @ _matrix(given)
    return (
        _from_csr(product) if node.pattern is not None and given.pattern is not None else Weights(np.asarray(product))
    )


def scaled(scale: FloatArray, given: Map) -> Map:
    """``given`` with each target's value times ``scale`` (N_target,)."""
    if given is None:
        return scale
    if not isinstance(given, Weights):
        return scale * given
    if isinstance(given.pattern, Convolution) and not shares_kernel(scale, given.pattern):
        given = _as_sparse(given)
    return Weights(spread_to_synapses(scale, given.pattern) * given.values, given.pattern)


def kept_rows(rows: Any, given: Map, size: int) -> Weights:
    """``given`` for the targets where ``rows`` (N,) is true; the others get no synapse."""
    sparse = _as_sparse(as_weights(given, size))
    if not isinstance(sparse.pattern, SparsePattern):  # a dense matrix
        targets, sources = np.nonzero(rows[:, None] & (sparse.values != 0))
        return Weights(sparse.values[targets, sources], SparsePattern(targets, sources, sparse.shape))
    keep = rows[sparse.pattern.target]
    pattern = SparsePattern(sparse.pattern.target[keep], sparse.pattern.source[keep], sparse.shape)
    return Weights(sparse.values[keep], pattern)


def summed(parts: Sequence[Map], size: int) -> Map:
    """The sum of maps onto ``size`` targets; to the last bit independent of their order."""
    if len(parts) == 1:
        return parts[0]
    weights = [as_weights(p, size) for p in parts]
    first = weights[0]
    if all(same_pattern(w.pattern, first.pattern) for w in weights):
        return Weights(ordered_sum([w.values for w in weights]), first.pattern)
    if any(w.pattern is None for w in weights):
        return Weights(ordered_sum([dense(w) for w in weights]))
    return _summed_sparse([_as_sparse(w) for w in weights])


def ordered_sum(parts: Sequence[FloatArray]) -> FloatArray:
    """Sum in order of size: names, which decide the order of nodes, must not decide the last bit."""
    if len(parts) <= 2:
        return np.add(parts[0], parts[1]) if len(parts) == 2 else parts[0]
    total: FloatArray = np.sort(np.stack(parts), axis=0).sum(axis=0)
    return total


def as_weights(given: Map, size: int) -> Weights:
    """Any map onto ``size`` targets as weights; the identity and diagonals sparse, unless they are tiny."""
    if isinstance(given, Weights):
        return given
    values = np.ones(size) if given is None else given
    if size <= FEW:
        return Weights(np.diag(values))
    index = np.arange(size)
    return Weights(values.copy(), SparsePattern(index, index.copy(), (size, size)))


def dense(weights: Weights) -> FloatArray:
    """The matrix, 0 where there is no synapse."""
    if weights.pattern is None:
        return weights.values
    _check_size(prod(weights.shape))
    return np.asarray(_matrix(weights).toarray())


def _after_scale(node: Weights, scale: FloatArray) -> Weights:
    """``node`` of a source whose values are multiplied by ``scale`` (N_source,)."""
    pattern = node.pattern
    if pattern is None:
        return Weights(node.values * scale)
    if isinstance(pattern, Convolution):
        channels = scale.reshape(pattern.source_shape[0], -1)
        if not (channels == channels[:, :1]).all():
            return _after_scale(_as_sparse(node), scale)
        own = channels[:, 0].reshape(pattern.groups, -1)  # group, channel in it
        factor = np.repeat(own, pattern.channels // pattern.groups, axis=0)
        return Weights(node.values * factor[:, :, None, None], pattern)
    return Weights(node.values * scale[pattern.source], pattern)


def _joined(after: Convolution, outer: FloatArray, before: Convolution, inner: FloatArray) -> Weights | None:
    """Two convolutions as one; None where that is none.

    With padding in the second, places outside the image between are 0, while one convolution would see parts of the
    source there, unless the windows of the first tile the source without overlap and rest.
    """
    tiles = (
        before.kernel == before.stride
        and before.padding == (0, 0)
        and before.dilation == (1, 1)
        and all(size % step == 0 for size, step in zip(before.source_shape[1:], before.stride, strict=True))
    )
    if after.padding != (0, 0) and not tiles:
        return None
    mixed = _mixed(after, outer, before, inner)
    if mixed is None:
        return None
    taps, groups = mixed
    step = [d * s for d, s in zip(after.dilation, before.stride, strict=True)]
    size = [
        a * (k - 1) + d * (n - 1) + 1
        for a, k, d, n in zip(step, after.kernel, before.dilation, before.kernel, strict=True)
    ]
    kernel = np.zeros((*taps.shape[:2], *size))
    for y, x in np.ndindex(*after.kernel):
        for v, u in np.ndindex(*before.kernel):
            at = (y * step[0] + v * before.dilation[0], x * step[1] + u * before.dilation[1])
            kernel[:, :, at[0], at[1]] += taps[:, :, y, x, v, u]
    strides = (after.stride[0] * before.stride[0], after.stride[1] * before.stride[1])
    padding = tuple(p + q * s for p, q, s in zip(before.padding, after.padding, before.stride, strict=True))
    pattern = Convolution(
        before.source_shape, after.channels, (size[0], size[1]), strides, (padding[0], padding[1]), (1, 1), groups
    )
    return Weights(kernel, pattern) if pattern.shape == (after.shape[0], before.shape[1]) else None


def _mixed(
    after: Convolution, outer: FloatArray, before: Convolution, inner: FloatArray
) -> tuple[FloatArray, int] | None:
    """(C_out, C_in / groups, and both kernels' places) and the groups, where channels allow it."""
    if before.groups == before.channels == before.source_shape[0]:  # each channel by itself, then any mixing
        own = inner[:, 0].reshape(after.groups, -1, *before.kernel)
        own = np.repeat(own, after.channels // after.groups, axis=0)
        return outer[:, :, :, :, None, None] * own[:, :, None, None], after.groups
    if after.groups == after.channels == after.source_shape[0]:
        return outer[:, 0, None, :, :, None, None] * inner[:, :, None, None], before.groups
    if after.groups == before.groups == 1:
        return np.einsum("oiyx,ijvu->ojyxvu", outer, inner), 1
    return None


def _as_sparse(weights: Weights) -> Weights:
    if isinstance(weights.pattern, Convolution):
        pattern, values = as_sparse(weights.pattern, weights.values)
        return Weights(values, pattern)
    return weights


def _summed_sparse(parts: Sequence[Weights]) -> Weights:
    patterns = [p.pattern for p in parts if isinstance(p.pattern, SparsePattern)]
    target = np.concatenate([p.target for p in patterns])
    source = np.concatenate([p.source for p in patterns])
    values = np.concatenate([p.values for p in parts])
    order = np.lexsort((values, source, target))
    target, source, values = target[order], source[order], values[order]
    first = np.flatnonzero(np.r_[True, (np.diff(target) != 0) | (np.diff(source) != 0)][: target.size])
    total = np.add.reduceat(values, first) if first.size else values
    return Weights(total, SparsePattern(target[first], source[first], parts[0].shape))


def _matrix(weights: Weights) -> Any:
    """As a SciPy sparse array, or the dense matrix itself."""
    from scipy.sparse import csr_array

    sparse = _as_sparse(weights)
    if not isinstance(sparse.pattern, SparsePattern):
        return sparse.values
    return csr_array((sparse.values, (sparse.pattern.target, sparse.pattern.source)), shape=sparse.shape)


def _from_csr(matrix: Any) -> Weights:
    entries = matrix.tocoo()
    order = np.lexsort((entries.col, entries.row))
    target, source = entries.row[order].astype(np.int64), entries.col[order].astype(np.int64)
    return Weights(np.asarray(entries.data[order], dtype=np.float64), SparsePattern(target, source, matrix.shape))


def _check_size(entries: int) -> None:
    if entries > MAX_WEIGHTS:
        raise NetworkError(f"a connection would need a matrix of {entries} weights; the limit is {MAX_WEIGHTS}")
