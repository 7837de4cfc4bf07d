"""Which synapses a connection has, where it is not all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]


@dataclass(frozen=True, eq=False)
class SparsePattern:
    """Which synapses exist: synapse k leads from source ``source[k]`` to target ``target[k]``.

    Parameters
    ----------
    target, source : (synapses,)
        Sorted by target, then source; no pair twice.
    shape : (N_target, N_source)
    """

    target: NDArray[np.int64]
    source: NDArray[np.int64]
    shape: tuple[int, int]


@dataclass(frozen=True)
class Convolution:
    """A kernel shared by all places of an image; weights are (C_out, C_in / groups, kernel height, kernel width).

    ``out[o, y, x] = sum over i, ky, kx of W[o, i, ky, kx] in[i, y sy - py + ky dy, x sx - px + kx dx]``

    Neurons are numbered (channel, row, column), the last fastest. No flip of the kernel, as NIR and PyTorch have it.

    Parameters
    ----------
    source_shape : (C_in, height, width)
    channels : int
        C_out.
    kernel, stride, padding, dilation : (rows, columns)
    groups : int
    """

    source_shape: tuple[int, int, int]
    channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def target_shape(self) -> tuple[int, int, int]:
        """(C_out, height, width) of the result."""
        rows, columns = (
            (size + 2 * p - d * (k - 1) - 1) // s + 1
            for size, k, s, p, d in zip(
                self.source_shape[1:], self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        return self.channels, rows, columns

    @property
    def shape(self) -> tuple[int, int]:
        """(N_target, N_source)."""
        return math.prod(self.target_shape), math.prod(self.source_shape)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """Shape of the weights."""
        return self.channels, self.source_shape[0] // self.groups, *self.kernel


Pattern = SparsePattern | Convolution


def pattern_problem(pattern: Pattern) -> str | None:
    """Why the pattern is none (what it has, and what is needed), or None."""
    return _sparse_problem(pattern) if isinstance(pattern, SparsePattern) else _convolution_problem(pattern)


def weight_shape(pattern: Pattern | None, shape: tuple[int, int]) -> tuple[int, ...]:
    """Shape of the weights (and delays and tags) of a connection whose shape is (N_target, N_source)."""
    if isinstance(pattern, Convolution):
        return pattern.weight_shape
    return shape if pattern is None else (pattern.target.size,)


def expanded(pattern: Pattern, values: Numbers) -> Numbers:
    """Weights (or other synaptic values) as a matrix (N_target, N_source), 0 where there is no synapse."""
    if isinstance(pattern, SparsePattern):
        matrix = np.zeros(pattern.shape, dtype=values.dtype)
        matrix[pattern.target, pattern.source] = values
        return matrix
    groups = pattern.groups
    inside, outside = math.prod(pattern.source_shape[1:]), math.prod(pattern.target_shape[1:])
    blocks = np.zeros(
        (groups, pattern.channels // groups, outside, groups, pattern.weight_shape[1], inside), values.dtype
    )
    kernels = values.reshape(groups, -1, *pattern.weight_shape[1:])
    for y, x in np.ndindex(*pattern.kernel):
        target, source = _meeting_places(pattern, y, x)
        for group in range(groups):
            blocks[group][:, target, group, :, source] = kernels[group, :, :, y, x]
    return blocks.reshape(pattern.shape)


def spread_to_synapses(values: Numbers, pattern: Pattern | None) -> Numbers:
    """One value a target neuron, (N_target,), so that it broadcasts against the weights of its synapses.

    Raises
    ------
    ValueError
        If the places of a convolution's channel differ: ask :func:`shares_kernel` first.
    """
    if pattern is None:
        return values[:, None]
    if isinstance(pattern, SparsePattern):
        return np.asarray(values[pattern.target])
    if not shares_kernel(values, pattern):
        raise ValueError("the neurons of a channel differ, so that they share no kernel")
    return np.asarray(values.reshape(pattern.channels, -1)[:, :1, None, None])


def shares_kernel(values: Numbers, pattern: Convolution) -> bool:
    """Whether all places of each channel have the same value, so that one kernel serves them; ``values`` (N_target,)."""
    places = values.reshape(pattern.channels, -1)
    return bool((places == places[:, :1]).all())


def sum_into_targets(weight: Numbers, pattern: Pattern | None) -> Numbers:
    """Sum of the weights into each target neuron, (N_target,), of values laid out as ``pattern`` says."""
    if pattern is None:
        return np.asarray(weight.sum(axis=1))
    total = np.zeros(pattern.shape[0], dtype=np.result_type(weight.dtype, np.int64))
    if isinstance(pattern, SparsePattern):
        np.add.at(total, pattern.target, weight)
        return total
    image = total.reshape(pattern.channels, -1)
    for y, x in np.ndindex(*pattern.kernel):
        image[:, _meeting_places(pattern, y, x)[0]] += weight[:, :, y, x].sum(axis=1)[:, None]
    return total


def as_sparse(pattern: Convolution, weight: Numbers) -> tuple[SparsePattern, Numbers]:
    """The synapses of a convolution one by one, those of weight 0 left out, and their weights."""
    groups, inside = pattern.groups, math.prod(pattern.source_shape[1:])
    outside, (into, out_of) = math.prod(pattern.target_shape[1:]), (pattern.channels // groups, pattern.weight_shape[1])
    found: list[tuple[Numbers, Numbers, Numbers]] = []
    for y, x in np.ndindex(*pattern.kernel):
        places = _meeting_places(pattern, y, x)
        for o, i in np.argwhere(weight[:, :, y, x]):
            first = ((o // into) * out_of + i) * inside
            found.append((o * outside + places[0], first + places[1], np.full(places[0].size, weight[o, i, y, x])))
    target, source, values = (np.concatenate([f[k] for f in found]) if found else np.zeros(0) for k in range(3))
    order = np.lexsort((source, target))
    sparse = SparsePattern(target[order].astype(np.int64), source[order].astype(np.int64), pattern.shape)
    return sparse, np.asarray(values[order], dtype=weight.dtype)


def same_pattern(left: Pattern | None, right: Pattern | None) -> bool:
    """Whether two connections have the same synapses."""
    if isinstance(left, SparsePattern) and isinstance(right, SparsePattern):
        return (
            left.shape == right.shape
            and np.array_equal(left.target, right.target)
            and np.array_equal(left.source, right.source)
        )
    return left == right


def _meeting_places(pattern: Convolution, y: int, x: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the result, and those of the source that entry (y, x) of the kernel leads to them."""
    places = np.indices(pattern.target_shape[1:]).reshape(2, -1)
    at = [
        place * stride - padding + k * dilation
        for place, stride, padding, k, dilation in zip(
            places, pattern.stride, pattern.padding, (y, x), pattern.dilation, strict=True
        )
    ]
    rows, columns = pattern.source_shape[1:]
    inside = np.flatnonzero((at[0] >= 0) & (at[0] < rows) & (at[1] >= 0) & (at[1] < columns))
    return inside, (at[0] * columns + at[1])[inside]


def _sparse_problem(pattern: SparsePattern) -> str | None:
    if len(pattern.shape) != 2 or min(pattern.shape) < 0:
        return f"pattern.shape is {pattern.shape}; (N_target, N_source) is needed"
    for label, index, size in zip(("target", "source"), (pattern.target, pattern.source), pattern.shape, strict=True):
        if index.ndim != 1 or index.dtype.kind not in "iu" or index.size != pattern.target.size:
            return f"pattern.{label} holds {index.dtype} of shape {index.shape}; one whole number a synapse is needed"
        bad = np.flatnonzero((index < 0) | (index >= size))
        if bad.size:
            return f"pattern.{label}[{bad[0]}] is {index[bad[0]]}; it must lie in 0 to {size - 1}"
    target, source = pattern.target, pattern.source
    ascends = (target[1:] > target[:-1]) | ((target[1:] == target[:-1]) & (source[1:] > source[:-1]))
    for k in np.flatnonzero(~ascends)[:1]:
        return (
            f"pattern has synapse {k + 1} ({source[k + 1]} -> {target[k + 1]}) after {source[k]} -> {target[k]}; sort by "
            "target, then source, each pair once"
        )
    return None


def _convolution_problem(pattern: Convolution) -> str | None:
    lengths = {"source_shape": 3, "kernel": 2, "stride": 2, "padding": 2, "dilation": 2}
    for name, length in lengths.items():
        values, least = getattr(pattern, name), 0 if name == "padding" else 1
        if len(values) != length or min(values) < least:
            return f"pattern.{name} is {values}; {length} whole numbers of at least {least} are needed"
    if pattern.channels < 1 or pattern.groups < 1:
        return f"pattern has {pattern.channels} channels in {pattern.groups} groups; at least 1 of each is needed"
    if pattern.channels % pattern.groups or pattern.source_shape[0] % pattern.groups:
        return (
            f"pattern leads from {pattern.source_shape[0]} to {pattern.channels} channels; {pattern.groups} groups must "
            "divide both"
        )
    if min(pattern.target_shape) < 1:
        return f"pattern makes an image of {pattern.target_shape[1:]}; the kernel must fit into the padded source"
    return None


def source_places(pattern: Convolution) -> NDArray[np.int64]:
    """Place in a source channel that each entry of the kernel leads to each place of the result, (places, entries); -1
    where it lies in the padding.
    """
    found = np.full((math.prod(pattern.target_shape[1:]), math.prod(pattern.kernel)), -1, dtype=np.int64)
    for entry, (y, x) in enumerate(np.ndindex(*pattern.kernel)):
        targets, sources = _meeting_places(pattern, y, x)
        found[targets, entry] = sources
    return found
