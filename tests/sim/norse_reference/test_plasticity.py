"""Plasticity on Norse's neurons against closed forms and against the rule written out in loops over synapses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from plastic_models import DT, driving, estimating, spike_input, written_out

from neuroalign.errors import InputError
from neuroalign.recording import Recording, Stimulus
from neuroalign.rule import LearningRule, RuleTrace, Term
from neuroalign.rules import pair_stdp, stdwi
from neuroalign.sim.norse_reference.backend import NorseReference

pytestmark = pytest.mark.norse
pytest.importorskip("torch")
pytest.importorskip("norse")

ALL_TERMS = LearningRule(
    name="all-terms",
    title="every kind of factor",
    equation="",
    source="made for this test",
    symbols=(),
    traces={
        "a": RuleTrace("pre", 0.012, 2.0),
        "b": RuleTrace("pre", 0.05),
        "c": RuleTrace("post", 0.02, 0.5),
        "d": RuleTrace("post", 0.1),
        "e": RuleTrace("post", 0.003),
    },
    weight=(Term(0.02, "post", ("a", "d")), Term(-0.01, "pre", ("c", "w")), Term(0.3, "pre", ("tag", "e"))),
    tag=(Term(0.01, "post", ("b", "w")), Term(-0.05, "pre", ("tag", "tag")), Term(0.002, "pre")),
)


def spikes_at(steps: int, **times: list[list[int]]) -> Stimulus:
    """Input name to the steps (from 1) at which each of its channels spikes."""
    arrays = {}
    for name, channels in times.items():
        arrays[name] = np.zeros((1, steps, len(channels)), dtype=np.uint8)
        for channel, own in enumerate(channels):
            arrays[name][0, [t - 1 for t in own], channel] = 1
    return Stimulus(arrays)


def run(network: object, stimulus: Stimulus, *states: str, reads: range | None = None) -> Recording:
    probes = [("learns", state) for state in states] + [("post", "s")]
    return NorseReference().run_model(network, stimulus, probes, read_steps=reads)  # type: ignore[arg-type]


@pytest.mark.parametrize("lag", [-7, -1, 0, 1, 12])
def test_one_pair_changes_the_weight_by_its_closed_form(lag: int) -> None:
    rule = pair_stdp(potentiation=0.03, depression=0.05, tau_pre=0.02, tau_post=0.04)
    stimulus = spikes_at(40, a=[[20]], b=[[20 + lag]])
    w = run(estimating(rule, np.array([[0.4]])), stimulus, "w").states["learns", "w"]
    potentiation = 0.03 * math.exp(-lag * DT / 0.02) if lag >= 0 else 0.0
    depression = 0.05 * math.exp(lag * DT / 0.04) if lag <= 0 else 0.0
    assert w.shape == (1, 1, 1, 1)
    assert w.item() == pytest.approx(0.4 + potentiation - depression, rel=1e-12)


@pytest.mark.parametrize("rule", [pair_stdp(), stdwi(learning_rate=0.01), ALL_TERMS], ids=lambda r: r.name)
def test_a_rule_equals_itself_written_out_synapse_by_synapse(rule: LearningRule) -> None:
    weight = np.random.default_rng(3).uniform(-0.5, 0.5, (2, 3))
    network = estimating(rule, weight)
    stimulus = spike_input(network, 1, 150, samples=2, rate=0.15)
    slots = ("x1", "x2", "y1", "y2", "y3")
    names = dict(zip(("a", "b", "c", "d", "e"), slots, strict=True)) if rule is ALL_TERMS else {}
    states = run(network, stimulus, "w", "t", *names.values(), reads=range(1, 151)).states
    for sample in range(2):
        wanted = written_out(rule, weight, stimulus.inputs["a"][sample], stimulus.inputs["b"][sample], DT)
        for state, name in {"w": "w", "t": "tag", **{slot: name for name, slot in names.items()}}.items():
            oracle = np.array([after[name] for after in wanted])
            np.testing.assert_allclose(states["learns", state][sample], oracle, rtol=1e-11, atol=1e-14)
    assert not np.allclose(states["learns", "w"][0, -1], states["learns", "w"][1, -1])


def test_a_spike_carries_the_weight_of_before_its_own_step_and_arrives_one_step_later() -> None:
    rule = LearningRule("grow", "", "", "", (), {}, (Term(0.25, "pre"),))
    network = driving(rule, 0, recurrent=False)
    stimulus = spike_input(network, 0, 120)
    probes = [("p", "s"), ("q", "a"), ("learns", "w")]
    states = NorseReference().run_model(network, stimulus, probes, read_steps=range(1, 121)).states
    weight = {c.name: c.weight for c in network.connections}["learns"]
    spikes = states["p", "s"][0].astype(float)
    before = np.concatenate([weight[None], states["learns", "w"][0, :-1]])
    sent = np.einsum("tij,tj->ti", before, spikes)
    np.testing.assert_allclose(states["q", "a"][0, 1:], sent[:-1], rtol=1e-12)
    np.testing.assert_array_equal(states["q", "a"][0, 0], 0)
    assert spikes.sum() > 20


def test_a_longer_delay_delays_the_arrival_and_not_the_learning() -> None:
    short = driving(pair_stdp(), 1, recurrent=False, drives=True)
    late = replace(short, connections=(short.connections[0], replace(short.connections[1], delay_steps=4)))
    stimulus = spike_input(late, 1, 100)
    states = (
        NorseReference()
        .run_model(late, stimulus, [("p", "s"), ("q", "s"), ("q", "a"), ("learns", "w")], read_steps=range(1, 101))
        .states
    )
    p, q = states["p", "s"][0], states["q", "s"][0]
    wanted = written_out(pair_stdp(), late.connections[1].weight, p, q, DT)
    np.testing.assert_allclose(states["learns", "w"][0], [after["w"] for after in wanted], rtol=1e-12)
    before = np.concatenate([late.connections[1].weight[None], states["learns", "w"][0, :-1]])
    np.testing.assert_allclose(
        states["q", "a"][0, 4:], np.einsum("tij,tj->ti", before, p.astype(float))[:-4], rtol=1e-12
    )


def test_a_connection_that_only_learns_leaves_its_target_alone() -> None:
    network = driving(pair_stdp(), 2, recurrent=True, drives=False)
    stimulus = spike_input(network, 2, 300)
    without = replace(network, connections=network.connections[:2])
    learnt = NorseReference().run_model(network, stimulus, [("q", "s"), ("q", "v"), ("learns", "w")])
    static = NorseReference().run_model(without, stimulus, [("q", "s"), ("q", "v")])
    for state in ("s", "v"):
        np.testing.assert_array_equal(learnt.states["q", state], static.states["q", state])
    assert (learnt.states["learns", "w"][0, 0] != network.connections[2].weight).any()


def test_outside_learning_phases_weights_and_tags_rest_while_traces_run_on() -> None:
    weight = np.full((2, 3), 0.3)
    phases = ((20, 40), (90, 100))
    stimulus = spike_input(estimating(ALL_TERMS, weight), 4, 120, rate=0.2)
    for (
        array
    ) in stimulus.inputs.values():  # every neuron spikes at the ends of the phases, so that each step could learn
        array[:, [start_or_stop - back for pair in phases for start_or_stop in pair for back in (1, 2)]] = 1
    probes = ("w", "t", "x1", "x2", "y1", "y2", "y3")
    always = run(estimating(ALL_TERMS, weight), stimulus, *probes, reads=range(1, 121)).states
    phased = run(estimating(ALL_TERMS, weight, learning=phases), stimulus, *probes, reads=range(1, 121)).states
    for slot in probes[2:]:
        np.testing.assert_array_equal(always["learns", slot], phased["learns", slot])
    for state in ("w", "t"):
        values = phased["learns", state][0]
        moved = [step for step in range(2, 121) if (values[step - 1] != values[step - 2]).any()]
        assert all(any(start <= step < stop for start, stop in phases) for step in moved)
        assert {20, 39, 90, 99} <= set(moved)


def test_reads_are_the_last_step_unless_given_and_say_when_they_were_made() -> None:
    network = estimating(pair_stdp(), np.zeros((2, 3)))
    stimulus = spike_input(network, 5, 50, samples=3)
    every = run(network, stimulus, "w", "x1", "y1", reads=range(1, 51))
    last = run(network, stimulus, "w")
    some = NorseReference().run_model(network, stimulus, [("learns", "w")], read_steps=[50, 7, 50])
    assert (every.read_steps, last.read_steps, some.read_steps) == (tuple(range(1, 51)), (50,), (7, 50))
    assert every.states["learns", "x1"].shape == (3, 50, 3)
    assert every.states["learns", "y1"].shape == (3, 50, 2)
    np.testing.assert_array_equal(last.states["learns", "w"], every.states["learns", "w"][:, -1:])
    assert NorseReference().run_model(network, stimulus, [("post", "s")]).read_steps == ()
    np.testing.assert_array_equal(some.states["learns", "w"], every.states["learns", "w"][:, [6, 49]])


@pytest.mark.parametrize("reads", [[0], [51], [3, 2.5], [7, -1]])
def test_read_steps_outside_the_run_are_refused(reads: list[float]) -> None:
    network = estimating(pair_stdp(), np.zeros((2, 3)))
    with pytest.raises(InputError, match="the run has steps 1 to 50"):
        NorseReference().run_model(network, spike_input(network, 0, 50), [("learns", "w")], read_steps=reads)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("probe", "message"),
    [(("learns", "x2"), "no state 'x2' here; one of w, t, x1, y1"), (("a_pre", "w"), "the connection has no rule")],
)
def test_a_probe_of_what_is_not_there_is_refused(probe: tuple[str, str], message: str) -> None:
    network = estimating(pair_stdp(), np.zeros((2, 3)))
    with pytest.raises(InputError, match=message):
        NorseReference().run_model(network, spike_input(network, 0, 10), [probe])
