"""The verdict: every outcome, at and beside its bar."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hand_made import deployment

from neuroalign.conversion import ConversionRow, ConversionTable
from neuroalign.deployment import BitEquality, Deployment, by_harm, verdict
from neuroalign.encoding import bernoulli_signal
from neuroalign.fidelity import EqualStates, OutputAgreement, Place
from neuroalign.network import InputPort
from neuroalign.recording import Stimulus


def with_output(**changes: Any) -> Deployment:
    made = deployment()
    agreement = made.agreements[0]
    return replace(made, agreements=(replace(agreement, outputs=(replace(agreement.outputs[0], **changes),)),))


def with_hidden(**changes: Any) -> Deployment:
    """No decision can be formed, and the spiking population is the output."""
    made = deployment()
    agreement = made.agreements[0]
    hidden = agreement.populations[0]
    assert hidden.spikes is not None
    evidence = changes.pop("evidence", True)
    spikes = replace(hidden.spikes, **changes)
    output = replace(agreement.outputs[0], population="hidden", agreement=None)
    changed = replace(agreement, populations=(replace(hidden, spikes=spikes, evidence=evidence),), outputs=(output,))
    return replace(made, agreements=(changed,))


@pytest.mark.parametrize(("chip", "outcome"), [(0.96, "deployable"), (0.95, "deployable"), (0.949, "not deployable")])
def test_a_loss_of_one_percentage_point_passes(chip: float, outcome: str) -> None:
    found = verdict(with_output(samples=1000, reference_accuracy=0.96, candidate_accuracy=chip))
    assert found.outcome == outcome
    assert f"{chip:.2%}" in found.facts[0]
    assert "96.00%" in found.facts[0]


@pytest.mark.parametrize(("alike", "outcome"), [(0.99, "deployable"), (0.98, "not deployable")])
def test_without_labels_decisions_count(alike: float, outcome: str) -> None:
    found = verdict(with_output(agreement=alike, reference_accuracy=None, candidate_accuracy=None, samples=100))
    assert found.outcome == outcome


@pytest.mark.parametrize(("f1", "outcome"), [(0.9, "deployable"), (0.89, "not deployable"), (None, "not deployable")])
def test_without_decisions_spikes_of_the_output_count(f1: float | None, outcome: str) -> None:
    assert verdict(with_hidden(f1_near=f1, f1_exact=0.0, bins=100_000, reference_spikes=1000)).outcome == outcome


@pytest.mark.parametrize(("exact", "outcome"), [(0.9, "deployable"), (0.6, "not deployable")])
def test_where_neurons_fire_densely_only_the_same_step_counts(exact: float, outcome: str) -> None:
    """Of 40 % of all bins a partner within two steps is found by chance: 1 - 0.6**5 = 0.92."""
    dense = with_hidden(f1_near=0.95, f1_exact=exact, bins=1000, reference_spikes=400)
    assert verdict(dense).outcome == outcome


def test_the_verdict_names_its_bar_and_what_may_help() -> None:
    parted = verdict(with_hidden(f1_near=0.85, f1_exact=0.0, bins=100_000, reference_spikes=1000))
    assert "F1 0.9 within 2 steps passes" in parted.facts[0]
    assert "finetune" in parted.remarks[-1]
    good = verdict(with_hidden(f1_near=0.95, f1_exact=0.0, bins=100_000, reference_spikes=1000))
    assert not any("may help" in line for line in (*good.facts, *good.remarks))
    silent = verdict(with_hidden(f1_near=1.0, reference_spikes=3, candidate_spikes=3, evidence=False))
    assert "--rate" in silent.remarks[-1]


def test_few_spikes_decide_nothing() -> None:
    few = with_hidden(f1_near=1.0, reference_spikes=3, candidate_spikes=3, evidence=False)
    assert verdict(few).outcome == "undecided"


def test_a_chip_that_fires_where_the_model_is_silent_is_not_deployable() -> None:
    wild = with_hidden(f1_near=0.02, reference_spikes=3, candidate_spikes=500, evidence=False)
    assert verdict(wild).outcome == "not deployable"


def test_few_samples_fall_back_on_the_membrane_of_the_output() -> None:
    made = with_output(samples=5, agreement=0.0)
    agreement = made.agreements[0]
    readout = agreement.populations[1]
    assert readout.membrane is not None
    for share, outcome in ((0.05, "deployable"), (0.051, "not deployable"), (float("nan"), "not deployable")):
        changed = replace(readout, membrane=replace(readout.membrane, rms_share=share))
        populations = (agreement.populations[0], changed)
        assert verdict(replace(made, agreements=(replace(agreement, populations=populations),))).outcome == outcome


@pytest.mark.parametrize(("fired", "outcome"), [(19, "undecided"), (20, "deployable")])
def test_a_membrane_that_no_spike_reached_decides_nothing(fired: int, outcome: str) -> None:
    """Bias and leak alone move it, and those agree in a network that never computed anything."""
    made = with_output(samples=5, agreement=0.0)
    agreement = made.agreements[0]
    hidden = agreement.populations[0]
    assert hidden.spikes is not None
    silent = replace(hidden, spikes=replace(hidden.spikes, reference_spikes=fired, candidate_spikes=fired))
    populations = (silent, *agreement.populations[1:])
    found = verdict(replace(made, agreements=(replace(agreement, populations=populations),)))
    assert found.outcome == outcome
    assert ("no population fired 20 times" in found.facts[0]) == (fired < 20)


def test_two_backends_that_differ_leave_it_undecided() -> None:
    broken = EqualStates(1000, 10, 1, ("hidden", "v", Place(3, 4, 5)))
    found = verdict(deployment(bit_equality=(BitEquality("emulator", "Lava", broken),)))
    assert found.outcome == "undecided"
    assert "differ in 1 values" in found.facts[1]


def test_bit_equality_without_a_changing_value_does_not_hold() -> None:
    assert not BitEquality("a", "b", EqualStates(0, 500, 0, None)).holds
    assert BitEquality("a", "b", EqualStates(1, 0, 0, None)).holds
    found = verdict(deployment(bit_equality=(BitEquality("a", "b", EqualStates(0, 500, 0, None)),)))
    assert "no second backend has confirmed" in found.facts[2]


def test_a_refused_conversion_is_not_deployable() -> None:
    assert verdict(deployment(chip=None, runs=(), agreements=())).outcome == "not deployable"


def test_the_control_is_not_a_chip() -> None:
    made = deployment()
    ideal = made.runs[0].chip
    found = verdict(replace(made, chip=ideal, profile_id="ideal"))
    assert found.outcome == "undecided"
    assert "control" in found.headline


def test_without_a_chip_run_it_is_undecided() -> None:
    made = deployment()
    assert verdict(replace(made, runs=made.runs[:1], agreements=())).outcome == "undecided"


def given(steps: int, samples: int, labels: bool, description: str) -> Stimulus:
    return Stimulus({"x": np.zeros((samples, steps, 2))}, np.zeros(samples, dtype=int) if labels else None, description)


@pytest.mark.parametrize(
    ("stimulus", "words", "never"),
    [
        (
            bernoulli_signal((InputPort("x", (2,)),), steps=7, seed=3),
            ("not data of yours", "--input", "7 steps"),
            "axes",
        ),
        (given(8, 60, False, "f.npy"), ("f.npy", "60 samples of 8 steps", "without labels", "swap"), "random"),
        (given(60, 8, False, "f.npy"), ("8 samples of 60 steps", "all of it is 0"), "swap"),
        (given(8, 60, True, "f.npz"), ("60 samples of 8 steps",), "label"),
        (given(60, 8, True, "f.npz"), ("labelled", "from 20 samples on"), "swap"),
        (given(60, 1, False, ""), ("1 sample of 60 steps",), "swap"),
        (given(1, 60, False, "f.npy"), ("60 samples of 1 step,",), "swap"),
    ],
)
def test_the_verdict_says_what_it_was_reached_on(stimulus: Stimulus, words: tuple[str, ...], never: str) -> None:
    judged = verdict(replace(with_output(), stimulus=stimulus))
    fact = judged.remarks[0]
    assert fact.startswith("Input: ")
    assert all(word in fact for word in words)
    assert never not in fact
    assert judged.outcome == "deployable"
    assert ("for random spikes" in judged.headline) == ("not data of yours" in fact), (
        "--quiet prints the headline alone"
    )


def test_the_worst_of_several_outputs_counts() -> None:
    made = with_output(samples=1000, reference_accuracy=0.9, candidate_accuracy=0.9)
    agreement = made.agreements[0]
    bad: OutputAgreement = replace(agreement.outputs[0], name="other", candidate_accuracy=0.5)
    found = verdict(replace(made, agreements=(replace(agreement, outputs=(*agreement.outputs, bad)),)))
    assert found.outcome == "not deployable"
    assert "other" in found.facts[0]


@pytest.mark.parametrize("labelled", [True, False])
def test_decisions_of_an_output_that_is_no_evidence_decide_nothing(labelled: bool) -> None:
    """A silent output ties in every sample, in both runs alike."""
    accuracy = 0.5 if labelled else None
    made = with_hidden(f1_near=None, reference_spikes=0, candidate_spikes=0, evidence=False)
    agreement = made.agreements[0]
    output = replace(
        agreement.outputs[0], agreement=1.0, samples=400, reference_accuracy=accuracy, candidate_accuracy=accuracy
    )
    found = verdict(replace(made, agreements=(replace(agreement, outputs=(output,)),)))
    assert found.outcome == "undecided"


@pytest.mark.parametrize(("tied", "outcome"), [(80, "not deployable"), (81, "deployable")])
def test_samples_tied_in_both_runs_are_no_evidence_of_a_decision(tied: int, outcome: str) -> None:
    """20 samples that count suffice; with fewer the membrane judges, and that is exact here."""
    made = with_output(agreement=0.0, reference_accuracy=None, candidate_accuracy=None, samples=100, both_ties=tied)
    agreement = made.agreements[0]
    readout = agreement.populations[1]
    assert readout.membrane is not None
    exact = replace(readout, membrane=replace(readout.membrane, rms_share=0.0))
    populations = (agreement.populations[0], exact)
    assert verdict(replace(made, agreements=(replace(agreement, populations=populations),))).outcome == outcome


@pytest.mark.parametrize(("f1", "outcome"), [(0.95, "deployable"), (0.2, "not deployable")])
def test_an_output_that_decides_nothing_is_judged_beside_one_that_does(f1: float, outcome: str) -> None:
    made = with_output(samples=1000, reference_accuracy=0.9, candidate_accuracy=0.9)
    agreement = made.agreements[0]
    hidden, readout = agreement.populations
    assert hidden.spikes is not None
    spikes = replace(hidden.spikes, f1_near=f1, f1_exact=f1, reference_spikes=1000, bins=100_000)
    single = replace(agreement.outputs[0], name="single", population="hidden", agreement=None)
    changed = replace(
        agreement,
        populations=(replace(hidden, spikes=spikes, evidence=True), readout),
        outputs=(*agreement.outputs, single),
    )
    assert verdict(replace(made, agreements=(changed,))).outcome == outcome


def test_a_coarse_chip_is_found_out_and_a_fine_one_passes() -> None:
    labels = deployment(samples=200).stimulus.labels
    assert labels is not None
    assert len(np.unique(labels)) == 5
    assert verdict(deployment(samples=200, weight_step=1e-6)).outcome == "deployable"
    assert verdict(deployment(samples=200, weight_step=0.5)).outcome == "not deployable"


def test_conversions_are_sorted_by_harm() -> None:
    def row(where: str, relative: float, saturated: int = 0, status: Any = "rounded") -> ConversionRow:
        return ConversionRow(where, "weight", 10, 1.0, "1", 1.0, 0.0, relative, "", "", saturated, status)

    table = ConversionTable(
        (
            row("exact", 0.0, status="exact"),
            row("small", 1e-3),
            row("clipped", 1e-3, 4, "saturated"),
            row("other", 0.0, status="approximate"),
            row("unknown", float("nan")),
            row("large", 0.5),
        )
    )
    assert [r.where for r in by_harm(table)] == ["unknown", "large", "clipped", "small", "other", "exact"]
