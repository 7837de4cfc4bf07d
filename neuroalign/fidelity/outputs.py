"""Decisions read from an output population, by one stated rule for spiking outputs and one for silent ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.recording import Recording

RULE_SPIKING = "most spikes; among neurons with as many spikes the larger sum of v over time, then the lower index"
RULE_SILENT = "largest sum of v over time; then the lower index"


@dataclass(frozen=True)
class OutputAgreement:
    """Decisions read from one output; shares are None where they cannot be formed.

    Accuracies are shares of all samples; ``agreement`` is a share of those not tied in both runs, since a class that
    neither run leads to (as where both are silent) is no agreement. ``both_ties`` counts the samples left out.
    """

    name: str
    population: str
    rule: str
    samples: int
    agreement: float | None
    reference_accuracy: float | None
    candidate_accuracy: float | None
    reference_ties: int
    candidate_ties: int
    both_ties: int = 0


def decidable(recording: Recording, population: str, spiking: bool) -> bool:
    """Whether the states that the decision rule needs were recorded."""
    return (population, "s" if spiking else "v") in recording.states


def decide(recording: Recording, population: str, steps: int, spiking: bool) -> tuple[NDArray[np.int64], int]:
    """The class that each sample is decided for, and how many samples had several neurons in the lead.

    A spiking output decides by :data:`RULE_SPIKING` (a lead shared in spike counts is counted as a tie, whatever then
    breaks it), another by :data:`RULE_SILENT`; sums run over the model's ``steps`` steps, latency subtracted.

    Raises
    ------
    InputError
        If the state that the rule needs was not recorded, or for too few steps.
    """
    decided, tied = _decide(recording, population, steps, spiking)
    return decided, int(tied.sum())


def _decide(
    recording: Recording, population: str, steps: int, spiking: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The class of each sample, and whether several neurons were in the lead."""
    if not decidable(recording, population, spiking):
        state = "s" if spiking else "v"
        raise InputError(f"{recording.backend} did not record {state!r} of {population!r}; its decisions need it")
    if spiking:
        lead: NDArray[Any] = aligned(recording, population, "s", steps).sum(1, dtype=np.int64)
    else:
        lead = aligned(recording, population, "v", steps).sum(1, dtype=np.float64)
    sums = lead.astype(np.float64)
    if spiking and (population, "v") in recording.states:
        sums = aligned(recording, population, "v", steps).sum(1, dtype=np.float64)
    leading = lead == lead.max(1, keepdims=True)
    decided = np.asarray(np.where(leading, sums, -np.inf).argmax(1), dtype=np.int64)
    return decided, np.asarray(leading.sum(1) > 1, dtype=np.bool_)


def output_agreement(
    reference: Recording,
    candidate: Recording,
    output: tuple[str, str],
    steps: int,
    spiking: bool,
    labels: NDArray[np.int64] | None,
) -> OutputAgreement:
    """Decisions of both runs for ``output``, a pair (output name, population), against each other and the labels."""
    name, population = output
    (left, left_tied), (right, right_tied) = (_decide(r, population, steps, spiking) for r in (reference, candidate))
    if labels is not None and len(labels) != left.size:
        raise InputError(
            f"{len(labels)} labels for {left.size} samples of output {name!r}; one label a sample is needed"
        )
    neurons = next(a.shape[2] for (p, _), a in reference.states.items() if p == population)
    chooses = neurons > 1 and left.size > 0  # one neuron has nothing to choose from
    judged = chooses and labels is not None
    counted = ~(left_tied & right_tied)
    return OutputAgreement(
        name=name,
        population=population,
        rule=RULE_SPIKING if spiking else RULE_SILENT,
        samples=left.size,
        agreement=float((left == right)[counted].mean()) if chooses and counted.any() else None,
        reference_accuracy=float((left == labels).mean()) if judged else None,
        candidate_accuracy=float((right == labels).mean()) if judged else None,
        reference_ties=int(left_tied.sum()) if chooses else 0,
        candidate_ties=int(right_tied.sum()) if chooses else 0,
        both_ties=int((~counted).sum()) if chooses else 0,
    )


def aligned(recording: Recording, population: str, state: str, steps: int) -> NDArray[Any]:
    """``Recording.aligned``, refused where the recording is shorter than the latency and ``steps`` together."""
    array = recording.aligned(population, state, steps)
    if array.shape[1] != steps:
        raise InputError(
            f"{recording.backend} recorded {recording.states[population, state].shape[1]} steps of {population!r}, but "
            f"{steps} steps after a latency of {recording.latency_steps[population]} are compared; run it longer"
        )
    return array
