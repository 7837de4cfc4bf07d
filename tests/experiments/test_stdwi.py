"""Weight inference at small size: 20 -> 4 neurons, a few seconds of model time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stdwi_oracle import FloatArray, stdwi_oracle

from neuroalign.compile import compile_network
from neuroalign.errors import InputError
from neuroalign.experiments.alignment import Learner
from neuroalign.experiments.stdwi import (
    FLOAT_BARS,
    StdwiCase,
    infer,
    inference_network,
    inference_stimulus,
    run_stdwi,
    stdwi_table,
)
from neuroalign.experiments.stdwi_activity import Protocol, binned, record_activity
from neuroalign.learners import chip_learner, norse_learner
from neuroalign.network import Network
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.recording import Stimulus
from neuroalign.rules import stdwi
from neuroalign.sim.emulator import Emulator

SMALL = Protocol(inputs=20, outputs=4)


def ideal() -> Learner:
    return chip_learner(Emulator(), load_profile("ideal"))


def chance_of_r(weight: FloatArray, estimate: FloatArray) -> float:
    """The largest r of 1000 estimates with their weights shuffled."""
    rng = np.random.default_rng(0)
    return max(float(np.corrcoef(weight.ravel(), rng.permutation(estimate.ravel()))[0, 1]) for _ in range(1000))


def test_r_rises_above_chance_and_above_the_initial_guess() -> None:
    result = run_stdwi(stdwi_oracle, 8.0, seed=1, read_every=0.5, protocol=SMALL)
    assert (result.times[0], result.times[-1]) == (0.5, 8.0)
    assert result.r[-1] > chance_of_r(result.weight, result.estimates[-1])
    assert result.r[-1] > result.r[0]
    assert result.centred_sign[-1] > result.centred_sign[0]
    assert result.angle[-1] < result.angle[0]
    assert result.largest_estimate == np.abs(result.estimates).max()
    assert result.lost_spikes == 0


def test_without_the_slow_trace_the_inference_is_worse() -> None:
    """The slow trace removes what rates alone correlate: the published ablation, at small size."""
    full = stdwi()
    fast_only = replace(full, traces={"fast": full.traces["fast"]}, weight=(full.weight[0], full.weight[2]))
    activity = record_activity(SMALL, 3.0, seed=2)
    with_slow = infer(ideal(), activity, 2, 3.0, bin_steps=4)
    without = infer(ideal(), activity, 2, 3.0, bin_steps=4, rule=fast_only)
    assert with_slow.r[-1] > without.r[-1]
    assert with_slow.centred_sign[-1] > without.centred_sign[-1]


@pytest.mark.parametrize("bin_steps", [1, 4])
def test_the_ideal_profile_equals_the_rule_in_plain_numpy(bin_steps: int) -> None:
    activity = record_activity(SMALL, 1.5, seed=3)
    found = infer(ideal(), activity, 3, 0.25, bin_steps=bin_steps)
    wanted = infer(stdwi_oracle, activity, 3, 0.25, bin_steps=bin_steps)
    np.testing.assert_allclose(found.estimates, wanted.estimates, rtol=1e-9, atol=0)
    np.testing.assert_array_equal(found.times, wanted.times)
    assert found.estimates.shape == (6, 4, 20)


@pytest.mark.norse
def test_norse_equals_the_rule_in_plain_numpy() -> None:
    pytest.importorskip("norse")
    activity = record_activity(SMALL, 1.0, seed=4)
    found = infer(norse_learner(), activity, 4, 0.25, bin_steps=4)
    wanted = infer(stdwi_oracle, activity, 4, 0.25, bin_steps=4)
    np.testing.assert_allclose(found.estimates, wanted.estimates, rtol=1e-9, atol=0)
    assert not np.allclose(wanted.estimates[0], wanted.estimates[-1])


def test_exact_carry_on_chip_follows_the_float_rule_and_the_direct_form_less_so() -> None:
    """Without the decay, which the direct form cannot hold; at the weight range of a long run."""
    activity, rule = record_activity(SMALL, 4.0, seed=5), stdwi(learning_rate=3e-4, decay=0.0)
    wanted = infer(ideal(), activity, 5, 4.0, bin_steps=4, rule=rule).estimates[-1]
    error = {}
    for choices in (RuleChoices("exact", weight_limit=0.05), RuleChoices("direct", weight_limit=0.05)):
        learner = chip_learner(Emulator(), load_profile("loihi2"), choices)
        found = infer(learner, activity, 5, 4.0, bin_steps=4, rule=rule)
        error[choices.form] = np.abs(found.estimates[-1] - wanted).mean()
        assert found.r[-1] > chance_of_r(activity.weight, found.estimates[-1])
    assert error["exact"] < error["direct"] / 2


def test_the_table_gives_chips_the_range_that_the_float_rule_reached() -> None:
    asked: list[float] = []

    def scaled(limit: float) -> Learner:
        asked.append(limit)

        def learn(network: Network, stimulus: Stimulus, read_steps: object) -> FloatArray:
            return -stdwi_oracle(network, stimulus, read_steps)  # type: ignore[arg-type]

        return learn

    told: list[tuple[str, int, int]] = []
    rows = stdwi_table(
        stdwi_oracle,
        [StdwiCase("negated", scaled, 4, {"r": 0.0})],
        seeds=(1, 2),
        seconds=2.0,
        read_every=1.0,
        protocol=SMALL,
        progress=lambda what, done, total: told.append((what, done, total)),
    )
    plain = [run_stdwi(stdwi_oracle, 2.0, seed, 1.0, protocol=SMALL) for seed in (1, 2)]
    assert [row.case for row in rows] == ["float rule", "negated"]
    np.testing.assert_array_equal(rows[0].r, [result.r[-1] for result in plain])
    np.testing.assert_array_equal(rows[0].sign, [result.sign[-1] for result in plain])
    np.testing.assert_array_equal(rows[0].angle, [result.angle[-1] for result in plain])
    assert asked == [max(result.largest_estimate for result in plain)] == [rows[0].weight_limit]
    assert rows[0].bars == FLOAT_BARS
    assert (rows[1].r < 0).all()
    assert rows[1].passed is False
    assert [done for _, done, _ in told] == [0, 1, 2, 3]
    assert {total for _, _, total in told} == {4}


def test_a_row_passes_when_all_its_means_reach_their_bars() -> None:
    (row,) = stdwi_table(stdwi_oracle, [], seeds=(1,), seconds=1.0, read_every=1.0, protocol=SMALL, weight_limit=0.25)
    assert row.weight_limit == 0.25
    r, sign = float(row.r.mean()), float(row.sign.mean())
    assert replace(row, bars={}).passed is None
    assert replace(row, bars={"r": r, "sign": sign}).passed
    assert not replace(row, bars={"r": r, "sign": sign + 1e-6}).passed
    assert not replace(row, bars={"r": r + 1e-6, "sign": sign}).passed


def test_metrics_of_a_result_compare_in_the_forward_shape() -> None:
    """A learner that returns the true weights, transposed as the feedback connection has them, aligns fully."""
    activity = record_activity(SMALL, 0.1, seed=1)

    def cheat(network: Network, stimulus: Stimulus, read_steps: object) -> FloatArray:
        return 0.01 * activity.weight.T[None]

    result = infer(cheat, activity, 1, 0.1)
    assert result.r[0] == pytest.approx(1)
    assert result.sign[0] == 1
    assert result.angle[0] == pytest.approx(0, abs=1e-4)
    assert result.centred_sign[0] == 1


def test_relays_give_on_what_was_recorded() -> None:
    activity, _ = binned(record_activity(SMALL, 0.3, seed=6), 4)
    network = inference_network(activity, 6, stdwi())
    chip, _ = compile_network(
        network, load_profile("loihi2"), learning={"feedback": RuleChoices(form="exact", weight_limit=0.05)}
    )
    recording = Emulator().run(chip, inference_stimulus(activity), [("pre", "s"), ("post", "s")])
    steps = len(activity.input_spikes)
    np.testing.assert_array_equal(recording.aligned("pre", "s", steps)[0], activity.output_spikes)
    np.testing.assert_array_equal(recording.aligned("post", "s", steps)[0], activity.input_spikes)


@pytest.mark.parametrize(("read_every", "seeds"), [(0.0, (1,)), (1.0, ())])
def test_reads_and_seeds_that_are_none_are_refused(read_every: float, seeds: tuple[int, ...]) -> None:
    with pytest.raises(InputError):
        stdwi_table(stdwi_oracle, [], seeds=seeds, seconds=0.1, read_every=read_every, protocol=SMALL)
