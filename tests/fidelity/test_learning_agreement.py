"""Agreement of learnt weights against closed forms."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroalign.errors import InputError
from neuroalign.fidelity import compare_learning
from neuroalign.fidelity.learning import SynapsePlace, angle_degrees, counts_of, pearson, sign_agreement, weights_at


def ramp(scale: float = 1.0, offset: float = 0.0) -> np.ndarray:
    """One sample, two reads (all zero, then a ramp from -12 to 12), 5 x 5 weights."""
    w = np.zeros((1, 2, 5, 5))
    w[0, 1] = scale * np.arange(-12.0, 13.0).reshape(5, 5) + offset
    return w


def test_equal_weights() -> None:
    found = compare_learning(ramp(), ramp(), steps=[1, 100])
    last = found.last
    assert last.r == pytest.approx(1)
    assert (last.sign, last.angle_degrees, last.rms, last.rms_share) == (1, 0, 0, 0)
    assert found.evidence
    assert found.text == "equal weights"
    assert found.first_parting is None


def test_scale_is_seen_by_rms_only() -> None:
    last = compare_learning(ramp(), ramp(3.0), steps=[1, 100]).last
    assert last.r == pytest.approx(1)
    assert last.sign == 1
    assert last.angle_degrees == pytest.approx(0, abs=1e-6)
    assert last.rms == pytest.approx(2 * math.sqrt(52))  # mean square of -12..12 is 12 * 13 / 3
    assert last.rms_share == pytest.approx(2 * math.sqrt(52) / 24)


def test_an_offset_turns_the_angle_and_some_signs() -> None:
    """The correlation stays 1; cos(angle) = 52 / sqrt(52 (52 + 9)); -3, -2, -1 become 0 or more."""
    last = compare_learning(ramp(), ramp(offset=3.0), steps=[1, 100]).last
    assert last.r == pytest.approx(1)
    assert last.sign == (25 - 3) / 25
    assert last.angle_degrees == pytest.approx(math.degrees(math.acos(math.sqrt(52 / 61))))


def test_opposite_weights() -> None:
    last = compare_learning(ramp(), -ramp(), steps=[1, 100]).last
    assert last.r == pytest.approx(-1)
    assert last.angle_degrees == pytest.approx(180)
    assert last.sign == 1 / 25  # zero has the flag of the positive ones, on both sides


def test_what_cannot_be_formed_is_none() -> None:
    first = compare_learning(ramp(), ramp(offset=2.0), steps=[1, 100]).reads[0]
    assert (first.r, first.angle_degrees, first.rms_share) == (None, None, None)
    constant = compare_learning(np.full((1, 1, 5, 5), 0.1), ramp()[:, 1:], steps=[5])
    assert constant.last.r is None
    assert constant.last.rms_share is None
    assert not constant.evidence
    for found in (constant, compare_learning(0 * ramp(), ramp(), steps=[1, 2])):
        assert not found.evidence
        assert not [v for read in found.reads for v in asdict(read).values() if isinstance(v, float) and math.isnan(v)]


def test_clipped_weights_and_the_first_parting() -> None:
    reference, candidate = ramp(), np.clip(ramp(), -10.0, 10.0)
    found = compare_learning(
        reference, candidate, steps=[1, 100], unit=0.5, limits=(-10.0, 10.0), counts={"weight_limited": 4}
    )
    assert found.last.reference_clipped == found.last.candidate_clipped == 6 / 25
    assert found.reads[0].candidate_clipped == 0
    assert found.first_parting == SynapsePlace(0, 100, 0, 0)
    assert found.counts == {"weight_limited": 4}
    assert compare_learning(reference, candidate, steps=[1, 100], unit=2.0).first_parting is None


def test_few_weights_are_no_evidence() -> None:
    found = compare_learning(ramp()[..., :3], ramp()[..., :3], steps=[1, 2])
    assert not found.evidence
    assert "15 weights" in found.text


@given(st.integers(0, 2**32 - 1), st.floats(1e-150, 1e150))
def test_r_and_angle_keep_tiny_and_huge_weights(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 30))
    assert pearson(a, scale * b) == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)
    cosine = a @ b / math.sqrt((a @ a) * (b @ b))
    assert angle_degrees(scale * a, b) == pytest.approx(math.degrees(math.acos(cosine)), abs=1e-6)
    assert sign_agreement(a, scale * b) == np.mean(np.signbit(a) == np.signbit(b))


def test_shapes_steps_and_numbers_must_fit() -> None:
    with pytest.raises(InputError, match="equal and not empty"):
        compare_learning(ramp(), ramp()[:, :, :4], steps=[1, 2], connection="c")
    with pytest.raises(InputError, match="2 times, but 3"):
        compare_learning(ramp(), ramp(), steps=[1, 2, 3])
    broken = ramp()
    broken[0, 1, 2, 2] = np.nan
    with pytest.raises(InputError, match="not finite after step 7"):
        compare_learning(ramp(), broken, steps=[1, 7])


def test_weights_at_chosen_steps() -> None:
    recorded = np.arange(3.0).reshape(1, 3, 1, 1)
    assert weights_at(recorded, [10, 20, 30], [30, 10]).ravel().tolist() == [2.0, 0.0]
    with pytest.raises(InputError, match="step 15"):
        weights_at(recorded, [10, 20, 30], [15])


def test_counters_of_one_connection() -> None:
    counts = {"a.weight_limited": 3, "a.b.tag_limited": 1, "ab.weight_limited": 2}
    assert counts_of(counts, "a.b") == {"tag_limited": 1}
    assert counts_of(counts, "ab") == {"weight_limited": 2}
