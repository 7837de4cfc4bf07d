r"""Hidden neurons under the local form of Banerjee's rule: what the feedback they get has to be like.

A frozen pattern drives hidden neurons (plastic), these drive outputs through fixed weights W of both signs. The target
trains are what another draw of hidden weights makes of the pattern, so that they can be reached. A hidden neuron gets
``B r`` and ``B (desired - actual spike)`` of the outputs, with

``transpose``
    B = W^T, which no synapse knows;
``sal``
    B learnt by SAL from a random start: hidden and output neurons fire by chance in a phase before learning, B between them;
``random``
    that random start itself;
``none``
    B = 0, the control.

All B are scaled to one mean magnitude. W stays, so that a network cannot come to fit a random B (as feedback alignment
needs): only the feedback differs.

Source: the local form, protocol and numbers are our own; SAL of Gierlich et al. 2025 (arXiv 2503.02642).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.sal_layers import WeightsOf, sampling_neurons, silence
from neuroalign.experiments.spike_train_chip import HIDDEN, OUTPUT, Form, LocalRule, local_chip
from neuroalign.experiments.spike_train_local import LocalProtocol, LocalResult, Start, show, spikes_of
from neuroalign.fidelity.learning import angle_degrees
from neuroalign.network import Connection, InputPort, Network
from neuroalign.rules.sal import sal

FloatArray = NDArray[np.float64]
Feedback = Literal["transpose", "sal", "random", "none"]
HIDDEN_NEURONS, OUTPUTS = 20, 4
MEAN, SPREAD = 12.0, 70.0
"""Of W, in weight units."""
ALIGN_WEIGHT, ALIGN_STEPS, ALIGN_ETA = 0.25, 200_000, 0.3
"""SAL's phase: spread of W in logits, steps, learning rate."""
FEEDBACK_NAME = "feedback"


@dataclass(frozen=True, eq=False)
class HiddenResult:
    """What :class:`~neuroalign.experiments.spike_train_local.LocalResult` holds, and the angle of B against W^T in degrees."""

    learnt: LocalResult
    angle: float


def run_hidden(
    start: Start, weights_of: WeightsOf, seed: int, form: Form, feedback: Feedback, *, rule: LocalRule | None = None,
    protocol: LocalProtocol | None = None, record: bool = False,
) -> HiddenResult:  # fmt: skip
    """Two layers; ``weights_of`` runs SAL's phase."""
    made, p = rule or LocalRule(spike_gain=8.0), protocol or LocalProtocol()
    rng = np.random.default_rng([seed, 32])
    pattern = rng.random((p.pattern, p.inputs)) < p.rate * 1e-3
    first, teacher = rng.normal(p.mean, p.spread, (2, HIDDEN_NEURONS, p.inputs))
    forward = rng.normal(MEAN, SPREAD, (OUTPUTS, HIDDEN_NEURONS))
    guess = rng.normal(MEAN, SPREAD, (HIDDEN_NEURONS, OUTPUTS))
    back = feedback_weights(weights_of, seed, forward, guess, feedback)
    teaching = local_chip(made, form, (teacher, forward), (False, False))
    targets = spikes_of(start, teaching, p, pattern)
    network = local_chip(made, form, (first, forward), (True, False), seed)
    learnt = show(
        start, network, made, form, p, pattern, targets, lambda: targets,
        {HIDDEN: _scaled(back)}, seed, record,
    )  # fmt: skip
    angle = angle_degrees(forward.T, back)
    return HiddenResult(learnt, 90.0 if angle is None else angle)


def feedback_weights(
    weights_of: WeightsOf, seed: int, forward: FloatArray, guess: FloatArray, feedback: Feedback
) -> FloatArray:
    """B (N_hidden, N_output), not yet scaled."""
    if feedback == "sal":
        network = phase(seed, forward * ALIGN_WEIGHT / SPREAD, guess * ALIGN_WEIGHT / SPREAD)
        return np.asarray(weights_of(network, silence(ALIGN_STEPS), [ALIGN_STEPS])[FEEDBACK_NAME][-1])
    return {"transpose": forward.T, "random": guess, "none": np.zeros_like(guess)}[feedback]


def phase(seed: int, forward: FloatArray, feedback: FloatArray) -> Network:
    """SAL's phase: hidden and output neurons that fire by chance, both connections in the loop, the feedback learning."""
    outputs, hidden = forward.shape
    return Network(
        "spike-train-sal",
        1e-3,
        (InputPort("none", (1,)),),
        (
            sampling_neurons(HIDDEN, hidden, np.zeros(hidden), 10, [seed, 40]),
            sampling_neurons(OUTPUT, outputs, np.zeros(outputs), 10, [seed, 41]),
        ),
        (
            Connection("silent", "none", HIDDEN, np.zeros((hidden, 1)), delay_steps=1),
            Connection("forward", HIDDEN, OUTPUT, forward, delay_steps=1),
            Connection(FEEDBACK_NAME, OUTPUT, HIDDEN, feedback, delay_steps=1, rule=sal(eta=ALIGN_ETA)),
        ),
        ((OUTPUT, OUTPUT),),
    )


def _scaled(back: FloatArray) -> FloatArray:
    """With a mean magnitude of 1 over the root of the outputs."""
    size = float(np.abs(back).mean())
    return back if size == 0 else back / (size * np.sqrt(back.shape[1]))
