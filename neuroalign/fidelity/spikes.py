"""Spikes of two runs: one-to-one partners, van Rossum's distance, rates and counts.

Arrays are (S, T, N): samples, steps, neurons; a *train* is the spikes of one neuron in one sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroalign.network import FloatArray

BoolArray = NDArray[np.bool_]


class Place(NamedTuple):
    """Where something was first seen, counted from 0."""

    sample: int
    step: int
    neuron: int


@dataclass(frozen=True)
class SpikeAgreement:
    """Spikes of one population; see :func:`spike_agreement` for the equations."""

    bins: int
    reference_spikes: int
    candidate_spikes: int
    early_spikes: int
    equal_bins: float
    f1_exact: float | None
    f1_near: float | None
    van_rossum: float
    reference_rate: float
    candidate_rate: float
    count_correlation: float | None
    first_divergence: Place | None


def spike_agreement(
    reference: BoolArray, candidate: BoolArray, *, dt: float, tau: float, tolerance_steps: int, early_spikes: int = 0
) -> SpikeAgreement:
    """Agreement of spikes (S, T, N), both already aligned.

    Equation
    --------
    ``f1 = 2 m / (r + c)``: r and c spikes of the two, m one-to-one partners (:func:`match_spikes`); None without spikes.
    ``van_rossum``: mean over trains of :func:`van_rossum`.
    Rates in Hz per neuron; ``count_correlation`` is Pearson's over neurons of the counts summed over samples, None
    where either does not vary.
    """
    spikes = int(reference.sum()), int(candidate.sum())
    total = sum(spikes)
    unequal = reference != candidate
    near = match_spikes(reference, candidate, tolerance_steps)[0]
    seconds = reference.size * dt or 1.0
    return SpikeAgreement(
        bins=reference.size,
        reference_spikes=spikes[0],
        candidate_spikes=spikes[1],
        early_spikes=early_spikes,
        equal_bins=1.0 - int(unequal.sum()) / max(reference.size, 1),
        f1_exact=2 * int((reference & candidate).sum()) / total if total else None,
        f1_near=2 * int(near.sum()) / total if total else None,
        van_rossum=float(van_rossum(reference, candidate, dt / tau).mean()) if reference.size else 0.0,
        reference_rate=spikes[0] / seconds,
        candidate_rate=spikes[1] / seconds,
        count_correlation=_correlation(reference.sum((0, 1)), candidate.sum((0, 1))),
        first_divergence=first_place(unequal),
    )


def match_spikes(reference: BoolArray, candidate: BoolArray, tolerance_steps: int) -> tuple[BoolArray, BoolArray]:
    """Which spikes of (S, T, N) find a partner at most ``tolerance_steps`` away in the other's same train.

    One-to-one and of maximum size: reference spikes in time order each take the earliest free candidate spike in
    reach. All windows are equally long, so they end in the order in which they begin, and the earliest choice never
    costs a later partner.
    """
    left, right = _trains(reference), _trains(candidate)
    matched, taken = left & right, left & right
    # Trains that are equal are done; the rest starts afresh, as an exact partner is not always the best choice.
    rest = np.flatnonzero((left != right).any(0))
    open_left, free = left[:, rest], right[:, rest]
    steps = len(left)
    for step in range(steps if rest.size else 0):
        wanting = open_left[step]  # a view: cleared as partners are found
        for other in range(max(0, step - tolerance_steps), min(steps, step + tolerance_steps + 1)):
            pairs = wanting & free[other]
            wanting ^= pairs
            free[other] ^= pairs
    matched[:, rest] = left[:, rest] & ~open_left
    taken[:, rest] = right[:, rest] & ~free
    return _untrains(matched, reference.shape), _untrains(taken, candidate.shape)


def van_rossum(reference: BoolArray, candidate: BoolArray, dt_over_tau: float) -> FloatArray:
    """Van Rossum distance of every train of (S, T, N), shape (S, N), without unit.

    Equation
    --------
    ``D^2 = 1/tau * integral from 0 to infinity of (f - g)^2 dt``, where f and g are the spikes, each followed by
    ``exp(-t/tau)``. One spike against none: ``sqrt(1/2)``; two spikes a time d apart: ``sqrt(1 - exp(-d/tau))``.
    The integral over each step is taken in closed form.

    Source
    ------
    M. C. W. van Rossum, A novel spike distance, Neural Computation 13 (2001), 751-763.
    """
    left, right = _trains(reference), _trains(candidate)
    squared = np.zeros(left.shape[1])
    rest = np.flatnonzero((left != right).any(0))
    difference = left[:, rest].astype(np.float64) - right[:, rest]
    keep = np.exp(-dt_over_tau)
    trace, area = np.zeros(rest.size), np.zeros(rest.size)
    for now in difference:
        # (1 - keep^2) / 2 is the integral of exp(-2 t/tau) / tau over one step.
        area += trace * trace * ((1 - keep * keep) / 2)
        trace *= keep
        trace += now
    squared[rest] = area + trace * trace / 2  # what follows the last step, to infinity
    return np.sqrt(squared).reshape(reference.shape[0], reference.shape[2])


def first_place(unequal: BoolArray) -> Place | None:
    """The earliest step that holds a True in (S, T, N), there the lowest sample and neuron."""
    steps = np.flatnonzero(unequal.any((0, 2)))
    if not steps.size:
        return None
    sample, neuron = (int(k) for k in np.argwhere(unequal[:, steps[0]])[0])
    return Place(sample, int(steps[0]), neuron)


def _trains(array: BoolArray) -> BoolArray:
    """(S, T, N) as contiguous (T, S N): one row a step."""
    return np.ascontiguousarray(array.transpose(1, 0, 2)).reshape(array.shape[1], array.shape[0] * array.shape[2])


def _untrains(trains: BoolArray, shape: tuple[int, ...]) -> BoolArray:
    return np.ascontiguousarray(trains.reshape(shape[1], shape[0], shape[2]).transpose(1, 0, 2))


def _correlation(left: NDArray[Any], right: NDArray[Any]) -> float | None:
    if left.size < 2 or not np.ptp(left) or not np.ptp(right):
        return None
    return float(np.corrcoef(left, right)[0, 1])
