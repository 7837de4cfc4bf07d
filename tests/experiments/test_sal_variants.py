"""Other synapses, Dale's law and mismatch: what each must leave as it is, and what it changes."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.experiments.mismatch import sal_with_mismatch, stdwi_with_mismatch
from neuroalign.experiments.sal_dale import effective, run_dale
from neuroalign.experiments.sal_layers import PAIR_TAU, run_layer
from neuroalign.experiments.sal_psp import kernel, run_psp
from neuroalign.experiments.stdwi import infer
from neuroalign.experiments.stdwi_activity import Protocol, record_activity
from neuroalign.fidelity.learning import angle_degrees, pearson
from neuroalign.learners import chip_learner, chip_weights
from neuroalign.profile import load_profile
from neuroalign.rules.sal import sal
from neuroalign.sim.emulator import Emulator


def test_kernels_have_one_area() -> None:
    for shape in ("rectangular", "alpha, short", "alpha, long"):
        assert kernel(shape).sum() == pytest.approx(PAIR_TAU, rel=0.01)


def test_rectangular_synapses_meet_where_alpha_ones_stay_apart() -> None:
    apart = {shape: run_psp(shape, 1, biases=(-1.0, 1.0)).apart(400) for shape in ("rectangular", "alpha, long")}
    assert apart["rectangular"] < apart["alpha, long"]


def test_every_pair_keeps_the_sum() -> None:
    weights = run_psp("alpha, short", 2, epochs=20).weights
    np.testing.assert_allclose(weights.sum(axis=1), 2.0, atol=1e-9)


def test_without_mismatch_stdwi_is_the_rule_itself() -> None:
    activity = record_activity(Protocol(inputs=20, outputs=4), 10.0, 1)
    found = stdwi_with_mismatch(activity, 1, "none", 0.0)
    rule = infer(chip_learner(Emulator(), load_profile("ideal")), activity, 1, 10.0)
    # they differ by the random guess that the rule starts from, which has hardly decayed
    assert np.abs(found - rule.estimates[-1]).max() < 1.1 * 5e-4
    assert (pearson(found, rule.estimates[-1]) or 0) > 0.97


def test_without_mismatch_the_layer_aligns_as_the_network_does() -> None:
    """Two programs with random numbers of their own, from the same weights."""
    fast, steps = 0.4, 150_000
    forward, learnt = sal_with_mismatch(1, "none", 0.0, steps, eta=fast, size=20)
    ideal = chip_weights(Emulator(), load_profile("ideal"))
    network = run_layer(ideal, 1, [steps], rule=sal(eta=fast), size=20)
    assert (forward == network.forward).all()
    assert abs((angle_degrees(forward.T, learnt) or 90) - network.angle[0]) < 8


def test_mismatch_of_traces_costs_more_than_of_synapses() -> None:
    def angle(kind: str) -> float:
        forward, learnt = sal_with_mismatch(2, kind, 0.2, 150_000, eta=0.4, size=20)  # type: ignore[arg-type]
        return angle_degrees(forward.T, learnt) or 90.0

    assert angle("synaptic") < angle("trace")


def test_under_dale_a_synapse_follows_the_effective_weight() -> None:
    ideal = chip_weights(Emulator(), load_profile("ideal"))
    weak, strong = (run_dale(ideal, 1, weight, 200_000) for weight in (0.0, 2.0))
    assert weak.forward < 0 < strong.forward
    assert weak.backward < strong.backward
    assert effective(1.0, 0.0, 0.0, 0.0) == 1.0
