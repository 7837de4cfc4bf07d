"""One common scale for the weights, threshold and bias of a population.

A neuron's voltages are held as integers ``v = V s`` with ``s`` units per volt; its threshold is ``K << 6`` and a weight
adds ``(w << exp) << 6``, so weights, threshold and bias can only share one ``s = K 2**6 / threshold``. Where thresholds
differ within a population ``s`` differs per neuron, and ``K`` does not: the integer threshold is then exact everywhere
and only the weights are rounded.

``K`` is chosen among the values at which some connection uses its full weight range, by the summed squared weight error
``sum over connections of synapses (step 2**exp / K)**2``; among equals the largest, which makes decay truncation small.

A negative exponent makes weights finer, but the chip rounds each connection's sum down, by ``(1 - 2**exp) / 2`` units in the
mean, in every step that brings it spikes. That drift has the same sign in every step; it counts as if one of ``DRIVEN``
synapses spiked in each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import SignMode
from neuroalign.pattern import Pattern, sum_into_targets
from neuroalign.profile import Range

FloatArray = NDArray[np.float64]

DRIVEN = 10
"""Synapses of a neuron of which one spikes in a step, for what a drift in every step weighs against wrong weights."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """Synapses of one connection in shares of the reference voltage: ``share`` like its weights, one source unit each.

    ``largest_input`` is the largest magnitude one source sends in a step (1 for spikes).
    """

    name: str
    share: FloatArray
    largest_input: float
    sign_mode: SignMode
    step: int
    low: int
    high: int
    pattern: Pattern | None = None

    def into_targets(self, sign: int) -> FloatArray:
        """Sum of the shares of one sign into each neuron, as magnitudes, (N_target,)."""
        return sum_into_targets(np.clip(sign * self.share, 0, None), self.pattern)

    @property
    def targets(self) -> int:
        """Neurons that the connection leads to."""
        return int(self.share.shape[0]) if self.pattern is None else self.pattern.shape[0]

    @property
    def synapses(self) -> int:
        """Weights other than 0."""
        return int(np.count_nonzero(self.share))

    @property
    def needed(self) -> float:
        """Share of the reference at which the weight range is just used: the range holds ``K needed / 2**exp <= 1``."""
        if not self.share.size:
            return 0.0
        above = float(self.share.max()) / self.high if self.high else 0.0
        below = float(self.share.min()) / self.low if self.low else 0.0
        return max(above, below, 0.0)


@dataclass(frozen=True)
class Headroom:
    """Bounds on ``K``: ``hard`` by formats; ``safe`` if every input spikes in every step; not lowered below ``floor``.

    The worst case of a wide population is far from what it meets; below ``floor`` the resolution lost to it would cost
    more than the rare saturation, which every run counts.
    """

    hard: float
    safe: float
    floor: float

    @property
    def limit(self) -> float:
        """The largest ``K`` to use."""
        return max(min(self.hard, max(self.safe, self.floor)), 1.0)


def make_kernel(
    name: str,
    share: FloatArray,
    largest_input: float,
    bits: int,
    mixed_lsb: int,
    modes: Sequence[str],
    pattern: Pattern | None = None,
) -> Kernel:
    """A kernel with the sign mode that wastes no range: one-signed connections use all ``bits`` on one side."""
    full = 2 ** max(bits, 8)
    coarse = 2 ** max(8 - bits, 0)  # fewer bits drop low bits of the same range (Lava 0.10, proc/dense)
    if share.size and share.min() >= 0 and share.max() > 0 and "excitatory" in modes:
        return Kernel(name, share, largest_input, "excitatory", coarse, 0, full - coarse, pattern)
    if share.size and share.max() <= 0 and share.min() < 0 and "inhibitory" in modes:
        return Kernel(name, share, largest_input, "inhibitory", coarse, -(full - coarse), 0, pattern)
    step = mixed_lsb * coarse
    return Kernel(name, share, largest_input, "mixed", step, -full, full - step, pattern)


def smallest_exponent(kernel: Kernel, k: float, exponents: Range) -> int:
    """The smallest exponent at which the largest weight still fits, within the profile's range."""
    needed = k * kernel.needed
    exponent = int(np.ceil(np.log2(needed) - 1e-12)) if needed > 0 else 0
    return int(np.clip(exponent, exponents.min, exponents.max))


def weight_exponent(kernel: Kernel, k: float, exponents: Range) -> int:
    """The exponent of the smallest error among those at which the largest weight fits, within the profile's range."""
    exponent = smallest_exponent(kernel, k, exponents)
    return min(range(exponent, max(exponent, 0) + 1), key=lambda e: _error_at(kernel, k, e))


def choose_k(kernels: Sequence[Kernel], headroom: Headroom, exponents: Range, *, integer: bool) -> float:
    """``K``: integer threshold mantissa of a spiking population, any real scale of another."""
    # Beyond this the largest weight would be clipped even at the largest exponent.
    widest = min((2.0**exponents.max / kernel.needed for kernel in kernels if kernel.needed > 0), default=math.inf)
    limit = max(min(headroom.limit, widest), 1.0)
    candidates = [limit]
    for kernel in kernels:
        if kernel.needed > 0:
            for exponent in range(exponents.min, exponents.max + 1):
                k = 2.0**exponent / kernel.needed
                if 1 <= k <= limit:
                    candidates.append(k)
    if integer:
        candidates = [max(float(np.floor(k * (1 + 1e-12))), 1.0) for k in candidates]
    return min(candidates, key=lambda k: (float(f"{_weight_error(kernels, k, exponents):.3g}"), -k))


def _weight_error(kernels: Sequence[Kernel], k: float, exponents: Range) -> float:
    return sum(_error_at(kernel, k, weight_exponent(kernel, k, exponents)) for kernel in kernels)


def _error_at(kernel: Kernel, k: float, exponent: int) -> float:
    """Summed squared rounding error in shares of the reference, weights taken as uniform within a step, and the drift."""
    rounding = kernel.synapses * (kernel.step * 2.0**exponent / k) ** 2 / 12
    if exponent >= 0 or not kernel.targets:
        return float(rounding)
    drift = (1 - 2.0**exponent) / 2 / k * min(kernel.synapses / kernel.targets, DRIVEN)
    return float(rounding + kernel.targets * drift**2)


def quantise_weights(kernel: Kernel, k: float, exponent: int) -> tuple[NDArray[np.int64], int]:
    """Integer weights as held, rounded to nearest, and how many were clipped."""
    exact = kernel.share * (k / 2.0**exponent)
    rounded = np.rint(exact / kernel.step).astype(np.int64) * kernel.step
    held = np.clip(rounded, kernel.low, kernel.high)
    return held, int(np.count_nonzero(held != rounded))
