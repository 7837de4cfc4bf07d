"""Third factors of rules: text, locality, Norse against loops, the ideal profile against Norse, chip, NIR and back."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from plastic_models import DT, relay, spike_input

from neuroalign.chip import ChipNetwork, first_difference
from neuroalign.compile import compile_network
from neuroalign.errors import ConversionRefused, NetworkError, NeuroalignError, RuleError
from neuroalign.network import Connection, InputPort, Network
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.recording import Stimulus
from neuroalign.rule import LearningRule, Modulator, RuleTrace, Term
from neuroalign.rule.text import rule_from_text
from neuroalign.sim.emulator import Emulator

STEPS = 400
TAGGED = """
rule rewarded: reward-modulated STDP
x = trace of pre, tau 20 ms
M = modulator from reward, up to 2
dtag = post*x - tag*dt/(0.1 s)
dw = 1 Hz*M*tag*dt
limit = 1
rates = 100 Hz, 100 Hz
"""
GATED = """
rule gated: two factors and a third, with a decay
x = trace of pre, tau 20 ms
M = modulator from reward, up to 3 mV, positive
dw = 0.005*post*M*x/(1 mV) - 0.1 Hz*w*dt
limit = 1
rates = 100 Hz, 100 Hz
"""


def network(rule: LearningRule, *, each: bool = False, spikes: bool = False) -> Network:
    """Relays "pre" (4) and "post" (3) of inputs, and a reward for each target or for all; ``spikes``: a relay sends it."""
    inputs = [InputPort("a", (4,)), InputPort("b", (3,)), InputPort("reward", (3 if each else 1,))]
    populations = [relay("pre", 4), relay("post", 3)]
    connections = [
        Connection("a_pre", "a", "pre", np.eye(4)),
        Connection("b_post", "b", "post", np.eye(3)),
        Connection("learns", "pre", "post", np.full((3, 4), 0.2), 1, rule, drives=False),
    ]
    if spikes:
        populations.append(relay("teacher", 3))
        connections.append(Connection("r", "reward", "teacher", np.ones((3, 3 if each else 1))))
        connections[2] = replace(connections[2], modulator="teacher")
    return Network("third", DT, tuple(inputs), tuple(populations), tuple(connections), (("out", "post"),))


def stimulus(net: Network, rule: LearningRule, *, spikes: bool = False) -> Stimulus:
    given = spike_input(net, 1, STEPS, samples=2)
    if spikes:
        return given
    samples, steps, size = given.inputs["reward"].shape
    rng, shape = np.random.default_rng(5), (samples, steps // 50, size)
    assert rule.modulator is not None
    low = -1.0 if rule.modulator.signed else 0.0
    reward = rule.modulator.largest * rng.uniform(low, 1.0, shape).repeat(50, axis=1)
    return Stimulus({**given.inputs, "reward": reward})


def by_hand(rule: LearningRule, given: Stimulus, sample: int) -> NDArray[np.float64]:
    """Weights at the end, by loops that know the two rules and nothing else."""
    pre, post, reward = (np.asarray(given.inputs[n][sample], dtype=float) for n in ("a", "b", "reward"))
    w, tag, x = np.full((3, 4), 0.2), np.zeros((3, 4)), np.zeros(4)
    for t in range(STEPS):
        x = x * math.exp(-DT / 0.020) + pre[t]
        for i in range(3):
            m = reward[t, i if reward.shape[1] > 1 else 0]
            for j in range(4):
                if rule.name == "rewarded":
                    w[i, j] += 1.0 * DT * m * tag[i, j]
                    tag[i, j] += post[t, i] * x[j] - tag[i, j] * DT / 0.1
                else:
                    w[i, j] += 0.005 / 1e-3 * post[t, i] * m * x[j] - 0.1 * DT * w[i, j]
    return w


@pytest.mark.parametrize("text", [TAGGED, GATED], ids=["tagged", "gated"])
@pytest.mark.parametrize("each", [False, True], ids=["for all", "for each"])
def test_norse_ideal_and_loops_agree(text: str, each: bool) -> None:
    pytest.importorskip("norse")
    from neuroalign.sim.norse_reference.backend import NorseReference

    rule = rule_from_text(text)
    net = network(rule, each=each)
    given = stimulus(net, rule)
    norse = NorseReference().run_model(net, given, [("learns", "w")]).states["learns", "w"][:, 0]
    for sample in range(2):
        assert np.abs(norse[sample] - by_hand(rule, given, sample)).max() < 1e-12
    chip, _ = compile_network(net, load_profile("ideal"))
    assert np.abs(weights(chip, given) - norse).max() < 1e-9
    assert np.ptp(norse) > 0.02


def weights(chip: ChipNetwork, given: Stimulus) -> NDArray[np.float64]:
    """In the model's unit, at the end of the stimulus."""
    presented = chip_stimulus(given, chip)
    last = [STEPS + chip.population("post").latency_steps]
    found = Emulator().run(chip, presented, [("learns", "w")], read_steps=last, implementation="reference")
    unit = next(c.plasticity.weight_unit for c in chip.connections if c.plasticity is not None)
    return np.asarray(found.states["learns", "w"][:, 0] * unit)


@pytest.mark.parametrize("text", [TAGGED, GATED], ids=["tagged", "gated"])
def test_the_chip_follows_the_model(text: str) -> None:
    rule = rule_from_text(text)
    net = network(rule, each=True)
    given = stimulus(net, rule)
    chip, table = compile_network(net, load_profile("loihi2"), learning={"learns": RuleChoices(weight_limit=4.0)})
    plasticity = next(c.plasticity for c in chip.connections if c.plasticity is not None)
    assert plasticity.modulators == (("y3", "reward"),)
    assert not any(p.dependency == "y0" and f.variable == "y1" for p in plasticity.program.products for f in p.factors)
    model = np.array([by_hand(rule, given, n) for n in range(2)])
    found = weights(chip, given)
    assert np.corrcoef(found.ravel(), model.ravel())[0, 1] > 0.97
    assert 0.8 < np.std(found) / np.std(model) < 1.2
    assert {row.quantity for row in table.rows} >= {"third factor", "third factor M"}
    if text == TAGGED:  # the lone sign of the third factor decides the direction
        turned = Stimulus({**given.inputs, "reward": -given.inputs["reward"]})
        assert np.corrcoef((weights(chip, given) - 0.2).ravel(), (weights(chip, turned) - 0.2).ravel())[0, 1] < -0.9


def test_payloads_are_signed_around_64() -> None:
    rule = rule_from_text(TAGGED)
    net = network(rule)
    chip, _ = compile_network(net, load_profile("loihi2"))
    given = stimulus(net, rule)
    values = np.array([-5.0, -2.0, -1.0, 0.0, 2.0, 2.5])[None, :, None]
    given = Stimulus({k: v[:1, :6] for k, v in given.inputs.items()} | {"reward": values})
    sent = chip_stimulus(given, chip).inputs["reward"][0, :, 0]
    lag = next(p.latency_steps for p in chip.inputs if p.name == "reward")
    assert lag == chip.population("post").latency_steps == 1
    assert sent.tolist() == [64, 1, 1, 32, 64, 127, 127]


def test_a_population_sends_it_as_spikes() -> None:
    pytest.importorskip("norse")
    from neuroalign.sim.norse_reference.backend import NorseReference

    x = {"x": RuleTrace("pre", 0.02)}
    term = Term(5.0, "step", ("M", "x"))
    rule = LearningRule("taught", "", "", "", (), x, (term,), rates=(100.0, 100.0), modulator=Modulator("M", "?", 1.0))
    net = network(rule, each=True, spikes=True)
    given = stimulus(net, rule, spikes=True)
    norse = NorseReference().run_model(net, given, [("learns", "w")]).states["learns", "w"][:, 0]
    chip, _ = compile_network(net, load_profile("ideal"))
    assert np.abs(weights(chip, given) - norse).max() < 1e-9
    held, _ = compile_network(net, load_profile("loihi2"), learning={"learns": RuleChoices(weight_limit=3.0, k=0)})
    assert held.population("teacher").latency_steps == held.population("post").latency_steps
    assert np.corrcoef(weights(held, given).ravel(), norse.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("profile", ["ideal", "loihi2"])
@pytest.mark.parametrize("spikes", [False, True], ids=["input", "population"])
def test_nir_and_back(profile: str, spikes: bool, tmp_path: Path) -> None:
    from neuroalign.export.nir_graph import read_nir
    from neuroalign.export.nir_graph.write import read_chip, write_nir

    rule = rule_from_text(TAGGED)
    net = network(rule, each=True, spikes=spikes)
    chip, _ = compile_network(net, load_profile(profile))
    write_nir(tmp_path / "a.nir", chip, network=net)
    assert first_difference(chip, read_chip(tmp_path / "a.nir")) is None
    back = read_nir(tmp_path / "a.nir", strict=True).network
    read = next(c for c in back.connections if c.rule is not None)
    assert read.rule == rule
    assert read.third_factor == ("teacher" if spikes else "reward")
    again, _ = compile_network(back, load_profile(profile))
    given = stimulus(net, rule, spikes=spikes)
    difference = np.abs(weights(again, given) - weights(chip, given)).max()
    assert difference < (1e-12 if profile == "ideal" else 0.1)


MISTAKES = {
    "M = modulator": ("", "'from' is missing"),
    "M = modulator from 3": ("3", "input or population"),
    "M = modulator from reward, up 2": ("2", "'to' is missing"),
    "M = modulator from reward, up to -2": ("-2", "positive"),
    "M = modulator from reward, 2": ("2", "'positive' is missing"),
    "dw = post*M": ("M", "not visible"),
    "dw = w*dt": ("w", "s, but the weight has no unit"),
    "dw = pre*dt*w/(1 s)": ("pre", "pre and dt"),
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_shown_at_its_character(line: str) -> None:
    place, words = MISTAKES[line]
    with pytest.raises(RuleError) as raised:
        rule_from_text(f"rule r: t\n{line}" + ("" if line.startswith("dw") else "\ndw = pre*M"))
    assert words in raised.value.message
    assert raised.value.column == (line.rindex(place) if place else len(line)) + 1


def test_one_third_factor_and_its_unit() -> None:
    two = "rule r: t\nM = modulator from a\nN = modulator from b\ndw = pre*M*N"
    with pytest.raises(RuleError, match="a second third factor beside 'M'"):
        rule_from_text(two)
    with pytest.raises(RuleError, match="V, but the weight"):
        rule_from_text("rule r: t\nM = modulator from a, up to 2 mV\ndw = pre*M")
    rule = rule_from_text(GATED)
    assert rule.modulator == Modulator("M", "reward", 3e-3, signed=False)
    assert rule.locality.endswith("one third factor, M, which 'reward' sends")
    assert ("M", "third factor from reward, up to 0.003", "V") in rule.symbols


def changed(rule: LearningRule, *, post: bool = False) -> LearningRule:
    if not post:
        return rule
    more = (*rule.weight, Term(0.1, "pre", ("y",)))
    return replace(rule, traces={**rule.traces, "y": RuleTrace("post", 0.02)}, weight=more)


def test_what_a_chip_cannot_have_is_refused() -> None:
    rule = rule_from_text(TAGGED)
    for profile in ("ideal", "loihi2"):
        with pytest.raises(ConversionRefused, match="no post traces of its own"):
            compile_network(network(changed(rule, post=True)), load_profile(profile))
    with pytest.raises(ConversionRefused, match="graded spikes, such as loihi2"):
        compile_network(network(rule), load_profile("loihi1"))
    net = network(rule)
    driving = (*net.connections, Connection("extra", "reward", "post", np.ones((3, 1))))
    with pytest.raises(ConversionRefused, match="an input of its own"):
        compile_network(replace(net, connections=driving), load_profile("loihi2"))
    with pytest.raises(NetworkError, match="no input and no population"):
        replace(net, connections=(*net.connections[:2], replace(net.connections[2], modulator="absent")))
    with pytest.raises(NetworkError, match="sends 4 values"):
        replace(net, connections=(*net.connections[:2], replace(net.connections[2], modulator="pre")))
    with pytest.raises(NetworkError, match="has no third factor"):
        Connection("c", "pre", "post", np.zeros((3, 4)), 1, None, modulator="reward")


def test_a_form_that_needs_the_tag_is_refused_where_the_rule_has_it() -> None:
    with pytest.raises(NeuroalignError, match="cannot carry"):
        compile_network(
            network(rule_from_text(TAGGED)), load_profile("loihi2"), learning={"learns": RuleChoices(form="exact")}
        )
