"""All of one deployment: what went in, what the chip holds, what every backend recorded, and how far they agree."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork, Fixed, Float64
from neuroalign.conversion import ConversionRow, ConversionTable
from neuroalign.fidelity import LEAST_SPIKES, Agreement, EqualStates, OutputAgreement, PopulationAgreement
from neuroalign.network import Network
from neuroalign.recording import Recording, Stimulus

SCHEMA = "neuroalign-report/1"
ACCURACY_BAR = 0.01
"""Largest loss of accuracy, as a share of all samples, that is still called deployable."""
DECISION_BAR = 0.99
"""Without labels: the least share of samples decided alike."""
SPIKE_BAR = 0.90
"""Without decisions: the least F1 of an output's spikes, within the tolerance of the comparison."""
MEMBRANE_BAR = 0.05
"""Without spikes: the largest RMS error of an output's membrane, as a share of its scale."""
LISTED = 64
"""Arrays of at most this many values are listed in JSON; larger ones are described and hashed."""

Outcome = Literal["deployable", "not deployable", "undecided"]


@dataclass(frozen=True, eq=False)
class Run:
    """One backend's run.

    Parameters
    ----------
    label
        What the report calls it; unique in a deployment.
    recording
        State "v" in volts, as :func:`neuroalign.fidelity.compare` takes it.
    raw
        The recording in the chip's own numbers, where there is one.
    chip
        What was run; None where the backend ran the float model itself.
    seconds
        Wall time of the run.
    """

    label: str
    backend: str
    profile_id: str
    recording: Recording
    raw: Recording | None
    chip: ChipNetwork | None
    seconds: float


@dataclass(frozen=True)
class BitEquality:
    """Two runs of the same integers, compared without tolerance."""

    left: str
    right: str
    states: EqualStates

    @property
    def holds(self) -> bool:
        """Whether the two are bit-equal, on at least one value that changes."""
        return self.states.mismatches == 0 and self.states.compared > 0


@dataclass(frozen=True, eq=False)
class Deployment:
    """Everything about one deployment; report.json is :func:`to_json` of it.

    Parameters
    ----------
    source
        The file, or what else the network came from.
    chip
        What the profile holds; None where the conversion was refused (``warnings`` then say why).
    reference
        Label of the run that the others are compared with.
    repairs, assumptions, assumed_figures, not_checked, warnings
        One plain sentence each: repairs to the file; guesses about the model (dt, reset mode, units); figures of the
        profile that are assumed rather than documented; limits that nothing has checked; whatever else a user must know.
    command, seed, created
        How to get the same again; ``created`` is an ISO 8601 time.
    """

    source: str
    network: Network
    profile_id: str
    chip: ChipNetwork | None
    table: ConversionTable
    stimulus: Stimulus
    runs: tuple[Run, ...]
    reference: str
    agreements: tuple[Agreement, ...] = ()
    bit_equality: tuple[BitEquality, ...] = ()
    repairs: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    assumed_figures: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    seed: int = 0
    created: str = ""

    def run(self, label: str) -> Run:
        """The run called ``label`` (KeyError if there is none)."""
        return {run.label: run for run in self.runs}[label]

    @property
    def chip_runs(self) -> tuple[Run, ...]:
        """The runs on the number formats of the profile, the reference left out."""
        return tuple(
            r
            for r in self.runs
            if r.label != self.reference and r.profile_id == self.profile_id and r.chip is not None and r.chip.is_fixed
        )


@dataclass(frozen=True)
class Verdict:
    """Deployable or not, in one line, and the three facts that matter: behaviour, conversion, trust."""

    outcome: Outcome
    headline: str
    facts: tuple[str, str, str]


def by_harm(table: ConversionTable) -> tuple[ConversionRow, ...]:
    """The rows, worst first: by relative error, then by the share that saturated, then by status."""
    ranks = {"approximate": 0, "saturated": 1, "rounded": 2, "substituted": 3, "exact": 4}

    def harm(row: ConversionRow) -> tuple[float, float, int]:
        error = row.relative_error if not math.isnan(row.relative_error) else math.inf
        return -error, -row.saturated / max(row.count, 1), ranks[row.status]

    return tuple(sorted(table.rows, key=harm))


def verdict(deployment: Deployment) -> Verdict:
    """Whether the chip does what the model does, by the bars above.

    A chip run is judged by accuracy where there are labels, else by its decisions, else by the spikes or membrane of
    its outputs; fewer than 20 samples or spikes decide nothing. Without a chip run, without evidence, or where two
    backends that should be bit-equal are not, the outcome is "undecided".
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
    limits = f", as far as was checked: {len(deployment.not_checked)} limits were not" if deployment.not_checked else ""
    headline = {
        "deployable": f"Deployable on {place}{limits}.",
        "not deployable": f"Not deployable on {place}: the chip does something else than the model.",
        "undecided": f"Undecided on {place}: there is no evidence for or against.",
    }[outcome]
    if deployment.chip is None:
        outcome, headline = "not deployable", f"Not deployable on {place}: the conversion was refused."
    elif not deployment.chip.is_fixed:
        headline = f"Nothing to deploy: {place} computes in floating point and serves as a control."
    elif broken:
        outcome, headline = "undecided", f"Undecided on {place}: two backends that should be bit-equal are not."
    return Verdict(outcome, headline, (behaviour, _conversion_fact(deployment.table), _trust_fact(deployment)))


def _behaviour(agreement: Agreement) -> tuple[Outcome, str]:
    """The outcome of one comparison and the sentence that carries it; the worst of several outputs counts."""
    found = [
        _decision(o, agreement) for o in agreement.outputs if o.agreement is not None and o.samples >= LEAST_SPIKES
    ]
    if not found:
        wanted = {o.population for o in agreement.outputs}
        found = [_activity(p, agreement) for p in agreement.populations if p.name in wanted or not wanted]
    order: dict[Outcome, int] = {"not deployable": 0, "undecided": 1, "deployable": 2}
    return min(found, key=lambda f: order[f[0]], default=("undecided", "No population was recorded in both runs."))


def _decision(output: OutputAgreement, agreement: Agreement) -> tuple[Outcome, str]:
    names = f"{agreement.candidate} against {agreement.reference}"
    if output.reference_accuracy is not None and output.candidate_accuracy is not None:
        loss = output.reference_accuracy - output.candidate_accuracy
        text = (
            f"Accuracy of {output.name}: {output.candidate_accuracy:.2%} on {agreement.candidate} against "
            f"{output.reference_accuracy:.2%} on {agreement.reference} ({output.samples:,} samples; a loss of at most "
            f"{100 * ACCURACY_BAR:g} percentage points passes)."
        )
        return ("deployable" if loss <= ACCURACY_BAR + 1e-12 else "not deployable"), text
    share = output.agreement or 0.0
    text = f"Decisions of {output.name}: {share:.2%} of {output.samples:,} samples alike, {names} ({DECISION_BAR:.0%} passes)."
    return ("deployable" if share >= DECISION_BAR else "not deployable"), text


def _activity(population: PopulationAgreement, agreement: Agreement) -> tuple[Outcome, str]:
    text = f"{population.name}: {population.text}, {agreement.candidate} against {agreement.reference}."
    spikes, membrane = population.spikes, population.membrane
    if spikes is not None:
        seen = population.evidence or spikes.candidate_spikes >= LEAST_SPIKES
        good = (spikes.f1_near or 0.0) >= SPIKE_BAR
        if seen and not good:
            return "not deployable", text
        return ("deployable" if population.evidence else "undecided"), text
    if not population.evidence or membrane is None or membrane.rms_share is None:
        return "undecided", text
    return ("deployable" if membrane.rms_share <= MEMBRANE_BAR else "not deployable"), text


def _conversion_fact(table: ConversionTable) -> str:
    if not table.rows:
        return "Conversion: no number was converted."
    worst = by_harm(table)[0]
    saturated = sum(row.saturated for row in table.rows)
    exact = sum(row.count for row in table.rows if row.status == "exact")
    error = (
        "none is off"
        if worst.relative_error == 0
        else (f"the largest error is {worst.relative_error:.2%} ({worst.quantity} of {worst.where})")
    )
    return (
        f"Conversion: {sum(row.count for row in table.rows):,} numbers, {exact:,} of them in classes that stay exact; {error}; "
        f"{saturated:,} saturated."
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


def to_json(deployment: Deployment) -> dict[str, Any]:
    """The deployment as strict JSON: no NaN, no infinity (both become null), keys in a fixed order.

    Arrays of up to :data:`LISTED` values are listed; larger ones are given by shape, dtype, least and greatest value and
    the SHA-256 of their little-endian bytes, so that two reports can be told apart without carrying the arrays.
    """
    judged = verdict(deployment)
    document: dict[str, Any] = {"schema": SCHEMA, "verdict": plain(judged)}
    for item in fields(deployment):
        value = getattr(deployment, item.name)
        if item.name == "runs":
            document["runs"] = [_run_json(run, deployment.chip) for run in value]
        elif item.name == "table":
            document["table"] = [plain(row) for row in deployment.table.rows]
        else:
            document[item.name] = plain(value)
    return document


def _run_json(run: Run, chip: ChipNetwork | None) -> dict[str, Any]:
    return {
        "label": run.label,
        "backend": run.backend,
        "profile_id": run.profile_id,
        "seconds": plain(run.seconds),
        "recording": plain(run.recording),
        "raw": plain(run.raw),
        "chip": "as the deployment's" if run.chip is chip and chip is not None else plain(run.chip),
    }


def plain(value: Any) -> Any:
    """``value`` as what strict JSON can hold; see :func:`to_json`."""
    if isinstance(value, np.ndarray):
        return _describe(value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Recording):
        states = [{"population": p, "state": s, "array": _describe(a)} for (p, s), a in value.states.items()]
        return {
            "backend": value.backend,
            "states": states,
            "latency_steps": plain(value.latency_steps),
            "counts": plain(value.counts),
        }
    return _plain_structure(value)


def _plain_structure(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        kind = {"format": type(value).__name__} if isinstance(value, Fixed | Float64) else {}
        return kind | {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(item) for name, item in zip(value._fields, value, strict=True)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | bool | int) else str(value)


def _describe(array: NDArray[Any]) -> dict[str, Any]:
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    described: dict[str, Any] = {"shape": list(array.shape), "dtype": array.dtype.name}
    if array.size <= LISTED:
        return described | {"values": plain(array.tolist())}
    described |= {"min": plain(array.min()), "max": plain(array.max())}
    return described | {"sha256": hashlib.sha256(little.tobytes()).hexdigest()}
