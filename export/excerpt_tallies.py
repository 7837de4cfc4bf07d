"""What the figures on decisions and errors draw, still and live alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.deployment import Deployment
from neuroalign.export.excerpt import POPULATIONS, main_agreement
from neuroalign.fidelity import Agreement, OutputAgreement, PopulationAgreement, decidable, decide

Classes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Decided:
    """Decisions of every run at one output, and what they are held against.

    Parameters
    ----------
    what, rows
        What a run's share says ("accuracy", or "same decision" without labels); what ``truth`` is.
    truth : (samples,)
        Labels, or without them the decisions of the reference.
    decided
        Run to its decisions, (samples,) or fewer where a slow backend ran fewer.
    shares
        Run to the share of its decisions that equal ``truth``.
    same_samples
        The same of the reference on the samples of a run that took fewer.
    """

    output: OutputAgreement
    agreement: Agreement
    what: str
    rows: str
    truth: Classes
    decided: Mapping[str, Classes]
    shares: Mapping[str, float]
    same_samples: Mapping[str, float]

    def confusion(self) -> tuple[Classes, Classes]:
        """Classes that occur, and counts of (row: truth, column: decision of the main run)."""
        decided = self.decided[self.agreement.candidate]
        known = np.unique(np.concatenate((self.truth, decided)))
        table = np.zeros((known.size, known.size), dtype=np.int64)
        truth = np.searchsorted(known, self.truth[: decided.size])
        np.add.at(table, (truth, np.searchsorted(known, decided)), 1)
        return known, table


def decisions(deployment: Deployment) -> Decided | None:
    """Decisions of the first output that has any; None where nothing was decided, or only one sample."""
    agreement = main_agreement(deployment)
    output = next((o for o in agreement.outputs if o.agreement is not None), None) if agreement else None
    if agreement is None or output is None or output.samples < 2:
        return None
    labels, spiking = deployment.stimulus.labels, deployment.network.population(output.population).spiking
    runs = [r for r in deployment.runs if decidable(r.recording, output.population, spiking)]
    decided = {r.label: decide(r.recording, output.population, agreement.steps, spiking)[0] for r in runs}
    reference = decided[deployment.reference]
    truth = reference if labels is None else np.asarray(labels)
    named = ("same decision", f"decision of {agreement.reference}") if labels is None else ("accuracy", "label")
    shares = {label: float((choice == truth[: choice.size]).mean()) for label, choice in decided.items()}
    fewer = {label: choice.size for label, choice in decided.items() if choice.size < truth.size}
    same = {label: float((reference[:n] == truth[:n]).mean()) for label, n in fewer.items()}
    return Decided(output, agreement, *named, truth, decided, shares, same)


def judged(deployment: Deployment) -> tuple[list[Agreement], list[str]]:
    """Comparisons with the reference, and the names of the populations that are drawn, in the order of the model."""
    found = [a for a in deployment.agreements if a.reference == deployment.reference and a.populations]
    return found, [p.name for p in found[0].populations][: 2 * POPULATIONS] if found else []


def spike_error(population: PopulationAgreement | None) -> float | str:
    """Share of spikes without partner in per cent, or why there is none."""
    if population is None or population.spikes is None:
        return "does not spike" if population else "not recorded"
    f1 = population.spikes.f1_near
    return "no evidence" if f1 is None or not population.evidence else 100 * (1 - f1)


def membrane_error(population: PopulationAgreement | None) -> float | str:
    """RMS of the membrane in per cent of its scale, or why there is none."""
    if population is None or population.membrane is None:
        return "not recorded"
    share = population.membrane.rms_share
    return "no scale" if share is None else "not finite" if not np.isfinite(share) else 100 * share
