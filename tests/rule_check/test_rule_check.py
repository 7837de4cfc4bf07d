"""Checking a rule: its spikes have structure, the rooms are compared rightly, and what breaks is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuroalign.deployment.learning import RuleCheck
from neuroalign.deployment.rule_words import check_words, sheet_words
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import rule_sheet
from neuroalign.recording import Recording
from neuroalign.rule.text import rule_from_text
from neuroalign.rule_check import CheckOptions, check_rule, trial_network, trial_spikes
from neuroalign.rule_check import run as runs_of
from neuroalign.rule_check.weight_range import ranged
from neuroalign.rules import pair_stdp, rdd, stdwi
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.norse_reference.backend import NorseReference

LOIHI2 = load_profile("loihi2")
EMULATOR = CheckOptions(backends=("emulator",), steps=2500, fit=True)
needs_lava = pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or "")


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """All checks in the kernels, which the tests have compiled anyway; as to those of few steps see the test below."""
    monkeypatch.setattr(runs_of, "COMPILED_STEPS", 0)


@pytest.fixture
def no_norse(monkeypatch: pytest.MonkeyPatch) -> None:
    """The float side without torch, whose import takes longer than all the rest."""
    monkeypatch.setattr(NorseReference, "missing", lambda self: "norse is not installed; pip install '.[norse]'")


def test_spikes_are_drawn_from_the_seed_alone() -> None:
    first, again, other = (trial_spikes(400, 1e-3, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.pre, again.pre)
    assert np.array_equal(first.post, again.post)
    assert not np.array_equal(first.pre, other.pre)


def test_rates_do_not_depend_on_the_time_step() -> None:
    """A quarter of the post neurons at 60 Hz, the others at 2 Hz: 16.5 Hz."""
    for dt in (0.5e-3, 2e-3):
        spikes = trial_spikes(round(20 / dt), dt, 3)
        assert spikes.post.mean() / dt == pytest.approx(16.5, abs=1.0)


@pytest.mark.parametrize(("steps", "dt"), [(0, 1e-3), (10, 0.0), (10, 0.1)])
def test_impossible_trials(steps: int, dt: float) -> None:
    with pytest.raises(InputError, match="--"):
        trial_spikes(steps, dt, 0)


@pytest.mark.usefixtures("no_norse")
def test_stdwi_learns_the_influence_that_made_the_spikes() -> None:
    """What a post neuron does to a pre neuron's rate is what the feedback weight should follow."""
    options = replace(EMULATOR, steps=20_000)
    check = check_rule(stdwi(), LOIHI2, RuleChoices(form="exact"), options)
    influence = trial_spikes(20_000, 1e-3, 0).influence.T
    for run in check.runs:
        assert np.corrcoef(run.weights[-1].ravel(), influence.ravel())[0, 1] > 0.8


@pytest.mark.usefixtures("no_norse")
@pytest.mark.parametrize("rule", [stdwi(), pair_stdp()])
def test_ideal_equals_float_and_the_chip_is_close(rule: Any) -> None:
    check = check_rule(rule, LOIHI2, RuleChoices(form="exact"), EMULATOR)
    ideal, _, question = check.agreements
    assert ideal.first_parting is None
    np.testing.assert_allclose(check.runs[1].weights, check.runs[0].weights, rtol=1e-9, atol=1e-18)
    assert check.question is question
    assert (question.reference, question.candidate) == ("float model (own)", "loihi2 (emulator)")
    assert question.evidence
    assert question.last.r is not None
    assert question.last.r > 0.9
    assert question.first_parting is not None
    assert any("carry" in row.quantity for row in check.causes)
    assert all(row.status != "exact" for row in check.causes)


@pytest.mark.usefixtures("no_norse")
@pytest.mark.parametrize("rule", [stdwi(), pair_stdp()])
def test_a_check_of_few_steps_is_that_of_the_kernels(rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    run = Emulator.run

    def noted(self: Emulator, *arguments: Any, implementation: Any, **more: Any) -> Recording:
        asked.append(implementation)
        return run(self, *arguments, implementation=implementation, **more)

    def check(kept_back: int) -> RuleCheck:
        monkeypatch.setattr(runs_of, "COMPILED_STEPS", kept_back)
        return check_rule(rule, LOIHI2, RuleChoices(form="exact"), replace(EMULATOR, steps=300))

    monkeypatch.setattr(Emulator, "run", noted)
    *floats, chip = check(300).runs
    *compiled_floats, compiled_chip = check(299).runs
    assert asked == ["reference"] * 4 + ["kernels"] * 4
    assert np.array_equal(chip.weights, compiled_chip.weights)
    assert chip.weights.any()
    for found, expected in zip(floats, compiled_floats, strict=True):
        np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-12, atol=1e-18)


@pytest.mark.usefixtures("no_norse")
def test_the_difference_is_split_at_the_constants_of_the_chip() -> None:
    """Impulses are prescribed so that a coefficient cannot be held well: then the constants explain what is not rounding."""
    choices = RuleChoices("direct", weight_unit=0.0062, impulses={"x": 32, "y": 32})
    shares = check_rule(pair_stdp(), LOIHI2, choices, EMULATOR).shares
    exact = check_rule(
        pair_stdp(), LOIHI2, RuleChoices("direct", weight_unit=0.008, impulses={"x": 8, "y": 8}), EMULATOR
    ).shares
    assert shares[0].rms > 100 * exact[0].rms
    assert exact[0].rms < 1e-9


@pytest.mark.usefixtures("no_norse")
def test_a_given_unit_is_used_as_it_is() -> None:
    check = check_rule(pair_stdp(), LOIHI2, RuleChoices(weight_unit=0.0123), EMULATOR)
    assert check.question.unit == 0.0123
    assert check.sheet.held is not None
    assert check.sheet.held.weight_unit == 0.0123


@pytest.mark.usefixtures("no_norse")
def test_the_unit_that_is_chosen_holds_the_weights_of_the_float_run() -> None:
    check = check_rule(stdwi(), LOIHI2, RuleChoices(form="exact"), EMULATOR)
    assert check.question.last.candidate_clipped == 0
    assert 254 * check.question.unit >= 1.25 * check.question.last.largest


@pytest.mark.usefixtures("no_norse")
def test_profiles_in_floats_have_no_chip_run() -> None:
    check = check_rule(stdwi(), load_profile("ideal"), RuleChoices(), EMULATOR)
    assert [run.backend for run in check.runs] == ["emulator", "emulator"]
    assert check.shares == ()
    assert check.causes == ()


@pytest.mark.usefixtures("no_norse")
def test_a_rule_that_cannot_be_held() -> None:
    with pytest.raises(ConversionRefused, match="carry form"):
        check_rule(stdwi(), LOIHI2, RuleChoices("direct"), replace(EMULATOR, steps=50))


@pytest.mark.lava
@needs_lava
@pytest.mark.usefixtures("no_norse")
def test_emulator_and_lava_are_bit_equal() -> None:
    options = CheckOptions(backends=("emulator", "lava"), steps=400)
    check = check_rule(pair_stdp(), LOIHI2, RuleChoices(form="exact"), options)
    (pair,) = check.bit_equality
    assert pair.holds
    assert pair.states.compared > 10_000
    assert check.broken is None
    assert [a.candidate for a in check.agreements][1:3] == ["loihi2 (emulator)", "loihi2 (Lava)"]


@pytest.mark.usefixtures("no_norse")
def test_one_wrong_bit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil_lava(monkeypatch)
    check = check_rule(stdwi(), LOIHI2, RuleChoices(form="exact"), CheckOptions(("emulator", "lava"), 400))
    assert check.broken is not None
    assert check.broken.states.mismatches == 1
    first = check.broken.states.first
    assert first is not None
    assert first[:2] == ("plastic", "w")
    assert first[2].step == check.read_steps[-1]  # chip step, from 0: the target lags the model by one


def spoil_lava(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Lava that is the emulator, but for one weight at the last read."""

    def run(self: LavaBackend, *arguments: Any, time_limit_s: float, **more: Any) -> Recording:
        recording = Emulator().run(*arguments, **more)
        states = {probe: array.copy() for probe, array in recording.states.items()}
        states["plastic", "w"][0, -1, 3, 4] += 1
        return replace(recording, backend="lava", states=states)

    monkeypatch.setattr(LavaBackend, "missing", lambda self: None)
    monkeypatch.setattr(LavaBackend, "run", run)


def test_the_trial_drives_nothing_with_its_plastic_weights() -> None:
    plastic = [c for c in trial_network(stdwi(), 1e-3).connections if c.rule is not None]
    assert [c.drives for c in plastic] == [False]


MULTIPLIED = "rule m: t\ny = trace of post, tau 1 s\ndw = 0.2 Hz*w*(1 - y/10)*dt\nlimit = 2"
SHORT = CheckOptions(backends=("emulator",), steps=250)


@pytest.mark.usefixtures("no_norse")
def test_a_rules_own_limit_is_honoured() -> None:
    """The program that is checked is the one that is shown, and that a network with this rule gets."""
    rule, choices = stdwi(), RuleChoices("exact")
    check = check_rule(rule, LOIHI2, choices, SHORT)
    shown = rule_sheet(rule, LOIHI2, SHORT.dt, choices)
    assert check.sheet.held is not None
    assert shown.held is not None
    assert check.sheet.held.program == shown.held.program
    assert check.sheet.held.weight_unit == shown.held.weight_unit
    assert check.range_note.startswith("range: the rule's own limit, 0.5;")
    fitted = check_rule(rule, LOIHI2, choices, replace(SHORT, fit=True))
    assert fitted.question.unit < check.question.unit
    assert "from this run" in fitted.range_note


@pytest.mark.usefixtures("no_norse")
def test_a_limit_that_the_float_run_exceeds_is_widened_and_said() -> None:
    check = check_rule(replace(pair_stdp(), weight_limit=0.02), LOIHI2, RuleChoices("exact"), SHORT)
    assert 254 * check.question.unit > check.question.last.largest > 0.02
    assert "beyond the rule's own limit of 0.02" in check.range_note
    assert "in dw, as in (1 - w)" in check.range_note


@pytest.mark.usefixtures("no_norse")
def test_a_rule_that_multiplies_its_weight_does_not_begin_at_zero() -> None:
    """From 0 nothing would ever change, and all would be equal."""
    rule = rule_from_text(MULTIPLIED)
    check = check_rule(rule, LOIHI2, RuleChoices(), SHORT)
    assert check.sheet.held is not None
    assert 2 ** (check.sheet.held.program.k or 0) < 100  # terms of every step act often in the run
    assert check.start == 1.0
    for run in check.runs:
        assert np.ptp(run.weights) > 0
        assert run.weights[0] == pytest.approx(1.0, abs=0.02)
    assert check_rule(rule, LOIHI2, RuleChoices(), replace(SHORT, start=0.5)).runs[0].weights[0] == pytest.approx(
        0.5, abs=0.01
    )
    still = check_rule(rule, LOIHI2, RuleChoices(), replace(SHORT, start=0.0))
    assert "no weight of float model (own) ever changed" in check_words(still)[0]


@pytest.mark.usefixtures("no_norse")
def test_forms_are_compared_on_the_same_spikes() -> None:
    """Each is what a check in this form gives; one that cannot exist says why; the verdict names them."""
    choices = RuleChoices(weight_limit=2.0)
    check = check_rule(pair_stdp(), LOIHI2, choices, replace(SHORT, forms=True))
    assert [f.form for f in check.forms] == ["direct", "stochastic", "sgn", "exact"]
    for form in check.forms:
        if form.refusal:
            assert form.r is None
            continue
        alone = check_rule(pair_stdp(), LOIHI2, replace(choices, form=form.form), SHORT).question.last  # type: ignore[arg-type]
        assert form.rms == pytest.approx(alone.rms)
        assert form.r == pytest.approx(alone.r)
        assert f"{form.form} {form.rms:.3g}" in check_words(check)[-1]
    direct, _, sgn, _ = check.forms
    assert direct.predicted > sgn.predicted > 0


@pytest.mark.usefixtures("no_norse")
def test_the_verdict_says_what_is_lost_and_why() -> None:
    """Coefficients that cannot be held are named before rounding; a constant ablation start changes nothing else."""
    coarse = RuleChoices("direct", weight_unit=0.0062, impulses={"x": 32, "y": 32})
    words = check_words(check_rule(pair_stdp(), LOIHI2, coarse, SHORT))
    assert words[0].startswith("Verdict: loihi2 learns ")
    assert "mostly because of rounding" in words[1] or "mostly because of coefficients" in words[1]
    plain = sheet_words(rule_sheet(pair_stdp(), LOIHI2, 1e-3, RuleChoices("exact")))
    assert any("small changes gather in the tag" in line for line in plain)
    assert sheet_words(rule_sheet(pair_stdp(), load_profile("ideal"), 1e-3, RuleChoices())) == []


def test_a_rule_too_small_for_wide_units_is_checked_in_the_widest_that_hold_it() -> None:
    """RDD is told by its coefficients' size, which carry cannot make up for: a float run of 2 s goes beyond what they allow."""
    reached = 3.05 * (rdd().weight_limit or 0.0)
    needed = rule_sheet(rdd(), LOIHI2, SHORT.dt, RuleChoices(weight_limit=reached))
    assert needed.held is None, "the case is not what it was"
    taken = ranged(rdd(), LOIHI2, RuleChoices(), SHORT.dt, reached, fit=False)
    limit = taken.choices.weight_limit
    assert taken.sheet.held is not None
    assert limit is not None
    assert limit < reached
    assert rule_sheet(rdd(), LOIHI2, SHORT.dt, RuleChoices(weight_limit=2 * limit)).held is None
    assert "the chip cuts them off there" in taken.note
