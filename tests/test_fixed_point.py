"""Arithmetic against plain Python integers: exhaustively at small widths, at random over the full ones."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import trunc
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroalign.chip import SignMode
from neuroalign.fixed_point import (
    clip_weights,
    decay_towards_zero,
    fold_once,
    lava_weights,
    saturate,
    shift,
    truncate_weights,
    wrap_int32,
)

INT32 = st.integers(-(2**31), 2**31 - 1)


def fold_by_cases(x: int, bits: int) -> int:
    """Lava's fold in its own two cases."""
    half = 1 << (bits - 1)
    if x > half:
        return x - 2 * half
    if x <= -half:
        return x + 2 * half
    return x


def test_decay_cuts_off_towards_zero() -> None:
    for bits in (1, 3, 4):
        for x in range(-70, 71):
            for factor in range(2**bits + 1):
                assert decay_towards_zero(x, factor, bits) == trunc(Fraction(x * factor, 2**bits)), (x, factor, bits)


def test_fold_and_saturation_at_small_widths() -> None:
    for bits in (2, 3, 5):
        limit = 2 ** (bits - 1) - 1
        for x in range(-80, 81):
            assert fold_once(x, bits) == fold_by_cases(x, bits)
            assert saturate(x, bits) == sorted((-limit, x, limit))[1]


def test_shift_multiplies_or_rounds_down() -> None:
    for exponent in range(-8, 9):
        for x in range(-70, 71):
            assert shift(x, exponent) == Fraction(x) * Fraction(2) ** exponent // 1


@given(INT32, st.integers(0, 4096))
def test_decay_of_full_width(x: int, factor: int) -> None:
    assert decay_towards_zero(x, factor, 12) == trunc(Fraction(x * factor, 4096))


@given(st.integers(-(2**62), 2**62))
def test_wrap_is_a_cast_to_int32(x: int) -> None:
    assert wrap_int32(x) == int(np.array(x, dtype=np.int64).astype(np.int32))


def test_published_edges_of_the_fold() -> None:
    """At 24 bits: +2**23 stays, -2**23 turns, and what is beyond one turn stays outside."""
    assert fold_once(2**23, 24) == 2**23
    assert fold_once(-(2**23), 24) == 2**23
    assert fold_once(500_000 << 6, 24) == 15_222_784


SCALAR: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (decay_towards_zero, (4000, 12)),
    (wrap_int32, ()),
    (fold_once, (24,)),
    (saturate, (24,)),
    (shift, (-3,)),
    (shift, (5,)),
]


@pytest.mark.parametrize(("function", "arguments"), SCALAR)
def test_arrays_and_compiled_scalars_equal_python_integers(
    function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    rng = np.random.default_rng(1)
    edges = [s * (2**k + d) for s in (-1, 1) for k in (0, 22, 23, 24, 31) for d in (-1, 0, 1)]
    values = np.concatenate([rng.integers(-(2**31), 2**31, 200), edges])
    expected = [int(function(int(x), *arguments)) for x in values]
    in_array = function(values, *arguments)
    assert in_array.dtype == np.int64
    assert in_array.tolist() == expected
    compiled = numba.njit(function)
    assert [compiled(x, *arguments) for x in values] == expected


@pytest.mark.parametrize(
    ("weight", "mode", "bits", "held"),
    [
        ([0.5, 300, 40], "excitatory", 8, [0, 255, 40]),
        ([300, -300, 39], "mixed", 8, [254, -256, 38]),
        ([300, -300, 39], "mixed", 7, [252, -256, 36]),
        ([3, -3], "mixed", 8, [2, -4]),
        ([-3, -300, 5], "inhibitory", 7, [-2, -254, 0]),
    ],
)
def test_weights_held_by_lava(weight: list[float], mode: SignMode, bits: int, held: list[int]) -> None:
    """Answers published with Lava 0.10 (tests/lava/proc/dense/test_models.py); the last two follow from its text."""
    assert lava_weights(np.array(weight), mode, bits).tolist() == held


def test_truncated_weights_are_the_nearest_multiples_below() -> None:
    weights = np.arange(-256, 256)
    for bits in range(1, 9):
        step = 2 ** (8 - bits)
        assert truncate_weights(weights, "mixed", bits).tolist() == [w // (2 * step) * 2 * step for w in weights]
        assert truncate_weights(weights[256:], "excitatory", bits).tolist() == [w // step * step for w in range(256)]
        towards_zero = [trunc(Fraction(int(w), step)) * step for w in weights[:257]]
        assert truncate_weights(weights[:257], "inhibitory", bits).tolist() == towards_zero


def test_clipped_weights_keep_their_sign() -> None:
    weights = np.array([-400, -256, -255, 0, 255, 256])
    assert clip_weights(weights, "mixed").tolist() == [-256, -256, -255, 0, 255, 255]
    assert clip_weights(weights, "excitatory").tolist() == [0, 0, 0, 0, 255, 255]
    assert clip_weights(weights, "inhibitory").tolist() == [-255, -255, -255, 0, 0, 0]
