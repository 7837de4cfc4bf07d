"""Closed forms of the measures of alignment."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.errors import InputError
from neuroalign.experiments.alignment import (
    angle_degrees,
    centred_sign_accuracy,
    pearson_r,
    sign_accuracy,
    sign_chance,
)

TRUE = np.array([[1.0, 2.0], [4.0, -2.0]])


def test_an_affine_estimate_correlates_fully_and_a_scaled_one_has_no_angle() -> None:
    assert pearson_r(TRUE, 0.01 * TRUE - 7) == pytest.approx(1)
    assert pearson_r(TRUE, -3 * TRUE + 1) == pytest.approx(-1)
    assert angle_degrees(TRUE, 0.01 * TRUE) == pytest.approx(0, abs=1e-5)
    assert angle_degrees(TRUE, -TRUE) == pytest.approx(180)


def test_r_and_angle_of_vectors_known_by_hand() -> None:
    # deviations (-1, 0, 1) and (-1, 1, 0): products sum to 1, both have length sqrt(2)
    assert pearson_r(np.array([1.0, 2.0, 3.0]), np.array([5.0, 7.0, 6.0])) == pytest.approx(0.5)
    assert angle_degrees(np.array([1.0, 0.0]), np.array([1.0, 1.0])) == pytest.approx(45)
    assert angle_degrees(np.array([2.0, 0.0]), np.array([0.0, 9.0])) == pytest.approx(90)


def test_sign_accuracy_counts_zero_as_positive() -> None:
    assert sign_accuracy(TRUE, np.zeros((2, 2))) == 0.75
    assert sign_accuracy(TRUE, -np.ones((2, 2))) == 0.25
    assert sign_accuracy(TRUE, TRUE) == 1
    assert sign_chance(TRUE) == 0.75
    assert sign_chance(-TRUE) == 0.75


def test_centred_signs_do_not_see_an_offset() -> None:
    assert sign_accuracy(TRUE, TRUE + 100) == 0.75
    assert centred_sign_accuracy(TRUE, TRUE + 100) == 1
    assert centred_sign_accuracy(TRUE, 100 - TRUE) == 0


def test_a_constant_estimate_tells_nothing() -> None:
    assert pearson_r(TRUE, np.full((2, 2), 0.1)) == 0
    assert angle_degrees(TRUE, np.zeros((2, 2))) == 90


def test_unequal_or_empty_weights_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(2, 2\) against \(4,\)"):
        pearson_r(TRUE, TRUE.ravel())
    with pytest.raises(InputError, match="not empty"):
        sign_accuracy(np.zeros((0, 3)), np.zeros((0, 3)))
