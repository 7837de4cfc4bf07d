"""SAL on chip outside the emulator's networks: its compiled synapses are the engine's, and what the experiments learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuroalign.errors import RuleError
from neuroalign.experiments import sal_microcircuit_chip, sal_sampling_chip
from neuroalign.experiments.chip_synapses import compiled, decay_traces, learn
from neuroalign.experiments.sal_lif import lif_layer_network, noise, run_lif_layer
from neuroalign.experiments.sal_sampling import start_of
from neuroalign.microcode import Program, Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.profile import load_profile
from neuroalign.quantise.held_rule import HeldRule
from neuroalign.quantise.learning import hold_rule
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.reproduce.sal_chip_tasks import held_programs
from neuroalign.rules.sal import sal
from neuroalign.sim.emulator.learning_reference import plastic_state


def held(rule: Any, form: str, impulses: dict[str, int] | None = None) -> HeldRule:
    choices = RuleChoices(form=form, k=3, t_epoch=1, impulses=impulses)  # type: ignore[arg-type]
    return hold_rule(rule, rule.name, load_profile("loihi2"), 1e-3, 2.0 / 255, choices, free_unit=False)


PROGRAMS = {
    "sal, exact": lambda: held(sal(eta=2.0), "exact").program,
    "sal, sgn": lambda: held(sal(eta=2.0), "sgn").program,
    "sal, stochastic": lambda: held(sal(eta=2.0), "stochastic").program,
    "third factor": lambda: held(sal_microcircuit_chip.weight_rules()["hidden"], "exact").program,
    "w and tag": lambda: program_from_text(
        "2^-3*x0*y1*w - 3*2^-7*y0*x1*(t+5)", dt="2^-1*x0*x2 - u2*t", x1=Trace(30, 8.0), x2=Trace(9, 30.0), y1=Trace(20, 5.0)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_compiled_synapses_are_the_engines(name: str) -> None:
    """Weights, tags and traces after every step, with the engine's own draws."""
    program, third = PROGRAMS[name](), name == "third factor"
    rng = np.random.default_rng(3)
    start = 2 * rng.integers(-100, 100, (3, 4))
    state = plastic_state(program, start, fixed=True, modulated=third)
    arrays = compiled(program, third_factor=third)
    w, t = start.copy(), np.zeros_like(start)
    x, y = np.zeros((2, 4), dtype=np.int64), np.zeros((3, 3), dtype=np.int64)
    for step in range(1, 601):
        pre, post = rng.random(4) < 0.1, rng.random(3) < 0.1
        state.record_source(step, pre.astype(np.int64))
        state.record_target(step, post.astype(np.int64))
        if third:
            y = np.zeros((3, 3), dtype=np.int64)
            y[2] = rng.integers(1, 128, 3)
            state.receive(y.copy())
        draws = state.streams
        decay_x, decay_y, draw = draws.decay_x[2 * step], draws.decay_y[2 * step], draws.rounding[step]
        state.learn(step)
        decay_traces(x, arrays.decay, arrays.impulse, 0, pre, decay_x)
        decay_traces(y, arrays.decay, arrays.impulse, 2, post, decay_y)
        moves = bool(arrays.period) and step % arrays.period == 0
        learn(arrays.products, arrays.factors, w, t, x, y, pre, post, moves, draw)
        np.testing.assert_array_equal(w, state.weight)
        np.testing.assert_array_equal(t, state.tag)
        np.testing.assert_array_equal(x, state.x)
        if not third:
            np.testing.assert_array_equal(y, state.y)
    assert np.count_nonzero(w != start) > 6


def test_programs_that_are_not_compiled() -> None:
    for program in (
        Program(dw=held(sal(), "exact").program.dw, y3=Trace(0, 0), t_epoch=2),
        Program(dd=PROGRAMS["sal, exact"]().dw, y3=Trace(0, 0)),
    ):
        with pytest.raises(RuleError, match="use the emulator"):
            compiled(program)


def test_wake_sleep_and_sal_are_held_without_error() -> None:
    rules = sal_sampling_chip.phase_rules(sal_sampling_chip.SPEED, aligned=True)
    choices = RuleChoices(form="exact", tag_bits=8, k=4)
    for rule in rules.values():
        impulses = dict.fromkeys(rule.traces, sal_sampling_chip.IMPULSE)
        one = RuleChoices(form="exact", tag_bits=8, k=4, impulses=impulses) if impulses else choices
        found = hold_rule(rule, "c", load_profile("loihi2"), 1e-3, sal_sampling_chip.UNIT, one, free_unit=False)
        rows = [row for row in found.rows if row.quantity.startswith("term ")]
        assert rows
        assert max(row.relative_error for row in rows) < 1e-12


def test_sal_makes_chip_weights_symmetric_and_wake_sleep_alone_does_not() -> None:
    chip = sal_sampling_chip
    found = {}
    for aligned in (False, True):
        rules = chip.phase_rules(chip.SPEED, aligned=aligned)
        programs = chip.ChipRules(**held_programs(rules, chip.UNIT, chip.IMPULSE))
        found[aligned] = chip.run_chip_sampling(programs, 1, 0.8, cycles=40, validation_sleeps=1)
    start = start_of(np.random.default_rng([1, 7]), 0.8)[2]
    upper = np.triu_indices(len(start), 1)
    before = float(np.var((start - start.T)[upper]))
    assert found[False].asymmetry > 0.8 * before
    assert found[True].asymmetry < 0.4 * before
    assert not np.diag(found[True].weight).any()


def test_the_chips_microcircuit_learns_from_its_third_factor() -> None:
    chip = sal_microcircuit_chip
    programs = chip.ChipRules(**held_programs(chip.weight_rules(), chip.UNIT, 127))
    result = chip.run_chip_microcircuit(programs, 0, epochs=8, teacher_steps=20_000)
    assert result.loss[-1] < 0.5 * result.loss[0]
    assert result.weights[0, 1] != result.weights[-1, 1]


def test_lif_neurons_align_a_little_in_a_short_run_and_spike_by_noise() -> None:
    network = lif_layer_network(0, sal(), 20)
    given = noise(0, 500, 20)
    assert {port.name: port.size for port in network.inputs} == {n: v.shape[2] for n, v in given.inputs.items()}
    assert abs(float(given.inputs["noise_lower"].mean()) - 0.2) < 0.01

    from neuroalign.reproduce.learners import weights_for

    result = run_lif_layer(weights_for("float", "emulator", []), 0, [1000, 30_000], rule=sal(eta=1.0), size=20)
    assert result.angle[1] < result.angle[0] - 10
