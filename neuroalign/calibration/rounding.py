"""Integers of one population for a given scale, and the error that they make on the activity its synapses see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.calibration.activity import LARGEST, Activity
from neuroalign.calibration.split import REST
from neuroalign.network import Connection
from neuroalign.pattern import Convolution, SparsePattern, as_sparse
from neuroalign.quantise.compensated import compensated_rounding, quadratic_error
from neuroalign.quantise.scale import Kernel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rounded:
    """Held integers by connection, and the mean square error on the membranes in shares of the reference, summed."""

    weights: Mapping[str, IntArray]
    error: float


def rounded(
    connections: Sequence[Connection],
    kernels: Mapping[str, Kernel],
    activities: Mapping[str, Activity],
    k: float,
    exponents: Mapping[str, int],
    *,
    compensate: bool,
) -> Rounded:
    """Integers of all static connections into a population.

    What is held over two synapses is rounded first; the error of the second goes into what the first has to hold.
    Dense connections of up to LARGEST synapses a neuron are compensated together, each kernel of a convolution by itself;
    of others weights are rounded to nearest.
    """
    steps = {c.name: kernels[c.name].step * 2.0 ** exponents[c.name] / k for c in connections}
    held: dict[str, IntArray] = {}
    error = 0.0
    wanted = {c.name: np.array(kernels[c.name].share) for c in connections}
    rests = [c for c in connections if c.name.endswith(REST) and c.name[: -len(REST)] in wanted]
    for c in rests:
        integers, _ = _nearest(wanted[c.name], kernels[c.name], steps[c.name])
        held[c.name] = integers * kernels[c.name].step
        _move(c, wanted[c.name] - integers * steps[c.name], wanted[c.name[: -len(REST)]])
    alone = [c for c in connections if c not in rests]
    dense = [c for c in alone if c.pattern is None]
    together = compensate and 0 < sum(c.shape[1] for c in dense) <= LARGEST
    if together:
        error += _stacked(dense, wanted, kernels, activities, steps, held)
    for c in alone:
        if c.name in held:
            continue
        kernel, step = kernels[c.name], steps[c.name]
        matrix = activities[c.name].kernel
        if compensate and isinstance(c.pattern, Convolution) and matrix is not None and matrix.shape[1] <= LARGEST:
            integers = _kernels(c.pattern, wanted[c.name], kernel, step, matrix)
        else:
            integers, _ = _nearest(wanted[c.name], kernel, step)
        held[c.name] = integers * kernel.step
        error += _error(c, wanted[c.name] - integers * step, activities[c.name])
    return Rounded(held, error)


def _nearest(wanted: FloatArray, kernel: Kernel, step: float) -> tuple[IntArray, int]:
    exact = np.rint(wanted / step)
    low, high = _range(kernel)
    held = np.clip(exact, low, high).astype(np.int64)
    return held, int(np.count_nonzero(held != exact))


def _range(kernel: Kernel) -> tuple[float, float]:
    return float(np.ceil(kernel.low / kernel.step)), float(np.floor(kernel.high / kernel.step))


def _move(rest: Connection, error: FloatArray, main: FloatArray) -> None:
    """Add the error of a rest's integers to what its first synapses have to hold."""
    if isinstance(rest.pattern, SparsePattern) and main.ndim == 2:
        main[rest.pattern.target, rest.pattern.source] += error
    elif error.shape == main.shape:
        main += np.where(rest.weight != 0, error, 0.0)


def _stacked(
    dense: Sequence[Connection],
    wanted: Mapping[str, FloatArray],
    kernels: Mapping[str, Kernel],
    activities: Mapping[str, Activity],
    steps: Mapping[str, float],
    held: dict[str, IntArray],
) -> float:
    """Compensate all dense connections into a population as one; returns their error."""
    phi = np.concatenate([activities[c.name].phi for c in dense], axis=1)
    matrix = phi.T @ phi / len(phi)
    sizes = [c.shape[1] for c in dense]
    step = np.repeat([steps[c.name] for c in dense], sizes)
    low, high = (np.repeat([_range(kernels[c.name])[k] for c in dense], sizes) for k in (0, 1))
    exact = np.concatenate([wanted[c.name] for c in dense], axis=1)
    integers = compensated_rounding(exact, matrix, step, low, high)
    for c, part in zip(dense, np.split(integers, np.cumsum(sizes)[:-1], axis=1), strict=True):
        held[c.name] = part * kernels[c.name].step
    return float(quadratic_error(exact - integers * step, matrix).sum())


def _kernels(pattern: Convolution, wanted: FloatArray, kernel: Kernel, step: float, matrix: FloatArray) -> IntArray:
    entries = matrix.shape[1]
    rows = wanted.reshape(pattern.groups, -1, entries)
    low, high = (np.full(entries, limit) for limit in _range(kernel))
    found = [
        compensated_rounding(block, h, np.full(entries, step), low, high) for block, h in zip(rows, matrix, strict=True)
    ]
    return np.stack(found).reshape(wanted.shape)


def _error(c: Connection, error: FloatArray, seen: Activity) -> float:
    """Mean square error on the membranes, summed over the neurons; without the products of different synapses where dense
    matrices would be too large.
    """
    if c.pattern is None and c.shape[1] <= LARGEST:
        return float(quadratic_error(error, seen.phi.T @ seen.phi / len(seen.phi)).sum())
    if isinstance(c.pattern, Convolution) and seen.kernel is not None:
        rows = error.reshape(c.pattern.groups, -1, seen.kernel.shape[1])
        places = c.shape[0] // c.pattern.channels
        return places * sum(float(quadratic_error(e, h).sum()) for e, h in zip(rows, seen.kernel, strict=True))
    if isinstance(c.pattern, Convolution):
        sparse, values = as_sparse(c.pattern, error)
        return float((np.square(values) * seen.power[sparse.source]).sum())
    if c.pattern is None:
        return float((np.square(error) @ seen.power).sum())
    return float((np.square(error) * seen.power[c.pattern.source]).sum())
