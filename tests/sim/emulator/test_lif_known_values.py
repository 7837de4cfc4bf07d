"""Lava's own known answers for its LIF neurons (tests/lava/proc/lif/test_models.py of lava-nc 0.10), all 18 of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from small_chips import chip, neurons, state, wire

from neuroalign.chip import Numbers
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.driver import Implementation

BOTH = pytest.mark.parametrize("implementation", ["kernels", "reference"])
FORMATS = pytest.mark.parametrize("fixed", [True, False])


def driven(
    given: Sequence[int], what: str, implementation: Implementation, *, fixed: bool, size: int = 1, **fields: Any
) -> Numbers:
    """State ``what`` (steps, size) of neurons that receive ``given`` step by step, as Lava's test sources send it."""
    weight = wire("in", "n", np.ones((size, 1)), fixed=fixed, message_bits=16, sign_mode="excitatory")
    network = chip([neurons("n", size, fixed=fixed, **fields)], [weight], 1, message_bits=16, connection_delay_steps=0)
    stimulus = Stimulus({"in": np.asarray(given).reshape(1, -1, 1)})
    return state(Emulator().run(network, stimulus, [("n", what)], implementation=implementation), "n", what)


@BOTH
@FORMATS
@pytest.mark.parametrize("sign", [1, -1])
def test_no_decay_with_a_bias(implementation: Implementation, fixed: bool, sign: int) -> None:
    """A bias of 1/4 of the threshold crosses it in every fifth step, of -1/7 the lower one in every eighth."""
    if sign > 0:
        fields = {"bias_mant": 2, "bias_exp": 6, "threshold": 8} if fixed else {"bias_mant": 1.0, "threshold": 4.0}
        steps, period, low = 10, 5, None
    elif fixed:
        fields, steps, period, low = {"bias_mant": -2, "bias_exp": 6, "threshold": 2}, 10, 5, np.full(10, -8)
    else:
        fields, steps, period, low = {"bias_mant": -1.0, "threshold": 5.0}, 30, 8, np.full(10, -7.0)
    s = driven([0] * steps, "s", implementation, fixed=fixed, size=10, threshold_low=low, **fields)
    expected = np.zeros((steps, 10))
    expected[period - 1 :: period] = sign
    np.testing.assert_array_equal(s, expected)


@BOTH
@FORMATS
def test_ternary_spikes_of_either_sign(implementation: Implementation, fixed: bool) -> None:
    given = [1, 1, 1, -1, -1, -1, -1, -1, -1, 1, 1]
    low: Numbers = np.full(10, -3) if fixed else np.full(10, -3.0)
    s = driven(given, "s", implementation, fixed=fixed, size=10, threshold=5, threshold_low=low)
    expected = np.zeros((11, 10))
    expected[2] = 1
    # the fixed current loses 1/4096 of itself a step, which shows after six steps
    expected[[8, 10] if fixed else [9]] = -1
    np.testing.assert_array_equal(s, expected)


@BOTH
@pytest.mark.parametrize("sign", [1, -1])
@FORMATS
def test_impulse_with_half_the_current_lost_a_step(implementation: Implementation, fixed: bool, sign: int) -> None:
    fields: dict[str, Any] = {"du": 2047, "threshold": 256} if fixed else {"du": 0.5, "threshold": 256.0}
    if sign < 0:
        fields |= {"threshold": 2, "threshold_low": np.array([-256 if fixed else -256.0])}
    u = driven([sign * 128] + [0] * 7, "u", implementation, fixed=fixed, **fields)[:, 0]
    assert u.tolist() == [sign * 2 ** ((13 if fixed else 7) - j) for j in range(8)]


@BOTH
@pytest.mark.parametrize("sign", [1, -1])
@FORMATS
def test_impulse_with_half_the_membrane_lost_a_step(implementation: Implementation, fixed: bool, sign: int) -> None:
    fields: dict[str, Any] = {"dv": 2048, "threshold": 256} if fixed else {"dv": 0.5, "threshold": 256.0}
    if sign < 0:
        fields |= {"threshold": 2, "threshold_low": np.array([-256 if fixed else -256.0])}
    v = driven([sign * 128] + [0] * 7, "v", implementation, fixed=fixed, **fields)[:, 0]
    expected = {
        True: [8192, 12286, 14331, 15351, 15859, 16111, 16235, 16295],
        False: [128, 192, 224, 240, 248, 252, 254, 255],
    }[fixed]
    assert v.tolist() == [sign * value for value in expected]


@BOTH
def test_scaling_of_the_bias(implementation: Implementation) -> None:
    v = driven([0], "v", implementation, fixed=True, bias_mant=2**12 - 1, bias_exp=5, threshold=2**17)
    assert v.tolist() == [[(2**12 - 1) * 2**5]]


@BOTH
@FORMATS
def test_periodic_reset(implementation: Implementation, fixed: bool) -> None:
    """Interval 4, offset 3: u and v start over in steps 3, 7, 11, 15. (Lava's ``du=-1`` is a decay of 0.)"""
    k = np.arange(10)
    fields: dict[str, Any] = {"u_offset": 0} if fixed else {}
    fields |= {"u0": k * 1, "bias_mant": k + 1, "threshold": 100, "reset_interval": 4, "reset_offset": 3}
    if not fixed:
        fields |= {"u0": k * 1.0, "bias_mant": k + 1.0, "threshold": 100.0}
    u = driven([0] * 16, "u", implementation, fixed=fixed, size=10, **fields)
    v = driven([0] * 16, "v", implementation, fixed=fixed, size=10, **fields)
    np.testing.assert_array_equal(u, np.vstack([np.tile(k, (2, 1)), np.zeros((14, 10))]))
    before = np.outer([1, 2], 2 * k + 1)
    after = np.outer(1 + np.arange(14) % 4, k + 1)
    np.testing.assert_array_equal(v, np.vstack([before, after]))


@BOTH
@FORMATS
def test_refractory_steps(implementation: Implementation, fixed: bool) -> None:
    """Lava's answers are for floats; the same neurons in integers have the membranes times 2**6."""
    fields: dict[str, Any] = {"bias_mant": np.array([1.0, 2.0]), "threshold": 4.0}
    if fixed:
        fields = {"bias_mant": np.array([1, 2]), "bias_exp": 6, "threshold": 4}
    v = driven([0] * 8, "v", implementation, fixed=fixed, size=2, refractory_steps=1, **fields)
    expected = np.array([[1, 2, 3, 4, 0, 0, 1, 2], [2, 4, 0, 0, 2, 4, 0, 0]]).T
    np.testing.assert_array_equal(v, expected * (64 if fixed else 1))
