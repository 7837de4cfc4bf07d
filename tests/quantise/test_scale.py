"""The common scale of a population, against every other that it could have had."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.profile import Range
from neuroalign.quantise.scale import Headroom, Kernel, choose_k, make_kernel, quantise_weights, weight_exponent

EXPONENTS = Range(min=-7, max=8)


def drawn(rng: np.random.Generator) -> list[Kernel]:
    """One to three connections, of one sign or mixed, whose weights are of very different size."""
    kernels = []
    for number in range(int(rng.integers(1, 4))):
        share = rng.normal(size=(4, 6)) * 10.0 ** rng.uniform(-4, -1)
        share = share if rng.random() < 0.5 else np.abs(share)
        kernels.append(make_kernel(str(number), share, 1.0, 8, 2, ("mixed", "excitatory", "inhibitory")))
    return kernels


def errors(kernels: list[Kernel], limit: int) -> NDArray[np.float64]:
    """Expected squared error of all sums, in shares, for each whole threshold from 1 on, with the best exponents."""
    total, thresholds = np.zeros(limit), np.arange(1, limit + 1)
    for kernel in kernels:
        largest = thresholds * max(
            kernel.share.max() / kernel.high, kernel.share.min() / kernel.low if kernel.low else 0.0
        )
        best = np.full(limit, np.inf)
        for exponent in range(EXPONENTS.min, EXPONENTS.max + 1):
            spread = np.count_nonzero(kernel.share) * (kernel.step * 2.0**exponent / thresholds) ** 2 / 12
            # A sum of integers, shifted right, loses each of its 2**-exponent fractions as often as any other.
            fractions = np.arange(2 ** max(-exponent, 0)) / 2 ** max(-exponent, 0)
            drift = fractions.mean() / thresholds * min(kernel.share.shape[1], 10)
            held = largest <= 2.0**exponent * (1 + 1e-9)
            best = np.where(held, np.minimum(best, spread + len(kernel.share) * drift**2), best)
        total += best
    return total


@pytest.mark.parametrize("seed", [*range(20), 82, 96, 136])  # the last three need the step of each sign mode
def test_no_threshold_would_hold_the_weights_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kernels, limit = drawn(rng), int(rng.integers(200, 4000))
    k = choose_k(kernels, Headroom(limit, limit, 1.0), EXPONENTS, integer=True)
    assert k == int(k) <= limit
    found = errors(kernels, limit)
    assert found[int(k) - 1] <= 1.02 * found.min()  # candidates are floored to whole numbers
    for kernel in kernels:
        assert quantise_weights(kernel, k, weight_exponent(kernel, k, EXPONENTS))[1] == 0  # nothing clipped


def test_wide_weights_do_not_drift_for_bits_that_are_not_worth_it() -> None:
    share = np.random.default_rng(1).normal(size=(40, 40))
    kernel = make_kernel("wide", share, 1.0, 16, 2, ("mixed",))
    exponent = weight_exponent(kernel, 1000.0, EXPONENTS)
    assert exponent > np.log2(1000.0 * kernel.needed)  # a finer one would fit
    held, clipped = quantise_weights(kernel, 1000.0, exponent)
    spikes = (np.random.default_rng(2).random((5000, 40)) < 0.1).astype(float)
    wrong = []
    for e in range(EXPONENTS.min, 1):
        held, clipped = quantise_weights(kernel, 1000.0, e)
        if not clipped:
            wrong.append(
                (float(np.abs((np.floor(spikes @ held.T * 2.0**e) / 1000 - spikes @ share.T).sum(0)).mean()), e)
            )
    assert {e: w for w, e in wrong}[exponent] < 1.5 * min(wrong)[0]
    assert wrong[0][0] > 1.5 * min(wrong)[0]  # the finest drifts
