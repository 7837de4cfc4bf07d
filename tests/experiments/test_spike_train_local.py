"""The local form: the same on Norse's neurons, on the emulator in float, and on chip but for rounding; and that it learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuroalign.chip import ChipNetwork
from neuroalign.experiments.sal_layers import WeightsOf
from neuroalign.experiments.spike_train_chip import OUTPUT, Form, LocalRule, local_chip
from neuroalign.experiments.spike_train_hidden import feedback_weights, run_hidden
from neuroalign.experiments.spike_train_local import (
    LocalProtocol,
    LocalResult,
    Start,
    random_targets,
    run_local,
    van_rossum,
)
from neuroalign.fidelity.learning import angle_degrees
from neuroalign.learners import chip_weights
from neuroalign.profile import load_profile
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator

SHORT = LocalProtocol(inputs=40, mean=15.0, spread=60.0, pattern=150, pause=30, shows=3)


def emulated(network: ChipNetwork, probes: Sequence[tuple[str, str]]) -> Any:
    return Emulator().start(network, list(probes))


def weights_of() -> WeightsOf:
    return chip_weights(Emulator(), load_profile("ideal"))


def test_van_rossum() -> None:
    spike, nothing = np.zeros((400, 1)), np.zeros((400, 1))
    spike[100] = 1
    assert van_rossum(spike, nothing, 10.0)[0] == pytest.approx(0.5, abs=1e-9)
    assert van_rossum(spike, spike, 10.0)[0] == 0
    late = np.roll(spike, 5, axis=0)
    # of two exponentials apart by d: 1 - exp(-d / tau)
    assert van_rossum(spike, late, 10.0)[0] == pytest.approx(1 - np.exp(-0.5), abs=1e-9)


def test_targets_are_five_spikes_apart() -> None:
    p = LocalProtocol()
    targets = random_targets(p, 30, np.random.default_rng(1))
    assert (targets.sum(axis=0) == 5).all()
    for times in (np.flatnonzero(t) for t in targets.T):
        assert np.diff(times).min() >= 20
        assert times[0] >= 20
        assert times[-1] < p.pattern - 20


@pytest.mark.norse
@pytest.mark.parametrize("hidden", [False, True])
def test_norse_neurons_and_the_program_in_float_agree(hidden: bool) -> None:
    pytest.importorskip("norse")
    from neuroalign.reproduce.spike_train_norse import NorseStepper

    rule = LocalRule(error_gain=20.0, spike_gain=8.0)

    def on_norse(network: ChipNetwork, probes: Sequence[tuple[str, str]]) -> NorseStepper:
        return NorseStepper(network, probes, rule)

    def run(start: Start) -> LocalResult:
        if hidden:
            return run_hidden(
                start, weights_of(), 2, "float", "transpose", rule=rule, protocol=SHORT, record=True
            ).learnt
        return run_local(start, 2, "float", rule=rule, protocol=SHORT, outputs=2, record=True)

    norse, program = run(on_norse), run(emulated)
    for name, values in program.weights.items():
        np.testing.assert_allclose(norse.weights[name], values, rtol=1e-9, atol=1e-9)
        assert np.ptp(values) > 0
    for name, values in program.sent.items():
        np.testing.assert_allclose(norse.sent[name], values, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(norse.distance, program.distance, rtol=1e-9)
    assert program.distance[0].sum() != program.distance[-1].sum()


def replayed(network: ChipNetwork, result: LocalResult) -> Any:
    """Everything that was sent, shown to the readable emulator at once: the loop is closed where it gives the same."""
    stimulus = Stimulus({name: values[None] for name, values in result.sent.items()})
    probes = [("input to output", state) for state in ("w", "t", "x1", "x2", "y1", "y2", "y3")]
    return Emulator().run(network, stimulus, [*probes, (OUTPUT, "s")], implementation="reference")


def test_stepped_and_replayed_are_one() -> None:
    result = run_local(emulated, 4, "chip", protocol=SHORT, outputs=2, record=True)
    rng = np.random.default_rng([4, 31])
    p = SHORT
    rng.random((p.pattern, p.inputs))
    random_targets(p, 2, rng)
    network = local_chip(LocalRule(), "chip", (rng.normal(p.mean, p.spread, (2, p.inputs)),), (True,), 4)
    found = replayed(network, result)
    np.testing.assert_array_equal(found.states["input to output", "w"][0, -1], result.weights["input to output"])


@pytest.mark.parametrize("form", ["float", "chip"])
def test_a_target_is_learnt_and_only_with_a_teacher(form: Form) -> None:
    taught = run_local(emulated, 1, form, protocol=LocalProtocol(shows=30))
    assert taught.after < 0.8 * taught.before
    untaught = run_local(emulated, 1, form, protocol=LocalProtocol(shows=10), teacher="none")
    assert taught.after < untaught.distance[-1].mean()


def test_sal_brings_feedback_to_the_transpose() -> None:
    rng = np.random.default_rng(1)
    forward, guess = rng.normal(12, 70, (4, 20)), rng.normal(12, 70, (20, 4))
    found = feedback_weights(weights_of(), 1, forward, guess, "sal")
    assert (angle_degrees(forward.T, guess) or 0) > 70
    assert (angle_degrees(forward.T, found) or 90) < 25
    assert not feedback_weights(weights_of(), 1, forward, guess, "none").any()


def test_hidden_neurons_follow_aligned_feedback() -> None:
    p = LocalProtocol(shows=20)
    found = {f: run_hidden(emulated, weights_of(), 0, "float", f, protocol=p).learnt for f in ("transpose", "random")}
    assert found["transpose"].after < 0.8 * found["transpose"].before
    assert found["transpose"].after < found["random"].after


def test_no_feedback_changes_nothing() -> None:
    result = run_hidden(emulated, weights_of(), 1, "chip", "none", protocol=SHORT)
    assert np.ptp(result.learnt.weights["input to hidden"]) > 0
    fresh = run_hidden(emulated, weights_of(), 1, "chip", "none", protocol=replace(SHORT, shows=1))
    np.testing.assert_array_equal(fresh.learnt.weights["input to hidden"], result.learnt.weights["input to hidden"])


def test_senders_send_what_a_trace_holds() -> None:
    result = run_local(emulated, 5, "chip", protocol=LocalProtocol(shows=2), record=True)
    sent: Mapping[str, Any] = result.sent
    for name, values in sent.items():
        if name != "input":
            assert values.min() >= 0
            assert values.max() <= 127
    assert {int(v) for v in np.unique(sent[f"{OUTPUT} spikes"])} == {40, 64, 88}
