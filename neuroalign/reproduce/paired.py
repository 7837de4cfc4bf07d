"""Differences of two cases over the same seeds or the same images, with their 95 % interval."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError

# Student's t at 97.5 % for 1 to 30 degrees of freedom, as printed tables have it.
T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def paired_interval(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """Mean of ``first - second`` and the ends of its 95 % interval (Student's t; beyond 30 degrees that of 30).

    Raises
    ------
    InputError
        If there are fewer than two pairs, or the numbers of values differ.
    """
    if len(first) != len(second) or len(first) < 2:
        raise InputError(f"{len(first)} and {len(second)} values are no pairs with an interval; run two seeds or more")
    differences = [a - b for a, b in zip(first, second, strict=True)]
    mean = statistics.fmean(differences)
    reach = T_975[min(len(differences) - 1, len(T_975)) - 1] * statistics.stdev(differences) / sqrt(len(differences))
    return mean, mean - reach, mean + reach


def bootstrap_interval(
    first: NDArray[np.bool_], second: NDArray[np.bool_], *, resamples: int = 10_000
) -> tuple[float, float, float]:
    """Mean of ``first - second`` over networks and images, and the ends of its 95 % interval (percentile bootstrap).

    Parameters
    ----------
    first, second : (networks, images)
        Whether each image was judged right. Images are drawn again, each with what all networks make of it in both ways.

    Raises
    ------
    InputError
        If the shapes differ, or there is no image.
    """
    from scipy.stats import bootstrap

    if first.shape != second.shape or first.ndim != 2 or not first.size:
        raise InputError(
            f"judgements of shape {first.shape} and {second.shape} are no pairs; (networks, images) is needed twice"
        )
    differences = (first.astype(float) - second).mean(axis=0)
    mean = float(differences.mean())
    if not differences.any() or len(differences) < 2:
        return mean, mean, mean
    found = bootstrap(
        (differences,),
        np.mean,
        n_resamples=resamples,
        batch=200,
        vectorized=True,
        method="percentile",
        random_state=np.random.default_rng(0),
    )
    return mean, float(found.confidence_interval.low), float(found.confidence_interval.high)
