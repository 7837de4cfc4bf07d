r"""STDWI with its neurons on chip too: sources into input and output neurons of one network, 1 ms a step.

The neurons are current-based LIF with one exponential current, which is what a chip has: ``tau_syn`` = 10 ms and an effective
membrane of 10 ms with gain 1/2, as the published neurons; the 3 ms rise of their currents is left out. Threshold 1, reset
-1. The feedback connection from output to input neurons learns and drives nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.stdwi import FEEDBACK, INITIAL_GUESS
from neuroalign.experiments.stdwi_activity import (
    RESET,
    TAU_MEM,
    TAU_SLOW,
    THRESHOLD,
    Protocol,
    forward_weights,
    poisson_sources,
)
from neuroalign.network import Connection, InputPort, Network, Population
from neuroalign.recording import Stimulus
from neuroalign.rule import LearningRule

FloatArray = NDArray[np.float64]

DT = 1e-3
MEMBRANE = TAU_MEM / 2
"""``tau v' = -v + (I - v)`` is a membrane of half the time constant and half the gain."""


def neurons_network(protocol: Protocol, seed: int, rule: LearningRule) -> Network:
    """The network; its forward weights are those of ``forward_weights`` for the same seed."""
    weight = forward_weights(protocol, np.random.default_rng([seed, 0]))
    guess = np.random.default_rng([seed, 2]).uniform(-INITIAL_GUESS, INITIAL_GUESS, weight.T.shape)
    return Network(
        "stdwi-neurons",
        DT,
        (InputPort("sources", (protocol.inputs,)),),
        (_neurons("post", protocol.inputs), _neurons("pre", protocol.outputs)),
        (
            Connection("sources_to_post", "sources", "post", protocol.scale * np.eye(protocol.inputs)),
            Connection("forward", "post", "pre", weight, delay_steps=1),
            Connection(FEEDBACK, "pre", "post", guess, delay_steps=1, rule=rule, drives=False),
        ),
        (("pre", "pre"),),
    )


def neurons_stimulus(protocol: Protocol, seconds: float, seed: int) -> Stimulus:
    """Poisson sources in steps of 1 ms, another fifth of them active every 100 ms."""
    slow = Protocol(
        protocol.inputs, protocol.outputs, DT, protocol.scale, protocol.active_share, protocol.source_rate,
        protocol.stimulus, protocol.correlation,
    )  # fmt: skip
    sources = poisson_sources(slow, round(seconds / DT), np.random.default_rng([seed, 1]))
    return Stimulus({"sources": sources[None]}, description="Poisson sources of the STDWI network")


def _neurons(name: str, size: int) -> Population:
    zero, one = np.zeros(size), np.ones(size)
    # a spike of weight w (ms) adds the area w to the current: the Euler step adds w_in dt / tau_syn
    return Population(
        name, "CubaLIF", (size,), MEMBRANE * one, TAU_SLOW * one, 0.5 * one, 1e-3 / DT * one, zero, THRESHOLD * one,
        RESET * one, zero, zero, zero,
    )  # fmt: skip
