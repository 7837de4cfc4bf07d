"""The verdict on a deployment, by stated bars, and the order in which conversions do harm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neuroalign.conversion import ConversionRow, ConversionTable
from neuroalign.deployment.record import Deployment
from neuroalign.fidelity import LEAST_SPIKES, Agreement, OutputAgreement, PopulationAgreement
from neuroalign.recording import TEST_SIGNAL, Stimulus

ACCURACY_BAR = 0.01
"""Largest loss of accuracy, as a share of all samples, that is still called deployable."""
DECISION_BAR = 0.99
"""Without labels: the least share of samples decided alike."""
CHANCE_BAR = 0.5
"""Above this chance of a partner within the tolerance, spikes are judged in the same step."""
SPIKE_BAR = 0.90
"""Without decisions: the least F1 of an output's spikes, within the tolerance of the comparison."""
MEMBRANE_BAR = 0.05
"""Without spikes: the largest RMS error of an output's membrane, as a share of its scale."""

HELP = (
    "What may help: --calibrate 0.05 or FILE searches for better integers, --split-weights gives large weights two "
    "synapses, 'neuroalign finetune' trains on in the chip's arithmetic."
)
MORE_INPUT = (
    "What may help: input that makes the outputs active (--input FILE of the network's own data, or a larger --rate), "
    "or more of it (--steps)."
)

Outcome = Literal["deployable", "not deployable", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """Deployable or not, in one line, the three facts that matter, and what else there is to say.

    Parameters
    ----------
    facts
        What the chip does beside the model, what the conversion cost, and whether it fits. Where nothing was placed,
        whether a second backend confirmed the integers stands in its place; where two backends that should be
        bit-equal are not, that stands second.
    remarks
        What input it was reached on, and how that was read; whether a second backend confirmed the integers, where it is none of the three; what may help, where it is due.
    """

    outcome: Outcome
    headline: str
    facts: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def by_harm(table: ConversionTable) -> tuple[ConversionRow, ...]:
    """The rows, worst first: by relative error, then by the share that saturated, then by status."""
    ranks = {"approximate": 0, "saturated": 1, "rounded": 2, "substituted": 3, "exact": 4}

    def harm(row: ConversionRow) -> tuple[float, float, int]:
        error = row.relative_error if not math.isnan(row.relative_error) else math.inf
        return -error, -row.saturated / max(row.count, 1), ranks[row.status]

    return tuple(sorted(table.rows, key=harm))


def verdict(deployment: Deployment) -> Verdict:
    """Whether the chip does what the model does, by the bars above.

    Each output of a chip run is judged by accuracy where there are labels, else by its decisions, and where it decides
    nothing by its spikes or membrane; the worst output counts. What does not fit on the target is not deployable. Fewer than 20 spikes, or 20 samples that are not tied in
    both runs, are no evidence of a decision. Without a chip run, without evidence, or where two
    backends that should be bit-equal are not, the outcome is "undecided".

    Examples
    --------
    >>> import neuroalign
    >>> deployment = neuroalign.deploy("network.nir", "loihi2", dt=1e-3, reset="zero", stimulus="spikes.npz")
    >>> judged = neuroalign.verdict(deployment)
    >>> judged.outcome, len(judged.facts)
    ('deployable', 3)
    """
    judged = [
        _behaviour(agreement)
        for run in deployment.chip_runs
        for agreement in deployment.agreements
        if (agreement.reference, agreement.candidate) == (deployment.reference, run.label)
    ]
    order: dict[Outcome, int] = {"not deployable": 0, "undecided": 1, "deployable": 2}
    outcome, behaviour = min(
        judged,
        key=lambda j: order[j[0]],
        default=("undecided", "No run on the chip's number formats was compared with the reference."),
    )
    place = deployment.profile_id
    broken = any(b.states.mismatches for b in deployment.bit_equality)
    unknown = len(deployment.not_checked)
    limits = f", as far as could be checked: {unknown} of its figures are not known" if unknown else ""
    tried = " for random spikes" if deployment.stimulus.description.startswith(TEST_SIGNAL) else ""
    headline = {
        "deployable": f"Deployable on {place}{tried}{limits}.",
        "not deployable": f"Not deployable on {place}: the chip does something else than the model.",
        "undecided": f"Undecided on {place}: there is no evidence for or against.",
    }[outcome]
    help_: tuple[str, ...] = ()
    if deployment.chip is None:
        outcome, headline = "not deployable", f"Not deployable on {place}: the conversion was refused."
    elif deployment.placed is not None and not deployment.placed.fits:
        outcome, headline = "not deployable", f"Not deployable on {place}: it does not fit."
    elif not deployment.chip.is_fixed:
        headline = f"Nothing to deploy: {place} computes in floating point and serves as a control."
    elif broken:
        outcome, headline = "undecided", f"Undecided on {place}: two backends that should be bit-equal are not."
    else:
        help_ = {"not deployable": (HELP,), "undecided": (MORE_INPUT,) if judged else ()}.get(outcome, ())
    facts = _in_order(behaviour, deployment, broken=broken)
    return Verdict(outcome, headline, facts[:3], (_input_fact(deployment.stimulus), *facts[3:], *help_))


def _in_order(behaviour: str, deployment: Deployment, *, broken: bool) -> tuple[str, ...]:
    """The facts, those that matter most first."""
    conversion, trust = _conversion_fact(deployment.table), _trust_fact(deployment)
    room = () if deployment.placed is None else (deployment.placed.headline,)
    return (behaviour, trust, *room, conversion) if broken else (behaviour, conversion, *room, trust)


def _behaviour(agreement: Agreement) -> tuple[Outcome, str]:
    """The outcome of one comparison and the sentence that carries it; the worst of several outputs counts."""
    populations = {p.name: p for p in agreement.populations}
    found = [
        _decision(o, agreement)
        if _decides(o, populations[o.population])
        else _activity(populations[o.population], agreement)
        for o in agreement.outputs
        if o.population in populations
    ]
    if not agreement.outputs:
        found = [_activity(p, agreement) for p in agreement.populations]
    order: dict[Outcome, int] = {"not deployable": 0, "undecided": 1, "deployable": 2}
    return min(found, key=lambda f: order[f[0]], default=("undecided", "No population was recorded in both runs."))


def _decides(output: OutputAgreement, population: PopulationAgreement) -> bool:
    """Whether decisions are evidence: a silent output decides by a tie, and so do both runs of it alike."""
    return population.evidence and output.agreement is not None and output.samples - output.both_ties >= LEAST_SPIKES


def _decision(output: OutputAgreement, agreement: Agreement) -> tuple[Outcome, str]:
    names = f"{agreement.candidate} against {agreement.reference}"
    if output.reference_accuracy is not None and output.candidate_accuracy is not None:
        loss = output.reference_accuracy - output.candidate_accuracy
        text = (
            f"Accuracy of {output.name}: {output.candidate_accuracy:.2%} on {agreement.candidate} against "
            f"{output.reference_accuracy:.2%} on {agreement.reference} ({output.samples:,} samples; a loss of at most "
            f"{ACCURACY_BAR:.0%} of the samples passes)."
        )
        return ("deployable" if loss <= ACCURACY_BAR + 1e-12 else "not deployable"), text
    share = output.agreement or 0.0
    left_out = f"; {output.both_ties:,} tied in both are not counted" if output.both_ties else ""
    text = (
        f"Decisions of {output.name}: {share:.2%} of {output.samples - output.both_ties:,} samples alike, {names} "
        f"({DECISION_BAR:.0%} passes{left_out})."
    )
    return ("deployable" if share >= DECISION_BAR else "not deployable"), text


def _activity(population: PopulationAgreement, agreement: Agreement) -> tuple[Outcome, str]:
    text = f"{population.name}: {population.text}, {agreement.candidate} against {agreement.reference}"
    spikes, membrane = population.spikes, population.membrane
    if spikes is not None:
        seen = population.evidence or spikes.candidate_spikes >= LEAST_SPIKES
        # Where neurons fire so densely that chance alone finds partners within the tolerance, only the same step counts.
        by_chance = 1 - (1 - spikes.reference_spikes / max(spikes.bins, 1)) ** (2 * agreement.tolerance_steps + 1)
        f1 = spikes.f1_exact if by_chance > CHANCE_BAR else spikes.f1_near
        good = (f1 or 0.0) >= SPIKE_BAR
        where = "in the same step" if by_chance > CHANCE_BAR else f"within {agreement.tolerance_steps} steps"
        text += f" (F1 {SPIKE_BAR:g} {where} passes)." if seen else "."
        if seen and not good:
            return "not deployable", text
        return ("deployable" if population.evidence else "undecided"), text
    if not population.evidence or membrane is None or membrane.rms_share is None:
        return "undecided", f"{text}."
    firing = [p.spikes for p in agreement.populations if p.spikes is not None]
    if firing and all(max(s.reference_spikes, s.candidate_spikes) < LEAST_SPIKES for s in firing):
        return "undecided", f"{text}, but nothing drove it: no population fired {LEAST_SPIKES} times."
    text += f" ({MEMBRANE_BAR:.0%} passes)."
    return ("deployable" if membrane.rms_share <= MEMBRANE_BAR else "not deployable"), text


def _input_fact(stimulus: Stimulus) -> str:
    """What the verdict was reached on: how it was read, and whether it is the user's own."""
    if stimulus.description.startswith(TEST_SIGNAL):
        return f"Input: random spikes, not data of yours, which --input FILE gives ({stimulus.description})."
    size = f"{_count(stimulus.samples, 'sample')} of {_count(stimulus.steps, 'step')}"
    text = f"Input: {stimulus.description or 'given'}, taken as {size}"
    if stimulus.labels is None:
        text += ", without labels"
    elif stimulus.samples < LEAST_SPIKES:
        text += f", labelled (accuracy decides from {LEAST_SPIKES} samples on)"
    if not any(np.any(values) for values in stimulus.inputs.values()):
        text += "; all of it is 0"
    if stimulus.labels is None and stimulus.samples > stimulus.steps > 1:
        text += "; if time comes first in the file, swap its first two axes"
    return f"{text}."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _conversion_fact(table: ConversionTable) -> str:
    if not table.rows:
        return "Conversion: no number was converted."
    worst = by_harm(table)[0]
    saturated = sum(row.saturated for row in table.rows)
    exact = sum(row.count for row in table.rows if row.status == "exact")
    error = (
        "none is off"
        if worst.relative_error == 0
        else f"the largest error is {worst.relative_error:.2%} of the largest {worst.quantity} of {worst.where}"
    )
    return (
        f"Conversion: {sum(row.count for row in table.rows):,} numbers ({exact:,} of kinds that stay exact); {error}; "
        f"{saturated:,} clipped."
    )


def _trust_fact(deployment: Deployment) -> str:
    for pair in deployment.bit_equality:
        if pair.states.mismatches:
            name, state, place = pair.states.first or ("?", "?", "?")
            return (
                f"Arithmetic: {pair.left} and {pair.right} differ in {pair.states.mismatches:,} values, first in {state} of "
                f"{name} at {place}; neither is to be trusted before that is understood."
            )
    held = [pair for pair in deployment.bit_equality if pair.holds]
    if held:
        return (
            "Arithmetic: "
            + "; ".join(
                f"{p.left} and {p.right} are bit-equal on {p.states.compared:,} values ({p.states.constant:,} more never change)"
                for p in held
            )
            + "."
        )
    return "Arithmetic: no second backend has confirmed the chip's integers in this run."
