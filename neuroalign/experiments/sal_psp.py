r"""SAL between two neurons whose synapses are not rectangular: the weights no longer meet where they are equal.

As :mod:`neuroalign.experiments.sal_layers` has two neurons, with ``u_k = b_k + W_kj sum over the last spikes of j kappa(t - t_j)``::

    rectangular     kappa(x) = 1                                          in 1 .. tau
    alpha, short    kappa(x) = (tau / s^2) x exp(-x / s),  s = tau / 3    in 1 .. 8 s
    alpha, long     the same with s = tau / 2

All have the same area. Measured is how far apart the weights end, ``|W01 - W10| / (2 mean |W|)``, both plastic.

Source: Gierlich et al. 2025 (arXiv 2503.02642), kernels as in the authors' code (github unibe-cns/sal-code).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.sal_layers import PAIR_BIASES, PAIR_EPOCH_STEPS, PAIR_ETA, PAIR_TAU, PAIR_WEIGHTS

FloatArray = NDArray[np.float64]
Shape = Literal["rectangular", "alpha, short", "alpha, long"]


@dataclass(frozen=True, eq=False)
class PspResult:
    """Weights (epochs, 2), first from neuron 1 to 0, then back."""

    seed: int
    weights: FloatArray

    def apart(self, epochs: int = 200) -> float:
        """``|W01 - W10| / (2 mean |W|)`` of the mean weights of the last ``epochs``."""
        first, second = self.weights[-epochs:].mean(axis=0)
        return float(abs(first - second) / (abs(first) + abs(second)))


def kernel(shape: Shape, tau: int = PAIR_TAU) -> FloatArray:
    """``kappa(1), kappa(2), ...``."""
    if shape == "rectangular":
        return np.ones(tau)
    s = tau / (3 if shape == "alpha, short" else 2)
    x = np.arange(1, round(8 * s) + 1)
    return np.asarray(tau / s**2 * x * np.exp(-x / s))


def run_psp(
    shape: Shape,
    seed: int,
    *,
    epochs: int = 1500,
    weights: tuple[float, float] = PAIR_WEIGHTS,
    biases: tuple[float, float] = PAIR_BIASES,
) -> PspResult:
    """Two neurons with kernel ``shape``; both weights learn."""
    from neuroalign.experiments.sal_psp_steps import learn_pair

    rate = PAIR_ETA * PAIR_TAU / PAIR_EPOCH_STEPS
    found = learn_pair(
        np.random.default_rng([seed, 10]), kernel(shape), np.array(weights), np.array(biases), PAIR_TAU, rate, epochs,
        PAIR_EPOCH_STEPS,
    )  # fmt: skip
    return PspResult(seed, np.asarray(found))
