"""Patterns of synapses: what is one, and what is refused where it is run and where it is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_chips import chip, neurons, wire

from neuroalign.chip import ChipNetwork, Convolution, SparsePattern, expanded, pattern_problem
from neuroalign.errors import FileFormatError, NetworkError
from neuroalign.export.chip_checks import check_sizes
from neuroalign.sim.emulator.checks import check_network

IMAGE = Convolution((4, 5, 6), 2, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)
THIN = SparsePattern(np.array([0, 0, 2]), np.array([1, 3, 0]), (3, 4))


def network(pattern: Any, targets: int, sources: int, weights: tuple[int, ...]) -> ChipNetwork:
    connection = replace(wire("in", "n", [[0]]), weight=np.full(weights, 2), pattern=pattern)
    return chip([neurons("n", targets)], [connection], sources)


def test_sizes_of_a_convolution() -> None:
    """Rows: (5 + 2 - 2 - 1) / 2 + 1; columns: 6 - 2 - 1 + 1."""
    assert IMAGE.target_shape == (2, 3, 4)
    assert IMAGE.shape == (24, 120)
    assert IMAGE.weight_shape == (2, 2, 3, 2)


def test_a_matrix_of_a_sparse_pattern() -> None:
    assert expanded(THIN, np.array([5, 6, 7])).tolist() == [[0, 5, 0, 6], [0, 0, 0, 0], [7, 0, 0, 0]]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"target": np.array([0, 2, 0])}, "synapse 2 .* sort by target, then source"),
        ({"source": np.array([1, 1, 0])}, "synapse 1 .* each pair once"),
        ({"source": np.array([1, 0, 0])}, "synapse 1"),
        ({"source": np.array([1, 4, 0])}, r"pattern.source\[1\] is 4; it must lie in 0 to 3"),
        ({"target": np.array([-1, 0, 2])}, r"pattern.target\[0\] is -1"),
        ({"source": np.array([1, 3])}, r"pattern.source holds int64 of shape \(2,\)"),
        ({"source": np.array([1.0, 3.0, 0.0])}, "holds float64"),
        ({"shape": (3, 5)}, r"pattern has shape \(3, 5\)"),
    ],
)
def test_sparse_patterns_that_are_none(changes: dict[str, Any], named: str) -> None:
    check_both(network(THIN, 3, 4, (3,)), None)
    check_both(network(replace(THIN, **changes), 3, 4, (3,)), named)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"stride": (0, 1)}, r"pattern.stride is \(0, 1\)"),
        ({"padding": (0, -1)}, "at least 0 are needed"),
        ({"kernel": (3,)}, "2 whole numbers"),
        ({"channels": 0}, "0 channels"),
        ({"groups": 3}, "3 groups must divide both"),
        ({"kernel": (9, 2)}, "the kernel must fit"),
        ({"padding": (1, 1)}, r"its neurons need \(24, 120\)"),
    ],
)
def test_convolutions_that_are_none(changes: dict[str, Any], named: str) -> None:
    check_both(network(IMAGE, 24, 120, IMAGE.weight_shape), None)
    check_both(network(replace(IMAGE, **changes), 24, 120, IMAGE.weight_shape), named)


@pytest.mark.parametrize(
    ("pattern", "shape"), [(THIN, (3, 4)), (IMAGE, (2, 2, 2, 3)), (THIN, (4,)), (IMAGE, (24, 120))]
)
def test_weights_have_the_shape_of_their_pattern(pattern: Any, shape: tuple[int, ...]) -> None:
    assert pattern_problem(pattern) is None
    targets, sources = pattern.shape
    check_both(network(pattern, targets, sources, shape), "weight has shape")


def check_both(built: ChipNetwork, named: str | None) -> None:
    """The emulator and the reader of files refuse it, or take it, alike."""
    for check, error in ((check_network, NetworkError), (check_sizes, FileFormatError)):
        if named is None:
            check(built)
            continue
        with pytest.raises(error, match=named) as refused:
            check(built)
        assert "\n" not in str(refused.value)


def test_weights_that_a_chip_would_change_are_named_by_their_place() -> None:
    built = network(IMAGE, 24, 120, IMAGE.weight_shape)
    weight = np.full(IMAGE.weight_shape, 2)
    weight[1, 0, 2, 1] = 3
    changed = replace(built, connections=(replace(built.connections[0], weight=weight),))
    with pytest.raises(NetworkError, match=r"weight\[1, 0, 2, 1\] = 3 is not held by 8 mixed bits"):
        check_network(changed)
