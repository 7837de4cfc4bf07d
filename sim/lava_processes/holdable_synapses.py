"""What Lava's Dense, DelayDense, Sparse, DelaySparse and Conv hold exactly as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, Convolution, Fixed, pattern_problem, weight_shape
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.fixed_point import WEIGHT_BITS, lava_weights, truncate_weights
from neuroalign.pattern import as_sparse
from neuroalign.sim.lava_processes.refusal import check_range, refused

LARGEST_DELAY = 63
"""Extra steps of a synapse that Lava accepts."""

LARGEST_INITIAL = (-(2**15) + 1, 2**15 - 1)
"""Weights and tags that may be given to a LearningDense: far beyond its range, and far from the end of its integers."""

_LARGEST_BYTE = 127
_LARGEST_SUM = 2**31 - 1


def check_synapses(connection: ChipConnection, joined: tuple[int, int]) -> None:
    """Raise ConversionRefused unless Lava holds pattern, weights and delays as they are.

    Parameters
    ----------
    joined
        (N_target, N_source) of the neurons that the connection joins.
    """
    where = f"connection {connection.name!r}"
    pattern = connection.pattern
    if pattern is not None:
        problem = pattern_problem(pattern)
        if problem is None and tuple(pattern.shape) != joined:
            problem = f"pattern has shape {pattern.shape}; its neurons need {joined}"
        if problem:
            raise ConversionRefused(f"lava: {where}: {problem}")
    if not isinstance(connection.weight_format, Fixed):
        raise refused(where, "weight_format", connection.weight_format, "whole numbers")
    if isinstance(pattern, Convolution):
        _check_convolution(where, connection, pattern)
    else:
        _check_weights(where, connection, min(connection.weight_format.bits, WEIGHT_BITS))
    if connection.delays is not None:
        check_range(where, "delays", connection.delays, 0, LARGEST_DELAY)
    shape = weight_shape(pattern, joined)
    for name, values in (("weights", connection.weight), ("delays", connection.delays)):
        if values is not None and values.shape != shape:
            raise refused(where, f"{name} of shape", values.shape, f"{shape} for its pattern")


def _check_weights(where: str, connection: ChipConnection, bits: int) -> None:
    """LearningDense truncates initial weights but limits them only at their first update."""
    limited = connection.plasticity is None or connection.pattern is not None
    check_range(where, "weight", connection.weight, *((-256, 255) if limited else LARGEST_INITIAL))
    prepared = lava_weights if limited else truncate_weights
    held = prepared(connection.weight, connection.sign_mode, bits)
    for entry in np.argwhere(held != connection.weight)[:1]:
        index = tuple(int(k) for k in entry)
        name = f"weight[{', '.join(map(str, index))}]"
        raise refused(where, name, connection.weight[index], f"{held[index]} in {bits} {connection.sign_mode} bits")


def _check_convolution(where: str, connection: ChipConnection, pattern: Convolution) -> None:
    if connection.delays is not None:
        raise refused(where, "a convolution with delays up to", connection.max_delay, "no delays in a Conv")
    if connection.weight_exp:
        raise refused(where, "a convolution with weight_exp", connection.weight_exp, "0: its Conv leaves exponents out")
    check_range(where, "weight", connection.weight, -(2**31), 2**31 - 1)
    for name in ("kernel", "stride", "padding", "dilation"):
        for value in getattr(pattern, name):
            if value > _LARGEST_BYTE:
                raise refused(where, f"a {name} of", value, f"at most {_LARGEST_BYTE}")
    if pattern.groups > _LARGEST_BYTE:
        raise refused(where, "groups", pattern.groups, f"at most {_LARGEST_BYTE}")
    _check_sums(where, largest_sum(connection))


def without_shared_exponent(connection: ChipConnection) -> ChipConnection:
    """A convolution with a weight exponent as the same synapses one by one, which Lava's Sparse holds with theirs."""
    if not isinstance(connection.pattern, Convolution) or not connection.weight_exp or connection.delays is not None:
        return connection
    pattern, weight = as_sparse(connection.pattern, connection.weight)
    return replace(connection, pattern=pattern, weight=weight)


def largest_sum(connection: ChipConnection) -> int:
    """The largest magnitude that a convolution can sum up from spikes."""
    kernels = np.abs(connection.weight.astype(np.int64)).reshape(len(connection.weight), -1)
    return int(kernels.sum(axis=1).max(initial=0))


def check_payloads(connection: ChipConnection, values: NDArray[Any]) -> None:
    """Raise InputError where graded ``values`` might make a Conv's sum leave 32 bits, where Lava's cast is undefined."""
    if isinstance(connection.pattern, Convolution) and connection.message_bits and values.size:
        payload = int(max(abs(int(values.min())), abs(int(values.max()))))
        try:
            _check_sums(f"connection {connection.name!r}", payload * largest_sum(connection))
        except ConversionRefused as error:
            raise InputError(str(error)) from None


def _check_sums(where: str, largest: int) -> None:
    if largest > _LARGEST_SUM:
        raise ConversionRefused(
            f"lava: {where} may sum up to {largest}, but Lava's Conv is undefined beyond {_LARGEST_SUM}; use smaller "
            "weights or payloads"
        )
