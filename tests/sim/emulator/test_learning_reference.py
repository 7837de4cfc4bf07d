"""What Lava cannot show: Float64 without Lava's NaN, real coefficients, refusals, counters; and order by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.errors import InputError, RuleError
from neuroalign.microcode import Factor, Product, Program, Trace
from neuroalign.microcode.text import program_from_text
from neuroalign.sim.emulator.learning_reference import PlasticState, plastic_state

Array = NDArray[Any]


def step(state: PlasticState, t: int, pre: list[int], post: list[int]) -> None:
    state.record_source(t, np.array(pre))
    state.record_target(t, np.array(post))
    state.learn(t)


def test_float_traces_follow_the_closed_form() -> None:
    program = program_from_text("y0*x1", x1=Trace(2.5, 7.0))
    state = plastic_state(program, np.zeros((1, 1)), fixed=False)
    spikes = [1, 0, 0, 1, 0, 0, 0]
    for t, pre in enumerate(spikes, start=1):
        step(state, t, [pre], [0])
    expected = 2.5 * (np.exp(-6 / 7.0) + np.exp(-3 / 7.0))
    np.testing.assert_allclose(state.x[0, 0], expected, rtol=1e-14)


@pytest.mark.parametrize("fixed", [True, False])
def test_an_idle_trace_is_cleared_and_not_nan(fixed: bool) -> None:
    program = program_from_text("u0*(y3+4)*x2", x2=Trace(0, 0), y3=Trace(0, 0), t_epoch=2)
    state = plastic_state(program, np.zeros((2, 3)), fixed=fixed)
    state.x = state.x + 9  # a trace somebody set
    for t in range(1, 5):
        step(state, t, [1, 0, 1], [1, 0])
    assert not state.x.any()
    assert not state.y.any()
    assert not state.weight.any()


def test_real_coefficients_run_in_float_only() -> None:
    program = Program(dw=(Product("x0", 0.3, 0, (Factor("w", 1.5),)),))
    state = plastic_state(program, np.full((1, 1), 2.0), fixed=False)
    step(state, 1, [1], [0])
    assert state.weight[0, 0] == 2.0 + 0.3 * 3.5
    with pytest.raises(RuleError, match=r"0\.3 is real and needs Float64; the nearest integer one is 5\*2\^-4"):
        plastic_state(program, np.zeros((1, 1)), fixed=True)


def test_the_three_variables_read_the_values_before_the_update() -> None:
    program = program_from_text("x0*t", "x0*w", "x0*d")
    state = plastic_state(program, np.array([[10.0]]), fixed=False, delay=np.array([[20.0]]), tag=np.array([[40.0]]))
    step(state, 1, [1], [0])
    assert (state.weight[0, 0], state.delay[0, 0], state.tag[0, 0]) == (10 + 40, 20 + 10, 40 + 20)


def test_a_dependency_reads_traces_at_its_last_spike() -> None:
    program = program_from_text("x0*y1", t_epoch=4, y1=Trace(8, 5))
    state = plastic_state(program, np.zeros((1, 2)), fixed=False)
    for t, (pre, post) in enumerate([([0, 1], 0), ([0, 0], 1), ([1, 0], 0), ([0, 0], 0)], start=1):
        step(state, t, pre, [post])
    # the first source spikes one step after the target, the second before it
    np.testing.assert_allclose(state.weight, [[8 * np.exp(-1 / 5), 0]], rtol=1e-14)


def test_uk_acts_every_two_to_the_k_epochs() -> None:
    program = program_from_text("u2*(y3+1)", t_epoch=3, y3=Trace(0, 0))
    state = plastic_state(program, np.zeros((1, 1)), fixed=True)
    changes = []
    for t in range(1, 49):
        before = state.weight[0, 0]
        step(state, t, [0], [0])
        if state.weight[0, 0] != before:
            changes.append(t)
    assert changes == [12, 24, 36, 48]


def test_limited_updates_are_counted() -> None:
    program = program_from_text("7*2^4*x0", dt="-7*2^8*y0")
    state = plastic_state(program, np.zeros((1, 2)), fixed=True)
    for t in range(1, 5):
        step(state, t, [1, 0], [1])
    # 112 a step: 112, 224, 255, 255; both tags fall below their end at once and are limited in each step
    assert state.weight.tolist() == [[255, 0]]
    assert state.counts == {"weight_limited": 2, "tag_limited": 8}


def test_signs_are_kept_in_both_formats() -> None:
    program = program_from_text("-7*2^3*x0", "-x0")
    for fixed in (True, False):
        state = plastic_state(program, np.array([[30]]), fixed=fixed, sign_mode="excitatory")
        step(state, 1, [1], [0])
        assert (state.weight[0, 0], state.delay[0, 0]) == (0, 0)


@pytest.mark.parametrize(
    ("weight", "delay", "message"),
    [
        (np.zeros(3), None, r"shape \(3,\); \(targets, sources\)"),
        (np.full((1, 1), np.nan), None, "weight is not finite"),
        (np.full((1, 1), 0.5), None, "weight must be whole numbers"),
        (np.full((1, 1), 40000), None, "at most 32767"),
        (np.zeros((1, 2)), np.zeros((2, 1)), r"delay has shape \(2, 1\) but the weights have \(1, 2\)"),
    ],
)
def test_initial_values_are_checked(weight: Array, delay: Array | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plastic_state(program_from_text("x0*w"), weight, fixed=True, delay=delay)
