r"""Sampling networks that learn a Boltzmann distribution, with SAL keeping their weights symmetric.

Seven neurons, all to all, ``P(spike in a step) = 1 / (1 + tau exp(-u))`` where the last spike is more than tau = 50 steps
old, else 0; ``u_k = b_k + sum of W_kj z_j`` with ``z_j = 1`` in the 49 steps after a spike. With symmetric weights they
sample ``p(z) ~ exp(z W z / 2 + b z)``. A cycle is 50 000 steps T of sleep with constant weights, then ::

    wake-sleep   W_ij := W_ij + eta_w (<z_i z_j> - C_ij),   C_ij = 1/T sum over pairs (tau - |dt|)+
                 b_i  := b_i  + eta_w (<z_i> - tau spikes_i / T)
    SAL          W_ij := W_ij + eta_s tau/T (sum of (1 - |dt|/tau)+ where j follows i  -  where i follows j)

``<.>`` are exact expectations of the target; pairs are those with the other's last spike; weights and biases stay
within +-2. Wake-sleep changes both directions alike, so without SAL an asymmetry stays for ever.

Noise is put on the initial weights ("synaptic"), or on the amplitude of every synapse's plasticity ("plasticity": wake-sleep
and SAL each with factors 1 + N(0, sigma), cut at 1.5 sigma).

The simulation goes from event to event: while nothing changes, the time to the next spike is geometric.

Source: Gierlich et al. 2025 (arXiv 2503.02642), protocol and constants as in the authors' code (github unibe-cns/sal-code).
Ours: random numbers; validation over 200 sleeps instead of 1000.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Noise = Literal["synaptic", "plasticity"]

NEURONS = 7
TRUNCATION = 1.5
CYCLES = {"synaptic": 20_000, "plasticity": 150_000}
WAKE_SLEEP_RATE = {"synaptic": 0.01, "plasticity": 0.001}
SAL_RATE = {"synaptic": 0.01, "plasticity": 0.002}
PLASTICITY_INITIAL_SIGMA = 0.2
VALIDATION_SLEEPS = 200


@dataclass(frozen=True, eq=False)
class SamplingResult:
    """One network after learning.

    Parameters
    ----------
    divergence
        Kullback-Leibler divergence of the sampled states from the target, half a count added to each state.
    asymmetry
        Variance of ``W_ij - W_ji`` over the pairs.
    weight, bias
        Learned parameters, (N, N) and (N,).
    """

    seed: int
    divergence: float
    asymmetry: float
    weight: FloatArray
    bias: FloatArray


def run_sampling(
    seed: int,
    sigma: float,
    *,
    aligned: bool,
    noise: Noise = "synaptic",
    cycles: int | None = None,
    validation_sleeps: int = VALIDATION_SLEEPS,
) -> SamplingResult:
    """Learn a random target; the same seed gives the same target and start with and without SAL.

    Parameters
    ----------
    sigma
        Standard deviation of the noise.
    aligned
        Whether SAL acts.
    cycles, validation_sleeps
        Published, and ours, unless given.
    """
    rng = np.random.default_rng([seed, 7])
    initial_sigma = sigma if noise == "synaptic" else PLASTICITY_INITIAL_SIGMA
    target_weight, target_bias, weight, bias = start_of(rng, initial_sigma)
    spread = sigma if noise == "plasticity" else 0.0
    factors = 1 + spread * np.clip(rng.standard_normal((2, NEURONS, NEURONS)), -TRUNCATION, TRUNCATION)
    probability = boltzmann(target_weight, target_bias)
    from neuroalign.experiments.sal_sampling_steps import learn_cycles

    first, second = _expectations(probability)
    learn_cycles(
        rng, weight, bias, first, second, factors,
        WAKE_SLEEP_RATE[noise], SAL_RATE[noise] if aligned else 0.0, CYCLES[noise] if cycles is None else cycles,
    )  # fmt: skip
    return validated(rng, seed, target_weight, target_bias, weight, bias, validation_sleeps)


def start_of(rng: np.random.Generator, sigma: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Weights and biases of a random target, and of the network before it learns, with noise ``sigma`` on its weights."""
    target_weight, target_bias = _target(rng)
    weight = _symmetric(rng.normal(0, 0.2, (NEURONS, NEURONS)))
    bias = rng.normal(0, 0.2, NEURONS)
    weight = _without_diagonal(weight + sigma * rng.standard_normal(weight.shape))
    return target_weight, target_bias, weight, bias


def validated(
    rng: np.random.Generator,
    seed: int,
    target_weight: FloatArray,
    target_bias: FloatArray,
    weight: FloatArray,
    bias: FloatArray,
    sleeps: int,
) -> SamplingResult:
    """What a network samples with these weights, against its target."""
    from neuroalign.experiments.sal_sampling_steps import sample_states

    probability = boltzmann(target_weight, target_bias)
    counts = sample_states(rng, weight, bias, sleeps)
    sampled = (counts + 0.5) / (counts + 0.5).sum()
    upper = np.triu_indices(NEURONS, 1)
    return SamplingResult(
        seed,
        float(np.sum(sampled * np.log(sampled / probability))),
        float(np.var((weight - weight.T)[upper])),
        weight,
        bias,
    )


def boltzmann(weight: FloatArray, bias: FloatArray) -> FloatArray:
    """Probability of each state, (2**N,); bit k of the index is ``z_k``."""
    states = _states()
    energy = 0.5 * np.einsum("si,ij,sj->s", states, weight, states) + states @ bias
    p = np.exp(energy - energy.max())
    return np.asarray(p / p.sum(), dtype=np.float64)


def _states() -> FloatArray:
    return np.array([bits[::-1] for bits in product((0.0, 1.0), repeat=NEURONS)])


def _expectations(probability: FloatArray) -> tuple[FloatArray, FloatArray]:
    """<z_i> and <z_i z_j> of the target."""
    states = _states()
    return probability @ states, np.asarray((states * probability[:, None]).T @ states)


def _target(rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    weight = _without_diagonal(_symmetric(rng.uniform(-1, 1, (NEURONS, NEURONS))))
    return weight, rng.uniform(-1, 1, NEURONS)


def _symmetric(weight: FloatArray) -> FloatArray:
    """The upper triangle, mirrored."""
    upper = np.triu(weight, 1)
    return np.asarray(upper + upper.T)


def _without_diagonal(weight: FloatArray) -> FloatArray:
    return np.asarray(weight * (1 - np.eye(NEURONS)))
