"""What the table promises of a population's states, against the emulator under the worst input."""

from __future__ import annotations

import numpy as np
import pytest
from small_chips import chip, neurons, wire

from neuroalign.profile import load_profile
from neuroalign.quantise.formats import integer_formats
from neuroalign.quantise.headroom import headroom_row, reach
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator

FORMATS = integer_formats(load_profile("loihi2"))
ONE = np.ones(1)


@pytest.mark.parametrize(("threshold", "highest"), [(14.0, 21.0), (20.0, 21.0), (21.0, 28.0)])
def test_a_membrane_rises_beyond_its_threshold_by_its_drive(threshold: float, highest: float) -> None:
    v, seen = 0.0, []
    for _ in range(20):  # drive 7, no leak: it stops at the threshold, then goes one drive further
        v += 7
        seen.append(v)
        v = 0.0 if v > threshold else v
    assert max(seen) == highest
    bounds = reach(0 * ONE, 0 * ONE, 7 * ONE, (ONE, 0.001 * ONE), threshold * ONE)
    assert highest <= bounds.membrane_drive + bounds.membrane_input == threshold + 7


def test_without_a_threshold_drive_and_input_end_where_the_leak_balances_them() -> None:
    bounds = reach(2 * ONE, 3 * ONE, 5 * ONE, (0.5 * ONE, 0.1 * ONE), None)
    assert bounds.current.tolist() == [6.0]
    assert (bounds.membrane_drive + bounds.membrane_input).tolist() == pytest.approx([(5 + 2 / 0.5) / 0.1])


@pytest.mark.parametrize(("last", "wraps"), [(-1, False), (-3, True)])
def test_a_negative_exponent_rounds_the_sum_down_by_a_unit(last: int, wraps: bool) -> None:
    """-262143 >> 1 is -131072, which the shift by 6 brings to -2^23: half a unit beyond what the weights say."""
    weight = np.full((1, 1029), -255)
    weight[0, -1] = last
    population = neurons("n", 1, du=4095)
    connection = wire("in", "n", weight, weight_exp=-1, sign_mode="inhibitory")
    network = chip([population], [connection], 1029)
    found = Emulator().run(network, Stimulus({"in": np.ones((1, 4, 1029))}), [], implementation="reference")
    assert (found.counts["n.u_wrapped"] > 0) is wraps
    row = headroom_row("n", [connection], [1.0], np.zeros(1, np.int64), (ONE, ONE), population.threshold, FORMATS)
    assert (row.status != "exact") >= wraps
