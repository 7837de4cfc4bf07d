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


def simulated(rule: LearningRule, every: int = 1, seconds: float = 12.0, synapses: int = 1500) -> tuple[float, float]:
    """Mean change per second and walk per second of the rule, written out anew from its terms, on spikes of its own."""
    rng, settling = np.random.default_rng(4), 500
    z = {name: np.zeros(synapses) for name in rule.traces}
    ends = np.zeros(synapses)
    for t in range(settling + round(seconds / DT)):
        spike = {side: rng.random(synapses) < rate * DT for side, rate in zip(("pre", "post"), RATES, strict=True)}
        for name, trace in rule.traces.items():
            z[name] = z[name] * math.exp(-DT / trace.tau) + trace.impulse * spike[trace.of]
        for term in rule.weight if t >= settling else ():
            acts = (every * DT if t % every == 0 else 0.0) if term.gate == "step" else spike[term.gate]
            ends += term.coefficient * acts * np.prod([z[f] for f in term.factors], axis=0)
    return float(ends.mean()) / seconds, float(ends.var()) / seconds


@pytest.mark.parametrize("rule", [DECORRELATION, TRIPLET, SQUARE], ids=lambda r: r.name)
def test_mean_and_walk_are_those_of_simulated_spikes(rule: LearningRule) -> None:
    """1500 synapses give the walk's variance to 4 % (one deviation), the mean to that of the walk."""
    mean, walk = own_mean_and_walk(rule, RATES, DT)
    found_mean, found_walk = simulated(rule)
    assert found_mean == pytest.approx(mean, rel=0.02, abs=4 * math.sqrt(walk / 12 / 1500))
    assert found_walk == pytest.approx(walk, rel=0.15)


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
