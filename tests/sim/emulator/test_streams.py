from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.sim.emulator.streams import CHUNK, LearningStreams, uniform, whole


def one_by_one(seed: int, count: int, is_uniform: bool) -> list[float]:
    """As Lava draws: a generator of numpy's default kind, one number a call."""
    rng = np.random.default_rng(seed)
    return [rng.random(1)[0] if is_uniform else rng.integers(0, 128, size=1, dtype=int)[0] for _ in range(count)]


@pytest.mark.parametrize("seed", [0, 2, 41])
@pytest.mark.parametrize(("draw", "is_uniform"), [(uniform, True), (whole, False)], ids=["uniform", "whole"])
def test_chunks_are_the_numbers_drawn_one_by_one(
    draw: Callable[[int, int, int], NDArray[Any]], is_uniform: bool, seed: int
) -> None:
    expected = one_by_one(seed, 40, is_uniform)
    for first, count in ((0, 40), (7, 33), (12, 5), (39, 1)):
        assert draw(seed, first, count).tolist() == expected[first : first + count]


def test_a_stream_crosses_its_chunks_and_goes_back() -> None:
    streams = LearningStreams(5)
    last = CHUNK + 3
    expected = one_by_one(5 + 3, last + 1, is_uniform=False)
    assert [streams.impulse_y[n] for n in (CHUNK - 1, CHUNK, last, 0)] == [
        expected[n] for n in (CHUNK - 1, CHUNK, last, 0)
    ]
    assert streams.impulse_y.block(CHUNK - 1, 5).tolist() == expected[CHUNK - 1 : CHUNK + 4]


def test_every_connection_rounds_with_the_same_draws() -> None:
    assert LearningStreams(1).rounding[3] == LearningStreams(99).rounding[3] == np.random.default_rng(2).random(4)[3]
    assert LearningStreams(1, rounding_seed=8).rounding[0] == np.random.default_rng(8).random()
