"""The table of chances, against the escape function itself at every whole number of v."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from neuroalign.compile import compile_network
from neuroalign.network import Escape, InputPort, Network, Population
from neuroalign.profile import load_profile


@pytest.mark.parametrize("kind", ["logistic", "exponential"])
@pytest.mark.parametrize("width", [0.02, 1e-4])
def test_every_entry_is_the_mean_chance_of_the_numbers_that_it_stands_for(
    kind: Literal["logistic", "exponential"], width: float
) -> None:
    zero, one = np.zeros(1), np.ones(1)
    population = Population(
        "p", "LIF", (1,), 0.02 * one, zero, one, one, zero, one, zero, zero, zero, zero,
        escape=Escape(kind, width * one, 3),
    )  # fmt: skip
    network = Network("n", 1e-3, (InputPort("in", (1,)),), (population,), (), (("p", "p"),))
    chip, _ = compile_network(network, load_profile("loihi2"))
    (held,) = chip.populations
    assert held.escape is not None
    size, half = 2**held.escape.table_shift, held.escape.table.size // 2
    distance = np.arange(-half * size, half * size)  # of v from the threshold, in units of v
    given = distance * held.volts_per_unit[0] / width
    chance = 1 / (1 + np.exp(-given)) if kind == "logistic" else -np.expm1(-np.exp(given))
    wanted = chance.reshape(-1, size).mean(axis=1)
    assert size > 1 or width < 0.01
    np.testing.assert_allclose(held.escape.table / 65536, wanted, atol=2.5 / 65536, rtol=0)
    assert max(wanted[0], 1 - wanted[-1]) < 1e-5  # nothing is cut off at the ends
