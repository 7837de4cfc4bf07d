"""The microcircuit: what each arm does with the backward weight, and that learning lowers the loss."""

from __future__ import annotations

import numpy as np

from neuroalign.experiments.sal_microcircuit import Arm, MicrocircuitResult, run_microcircuit
from neuroalign.experiments.sal_microcircuit_steps import ALIGNING, TAU, present_pattern


def short(arm: Arm, seed: int = 1, epochs: int = 3) -> MicrocircuitResult:
    return run_microcircuit(arm, seed, epochs=epochs, pattern_steps=4000, teacher_steps=20_000)


def test_arms_start_alike_and_treat_the_backward_weight_as_they_are_named() -> None:
    fa, bp, sal = short("FA"), short("BP"), short("SAL")
    start = np.random.default_rng([1, 6]).uniform(-3, 3, 3)
    assert (fa.weights[:, 2] == start[2]).all()
    assert (bp.weights[:, 2] == bp.weights[:, 1]).all()
    assert (sal.weights[:, 2] != start[2]).all()


def test_the_same_seed_gives_the_same_run() -> None:
    assert (short("SAL", 2).loss == short("SAL", 2).loss).all()


def test_learning_lowers_the_loss() -> None:
    result = run_microcircuit("BP", 1, epochs=30)
    assert result.loss[-5:].mean() < 0.5 * result.loss[:5].mean()


def test_an_aligning_phase_moves_the_backward_weight_towards_the_forward_weight() -> None:
    for start, forward in ((-2.0, 2.0), (2.0, -2.0)):
        weights = np.array([0.5, forward, start])
        state = np.zeros(10)
        state[:4] = 10 * TAU
        present_pattern(
            np.random.default_rng(1), 0.0, 0.0, 400_000, ALIGNING, False, weights, state, np.zeros((4, 2000))
        )
        assert abs(weights[2] - forward) < abs(start - forward) - 0.3
        assert (weights[:2] == [0.5, forward]).all()
