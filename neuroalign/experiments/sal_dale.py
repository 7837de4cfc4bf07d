r"""SAL under Dale's law: two excitatory neurons that also inhibit each other through an interneuron each.

::

    E1 -> E2 with W (given),   E1 -> I1 -> E2      E2 -> E1 with B (SAL, at least 0),   E2 -> I2 -> E1
    effective weight  W_eff = W + W_EI sigmoid(W_IE r + b_I) / r      r = sigmoid(b_E)

SAL sees spikes of E1 and E2 only, so it is the effective weights that it makes equal: an excitatory synapse beside
inhibition can stand for a negative weight.

``W_IE`` is drawn from N(4, .2), ``W_EI`` from N(-1, .1), ``b_I`` from N(-2, .2); ``b_E`` = 0, tau = 25.

Source: Gierlich et al. 2025 (arXiv 2503.02642), constants as in the authors' code (github unibe-cns/sal-code).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neuroalign.experiments.sal_layers import (
    DT,
    FEEDBACK,
    PAIR_TAU,
    WeightsOf,
    pair_rule,
    sampling_neurons,
    silence,
)
from neuroalign.network import Connection, InputPort, Network

START = 1.0
AVERAGED_READS = 10


@dataclass(frozen=True)
class DaleResult:
    """Effective weights forward (given) and back (learnt, the mean of the last reads), and the learnt synapse itself."""

    seed: int
    forward: float
    backward: float
    synapse: float


def run_dale(weights_of: WeightsOf, seed: int, weight: float, steps: int = 2_000_000) -> DaleResult:
    """Learn the feedback synapse for one forward synapse ``weight`` >= 0."""
    rng = np.random.default_rng([seed, 11])
    inhibition = [(rng.normal(4, 0.2), rng.normal(-1, 0.1), rng.normal(-2, 0.2)) for _ in range(2)]
    reads = [round(steps * (1 - k / 40)) for k in reversed(range(AVERAGED_READS))]
    found = weights_of(dale_network(seed, weight, inhibition), silence(steps), reads)[FEEDBACK]
    learnt = float(np.mean(found))
    return DaleResult(seed, effective(weight, *inhibition[0]), effective(learnt, *inhibition[1]), learnt)


def effective(weight: float, to_inter: float, from_inter: float, bias: float) -> float:
    """What one excitatory neuron does to the other, its interneuron included."""
    r = _sigmoid(0.0)
    return float(weight + from_inter * _sigmoid(to_inter * r + bias) / r)


def dale_network(seed: int, weight: float, inhibition: Sequence[tuple[float, float, float]]) -> Network:
    """The four neurons; ``inhibition`` holds (W_IE, W_EI, b_I) from E1 to E2, and back."""

    def one(value: float) -> np.ndarray:
        return np.full((1, 1), value)

    there, back = inhibition
    return Network(
        "sal-dale",
        DT,
        (InputPort("none", (1,)),),
        tuple(
            sampling_neurons(name, 1, np.array([bias]), PAIR_TAU, [seed, 20 + k])
            for k, (name, bias) in enumerate((("e1", 0.0), ("e2", 0.0), ("i1", there[2]), ("i2", back[2])))
        ),
        (
            Connection("silent", "none", "e1", one(0.0), delay_steps=1),
            Connection("forward", "e1", "e2", one(weight), delay_steps=1),
            Connection(FEEDBACK, "e2", "e1", one(START), delay_steps=1, rule=pair_rule()),
            Connection("e1_to_i1", "e1", "i1", one(there[0]), delay_steps=1),
            Connection("i1_to_e2", "i1", "e2", one(there[1]), delay_steps=1),
            Connection("e2_to_i2", "e2", "i2", one(back[0]), delay_steps=1),
            Connection("i2_to_e1", "i2", "e1", one(back[1]), delay_steps=1),
        ),
        (("e2", "e2"),),
    )


def _sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))
