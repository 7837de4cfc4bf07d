"""The comparison of two recordings of the same stimulus, population by population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.fidelity.outputs import OutputAgreement, aligned, decidable, output_agreement
from neuroalign.fidelity.spikes import SpikeAgreement, spike_agreement
from neuroalign.fidelity.states import MembraneAgreement, membrane_agreement
from neuroalign.network import FloatArray, Network
from neuroalign.notebook import html_table
from neuroalign.recording import Recording

LEAST_SPIKES = 20
"""Fewer reference spikes than this are no evidence of anything."""


@dataclass(frozen=True)
class PopulationAgreement:
    """One population: what was found, and whether it is evidence of anything (``text`` says it in words)."""

    name: str
    spikes: SpikeAgreement | None
    membrane: MembraneAgreement | None
    evidence: bool
    text: str


@dataclass(frozen=True)
class Agreement:
    """What :func:`compare` found between two recordings.

    Parameters
    ----------
    reference, candidate
        What the two are called.
    samples, steps, dt
        How much of both was compared; ``dt`` in seconds.
    tolerance_steps, tau
        Within how many steps spikes may be partners; time constant of the van Rossum distance in seconds.
    populations, outputs
        What was found of each population, in the model's order, and of each output's decisions.
    latency_steps, reference_counts, candidate_counts
        Declared latencies that were subtracted; the backends' counters.
    not_compared
        Populations that were not recorded in both runs.

    Examples
    --------
    >>> import neuroalign
    >>> deployment = neuroalign.deploy("network.nir", "loihi2", dt=1e-3, reset="zero", stimulus="spikes.npz")
    >>> chip = deployment.chip_runs[0].label
    >>> agreement = next(a for a in deployment.agreements if a.candidate == chip)
    >>> agreement.populations[0].spikes.f1_near > 0.9
    True
    """

    reference: str
    candidate: str
    samples: int
    steps: int
    dt: float
    tolerance_steps: int
    tau: float
    populations: tuple[PopulationAgreement, ...]
    outputs: tuple[OutputAgreement, ...]
    latency_steps: tuple[tuple[str, int], ...]
    reference_counts: tuple[tuple[str, int], ...]
    candidate_counts: tuple[tuple[str, int], ...]
    not_compared: tuple[str, ...]

    def _repr_html_(self) -> str:
        rows = [
            (
                p.name,
                p.text,
                "" if p.spikes is None else p.spikes.reference_spikes,
                "" if p.spikes is None else p.spikes.candidate_spikes,
                "" if p.spikes is None or p.spikes.f1_near is None else p.spikes.f1_near,
                "" if p.membrane is None else p.membrane.rms_volts,
            )
            for p in self.populations
        ]
        columns = ("population", "finding", "spikes", "of the candidate", "F1", "v RMS (V)")
        title = f"{self.candidate} against {self.reference}: {self.samples} samples of {self.steps} steps"
        note = f"not compared: {', '.join(self.not_compared)}" if self.not_compared else ""
        return html_table(title, columns, rows, note)


def threshold_distances(network: Network) -> dict[str, FloatArray]:
    """Per population ``v_threshold - v_reset`` in volts, (N,); ``inf`` where a neuron never spikes."""
    return {p.name: p.v_threshold - p.v_reset for p in network.populations}


def compare(
    reference: Recording,
    candidate: Recording,
    *,
    steps: int,
    dt: float,
    thresholds: Mapping[str, FloatArray],
    spiking: Mapping[str, bool],
    labels: NDArray[np.int64] | None = None,
    outputs: Sequence[tuple[str, str]] = (),
    tolerance_steps: int = 2,
    tau: float | None = None,
    names: tuple[str, str] | None = None,
) -> Agreement:
    """Compare two recordings of the same stimulus over the model's first ``steps`` steps.

    Parameters
    ----------
    reference, candidate : Recording
        State "v" in volts, state "s" 0/1, arrays (S, T', N) with T' at least ``steps`` plus the declared latency.
    dt : s
        Time step.
    thresholds
        Population to the distance from reset to threshold in volts, (N,): :func:`threshold_distances`.
    spiking
        Population to whether it spikes; its order is the order of the result.
    labels : (S,) or None
        Classes, for accuracy.
    outputs
        Pairs (output name, population).
    tolerance_steps : int
        Spikes at most this many steps apart may be partners in ``f1_near``.
    tau : s or None
        Time constant of the van Rossum distance; None stands for ``10 dt``.
    names
        What to call the two; None takes their backends' names.

    Raises
    ------
    InputError
        If a recording is too short for its latency, or the two differ in samples or neurons.

    Examples
    --------
    >>> import neuroalign
    >>> import numpy as np
    >>> spikes = np.zeros((1, 100, 2))
    >>> spikes[0, ::4] = 1
    >>> one = neuroalign.Recording("one", {("out", "s"): spikes}, {"out": 0})
    >>> late = neuroalign.Recording("late", {("out", "s"): np.roll(spikes, 1, axis=1)}, {"out": 0})
    >>> found = neuroalign.compare(
    ...     one, late, steps=99, dt=1e-3, thresholds={"out": np.ones(2)}, spiking={"out": True}
    ... ).populations[0].spikes
    >>> found.f1_exact, found.f1_near
    (0.0, 1.0)
    """
    both = [name for name in spiking if _has(reference, name) and _has(candidate, name)]
    terms = _Terms(steps, dt, 10 * dt if tau is None else tau, tolerance_steps)
    populations = tuple(
        _population(reference, candidate, name, terms, spiking[name], thresholds.get(name)) for name in both
    )
    decided = tuple(
        output_agreement(reference, candidate, (output, name), steps, spiking[name], labels)
        for output, name in outputs
        if name in both and all(decidable(r, name, spiking[name]) for r in (reference, candidate))
    )
    called = names or (reference.backend, candidate.backend)
    return Agreement(
        reference=called[0],
        candidate=called[1],
        samples=max((len(reference.states[probe]) for probe in reference.states if probe[0] in both), default=0),
        steps=steps,
        dt=dt,
        tolerance_steps=tolerance_steps,
        tau=terms.tau,
        populations=populations,
        outputs=decided,
        latency_steps=tuple((name, candidate.latency_steps[name]) for name in both),
        reference_counts=tuple(sorted(reference.counts.items())),
        candidate_counts=tuple(sorted(candidate.counts.items())),
        not_compared=tuple(name for name in spiking if name not in both),
    )


@dataclass(frozen=True)
class _Terms:
    """What every population is compared by: ``dt`` and ``tau`` in seconds."""

    steps: int
    dt: float
    tau: float
    tolerance_steps: int


def _population(
    reference: Recording,
    candidate: Recording,
    name: str,
    terms: _Terms,
    spiking: bool,
    threshold: FloatArray | None,
) -> PopulationAgreement:
    spikes = membrane = None
    if spiking and all((name, "s") in r.states for r in (reference, candidate)):
        left, right = _pair(reference, candidate, name, "s", terms.steps)
        spikes = spike_agreement(
            left != 0,
            right != 0,
            dt=terms.dt,
            tau=terms.tau,
            tolerance_steps=terms.tolerance_steps,
            early_spikes=int((candidate.states[name, "s"][:, : candidate.latency_steps[name]] != 0).sum()),
        )
    varies = False
    if all((name, "v") in r.states for r in (reference, candidate)):
        left, right = _pair(reference, candidate, name, "v", terms.steps)
        left, right = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
        membrane = membrane_agreement(left, right, threshold)
        varies = bool(left.size and left.min() != left.max())
    evidence = spikes.reference_spikes >= LEAST_SPIKES if spikes else varies
    words = _spike_words(spikes, evidence, terms.tolerance_steps) if spikes else _membrane_words(membrane, evidence)
    return PopulationAgreement(name, spikes, membrane, evidence, words)


def _spike_words(spikes: SpikeAgreement, evidence: bool, tolerance_steps: int) -> str:
    if not evidence:
        return (
            f"no evidence: {spikes.reference_spikes} reference spikes ({LEAST_SPIKES} are needed), "
            f"{spikes.candidate_spikes} from the candidate"
        )
    if spikes.first_divergence is None:
        return f"all {spikes.reference_spikes:,} spikes in the same steps"
    return f"spikes agree to F1 {spikes.f1_near:.4f} within {tolerance_steps} steps, {spikes.f1_exact:.4f} in the same step"


def _membrane_words(membrane: MembraneAgreement | None, evidence: bool) -> str:
    if membrane is None or not evidence:
        return "no evidence: the reference does not change"
    share = "" if membrane.rms_share is None else f", {100 * membrane.rms_share:.3g}% of the {membrane.scale}"
    return f"membrane agrees to {membrane.rms_volts:.3g} V RMS{share}"


def _has(recording: Recording, population: str) -> bool:
    return any(name == population for name, _ in recording.states)


def _pair(
    reference: Recording, candidate: Recording, population: str, state: str, steps: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    left, right = (aligned(r, population, state, steps) for r in (reference, candidate))
    if left.shape != right.shape:
        raise InputError(
            f"state {state!r} of {population!r} has shape {left.shape} in {reference.backend} and {right.shape} in "
            f"{candidate.backend}; both need the same samples and neurons"
        )
    return left, right
