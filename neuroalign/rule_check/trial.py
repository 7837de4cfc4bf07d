"""A small network on which a rule can be watched: given spikes of both sides, one plastic connection between them.

Spikes enter two populations of relays, which repeat them, and the connection from "pre" to "post" learns without driving
anything, so every backend learns from the same spikes whatever its weights are.

The spikes have structure: post neurons fire in changing groups, and each post spike raises or lowers the rates of the
pre neurons for some milliseconds, by an influence drawn once::

    rate_post[i] = 60 Hz while i's group is active (0.1 s at a time, a quarter of the neurons), else 2 Hz
    f_i         := exp(-dt / 10 ms) f_i + s_i
    rate_pre[j]  = min(20 Hz exp(sum over i of A[j, i] f_i), 150 Hz)         A[j, i] normal, deviation 0.7

A third factor is one value for all post neurons, which changes every 0.1 s and is spread evenly over its range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.network import Connection, FloatArray, InputPort, Network, Population
from neuroalign.recording import Stimulus
from neuroalign.rule import LearningRule

PLASTIC = "plastic"
"""Name of the connection that learns."""
PRE, POST = 10, 20
ACTIVE_HZ, SILENT_HZ, BASE_HZ, MOST_HZ = 60.0, 2.0, 20.0, 150.0
THIRD = "third_factor"
"""Name of the input that sends the rule's third factor, where it has one."""
GROUP_SECONDS, ACTIVE_SHARE, INFLUENCE, INFLUENCE_TAU = 0.1, 0.25, 0.7, 0.010


@dataclass(frozen=True, eq=False)
class TrialSpikes:
    """Spikes (steps, neurons) of both sides, and the influence (PRE, POST) of post neurons on pre neurons.

    ``third`` (steps, 1) is a third factor of the range -1..1.
    """

    pre: NDArray[np.uint8]
    post: NDArray[np.uint8]
    influence: FloatArray
    description: str
    third: FloatArray

    @property
    def stimulus(self) -> Stimulus:
        """Input of :func:`trial_network` for a rule without third factor."""
        return Stimulus({"pre_spikes": self.pre[None], "post_spikes": self.post[None]}, description=self.description)

    def stimulus_of(self, rule: LearningRule) -> Stimulus:
        """Input of :func:`trial_network`."""
        third = self.third_factor(rule)
        if third is None:
            return self.stimulus
        return Stimulus({**self.stimulus.inputs, THIRD: third[None]}, description=self.description)

    def third_factor(self, rule: LearningRule) -> FloatArray | None:
        """The rule's third factor (steps, 1) in its own unit, or None."""
        if rule.modulator is None:
            return None
        return rule.modulator.largest * (self.third if rule.modulator.signed else 0.5 * (1 + self.third))


def trial_spikes(steps: int, dt: float, seed: int) -> TrialSpikes:
    """Draw the spikes of the module's equations; ``dt`` in seconds.

    Raises
    ------
    InputError
        If there is no step, or dt is too long for the rates to be probabilities.
    """
    if steps < 1:
        raise InputError(f"--steps is {steps}; at least 1 is needed")
    if not 0 < dt <= 0.5 / MOST_HZ:
        raise InputError(f"--dt is {dt} s; the trial's spikes need a step above 0 and of at most {0.5 / MOST_HZ:.3g} s")
    rng = np.random.default_rng([seed, 8])
    influence = INFLUENCE * rng.standard_normal((PRE, POST))
    groups = -(-steps // max(round(GROUP_SECONDS / dt), 1))
    active = rng.random((groups, POST)).argsort(1) < round(ACTIVE_SHARE * POST)
    rate = np.where(active, ACTIVE_HZ, SILENT_HZ).repeat(max(round(GROUP_SECONDS / dt), 1), axis=0)[:steps]
    post = rng.random((steps, POST)) < rate * dt
    draws, decay = rng.random((steps, PRE)), np.exp(-dt / INFLUENCE_TAU)
    pre, trace = np.zeros((steps, PRE), dtype=np.uint8), np.zeros(POST)
    for t in range(steps):
        pre[t] = draws[t] < np.minimum(BASE_HZ * np.exp(influence @ trace), MOST_HZ) * dt
        trace = decay * trace + post[t]
    rates = (pre.mean() / dt, post.mean() / dt)
    words = (
        f"{PRE} pre neurons at {rates[0]:.0f} Hz and {POST} post neurons at {rates[1]:.0f} Hz for {steps * dt:g} s; each post "
        f"neuron moves the rate of each pre neuron by an influence of its own; seed {seed}"
    )
    blocks = np.random.default_rng([seed, 9]).uniform(-1, 1, (groups, 1))
    third = blocks.repeat(max(round(GROUP_SECONDS / dt), 1), axis=0)[:steps]
    return TrialSpikes(pre, post.astype(np.uint8), influence, words, third)


def trial_network(rule: LearningRule, dt: float, start: float = 0.0) -> Network:
    """Relays "pre" and "post" and the plastic connection between them, all of whose weights are ``start``."""
    third = () if rule.modulator is None else (InputPort(THIRD, (1,)),)
    return Network(
        name=f"check-{rule.name}",
        dt=dt,
        inputs=(InputPort("pre_spikes", (PRE,)), InputPort("post_spikes", (POST,)), *third),
        populations=(_relays("pre", PRE), _relays("post", POST)),
        connections=(
            Connection("pre_in", "pre_spikes", "pre", np.eye(PRE)),
            Connection("post_in", "post_spikes", "post", np.eye(POST)),
            Connection(
                PLASTIC,
                "pre",
                "post",
                np.full((POST, PRE), float(start)),
                delay_steps=1,
                rule=rule,
                drives=False,
                modulator=THIRD if third else "",
            ),
        ),
        outputs=(("post", "post"),),
    )


def _relays(name: str, neurons: int) -> Population:
    """Neurons without memory that spike in the step in which a spike arrives."""
    zeros, ones = np.zeros(neurons), np.ones(neurons)
    return Population(
        name, "Threshold", (neurons,), zeros, zeros, ones, ones, zeros, 0.5 * ones, zeros, zeros, zeros, zeros
    )
