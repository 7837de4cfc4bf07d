"""Switches of the quantisation: all on is the emulator, all off is the float rule, and each does what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuroalign.compile import compile_network
from neuroalign.network import FloatArray
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.held_rule import HeldRule
from neuroalign.quantise.learning import float_program
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import rule_sheet
from neuroalign.rule import LearningRule, RuleTrace, Term
from neuroalign.rule_check import CheckOptions, check_rule, trial_network, trial_spikes
from neuroalign.rule_check.ablation import CHIP, NEURONS, neuron_spikes
from neuroalign.rule_check.ablation import learnt as of_spikes
from neuroalign.rule_check.switches import Switches, real_program, sent, switched_state
from neuroalign.rules import pair_stdp, rdd, sal, stdwi
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.learning_reference import PlasticState, plastic_state
from neuroalign.sim.norse_reference.backend import NorseReference

LOIHI, DT, STEPS = load_profile("loihi2"), 1e-3, 500


def held_rule(rule: LearningRule, **choices: Any) -> HeldRule:
    held = rule_sheet(rule, LOIHI, DT, RuleChoices(**choices)).held
    assert held is not None
    return held


def learnt(state: PlasticState, lag: int = 0, seed: int = 1) -> PlasticState:
    """The state after the trial's spikes, which begin ``lag`` steps late as on chip."""
    spikes = trial_spikes(STEPS, DT, seed)
    silent = [np.zeros((lag, a.shape[1]), dtype=a.dtype) for a in (spikes.pre, spikes.post)]
    pre, post = (np.concatenate([s, a]) for s, a in zip(silent, (spikes.pre, spikes.post), strict=True))
    for t in range(len(pre)):
        state.record_source(t + 1, pre[t])
        state.record_target(t + 1, post[t])
        state.learn(t + 1)
    return state


def weights(held: HeldRule, switches: Switches, seed: int = 1) -> FloatArray:
    state = switched_state(held, np.zeros((20, 10), dtype=np.int64), switches, 2)
    return np.asarray(learnt(state, seed=seed).weight * held.weight_unit)


def float_weights(rule: LearningRule, seed: int = 1) -> FloatArray:
    return np.asarray(learnt(plastic_state(float_program(rule, DT), np.zeros((20, 10)), fixed=False), seed=seed).weight)


@pytest.mark.parametrize("form", ["direct", "stochastic", "sgn", "exact"])
def test_with_nothing_off_it_is_the_emulator(form: Any) -> None:
    """Bit for bit, on the compiled network of the trial: weights and tags."""
    rule, choices = pair_stdp(), RuleChoices(form, weight_limit=2.0)
    chip, _ = compile_network(trial_network(rule, DT), LOIHI, learning={"plastic": choices})
    lag = chip.population("post").latency_steps
    probes: Any = [("plastic", "w"), ("plastic", "t")]
    stimulus = chip_stimulus(trial_spikes(STEPS, DT, 1).stimulus, chip)
    run = Emulator().run(chip, stimulus, probes, read_steps=[STEPS + lag], implementation="reference")
    state = switched_state(
        held_rule(rule, form=form, weight_limit=2.0), np.zeros((20, 10), dtype=np.int64), Switches(), 2
    )
    state = learnt(state, lag)  # type: ignore[assignment]
    assert np.array_equal(state.weight, run.states["plastic", "w"][0, 0])
    assert np.array_equal(state.tag, run.states["plastic", "t"][0, 0])
    assert np.any(state.weight)


@pytest.mark.parametrize("rule", [stdwi(), sal(), pair_stdp(decay=1e-3)])
def test_with_all_off_it_is_the_float_rule(rule: LearningRule) -> None:
    held = held_rule(rule)
    program = real_program(rule, held, DT, carried=False)
    found = weights(held, Switches(traces=True, rounding=True, limits=True, program=program))
    np.testing.assert_allclose(found, float_weights(rule), rtol=1e-9, atol=1e-15)


EVENTS = {"form": "direct", "k": 0, "t_epoch": 1}


def test_with_nothing_off_third_factors_are_the_emulators() -> None:
    """Bit for bit, in every step; the stimulus goes the way that check_rule's goes."""
    rule, choices = rdd(), RuleChoices("direct", k=0, t_epoch=1)
    chip, _ = compile_network(trial_network(rule, DT), LOIHI, learning={"plastic": choices})
    lag = chip.population("post").latency_steps
    spikes = trial_spikes(STEPS, DT, 1)
    stimulus = chip_stimulus(spikes.stimulus_of(rule), chip)
    run = Emulator().run(chip, stimulus, [("plastic", "w")], read_steps=[STEPS + lag], implementation="reference")
    held, third = held_rule(rule, **EVENTS), spikes.third_factor(rule)
    assert third is not None
    state = switched_state(held, np.zeros((20, 10), dtype=np.int64), Switches(), 2)
    late = replace(spikes, pre=np.pad(spikes.pre, ((lag, 0), (0, 0))), post=np.pad(spikes.post, ((lag, 0), (0, 0))))
    found = of_spikes(state, late, sent(held, np.pad(third, ((lag, 0), (0, 0))), Switches()))
    assert np.array_equal(found, run.states["plastic", "w"][0, 0])
    assert np.any(found)


def test_with_all_off_third_factors_act_as_the_float_rules() -> None:
    rule, spikes = rdd(), trial_spikes(STEPS, DT, 1)
    held, third = held_rule(rule, **EVENTS), spikes.third_factor(rule)
    assert third is not None
    program = real_program(rule, held, DT, carried=False)
    off = Switches(traces=True, rounding=True, limits=True, program=program)
    state = switched_state(held, np.zeros((20, 10), dtype=np.int64), off, 2)
    found = of_spikes(state, spikes, sent(held, third, off)) * held.weight_unit
    real = plastic_state(float_program(rule, DT), np.zeros((20, 10)), fixed=False, modulated=True)
    np.testing.assert_allclose(found, of_spikes(real, spikes, third), rtol=1e-9, atol=1e-12)


def test_a_draw_for_each_synapse_is_the_emulators() -> None:
    held = held_rule(pair_stdp(), form="direct")
    start = np.zeros((20, 10), dtype=np.int64)
    wanted = learnt(plastic_state(held.program, start, fixed=True, rounding_draws="synapse"))
    found = weights(held, Switches(shared_draw=True)) / held.weight_unit
    assert np.array_equal(found, wanted.weight)
    assert not np.array_equal(found, weights(held, Switches()) / held.weight_unit)


def test_limits_are_what_clips() -> None:
    """A unit so small that weights run into their range: without limits they go on."""
    held = held_rule(pair_stdp(0.01, 0.002), form="direct", weight_limit=0.1)
    inside, beyond = weights(held, Switches()), weights(held, Switches(limits=True))
    assert inside.max() == 255 * held.weight_unit
    assert beyond.max() > 260 * held.weight_unit
    error = [np.abs(w - float_weights(pair_stdp(0.01, 0.002))).mean() for w in (inside, beyond)]
    assert error[1] < error[0]


@pytest.mark.parametrize("form", ["exact", "sgn"])
def test_the_rules_own_coefficients_replace_those_of_the_chip(form: Any) -> None:
    """Held coarsely, they are not the rule; with its own, real traces and no rounding, weight and tag together are."""
    rule = pair_stdp(potentiation=0.01, depression=0.0149)
    held = held_rule(rule, form=form, weight_unit=0.0131, impulses={"x": 23, "y": 23}, tag_bits=5)
    terms = [row for row in held.rows if row.quantity.startswith("term")]
    assert max(row.relative_error for row in terms) > 1e-3
    own = real_program(rule, held, DT, carried=True)
    assert own.dw == held.program.dw

    def whole(program: Any) -> FloatArray:
        off = Switches(traces=True, rounding=True, limits=True, program=program)
        state = learnt(switched_state(held, np.zeros((20, 10), dtype=np.int64), off, 2))
        assert np.any(state.weight)
        halves = 2 if form == "sgn" else 1  # at its threshold sgn moves half a unit, which is rounded on chip
        assert np.array_equal(halves * state.weight, np.round(halves * state.weight))
        return np.asarray((state.weight + state.tag / 2.0**held.tag_bits) * held.weight_unit)

    np.testing.assert_allclose(whole(own), float_weights(rule), rtol=0, atol=1e-9)
    assert np.abs(whole(None) - float_weights(rule)).max() > 1e-4


@pytest.fixture
def no_norse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NorseReference, "missing", lambda self: "norse is not installed")


@pytest.mark.usefixtures("no_norse")
def test_a_users_rule_is_ablated_step_by_step() -> None:
    rule = LearningRule(
        "mine",
        "",
        "",
        "",
        (),
        {"x": RuleTrace("pre", 0.02)},
        (Term(0.002, "post", ("x",)), Term(-0.0005, "pre")),
        weight_limit=0.5,
    )
    options = CheckOptions(backends=("emulator",), steps=150, ablate_seeds=2)
    check = check_rule(rule, LOIHI, RuleChoices(weight_limit=0.5), options)
    assert [s.step for s in check.ablation][:8] == [
        CHIP, "trace bits", "weight bits", "coefficient rounding", "stochastic rounding", "shared draw", "clipping",
        "carry form",
    ]  # fmt: skip
    assert check.ablation[-1].step == NEURONS
    chip = check.ablation[0]
    assert chip.cost is None
    for step in check.ablation[1:-2]:
        assert step.cost == pytest.approx(1 - (step.rms / chip.rms) ** 2)
    ideal = replace(options, ablate_seeds=1)
    assert check_rule(rule, load_profile("ideal"), RuleChoices(weight_limit=0.5), ideal).ablation == ()


def tagged(decay: float = 20.0) -> LearningRule:
    """An eligibility in the tag, which decays and moves the weight at spikes of post."""
    traces, terms = {"x": RuleTrace("pre", 0.02)}, (Term(0.05, "post", ("tag",)), Term(-0.01, "pre", ("w",)))
    tag = (Term(0.5, "post", ("x",)), Term(-decay, "step", ("tag",)))
    return LearningRule("tagged", "", "", "", (), traces, terms, tag, weight_limit=1.0, rates=(20.0, 15.0))


@pytest.mark.usefixtures("no_norse")
def test_a_rule_with_a_tag_of_its_own_has_all_parts_but_carry() -> None:
    options = CheckOptions(backends=("emulator",), steps=400, ablate_seeds=2)
    check = check_rule(tagged(), LOIHI, RuleChoices(weight_limit=1.0), options)
    steps = [s.step for s in check.ablation]
    assert steps[:7] == [
        CHIP, "trace bits", "weight bits", "coefficient rounding", "stochastic rounding", "shared draw", "clipping",
    ]  # fmt: skip
    assert "carry form" not in steps
    costs = {s.step: s.cost for s in check.ablation}
    assert costs["stochastic rounding"] is not None
    assert costs["stochastic rounding"] > 0


def test_with_all_off_a_rule_with_a_tag_of_its_own_is_the_float_rule() -> None:
    rule = tagged()
    held = held_rule(rule, form="direct", weight_limit=1.0, k=0, t_epoch=1)
    program = real_program(rule, held, DT, carried=False)
    found = weights(held, Switches(traces=True, rounding=True, limits=True, program=program))
    wanted = float_weights(rule)
    assert np.abs(wanted).max() > 0.1
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_neurons_answer_most_spikes_and_nearly_alike_on_chip() -> None:
    spikes = trial_spikes(600, DT, 4)
    real, chip = neuron_spikes(None, spikes, DT), neuron_spikes(LOIHI, spikes, DT)
    assert 0.5 < real.pre.sum() / spikes.pre.sum() < 2
    together = (real.pre & chip.pre).sum() / real.pre.sum()
    assert together > 0.9
