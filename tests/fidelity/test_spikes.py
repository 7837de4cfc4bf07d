"""Spike measures against brute force, closed forms and known cases."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from neuroalign.fidelity import Place, match_spikes, spike_agreement, van_rossum

Bools = NDArray[np.bool_]
trains = st.integers(2, 12).flatmap(
    lambda steps: st.tuples(*(st.lists(st.booleans(), min_size=steps, max_size=steps) for _ in range(2)))
)


def train(*spikes: int, steps: int = 20) -> Bools:
    """One train as (1, T, 1)."""
    array = np.zeros((1, steps, 1), dtype=bool)
    array[0, list(spikes), 0] = True
    return array


def most_partners(left: list[int], right: list[int], reach: int) -> int:
    """The size of a maximum matching, by augmenting paths (Kuhn), which knows nothing of order."""
    owner: dict[int, int] = {}

    def place(a: int, seen: set[int]) -> bool:
        for b in (b for b in right if abs(a - b) <= reach and b not in seen):
            seen.add(b)
            if b not in owner or place(owner[b], seen):
                owner[b] = a
                return True
        return False

    return sum(place(a, set()) for a in left)


def subsets_match(left: list[int], right: list[int], reach: int) -> bool:
    """Whether some pairing of equally many spikes keeps every pair in reach."""
    return any(
        all(abs(a - b) <= reach for a, b in zip(left, order, strict=True)) for order in itertools.permutations(right)
    )


@settings(max_examples=300, deadline=None)
@given(trains, st.integers(0, 3))
def test_matching_is_one_to_one_and_of_maximum_size(pair: tuple[list[bool], list[bool]], reach: int) -> None:
    left, right = (np.array(t, dtype=bool)[None, :, None] for t in pair)
    found, taken = match_spikes(left, right, reach)
    assert not (found & ~left).any()
    assert not (taken & ~right).any()
    times = [np.flatnonzero(mask[0, :, 0]).tolist() for mask in (left, right, found, taken)]
    assert len(times[2]) == len(times[3]) == most_partners(times[0], times[1], reach)
    if len(times[2]) <= 6:
        assert subsets_match(times[2], times[3], reach)


def test_an_exact_partner_is_given_up_where_that_saves_another() -> None:
    # Pairing 5 with 5 would leave 6 and 4 alone; 5 with 4 and 6 with 5 serves all.
    found, taken = match_spikes(train(5, 6), train(4, 5), 1)
    assert found.sum() == taken.sum() == 2


def test_trains_are_matched_neuron_by_neuron_and_sample_by_sample() -> None:
    left, right = np.zeros((2, 9, 3), dtype=bool), np.zeros((2, 9, 3), dtype=bool)
    left[0, 4, 0] = right[0, 4, 1] = True  # another neuron
    left[1, 4, 2] = right[0, 4, 2] = True  # another sample
    found, taken = match_spikes(left, right, 2)
    assert found.sum() == taken.sum() == 0
    right[1, 6, 2] = True
    assert np.argwhere(match_spikes(left, right, 2)[0]).tolist() == [[1, 4, 2]]
    assert np.argwhere(match_spikes(left, right, 2)[1]).tolist() == [[1, 6, 2]]


@pytest.mark.parametrize("step", [0, 7, 19])
def test_van_rossum_of_one_spike_against_none(step: int) -> None:
    assert van_rossum(train(step), train(), 0.1)[0, 0] == pytest.approx(math.sqrt(0.5), rel=1e-12)


@pytest.mark.parametrize("apart", [1, 2, 5, 13])
def test_van_rossum_of_a_shifted_spike(apart: int) -> None:
    assert van_rossum(train(3), train(3 + apart), 0.1)[0, 0] == pytest.approx(
        math.sqrt(1 - math.exp(-apart * 0.1)), rel=1e-12
    )


@settings(max_examples=100, deadline=None)
@given(trains, st.floats(0.02, 2.0))
def test_van_rossum_equals_its_double_sum(pair: tuple[list[bool], list[bool]], rate: float) -> None:
    left, right = (np.array(t, dtype=bool) for t in pair)
    charge = [(t, 1.0) for t in np.flatnonzero(left)] + [(t, -1.0) for t in np.flatnonzero(right)]
    squared = 0.5 * sum(p * q * math.exp(-abs(int(a) - int(b)) * rate) for a, p in charge for b, q in charge)
    found = van_rossum(left[None, :, None], right[None, :, None], rate)[0, 0]
    assert found**2 == pytest.approx(squared, abs=1e-10)


def test_van_rossum_is_the_mean_over_trains() -> None:
    left, right = np.zeros((2, 10, 2), dtype=bool), np.zeros((2, 10, 2), dtype=bool)
    left[0, 2, 0] = True  # one train of four is off by one spike
    agreement = spike_agreement(left, right, dt=1e-3, tau=1e-2, tolerance_steps=2)
    assert agreement.van_rossum == pytest.approx(math.sqrt(0.5) / 4)


def test_figures_of_a_known_case() -> None:
    left, right = train(2, 6, 10, 14), train(2, 7, 13, 14)  # 10 and 13 are too far apart
    agreement = spike_agreement(left, right, dt=1e-3, tau=1e-2, tolerance_steps=2)
    assert (agreement.reference_spikes, agreement.candidate_spikes) == (4, 4)
    assert agreement.f1_exact == pytest.approx(2 * 2 / 8)
    assert agreement.f1_near == pytest.approx(2 * 3 / 8)
    assert agreement.equal_bins == pytest.approx(1 - 4 / 20)
    assert agreement.reference_rate == pytest.approx(4 / (20 * 1e-3))
    assert agreement.first_divergence == Place(0, 6, 0)


def test_first_divergence_is_the_earliest_step_of_all_samples() -> None:
    left = np.zeros((3, 8, 4), dtype=bool)
    right = left.copy()
    right[0, 5, 0] = right[2, 3, 1] = right[2, 3, 2] = True
    assert spike_agreement(left, right, dt=1.0, tau=1.0, tolerance_steps=0).first_divergence == Place(2, 3, 1)


def test_without_spikes_there_is_no_f1_and_no_correlation() -> None:
    agreement = spike_agreement(train(), train(), dt=1e-3, tau=1e-2, tolerance_steps=2)
    assert agreement.f1_exact is None
    assert agreement.f1_near is None
    assert agreement.count_correlation is None


def test_count_correlation_over_neurons() -> None:
    r = np.random.default_rng(0)
    left, right = r.random((4, 30, 7)) < 0.3, r.random((4, 30, 7)) < 0.3
    counts = [a.sum((0, 1)).astype(float) for a in (left, right)]
    centred = [c - c.mean() for c in counts]
    wanted = (centred[0] @ centred[1]) / math.sqrt((centred[0] @ centred[0]) * (centred[1] @ centred[1]))
    found = spike_agreement(left, right, dt=1.0, tau=1.0, tolerance_steps=1).count_correlation
    assert found == pytest.approx(wanted, rel=1e-12)
