r"""A cortical microcircuit of one input, one hidden, one output neuron and an interneuron, whose feedback SAL aligns.

Sampling neurons: ``P(spike in a step) = phi(u) = 1 / (1 + tau exp(-u))`` unless the last spike is less than tau = 10 steps
old; ``z`` is 1 in the step of a spike and the 9 after it. In each step, in this order::

    hidden   v = W1 z_in,      u = b + v + l_api (B z_out + W_PI z_inter)     feedback of the previous step
    inter                      u = b + W_IP z_hidden
    output   v = W2 z_hidden,  u = b + v + l_nudge (u_target - <v> - b)

with ``<.>`` the mean of the last 2000 steps. Forward learning, hidden and output alike::

    W := W + eta [phi(<u>) - phi(<v> + b)]     where the presynaptic neuron spiked in the previous step

``W_IP = W2`` and ``W_PI = -B`` at all times, so that the hidden neuron's apical input carries the nudging alone. The
backward weight B from output to hidden neuron

    SAL  learns in phases of its own (last 5 of 20 patterns: interneuron cut off, l_api = 1, no forward learning) by
         ``B := B + eta (S_output y_hidden - S_hidden x_output)``, traces of the last spike, tau 10 steps;
    BP   is W2 at all times;
    FA   stays as it is.

The task: a teacher's output, W1 = W2 = 2, over constant input logits of 20 000 steps each; training in 150 epochs.

Source: Gierlich et al. 2025 (arXiv 2503.02642), protocol and constants as in the authors' code (github unibe-cns/sal-code).
Ours: random numbers, and targets from teacher runs of 200 000 steps for every arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Arm = Literal["SAL", "BP", "FA"]

FORWARD, ALIGNING, OBSERVING = 0, 1, 2
"""Phases of a pattern, as the compiled loop has them."""
AVERAGE_STEPS = 2000
PATTERN_STEPS = 20_000
TEACHER_STEPS = 200_000
TRAINING = (-3.0, -2.5, -2.0, -0.8, 0.8, 2.0, 2.5, 3.0)
VALIDATION = (-2.7, -1.8, -0.5, 0.5, 1.8, 2.7)
TEACHER_WEIGHT = 2.0
FORWARD_PATTERNS, SAL_PATTERNS = 15, 5


@dataclass(frozen=True, eq=False)
class MicrocircuitResult:
    """One run: mean squared error of the mean output in validation, (epochs,), and weights W1, W2, B (epochs, 3)."""

    arm: Arm
    seed: int
    loss: FloatArray
    weights: FloatArray

    def final_loss(self, epochs: int = 10) -> float:
        """Mean loss of the last ``epochs`` validations."""
        return float(self.loss[-epochs:].mean())


def run_microcircuit(
    arm: Arm, seed: int, *, epochs: int = 150, pattern_steps: int = PATTERN_STEPS, teacher_steps: int = TEACHER_STEPS
) -> MicrocircuitResult:
    """Train one student; the same seed gives each arm the same start, patterns and target.

    Parameters
    ----------
    epochs, pattern_steps, teacher_steps
        The published protocol unless given.
    """
    from neuroalign.experiments.sal_microcircuit_steps import present_pattern as present

    rng = np.random.default_rng([seed, 6])
    weights = rng.uniform(-3, 3, 3)
    targets = teacher_targets(teacher_steps, rng)
    state, windows = _fresh()
    loss, history = np.zeros(epochs), np.zeros((epochs, 3))
    forward = FORWARD_PATTERNS + (SAL_PATTERNS if arm != "SAL" else 0)
    for epoch in range(epochs):
        for k, logit in enumerate(rng.choice(TRAINING, FORWARD_PATTERNS + SAL_PATTERNS)):
            phase = FORWARD if k < forward else ALIGNING
            present(rng, logit, targets[logit], pattern_steps, phase, arm == "BP", weights, state, windows)
        errors = [
            present(rng, logit, targets[logit], pattern_steps, OBSERVING, arm == "BP", weights, state, windows)
            - targets[logit]
            for logit in VALIDATION
        ]
        loss[epoch], history[epoch] = np.mean(np.square(errors)), weights
    return MicrocircuitResult(arm, seed, loss, history)


def teacher_targets(steps: int, rng: np.random.Generator) -> dict[float, float]:
    """Mean output u of the teacher for every input."""
    from neuroalign.experiments.sal_microcircuit_steps import present_pattern as present

    weights = np.full(3, TEACHER_WEIGHT)
    found = {}
    for logit in (*TRAINING, *VALIDATION):
        state, windows = _fresh()
        found[logit] = float(present(rng, logit, 0.0, steps, OBSERVING, False, weights, state, windows))
    return found


def _fresh() -> tuple[FloatArray, FloatArray]:
    """State: steps since the last spike of input, hidden, inter, output; sums of u, v of hidden, of output; position and
    filling of the windows. Windows: the last values of those four.
    """  # fmt: skip
    state = np.zeros(10)
    state[:4] = 1e9
    return state, np.zeros((4, AVERAGE_STEPS))
