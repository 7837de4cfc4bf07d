"""Predicted walks against measured ones: the emulator on Poisson spikes, over draws that differ."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from plastic_models import estimating

from neuroalign.chip import ChipConnection
from neuroalign.compile import compile_network
from neuroalign.microcode import Trace
from neuroalign.profile import load_profile
from neuroalign.quantise.held_rule import HeldRule
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import rule_sheet
from neuroalign.quantise.spike_statistics import trace_statistics
from neuroalign.recording import Stimulus
from neuroalign.rule import LearningRule, RuleTrace, Term
from neuroalign.rules import pair_stdp, sal, stdwi
from neuroalign.sim.emulator import Batch, Emulator
from neuroalign.sim.emulator.traces import trace_arithmetic

LOIHI, DT = load_profile("loihi2"), 1e-3


def held(rule: LearningRule, choices: RuleChoices) -> HeldRule:
    sheet = rule_sheet(rule, LOIHI, DT, choices)
    assert sheet.held is not None, sheet.refusal
    return sheet.held


def measured_walk(chip: HeldRule, seconds: float, draws: int = 8, side: int = 16) -> float:
    """Deviation of weight and tag between runs on the same Poisson spikes that differ in their rounding draws only."""
    assert chip.prediction is not None
    rng, settling = np.random.default_rng(11), round(0.5 / DT)
    steps = settling + round(seconds / DT)
    pre, post = ((rng.random((1, steps, side)) < rate * DT).astype(np.uint8) for rate in chip.prediction.rates)
    network, _ = compile_network(estimating(pair_stdp(), np.zeros((side, side))), LOIHI)
    late = network.latency_steps
    network = replace(network, connections=tuple(_learning(c, chip, settling + late) for c in network.connections))
    seeds = {"rng_seed": [10 * draw for draw in range(draws)], "rounding_seed": [100 + draw for draw in range(draws)]}
    batch = Batch(draws, values={("learns", name): given for name, given in seeds.items()})
    probes = [("learns", "w"), ("learns", "t")]
    weight, tag = Emulator().run(network, Stimulus({"a": pre, "b": post}), probes, batch=batch).states.values()
    ends = weight[:, -1] + (tag[:, -1] / 2**chip.tag_bits if chip.tag_bits else 0)
    return math.sqrt(float(np.var(ends, axis=0, ddof=1).mean()))


def _learning(c: ChipConnection, chip: HeldRule, settling: int) -> ChipConnection:
    """A plastic connection with the held rule's program, which learns after the steps of settling."""
    if c.plasticity is None:
        return c
    zero = np.zeros(c.shape, dtype=np.int64)
    held = replace(c.plasticity, program=chip.program, tag=zero, phases=((settling + 1, 10**6),))
    return replace(c, weight=zero, plasticity=held)


@pytest.mark.parametrize(
    ("rule", "choices", "seconds"),
    [
        (stdwi(), RuleChoices(), 3.0),
        (sal(), RuleChoices(), 1.5),
        (pair_stdp(decay=1e-4), RuleChoices(), 1.2),
        (sal(), RuleChoices("direct"), 0.8),
        (pair_stdp(), RuleChoices("stochastic"), 1.2),
    ],
)
def test_the_walk_is_predicted_within_30_percent(rule: LearningRule, choices: RuleChoices, seconds: float) -> None:
    chip = held(rule, choices)
    assert chip.prediction is not None
    assert chip.prediction.walk(seconds) == pytest.approx(measured_walk(chip, seconds), rel=0.3)


def test_without_carry_the_walk_is_larger_by_what_is_predicted() -> None:
    """SAL: the direct form walks many times as far as the one that is chosen; so it is in the run."""
    chosen, direct = held(sal(), RuleChoices()), held(sal(), RuleChoices("direct"))
    assert chosen.prediction is not None
    assert direct.prediction is not None
    assert chosen.form != "direct"
    assert direct.prediction.excess > 100 * chosen.prediction.excess
    assert measured_walk(direct, 1.0, draws=4) > 10 * measured_walk(chosen, 1.0, draws=4)


@pytest.mark.parametrize(("impulse", "tau", "rate"), [(32, 20.0, 0.03), (8, 200.0, 0.034), (60, 5.0, 0.05)])
def test_trace_statistics_are_those_of_the_engine(impulse: int, tau: float, rate: float) -> None:
    """Stationary distribution and rounding noise of 3000 traces with draws of their own, after they settled."""
    trace, rng = Trace(impulse, tau), np.random.default_rng(2)
    found = trace_statistics(trace, rate)
    arithmetic = trace_arithmetic([trace], fixed=True)
    decay = math.exp(-1 / tau)
    z, real = np.zeros((1, 3000), dtype=np.int64), np.zeros((1, 3000))
    for _ in range(round(5 * tau)):
        draw: Any = rng.random(z.shape)
        spike = rng.random(z.shape) < rate
        raised = arithmetic.raised(arithmetic.decayed(z, draw), 0)
        full = decay * z + impulse > 127
        z, real = np.where(spike, raised, arithmetic.decayed(z, draw)), decay * real + impulse * spike
        real = np.where(spike & full, z, real)  # the noise is that of rounding, limits left aside
    values = np.arange(128)
    assert float(found.stationary @ values) == pytest.approx(z.mean(), rel=0.05)
    assert float(found.stationary @ (values == 0)) == pytest.approx((z == 0).mean(), abs=0.03)
    assert found.noise == pytest.approx(np.var(z - real), rel=0.15)


@pytest.mark.parametrize("tau", [1e3, 1e20])
def test_traces_that_hardly_fall_are_predicted(tau: float) -> None:
    """Homeostasis over a quarter of an hour: the trace is at its end nearly always."""
    trace = trace_statistics(Trace(16, tau / DT), 30 * DT)
    assert trace.stationary.sum() == pytest.approx(1.0)
    assert trace.stationary[-1] > 0.99
    slow = LearningRule(
        "slow", "", "", "", (), {"x": RuleTrace("pre", tau)}, (Term(0.01, "post", ("x",)),), weight_limit=1.0
    )
    assert held(slow, RuleChoices()).prediction is not None


def test_own_walk_and_drift_have_their_closed_form() -> None:
    """A lone change at each pre spike: variance rate (1 - rate dt) c^2 and mean rate c a second."""
    rule = LearningRule("lone", "", "", "", (), {}, (Term(0.01, "pre"),), weight_limit=254.0 / 100)
    chip = held(rule, RuleChoices(rates=(20.0, 5.0)))
    assert chip.prediction is not None
    change = 0.01 / chip.weight_unit
    assert chip.prediction.own == pytest.approx(20.0 * (1 - 20.0 * DT) * change**2)
    assert chip.prediction.drift == pytest.approx(0.0, abs=0.05 * 20 * change)


def test_rates_come_from_choices_then_rule_then_30_hz() -> None:
    def rates(rule: LearningRule, choices: RuleChoices) -> tuple[float, float]:
        chip = held(rule, choices)
        assert chip.prediction is not None
        return chip.prediction.rates

    assert rates(stdwi(), RuleChoices(rates=(10.0, 12.0))) == (10.0, 12.0)
    assert rates(stdwi(), RuleChoices()) == stdwi().rates
    assert rates(pair_stdp(), RuleChoices()) == (30.0, 30.0)


def test_tags_that_saturate_are_predicted() -> None:
    """At the smallest unit whose pair still fits, bursts run out of the tag: what is lost grows with the rates."""
    rule = LearningRule(
        "burst", "", "", "", (), {"x": RuleTrace("post", 0.02)}, (Term(0.05, "pre", ("x",)),), weight_limit=2.0
    )
    few, many = (
        held(rule, RuleChoices("exact", tag_bits=5, k=4, rates=(rate, rate), impulses={"x": 20})).prediction
        for rate in (5.0, 80.0)
    )
    assert few is not None
    assert many is not None
    assert few.lost < 0.05 < many.lost
