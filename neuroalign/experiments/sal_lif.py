r"""SAL between noisy CUBA LIF neurons: what is lost against sampling neurons.

The layer of :mod:`neuroalign.experiments.sal_layers` with the same weights, the same rule and the same alignment in the loop,
but of neurons that chips have: current-based leaky integrate-and-fire neurons with a refractory time, driven by Poisson
noise of their own::

    tau_syn i' = -i + x,   tau_mem v' = -v + i,   spike where v > 1 V, then v := 0 for tau = 10 steps
    x of a neuron = sum of W gain s + level of its noise: spikes of +a and -a, each with chance p a step

Their synaptic current is an exponential instead of a rectangle, and what a weight does depends on the membrane. SAL then
has its balance beside W = B; the layer's angle and ``|B| / |W|`` say how far. ``gain`` makes a weight raise a neuron's
chance of a spike about as much as in the sampling layer.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.sal_layers import DT, FEEDBACK, FORWARD, LAYER_TAU, LayerResult, WeightsOf, judged
from neuroalign.network import Connection, InputPort, Network, Population
from neuroalign.recording import Stimulus
from neuroalign.rule import LearningRule
from neuroalign.rules.sal import sal

FloatArray = NDArray[np.float64]

TAU_MEM, TAU_SYN = 0.010, 0.010
NOISE_CHANCE, NOISE_JUMP = 0.2, 0.2
"""Chance of a noise spike of either sign in a step, and its size in x (V)."""
GAIN = 0.6
LEVEL = 0.9
"""Constant input in V: the mean membrane potential, below the threshold of 1 V."""


def run_lif_layer(
    weights_of: WeightsOf,
    seed: int,
    read_steps: list[int],
    *,
    rule: LearningRule | None = None,
    size: int = 50,
    gain: float = GAIN,
) -> LayerResult:
    """The layer of LIF neurons, read after the given steps; SAL with eta 0.08 unless given."""
    network = lif_layer_network(seed, rule or sal(eta=0.08), size, gain)
    found = np.asarray(weights_of(network, noise(seed, read_steps[-1], size), read_steps)[FEEDBACK])
    forward = next(c.weight for c in network.connections if c.name == FORWARD)
    return judged(seed, read_steps, forward / gain, found / gain)


def lif_layer_network(seed: int, rule: LearningRule, size: int = 50, gain: float = GAIN) -> Network:
    """The network of :func:`run_lif_layer`; its weights are those of the sampling layer times ``gain``."""
    rng = np.random.default_rng([seed, 8])
    limit = np.sqrt(3 / size)
    forward, feedback = gain * rng.uniform(-limit, limit, (2, size, size))
    jump = NOISE_JUMP * np.hstack([np.eye(size), -np.eye(size)])
    return Network(
        "sal-lif",
        DT,
        (InputPort("noise_lower", (2 * size,)), InputPort("noise_upper", (2 * size,))),
        (_neurons("lower", size), _neurons("upper", size)),
        (
            Connection("noise_lower", "noise_lower", "lower", jump, delay_steps=1),
            Connection("noise_upper", "noise_upper", "upper", jump, delay_steps=1),
            Connection(FORWARD, "lower", "upper", forward, delay_steps=1),
            Connection(FEEDBACK, "upper", "lower", feedback, delay_steps=1, rule=scaled(rule, gain)),
        ),
        (("upper", "upper"),),
    )


def scaled(rule: LearningRule, gain: float) -> LearningRule:
    """The rule for weights that are ``gain`` times as large."""
    terms = tuple(replace(t, coefficient=gain * t.coefficient) for t in rule.weight)
    limit = None if rule.weight_limit is None else gain * rule.weight_limit
    return replace(rule, weight=terms, weight_limit=limit)


def noise(seed: int, steps: int, size: int) -> Stimulus:
    """Independent noise for every neuron: ``size`` channels up, as many down."""
    rng = np.random.default_rng([seed, 18])
    threshold = round(256 * NOISE_CHANCE)
    spikes = {
        name: (np.frombuffer(rng.bytes(steps * 2 * size), dtype=np.uint8).reshape(1, steps, 2 * size) < threshold).view(
            np.uint8
        )
        for name in ("noise_lower", "noise_upper")
    }
    return Stimulus(spikes, description=f"noise spikes, each channel with chance {threshold / 256:g} a step")


def _neurons(name: str, size: int) -> Population:
    zero, one = np.zeros(size), np.ones(size)
    tau = LAYER_TAU * DT
    return Population(
        name,
        "CubaLIF",
        (size,),
        tau_mem=TAU_MEM * one,
        tau_syn=TAU_SYN * one,
        r=one,
        w_in=TAU_SYN / DT * one,  # a spike of weight w adds w to the current at once
        v_leak=LEVEL * one,
        v_threshold=one,
        v_reset=zero,
        bias=zero,
        v0=zero,
        i0=zero,
        refractory=tau,
    )
