"""RDD as a local rule: its weights against a sum written down, Norse, and what 8 bits lose."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.experiments.rdd import uniform_weights
from neuroalign.experiments.rdd_activity import RddProtocol, drive_layer
from neuroalign.experiments.rdd_rule import OUTCOME, SPIKES, rule_network, rule_stimulus
from neuroalign.fidelity.learning import pearson, sign_agreement
from neuroalign.learners import norse_learner
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import rule_sheet
from neuroalign.reproduce.learners import learner_for
from neuroalign.rule.text import rule_from_text
from neuroalign.rules import load_rule, rdd

PROTOCOL = RddProtocol(spread=1.5, active_share=0.5)
SMALL = uniform_weights(14, 5, 3)


def written_down(spikes: NDArray[Any], outcome: NDArray[Any]) -> NDArray[np.float64]:
    fast, slow = np.zeros((2, spikes.shape[1]))
    weight = np.zeros((outcome.shape[1], spikes.shape[1]))
    for s, m in zip(spikes, outcome.astype(np.float64), strict=True):
        fast, slow = fast * np.exp(-1 / 20) + s, slow * np.exp(-1 / 160) + s / 8
        weight += 1e-3 * np.outer(m, fast - slow)
    return weight


def test_the_third_factor_is_the_outcome_in_the_step_in_which_a_window_ends() -> None:
    outcome = rule_stimulus(SMALL, 1.0, 2, PROTOCOL).inputs[OUTCOME][0]
    wanted = np.zeros((1000, 14))
    for windows in drive_layer(SMALL, 1.0, 2, PROTOCOL):
        for step, i, above, u in zip(windows.step, windows.neuron, windows.above, windows.drive, strict=True):
            wanted[step - 1, i] = (1 + u) if above else -(1 + u)
    assert np.count_nonzero(wanted) > 20
    np.testing.assert_allclose(outcome, wanted, rtol=1e-6)


@pytest.mark.norse
def test_float_and_norse_learn_the_sum_over_windows() -> None:
    pytest.importorskip("norse")
    stimulus = rule_stimulus(SMALL, 0.8, 2, PROTOCOL)
    network = rule_network(14, 5, rdd())
    wanted = written_down(stimulus.inputs[SPIKES][0], stimulus.inputs[OUTCOME][0])
    assert np.abs(wanted).max() > 1e-3
    for learner in (learner_for("float", "emulator"), norse_learner()):
        (found,) = learner(network, stimulus, [800])
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())


def test_both_coefficients_are_held_as_powers_of_two() -> None:
    sheet = rule_sheet(rdd(), load_profile("loihi2"), 1e-3, RuleChoices())
    assert sheet.held is not None
    assert [p.k for p in sheet.held.program.dw] == [0, 0]  # no event is missed
    assert (sheet.held.form, sheet.held.program.t_epoch) == ("direct", 1)
    assert sheet.held.program.x1 is not None
    assert sheet.held.program.x2 is not None
    # what a spike adds to fast and to slow weighs as 1 to 1/8
    fast, slow = (
        p.coefficient * t.impulse
        for p, t in zip(sheet.held.program.dw, (sheet.held.program.x1, sheet.held.program.x2), strict=True)
    )
    assert fast == -8 * slow
    assert "third factor" in load_rule("rdd").locality


def test_the_text_form_is_the_same_rule() -> None:
    text = """
rule rdd: Regression discontinuity design, as a correlator on traces
fast = trace of pre, tau 20 ms
slow = trace of pre, tau 160 ms, impulse 0.125
M = modulator from outcome, up to 6, events
dw = 1 Hz*M*fast*dt - 1 Hz*M*slow*dt
limit = 0.387
rates = 120 Hz, 7 Hz
"""
    made, wanted = rule_from_text(text), rdd()
    for name in ("weight", "tag", "modulator", "weight_limit", "rates"):
        assert getattr(made, name) == getattr(wanted, name), name
    assert dict(made.traces) == dict(wanted.traces)


def test_eight_bits_cost_little() -> None:
    weight = uniform_weights(192, 10, 1)
    network, stimulus = rule_network(192, 10, rdd()), rule_stimulus(weight, 30.0, 1)
    (real,) = learner_for("float", "emulator")(network, stimulus, [30_000])
    (held,) = learner_for("auto", "emulator")(network, stimulus, [30_000])
    r = {name: pearson(weight, w.T) or 0.0 for name, w in (("float", real), ("held", held))}
    assert r["held"] >= r["float"] - 0.02
    assert r["float"] > 0.76
    assert sign_agreement(weight, held.T) > 0.78


def test_the_page_on_experiments_learns_feedback() -> None:
    """docs/experiments.md: its Python, as it stands."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page.split("## Feedback learnt by RDD")[1], re.DOTALL):
        exec(block, names)
    assert names["backward"].shape == (64, 10)
    assert names["feedback"].seconds == 30
    assert (pearson(names["forward"].T, names["feedback"].weight) or 0) > 0.5
    assert (pearson(names["forward"].T, names["backward"]) or 0) > 0.5
