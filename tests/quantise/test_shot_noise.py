"""A rule's own mean and walk against simulated Poisson spikes, and what they decide for terms that act in every step."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import rule_sheet
from neuroalign.quantise.shot_noise import own_mean_and_walk, sampling_walk
from neuroalign.rule import LearningRule
from neuroalign.rule.text import rule_from_text

DT, RATES = 1e-3, (20.0, 15.0)
TRACES = "x = trace of pre, tau 20 ms\ny = trace of post, tau 30 ms\n"
DECORRELATION = rule_from_text(f"rule d: t\n{TRACES}dw = -0.5 Hz*(x*y - 0.04)*dt\nlimit = 1\nrates = 20 Hz, 15 Hz")
TRIPLET = rule_from_text(f"rule t: t\n{TRACES}dw = 0.006*post*x*y - 0.002*pre*y*(x + 1)")
SQUARE = rule_from_text("rule s: t\ny = trace of post, tau 30 ms\ndw = 0.01*pre*(y^2 - 0.2)")


def simulated(
    rule: LearningRule,
    every: int = 1,
    seconds: float = 12.0,
    synapses: int = 1500,
    rates: tuple[float, float] = RATES,
) -> tuple[float, float]:
    """Mean change per second and walk per second of the rule, written out anew from its terms, on spikes of its own."""
    rng, settling = np.random.default_rng(4), 500
    z = {name: np.zeros(synapses) for name in rule.traces}
    ends = np.zeros(synapses)
    for t in range(settling + round(seconds / DT)):
        spike = {side: rng.random(synapses) < rate * DT for side, rate in zip(("pre", "post"), rates, strict=True)}
        third = rule.modulator
        seen = {} if third is None else {third.name: rng.uniform(-1.0 if third.signed else 0.0, 1.0, synapses)}
        for name, trace in rule.traces.items():
            z[name] = z[name] * math.exp(-DT / trace.tau) + trace.impulse * spike[trace.of]
        for term in rule.weight if t >= settling else ():
            acts = (every * DT if t % every == 0 else 0.0) if term.gate == "step" else spike[term.gate]
            ends += term.coefficient * acts * np.prod([(z | seen)[f] for f in term.factors], axis=0)
    return float(ends.mean()) / seconds, float(ends.var()) / seconds


@pytest.mark.parametrize("rule", [DECORRELATION, TRIPLET, SQUARE], ids=lambda r: r.name)
def test_mean_and_walk_are_those_of_simulated_spikes(rule: LearningRule) -> None:
    """1500 synapses give the walk's variance to 4 % (one deviation), the mean to that of the walk."""
    mean, walk = own_mean_and_walk(rule, RATES, DT)
    found_mean, found_walk = simulated(rule)
    assert found_mean == pytest.approx(mean, rel=0.02, abs=4 * math.sqrt(walk / 12 / 1500))
    assert found_walk == pytest.approx(walk, rel=0.15)


@pytest.mark.parametrize("kind", ["", ", positive"])
def test_a_third_factor_is_shared_by_the_terms_of_a_step(kind: str) -> None:
    """Once each term had a draw of its own: the two of (x - 0.4) counted as unrelated, and the even power as without a mean."""
    text = f"rule m: t\nM = modulator from r{kind}\nx = trace of pre, tau 20 ms\ndw = 0.01*post*M*(x - 0.4) + 0.02*pre*M^2*x"
    mean, walk = own_mean_and_walk(rule_from_text(text), RATES, DT)
    found_mean, found_walk = simulated(rule_from_text(text))
    assert found_mean == pytest.approx(mean, rel=0.04)
    assert found_walk == pytest.approx(walk, rel=0.15)


def test_high_rates_are_no_shot_noise() -> None:
    """At 400 Hz and steps of 1 ms a spike is there or not: a variance of p (1 - p), and moments that follow."""
    rule = rule_from_text(f"rule h: t\n{TRACES}dw = 0.002*pre*y*y + 0.001*pre - 0.3 Hz*(x*y - 1)*dt")
    mean, walk = own_mean_and_walk(rule, (400.0, 250.0), DT)
    found_mean, found_walk = simulated(rule, seconds=3.0, rates=(400.0, 250.0))
    assert found_mean == pytest.approx(mean, rel=0.02)
    assert found_walk == pytest.approx(walk, rel=0.15)
    assert own_mean_and_walk(rule, (5000.0, 5000.0), DT)[1] == pytest.approx(0.0, abs=1e-6 * walk)


@pytest.mark.parametrize("tau", ["1e-9 s", "1e20 s", "1e200 s"])
@pytest.mark.parametrize("size", ["1e-300", "1e300"])
def test_constants_beyond_any_chip_give_numbers(tau: str, size: str) -> None:
    for factors in ("x", "x^4*x^2", "x^4*x^4*x^4*x^4"):
        rule = rule_from_text(
            f"rule e: t\nx = trace of pre, tau {tau}, impulse {size}\ndw = post*{factors} + 1 Hz*{factors}*dt"
        )
        assert not any(math.isnan(found) for found in own_mean_and_walk(rule, RATES, DT))
        assert not math.isnan(sampling_walk(rule, RATES, DT, 64))


def test_what_is_sampled_rarely_walks_further() -> None:
    _, walk = own_mean_and_walk(DECORRELATION, RATES, DT)
    more = sampling_walk(DECORRELATION, RATES, DT, 64)
    assert sampling_walk(DECORRELATION, RATES, DT, 1) == 0
    assert simulated(DECORRELATION, every=64)[1] == pytest.approx(walk + more, rel=0.15)
    assert more > 0.5 * walk


def test_terms_of_every_step_get_a_period_for_which_the_tag_has_room() -> None:
    """Before, their change counted as nothing: 64 steps were gathered in a tag that holds one of them."""
    sheet = rule_sheet(DECORRELATION, load_profile("loihi2"), DT, RuleChoices("exact", weight_limit=0.2))
    assert sheet.held is not None
    assert sheet.held.prediction is not None
    assert sheet.held.program.k is not None
    assert sheet.held.program.k < 5
    assert sheet.held.prediction.lost_in_bursts < 0.02
    mean, _ = own_mean_and_walk(DECORRELATION, RATES, DT)  # once this was taken for a drift of the chip's
    assert abs(sheet.held.prediction.drift) < 0.1 * abs(mean) / sheet.held.weight_unit
