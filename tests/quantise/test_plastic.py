"""Initial weights of connections that learn: what the chip holds, whatever the model starts from."""

from __future__ import annotations

import numpy as np
import pytest
from plastic_models import estimating

from neuroalign.compile import compile_network
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.recording import Stimulus
from neuroalign.rule.text import rule_from_text
from neuroalign.rules import sal
from neuroalign.sim.emulator import Emulator


def test_weights_beyond_their_limit_start_at_the_largest_even_one() -> None:
    weight = np.array([[-3.0, 3.0], [1.0, -1.0], [0.5, 0.0]])
    choices = RuleChoices(weight_limit=1.0)
    chip, table = compile_network(estimating(sal(), weight), load_profile("loihi2"), learning={"learns": choices})
    (held,) = (c for c in chip.connections if c.plasticity is not None)
    assert held.plasticity is not None
    assert held.weight[0].tolist() == [-256, 254]
    rest = held.weight[1:] * held.plasticity.weight_unit
    assert abs(rest - weight[1:]).max() < 1.001 * held.plasticity.weight_unit  # initial weights are even
    assert not (held.weight % 2).any()
    (row,) = (r for r in table.rows if (r.where, r.quantity) == ("learns", "initial weight"))
    assert row.saturated == 2
    stimulus = Stimulus({port.name: np.zeros((1, 2, port.size)) for port in chip.inputs})
    found = Emulator().run(chip, stimulus, [("learns", "w")], implementation="reference")
    np.testing.assert_array_equal(found.states["learns", "w"][0, -1], held.weight)


def test_learning_phases_are_those_of_the_model_however_late_the_chip_is() -> None:
    network = estimating(sal(), np.zeros((2, 2)), learning=((5, 9),))
    chip, _ = compile_network(network, load_profile("loihi2"))
    lag = chip.population("post").latency_steps
    steps = 20
    # post spikes one step after pre in every second step, so that every step has a change
    spikes = {"a": np.arange(steps) % 2 == 0, "b": np.arange(steps) % 2 == 1}
    stimulus = chip_stimulus(Stimulus({name: np.repeat(s[None, :, None], 2, 2) for name, s in spikes.items()}), chip)
    reads = range(1, stimulus.steps + chip.latency_steps + 1)
    found = Emulator().run(
        chip, stimulus, [("learns", "t"), ("learns", "w")], read_steps=reads, implementation="reference"
    )
    total = np.concatenate([found.states["learns", s][0].reshape(len(reads), -1) for s in "tw"], axis=1)
    changed = np.flatnonzero((np.diff(total, axis=0, prepend=0) != 0).any(axis=1)) + 1
    assert lag > 0
    assert changed.tolist() == [step + lag for step in range(5, 9)]


@pytest.mark.parametrize(
    ("dw", "waits"), [("x*y*(1 - y)*dt*2 Hz", False), ("x*y*dt*2 Hz - 0.1 Hz*dt", True), ("x*dt*2 Hz", True)]
)
def test_terms_of_every_step_wait_only_where_they_would_act_before_the_first_spike(dw: str, waits: bool) -> None:
    """Without phases a rule such as BCM goes into a Lava script, whose processes always learn."""
    traces = "x = trace of pre, tau 20 ms\n" + ("y = trace of post, tau 20 ms\n" if "y" in dw else "")
    rule = rule_from_text(f"rule t: t\n{traces}dw = {dw}\nlimit = 1")
    chip, _ = compile_network(estimating(rule, np.zeros((3, 4))), load_profile("loihi2"))
    (plasticity,) = (c.plasticity for c in chip.connections if c.plasticity is not None)
    assert bool(plasticity.phases) == waits
