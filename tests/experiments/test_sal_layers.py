"""SAL between sampling neurons, through compiler and emulator: invariants, both float forms, and what must not align."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.experiments.sal_layers import (
    FEEDBACK,
    FORWARD,
    layer_network,
    pair_network,
    run_layer,
    run_pair,
    silence,
    swapped,
)
from neuroalign.learners import chip_weights
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rules.sal import sal
from neuroalign.sim.emulator import Emulator

STEPS = 150_000
ideal = chip_weights(Emulator(), load_profile("ideal"))


def test_two_plastic_weights_keep_their_sum_and_meet() -> None:
    result = run_pair(ideal, 1, [50, 300])
    assert abs(result.drift_of_sum).max() < 1e-9
    assert result.difference[1] < 0.5 * result.difference[0] < 0.5


def test_one_plastic_weight_goes_to_the_other() -> None:
    result = run_pair(ideal, 2, [300], both=False)
    assert result.weights[0, 0] == 1.5
    assert 0.8 < result.weights[0, 1] < 1.5


def test_feedback_aligns_in_float_and_in_eight_bits_and_not_with_the_signs_turned_round() -> None:
    fast = sal(eta=0.4)
    chip = chip_weights(Emulator(), load_profile("loihi2"), {FEEDBACK: RuleChoices("exact", weight_limit=0.6)})
    start = run_layer(ideal, 1, [1], rule=fast, size=20).angle[0]
    float_angle = run_layer(ideal, 1, [STEPS], rule=fast, size=20).angle[0]
    chip_angle = run_layer(chip, 1, [STEPS], rule=fast, size=20).angle[0]
    control = run_layer(ideal, 1, [STEPS], rule=swapped(fast), size=20).angle[0]
    assert start > 70
    assert float_angle < 40
    assert abs(chip_angle - float_angle) < 6
    assert control > start - 10


@pytest.mark.norse
@pytest.mark.slow
def test_compiled_float_form_equals_the_torch_form() -> None:
    """The torch form defines the rule; the compiled one runs the long protocols."""
    pytest.importorskip("norse", reason="norse is not installed")
    from neuroalign.sim.norse_reference.backend import NorseReference

    steps, reads = 3_000, [1_000, 3_000]
    for network in (pair_network(3), layer_network(3, sal(eta=0.4), 6)):
        names = [c.name for c in network.connections if c.rule is not None]
        assert names
        run = NorseReference().run_model(network, silence(steps), [(n, "w") for n in names], read_steps=reads)
        compiled = ideal(network, silence(steps), reads)
        for name in names:
            found = np.asarray(run.states[name, "w"][0])
            assert (found[1] != found[0]).any()
            np.testing.assert_allclose(compiled[name], found, rtol=0, atol=1e-9)
    assert FORWARD in [c.name for c in pair_network(3).connections if c.rule is not None]
