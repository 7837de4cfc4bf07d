"""What Lava's Sparse, DelaySparse and Conv cannot hold as it is, refused in one line and without Lava."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_chips import chip, neurons, wire

from neuroalign.chip import ChipNetwork, Convolution, Fixed, SparsePattern
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.recording import Stimulus
from neuroalign.sim.lava_processes.holdable import check_network, check_stimulus

IMAGE = Convolution((1, 2, 3), 2, (1, 2))
THIN = SparsePattern(np.array([0, 0, 2]), np.array([1, 3, 0]), (3, 4))


def convolving(**changes: Any) -> ChipNetwork:
    pattern = changes.get("pattern", IMAGE)
    connection = replace(wire("in", "n", [[0]]), weight=np.full(IMAGE.weight_shape, 2), pattern=IMAGE)
    ports = pattern.shape if pattern.target_shape[1] > 0 else IMAGE.shape
    return chip([neurons("n", ports[0])], [replace(connection, **changes)], ports[1], message_bits=8)


def thin(**changes: Any) -> ChipNetwork:
    connection = replace(wire("in", "n", [[0]]), weight=np.array([2, 4, 6]), pattern=THIN)
    return chip([neurons("n", 3)], [replace(connection, **changes)], 4)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"weight_exp": 1}, r"weight_exp 1, .* leaves exponents out"),
        ({"delays": np.ones(IMAGE.weight_shape, dtype=np.int64)}, "convolution with delays up to 1"),
        ({"weight": np.full(IMAGE.weight_shape, 1 << 30), "weight_format": Fixed(32)}, "undefined beyond 2147483647"),
        ({"weight": np.full((2, 1, 2, 1), 2)}, r"weights of shape \(2, 1, 2, 1\)"),
        (
            {"pattern": Convolution((1, 1, 200), 1, (1, 200)), "weight": np.full((1, 1, 1, 200), 2)},
            "a kernel of 200, but Lava holds at most 127",
        ),
        ({"pattern": replace(IMAGE, padding=(-1, 0))}, "padding is"),
    ],
)
def test_what_a_conv_would_change_is_refused(changes: dict[str, Any], named: str) -> None:
    check_network(convolving())
    with pytest.raises(ConversionRefused, match=named) as error:
        check_network(convolving(**changes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"weight": np.array([2, 3, 6])}, r"weight\[1\] 3, but Lava holds 2 in 8 mixed bits"),
        ({"weight": np.array([2, 4])}, r"weights of shape \(2,\)"),
        ({"delays": np.array([0, 64, 1])}, "delays 64"),
        ({"pattern": replace(THIN, source=np.array([1, 4, 0]))}, r"source\[1\] is 4"),
        ({"pattern": replace(THIN, target=np.array([0, 2, 0]))}, "sort by target"),
    ],
)
def test_what_a_sparse_process_would_change_is_refused(changes: dict[str, Any], named: str) -> None:
    check_network(thin())
    with pytest.raises(ConversionRefused, match=named):
        check_network(thin(**changes))


def test_payloads_that_a_conv_cannot_sum_up_are_refused() -> None:
    """2 x 2 x 2**29 is the first magnitude beyond 31 bits; without message bits a payload counts 1."""
    graded = convolving(message_bits=8)
    values = np.zeros((1, 2, IMAGE.shape[1]), dtype=np.int64)
    values[0, 1, 3] = -(1 << 29) + 1
    check_stimulus(graded, Stimulus({"in": values}))
    values[0, 1, 3] -= 1
    with pytest.raises(InputError, match="may sum up to 2147483648"):
        check_stimulus(graded, Stimulus({"in": values}))
    check_stimulus(convolving(), Stimulus({"in": values}))
