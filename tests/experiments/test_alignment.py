"""Closed forms of the measures of alignment that the experiments add."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.errors import InputError
from neuroalign.experiments.alignment import centred_sign_agreement, checked_estimates, sign_chance
from neuroalign.fidelity.learning import sign_agreement

TRUE = np.array([[1.0, 2.0, 3.0], [4.0, -2.0, 1.0]])


def test_chance_is_the_share_of_the_prevailing_sign() -> None:
    assert sign_chance(TRUE) == pytest.approx(5 / 6)
    assert sign_chance(-TRUE) == pytest.approx(5 / 6)
    assert sign_agreement(TRUE, np.zeros(TRUE.shape)) == pytest.approx(sign_chance(TRUE))


def test_centred_signs_do_not_see_an_offset() -> None:
    assert sign_agreement(TRUE, TRUE + 100) == pytest.approx(5 / 6)
    assert centred_sign_agreement(TRUE, 0.1 * TRUE + 100) == 1
    assert centred_sign_agreement(TRUE, 100 - TRUE) == 0


def test_estimates_are_turned_to_the_forward_shape_and_no_other_shape_passes() -> None:
    feedback = np.stack([TRUE.T, 2 * TRUE.T])
    np.testing.assert_array_equal(checked_estimates(feedback, 2, TRUE), [TRUE, 2 * TRUE])
    for wrong in (feedback.swapaxes(1, 2), feedback[:1], feedback[0]):
        with pytest.raises(InputError, match=r"\(2, 3, 2\) is needed"):
            checked_estimates(wrong, 2, TRUE)
