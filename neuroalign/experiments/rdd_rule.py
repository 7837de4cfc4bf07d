"""RDD as a local rule: recorded spikes of the next layer and the driven neurons' third factors train feedback synapses.

The spiking phase of :mod:`~neuroalign.experiments.rdd_activity` runs by itself. The spikes of the next layer enter a
population of relays, from which the feedback connection leads to a population that stands for the driven neurons; their
outcomes, ``M = s (1 + u)`` in the step in which a window ends, enter as the third factor of
:func:`neuroalign.rules.rdd`. Nothing is driven by what is learnt.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.rdd_activity import Phase, RddProtocol, Stretch, drive_layer
from neuroalign.experiments.rdd_steps import DT
from neuroalign.network import Connection, InputPort, Network, Population
from neuroalign.recording import Stimulus
from neuroalign.rule import LearningRule

FloatArray = NDArray[np.float64]

FEEDBACK, SPIKES, OUTCOME = "feedback", "next_spikes", "outcome"


def rule_network(driven: int, above: int, rule: LearningRule) -> Network:
    """Relays "pre" (next layer), "post" (driven neurons) at rest, and the feedback connection that learns from 0."""
    return Network(
        name="rdd",
        dt=DT,
        inputs=(InputPort(SPIKES, (above,)), InputPort(OUTCOME, (driven,))),
        populations=(_relays("pre", above), _relays("post", driven)),
        connections=(
            Connection("spikes_to_pre", SPIKES, "pre", np.eye(above)),
            Connection(FEEDBACK, "pre", "post", np.zeros((driven, above)), delay_steps=1, rule=rule, drives=False),
        ),
        outputs=(("post", "post"),),
    )


def rule_stimulus(
    weight: FloatArray,
    seconds: float,
    seed: int,
    protocol: RddProtocol | None = None,
    phase: Callable[[FloatArray, RddProtocol], Phase] | None = None,
) -> Stimulus:
    """The input of :func:`rule_network`: the phase of ``drive_layer`` over ``weight`` (next, driven)."""
    spikes: list[NDArray[np.uint8]] = []
    outcome = np.zeros((round(seconds / DT), weight.shape[1]), np.float32)

    def watch(stretch: Stretch) -> None:
        spikes.append(stretch.next)

    for windows in drive_layer(weight, seconds, seed, protocol, watch, phase):
        outcome[windows.step - 1, windows.neuron] = np.where(windows.above, 1, -1) * (1 + windows.drive)
    return Stimulus({SPIKES: np.concatenate(spikes)[None], OUTCOME: outcome[None]}, description="RDD's spiking phase")


def _relays(name: str, size: int) -> Population:
    """Neurons without memory that spike in the step in which a spike enters."""
    zero, one = np.zeros(size), np.ones(size)
    return Population(name, "Threshold", (size,), zero, zero, one, one, zero, 0.5 * one, zero, zero, zero, zero)
