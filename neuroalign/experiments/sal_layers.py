r"""SAL between sampling neurons: two neurons, and a layer of 50 whose feedback comes to equal its forward weights.

Sampling neurons: ``P(spike in a step) = 1 / (1 + tau exp(-u))`` where the last spike is more than tau steps old, else 0;
``u_k = b_k + sum of W_kj z_j``, ``z_j = 1`` in the tau steps after a spike of j. No input: they are active by themselves.

**Two neurons**: W01 = 1.5, W10 = 0.5, biases -0.5 and -0.2, tau = 25. Where both weights learn they meet at their mean, and
every pair of spikes moves them by opposite amounts, so that their sum stays; where one learns, it meets the other.

**Layer**: 50 lower and 50 upper neurons, tau = 10; forward W and feedback B both uniform within +-sqrt(3/50) and apart,
biases within +-1/sqrt(50). B is in the loop while it learns. Judged by the angle between W^T and B.

Source: Gierlich et al. 2025 (arXiv 2503.02642), protocols and constants as in the authors' code (github unibe-cns/sal-code),
with one network instead of eight whose updates are averaged. Random numbers are our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neuroalign.fidelity.learning import angle_degrees, pearson
from neuroalign.network import Connection, Escape, InputPort, Network, Population
from neuroalign.recording import Stimulus
from neuroalign.rule import LearningRule, Term
from neuroalign.rules.sal import sal

FloatArray = NDArray[np.float64]
WeightsOf = Callable[[Network, Stimulus, Sequence[int]], Mapping[str, FloatArray]]
"""Runs a network on a stimulus of one sample and returns the weights of every plastic connection in the model's unit
after the given steps (from 1): name to (reads, N_target, N_source)."""

DT = 1e-3
PAIR_TAU, LAYER_TAU = 25, 10
PAIR_WEIGHTS, PAIR_BIASES = (1.5, 0.5), (-0.5, -0.2)
PAIR_EPOCH_STEPS, PAIR_ETA = 1500, 0.03
FORWARD, FEEDBACK = "forward", "feedback"


@dataclass(frozen=True, eq=False)
class PairResult:
    """Weights (reads, 2), first from neuron 1 to 0, then back, after ``epochs`` (reads,)."""

    seed: int
    epochs: NDArray[np.int64]
    weights: FloatArray

    @property
    def difference(self) -> FloatArray:
        """First weight minus second, (reads,)."""
        return np.asarray(self.weights[:, 0] - self.weights[:, 1])

    @property
    def drift_of_sum(self) -> FloatArray:
        """How far the sum has moved from where it started, (reads,)."""
        return np.asarray(self.weights.sum(axis=1) - sum(PAIR_WEIGHTS))


@dataclass(frozen=True, eq=False)
class LayerResult:
    """Angle (degrees), Pearson r and ratio of norms of B against W^T after ``steps``; each (reads,)."""

    seed: int
    steps: NDArray[np.int64]
    forward: FloatArray
    feedback: FloatArray
    angle: FloatArray
    r: FloatArray
    norm_ratio: FloatArray


def run_pair(weights_of: WeightsOf, seed: int, epochs: Sequence[int], *, both: bool = True) -> PairResult:
    """Two neurons, read after the given epochs of 1500 steps.

    Parameters
    ----------
    both
        Whether both weights learn, or the second one only.
    """
    network = pair_network(seed, both=both)
    steps = [PAIR_EPOCH_STEPS * epoch for epoch in epochs]
    found = weights_of(network, silence(steps[-1]), steps)
    first = found[FORWARD][:, 0, 0] if both else np.full(len(steps), PAIR_WEIGHTS[0])
    return PairResult(seed, np.array(epochs), np.stack([first, found[FEEDBACK][:, 0, 0]], axis=1))


def pair_network(seed: int, *, both: bool = True) -> Network:
    """The network of :func:`run_pair`."""
    rule = pair_rule()
    populations = tuple(
        sampling_neurons(name, 1, np.array([bias]), PAIR_TAU, [seed, k])
        for k, (name, bias) in enumerate(zip(("zero", "one"), PAIR_BIASES, strict=True))
    )
    return Network(
        "sal-pair",
        DT,
        (InputPort("none", (1,)),),
        populations,
        (
            Connection("silent", "none", "zero", np.zeros((1, 1)), delay_steps=1),
            Connection(
                FORWARD, "one", "zero", np.full((1, 1), PAIR_WEIGHTS[0]), delay_steps=1, rule=rule if both else None
            ),
            Connection(FEEDBACK, "zero", "one", np.full((1, 1), PAIR_WEIGHTS[1]), delay_steps=1, rule=rule),
        ),
        (("zero", "zero"), ("one", "one")),
    )


def pair_rule() -> LearningRule:
    """SAL with the constants of two neurons: eta times tau / steps of an epoch for every pair of spikes."""
    wanted = PAIR_ETA * PAIR_TAU / PAIR_EPOCH_STEPS
    rule = sal(eta=2 * PAIR_TAU * wanted, tau=PAIR_TAU * DT, replicas=1, tau_steps=PAIR_TAU)
    return replace(rule, weight_limit=2.0)


def run_layer(
    weights_of: WeightsOf, seed: int, read_steps: Sequence[int], *, rule: LearningRule | None = None, size: int = 50
) -> LayerResult:
    """The layer, read after the given steps.

    Parameters
    ----------
    rule
        SAL with eta 0.08 unless given; :func:`swapped` gives the control.
    """
    network = layer_network(seed, rule or sal(eta=0.08), size)
    forward = next(c.weight for c in network.connections if c.name == FORWARD)
    feedback = np.asarray(weights_of(network, silence(read_steps[-1]), read_steps)[FEEDBACK])
    return judged(seed, read_steps, forward, feedback)


def judged(seed: int, read_steps: Sequence[int], forward: FloatArray, feedback: FloatArray) -> LayerResult:
    """How feedback weights (reads, N, N) compare with the forward weights turned round."""
    angles = [angle_degrees(forward.T, b) for b in feedback]
    correlations = [pearson(forward.T, b) for b in feedback]
    return LayerResult(
        seed,
        np.array(read_steps),
        forward,
        feedback,
        np.array(angles, dtype=np.float64),
        np.array(correlations, dtype=np.float64),
        np.array([np.linalg.norm(b) / np.linalg.norm(forward) for b in feedback]),
    )


def layer_network(seed: int, rule: LearningRule, size: int = 50) -> Network:
    """The network of :func:`run_layer`."""
    rng = np.random.default_rng([seed, 8])
    limit, bias_limit = np.sqrt(3 / size), 1 / np.sqrt(size)
    forward, feedback = rng.uniform(-limit, limit, (2, size, size))
    lower, upper = rng.uniform(-bias_limit, bias_limit, (2, size))
    return Network(
        "sal-layer",
        DT,
        (InputPort("none", (1,)),),
        (
            sampling_neurons("lower", size, lower, LAYER_TAU, [seed, 0]),
            sampling_neurons("upper", size, upper, LAYER_TAU, [seed, 1]),
        ),
        (
            Connection("silent", "none", "lower", np.zeros((size, 1)), delay_steps=1),
            Connection(FORWARD, "lower", "upper", forward, delay_steps=1),
            Connection(FEEDBACK, "upper", "lower", feedback, delay_steps=1, rule=rule),
        ),
        (("upper", "upper"),),
    )


def swapped(rule: LearningRule) -> LearningRule:
    """The rule with all signs turned round: plain spike-timing-dependent plasticity, which must not align."""
    return replace(
        rule,
        name=f"{rule.name}-swapped",
        weight=tuple(Term(-t.coefficient, t.gate, t.factors) for t in rule.weight),
    )


def sampling_neurons(name: str, size: int, bias: FloatArray, tau: int, seed: Sequence[int]) -> Population:
    """Sampling neurons; the membrane is ``u`` in logits, its threshold ``ln tau``."""
    zero, one = np.zeros(size), np.ones(size)
    noise = int(np.random.default_rng([*seed, 9]).integers(2**31))
    return Population(
        name,
        "Threshold",
        (size,),
        tau_mem=zero,
        tau_syn=zero,
        r=one,
        w_in=one,
        v_leak=zero,
        v_threshold=np.full(size, np.log(tau)),
        v_reset=zero,
        bias=bias,
        v0=zero,
        i0=zero,
        window=tau * DT,
        refractory=tau * DT,
        escape=Escape("logistic", one, noise),
    )


def silence(steps: int) -> Stimulus:
    """No input for the given steps."""
    return Stimulus({"none": np.zeros((1, steps, 1), dtype=np.uint8)}, description="no input")
