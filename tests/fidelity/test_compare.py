"""Comparison of recordings: latency, evidence, membranes, decisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.fidelity import LEAST_SPIKES, Agreement, Place, compare, decide, equal_states
from neuroalign.recording import Recording

STEPS, DT = 30, 1e-3


def recording(s: NDArray[Any], v: NDArray[Any] | None = None, lag: int = 0, name: str = "a") -> Recording:
    states: dict[tuple[str, str], NDArray[Any]] = {("p", "s"): s}
    if v is not None:
        states["p", "v"] = v
    return Recording(name, states, {"p": lag}, {"p.v_saturated": 3})


def later(array: NDArray[Any], steps: int) -> NDArray[Any]:
    return np.pad(array, ((0, 0), (steps, 0), (0, 0)))


def judge(left: Recording, right: Recording, *, spiking: bool = True, **more: Any) -> Agreement:
    neurons = left.states["p", "s"].shape[2]
    given: dict[str, Any] = {"thresholds": {"p": np.ones(neurons)}, "spiking": {"p": spiking}}
    return compare(left, right, steps=STEPS, dt=DT, **(given | more))


@pytest.fixture
def spikes() -> NDArray[Any]:
    return (np.random.default_rng(3).random((2, STEPS, 4)) < 0.3).astype(np.int8)


def test_a_shift_by_the_declared_latency_compares_equal(spikes: NDArray[Any]) -> None:
    v = np.random.default_rng(4).random(spikes.shape)
    found = judge(recording(spikes, v), recording(later(spikes, 3), later(v, 3), lag=3)).populations[0]
    assert found.spikes is not None
    assert found.membrane is not None
    assert found.evidence
    assert found.spikes.equal_bins == found.spikes.f1_exact == 1.0
    assert found.spikes.van_rossum == found.membrane.max_volts == 0.0
    assert found.spikes.first_divergence is None


@pytest.mark.parametrize("declared", [2, 4])
def test_an_undeclared_step_does_not(spikes: NDArray[Any], declared: int) -> None:
    found = judge(recording(spikes), recording(later(np.pad(spikes, ((0, 0), (0, 2), (0, 0))), 3), lag=declared))
    agreement = found.populations[0].spikes
    assert agreement is not None
    assert agreement.f1_exact is not None
    assert agreement.f1_exact < 0.5
    assert agreement.first_divergence is not None


def test_spikes_before_the_declared_latency_are_counted(spikes: NDArray[Any]) -> None:
    late = later(spikes, 2)
    late[1, 0, 3] = 1
    agreement = judge(recording(spikes), recording(late, lag=2)).populations[0].spikes
    assert agreement is not None
    assert agreement.early_spikes == 1
    assert agreement.equal_bins == 1.0


def test_a_recording_too_short_for_its_latency_is_refused(spikes: NDArray[Any]) -> None:
    with pytest.raises(InputError, match="run it longer"):
        judge(recording(spikes), recording(spikes, lag=1))


def test_recordings_of_different_size_are_refused(spikes: NDArray[Any]) -> None:
    with pytest.raises(InputError, match="same samples and neurons"):
        judge(recording(spikes), recording(spikes[:1]))


@pytest.mark.parametrize(("count", "evidence"), [(LEAST_SPIKES - 1, False), (LEAST_SPIKES, True)])
def test_few_reference_spikes_are_no_evidence(count: int, evidence: bool) -> None:
    spikes = np.zeros((1, STEPS, 2), dtype=np.int8)
    spikes.reshape(-1)[:count] = 1
    found = judge(recording(spikes), recording(spikes.copy())).populations[0]
    assert found.evidence is evidence
    assert found.text.startswith("no evidence") is not evidence
    assert "equal" not in found.text


def test_membrane_error_in_volts_and_in_thresholds() -> None:
    v = np.zeros((1, STEPS, 2))
    v[0, :, 0] = np.arange(STEPS)
    error = np.zeros_like(v)
    error[0, 0, 0], error[0, 1, 1] = 0.3, -0.4
    found = (
        judge(
            recording(np.zeros_like(v), v),
            recording(np.zeros_like(v), v + error),
            thresholds={"p": np.array([0.5, 2.0])},
        )
        .populations[0]
        .membrane
    )
    assert found is not None
    assert found.rms_volts == pytest.approx(np.sqrt((0.09 + 0.16) / v.size))
    assert found.max_volts == pytest.approx(0.4)
    assert found.rms_share == pytest.approx(np.sqrt((0.6**2 + 0.2**2) / v.size))
    assert found.max_share == pytest.approx(0.6)


def test_silent_populations_are_measured_against_the_range_of_the_reference() -> None:
    v = np.linspace(0, 4, STEPS)[None, :, None]
    found = judge(
        recording(v * 0, v), recording(v * 0, v + 0.1), spiking=False, thresholds={"p": np.array([np.inf])}
    ).populations[0]
    assert found.membrane is not None
    assert found.evidence
    assert found.membrane.rms_share == pytest.approx(0.1 / 4)
    assert found.membrane.scale == "range of the reference"


def test_a_membrane_that_never_moves_is_no_evidence() -> None:
    v = np.full((1, STEPS, 1), 0.2)
    found = judge(recording(v * 0, v), recording(v * 0, v), spiking=False).populations[0]
    assert not found.evidence
    assert found.text.startswith("no evidence")


def test_counters_of_both_backends_are_kept(spikes: NDArray[Any]) -> None:
    found = judge(recording(spikes), recording(spikes))
    assert found.candidate_counts == found.reference_counts == (("p.v_saturated", 3),)


def test_populations_that_only_one_side_recorded_are_named(spikes: NDArray[Any]) -> None:
    both = {"p": True, "q": True}
    found = compare(recording(spikes), recording(spikes), steps=STEPS, dt=DT, thresholds={}, spiking=both)
    assert [p.name for p in found.populations] == ["p"]
    assert found.not_compared == ("q",)


def test_a_spiking_output_decides_by_count_then_by_membrane_then_by_index() -> None:
    s, v = np.zeros((4, STEPS, 3), dtype=np.int8), np.zeros((4, STEPS, 3))
    s[0, :5, 2] = s[0, :4, 1] = 1  # count alone
    v[0, :, 1] = 9.0
    s[1, :5, 0] = s[1, :5, 1] = 1  # tie, broken by v
    v[1, :, 1] = 0.1
    s[2, :5, 1] = s[2, :5, 2] = 1  # tie that v does not break
    v[3, :, 2] = 1.0  # no spike at all: v decides
    chosen, ties = decide(recording(s, v), "p", STEPS, spiking=True)
    assert chosen.tolist() == [2, 1, 1, 2]
    assert ties == 3


def test_a_silent_output_decides_by_the_sum_of_v() -> None:
    v = np.zeros((2, STEPS, 2))
    v[0, 0, 0], v[0, 1:, 1] = 20.0, 1.0  # a high peak against a larger sum
    chosen, ties = decide(recording(v * 0, v), "p", STEPS, spiking=False)
    assert chosen.tolist() == [1, 0]
    assert ties == 1


def test_accuracy_and_agreement_with_labels() -> None:
    v = np.zeros((4, STEPS, 2))
    v[:, 0, :] = [[1, 0], [0, 1], [1, 0], [0, 1]]
    w = v.copy()
    w[3, 0] = [1, 0]
    found = judge(
        recording(v * 0, v), recording(w * 0, w), spiking=False, labels=np.array([0, 1, 1, 1]), outputs=(("out", "p"),)
    ).outputs[0]
    assert (found.reference_accuracy, found.candidate_accuracy, found.agreement) == (0.75, 0.5, 0.75)


def test_samples_tied_in_both_runs_are_not_counted_as_alike() -> None:
    """Of four samples two are silent in both runs, one in the candidate alone, and one is decided alike."""
    s, v = np.zeros((4, STEPS, 2)), np.zeros((4, STEPS, 2))
    s[2, 0, 1] = s[3, 0, 1] = 1
    other = s.copy()
    other[2] = 0
    found = judge(recording(s, v), recording(other, v), outputs=(("out", "p"),)).outputs[0]
    assert (found.samples, found.reference_ties, found.candidate_ties, found.both_ties) == (4, 2, 3, 2)
    assert found.agreement == 0.5
    silent = judge(recording(0 * s, v), recording(0 * s, v), outputs=(("out", "p"),)).outputs[0]
    assert silent.agreement is None


def test_one_neuron_decides_nothing(spikes: NDArray[Any]) -> None:
    one = spikes[:, :, :1]
    found = judge(recording(one), recording(one), labels=np.zeros(2, dtype=np.int64), outputs=(("out", "p"),)).outputs[
        0
    ]
    assert found.agreement is found.reference_accuracy is found.candidate_accuracy is None


def test_labels_must_fit_the_samples(spikes: NDArray[Any]) -> None:
    with pytest.raises(InputError, match="3 labels for 2 samples"):
        judge(recording(spikes), recording(spikes), labels=np.zeros(3, dtype=np.int64), outputs=(("out", "p"),))


def test_a_decision_needs_the_state_it_is_read_from(spikes: NDArray[Any]) -> None:
    with pytest.raises(InputError, match="did not record 'v'"):
        decide(recording(spikes), "p", STEPS, spiking=False)


def test_bit_equality_counts_only_values_that_change() -> None:
    v = np.zeros((2, 5, 3), dtype=np.int32)
    v[0, :, 1] = [1, 2, 3, 4, 5]
    left, right = recording(np.zeros((2, 5, 1)), v), recording(np.zeros((2, 5, 1)), v.astype(np.int64))
    assert equal_states(left, right) == (5, 10 + 25, 0, None)


def test_a_mismatch_is_found_also_where_one_side_stands_still() -> None:
    v = np.full((1, 5, 2), 7)
    w = v.copy()
    w[0, 3, 1] = 8
    s = np.zeros((1, 5, 1))
    assert equal_states(recording(s, v), recording(s, w)) == (5, 5 + 5, 1, ("p", "v", Place(0, 3, 1)))


def test_constants_that_differ_are_mismatches() -> None:
    v = np.full((1, 5, 1), 7)
    found = equal_states(recording(v * 0, v), recording(v * 0, v + 1))
    assert (found.compared, found.mismatches) == (0, 5)


def test_the_first_mismatch_is_the_earliest_of_all_states() -> None:
    s, v = np.zeros((1, 5, 1)), np.zeros((1, 5, 1))
    t, w = s.copy(), v.copy()
    t[0, 4, 0] = w[0, 2, 0] = 1
    assert equal_states(recording(s, v), recording(t, w)).first == ("p", "v", Place(0, 2, 0))


def test_recordings_without_a_common_state_are_refused() -> None:
    s = np.zeros((1, 5, 1))
    with pytest.raises(InputError, match="no state in common"):
        equal_states(recording(s), Recording("b", {("q", "s"): s}, {"q": 0}))
    with pytest.raises(InputError, match="shape"):
        equal_states(recording(s), recording(s[:, :3]))


def test_learnt_weights_are_compared_where_they_were_read() -> None:
    """Three reads of 2 x 2 weights: one never changes, and one differs after step 20."""
    w = np.arange(12).reshape(1, 3, 2, 2)
    w[:, :, 0, 0] = 5
    other = w.copy()
    other[0, 1, 1, 0] += 1
    left, right = (Recording("a", {("c", "w"): x}, {}, {}, (10, 20, 30)) for x in (w, other))
    found = equal_states(left, right)
    assert (found.compared, found.constant, found.mismatches) == (9, 3, 1)
    assert found.first == ("c", "w", Place(0, 19, 2))
    assert equal_states(left, left).mismatches == 0
