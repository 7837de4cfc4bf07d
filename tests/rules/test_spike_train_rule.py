"""The spike-train rule as a rule of the project: its equations in loops, and how the chip holds its eligibility."""

from __future__ import annotations

import numpy as np
from plastic_models import DT, relay

from neuroalign.compile import compile_network
from neuroalign.network import Connection, InputPort, Network
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import rule_sheet
from neuroalign.recording import Stimulus
from neuroalign.rules import load_rule
from neuroalign.rules.spike_train import spike_train
from neuroalign.sim.emulator import Emulator

STEPS = 300


def network() -> Network:
    return Network(
        "rule",
        DT,
        (InputPort("a", (5,)), InputPort("b", (3,)), InputPort("error", (3,))),
        (relay("pre", 5), relay("post", 3)),
        (
            Connection("a_pre", "a", "pre", np.eye(5)),
            Connection("b_post", "b", "post", np.eye(3)),
            Connection("learns", "pre", "post", np.full((3, 5), 0.2), 1, load_rule("spike-train"), drives=False),
        ),
        (("out", "post"),),
    )


def stimulus() -> Stimulus:
    """Spikes, and the error that they make against a desired train."""
    rng = np.random.default_rng(4)
    a, b, desired = ((rng.random((STEPS, n)) < 0.05).astype(np.uint8) for n in (5, 3, 3))
    error, r = np.zeros((STEPS, 3)), np.zeros(3)
    for t in range(STEPS):
        r = r * np.exp(-DT / 0.008) + desired[t].astype(float) - b[t]
        error[t] = np.clip(r, -2, 2)
    return Stimulus({"a": a[None], "b": b[None], "error": error[None]})


def test_the_ideal_profile_is_the_rule_in_loops() -> None:
    given = stimulus()
    m, s, z, w = np.zeros(5), np.zeros(5), np.zeros((3, 5)), np.full((3, 5), 0.2)
    for t in range(STEPS):
        a, b, r = (given.inputs[n][0, t].astype(float) for n in ("a", "b", "error"))
        m, s = m * np.exp(-DT / 0.015) + a, s * np.exp(-DT / 0.005) + a
        w, z = w - 0.8 * DT * r[:, None] * z, z + np.outer(b, m - s) - z * DT / 0.008
    chip, _ = compile_network(network(), load_profile("ideal"))
    found = Emulator().run(chip, chip_stimulus(given, chip), [("learns", "w")]).states["learns", "w"][0, -1]
    np.testing.assert_allclose(found, w, rtol=0, atol=1e-12)
    assert np.abs(w - 0.2).max() > 1e-4


def test_the_chip_lets_the_eligibility_decay_without_swinging() -> None:
    """T is 8 steps: acting every 16 steps would turn the tag round instead of letting it decay."""
    sheet = rule_sheet(spike_train(), load_profile("loihi2"), DT, RuleChoices())
    assert sheet.held is not None
    program = sheet.held.program
    assert program.k is not None
    assert 2**program.k * DT <= 0.008 / 2
    decay = next(p for p in program.tag_update if p.dependency == "u")
    assert -0.5 <= decay.coefficient < 0


def test_the_error_decides_the_sign() -> None:
    """An output later than desired: negative error at its spike, weights of active inputs rise, and it comes earlier."""
    given = stimulus()
    for sign in (1, -1):
        error = np.full_like(given.inputs["error"], sign * 0.5)
        chip, _ = compile_network(network(), load_profile("ideal"))
        one = Stimulus({**given.inputs, "error": error})
        found = Emulator().run(chip, chip_stimulus(one, chip), [("learns", "w")]).states["learns", "w"][0, -1]
        assert (sign * (found - 0.2)).max() <= 0
        assert (sign * (found - 0.2)).min() < 0
