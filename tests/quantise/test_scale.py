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
    """Expected squared error of all weights, in shares, for each whole threshold from 1 on, with the smallest exponents."""
    total = np.zeros(limit)
    for kernel in kernels:
        largest = np.arange(1, limit + 1) * max(
            kernel.share.max() / kernel.high, kernel.share.min() / kernel.low if kernel.low else 0.0
        )
        exponents = np.arange(EXPONENTS.min, EXPONENTS.max + 1)
        smallest = np.searchsorted(2.0**exponents * (1 + 1e-9), largest)  # the first that holds it
        step = np.where(smallest < exponents.size, kernel.step * 2.0 ** (smallest + EXPONENTS.min), np.inf)
        total += np.count_nonzero(kernel.share) * (step / np.arange(1, limit + 1)) ** 2 / 12
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
