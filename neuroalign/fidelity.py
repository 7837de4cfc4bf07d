"""How well one recording agrees with another: spikes, membrane and outputs, each with its evidence.

Two claims are kept apart. :func:`compare` measures agreement of behaviour, in the model's units and after each
recording's *declared* latency has been subtracted (never a fitted shift). :func:`equal_states` tests arithmetic: the
same integers at every step.

Symbols: ``T`` steps, ``S`` samples, ``N`` neurons; a *train* is the spikes of one neuron in one sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.network import FloatArray, Network
from neuroalign.recording import Probe, Recording

BoolArray = NDArray[np.bool_]

LEAST_SPIKES = 20
"""Fewer reference spikes than this are no evidence of anything."""

RULE_SPIKING = "most spikes; among neurons with as many spikes the larger sum of v over time, then the lower index"
RULE_SILENT = "largest sum of v over time; then the lower index"


class Place(NamedTuple):
    """Where something was first seen, counted from 0."""

    sample: int
    step: int
    neuron: int


@dataclass(frozen=True)
class SpikeAgreement:
    """Spikes of one population; see :func:`spike_agreement` for the equations."""

    bins: int
    reference_spikes: int
    candidate_spikes: int
    early_spikes: int
    equal_bins: float
    f1_exact: float | None
    f1_near: float | None
    van_rossum: float
    reference_rate: float
    candidate_rate: float
    count_correlation: float | None
    first_divergence: Place | None


@dataclass(frozen=True)
class MembraneAgreement:
    """Membrane potential of one population: errors in volts and as a share of ``scale``."""

    values: int
    rms_volts: float
    max_volts: float
    rms_share: float | None
    max_share: float | None
    scale: str


@dataclass(frozen=True)
class PopulationAgreement:
    """One population: what was found, and whether it is evidence of anything (``text`` says it in words)."""

    name: str
    spikes: SpikeAgreement | None
    membrane: MembraneAgreement | None
    evidence: bool
    text: str


@dataclass(frozen=True)
class OutputAgreement:
    """Decisions read from one output; shares are None where they cannot be formed."""

    name: str
    population: str
    rule: str
    samples: int
    agreement: float | None
    reference_accuracy: float | None
    candidate_accuracy: float | None
    reference_ties: int
    candidate_ties: int


@dataclass(frozen=True)
class Agreement:
    """What :func:`compare` found between two recordings, ``tau`` in seconds."""

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


class EqualStates(NamedTuple):
    """Bit equality of two recordings; ``first`` is the first mismatch as (population, state, place)."""

    compared: int
    constant: int
    mismatches: int
    first: tuple[str, str, Place] | None


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
    """
    both = [name for name in spiking if _has(reference, name) and _has(candidate, name)]
    tau = 10 * dt if tau is None else tau
    populations = tuple(
        _population(reference, candidate, name, steps, dt, tau, tolerance_steps, spiking[name], thresholds.get(name))
        for name in both
    )
    decided = tuple(
        _output(reference, candidate, pair, steps, spiking[pair[1]], labels) for pair in outputs if pair[1] in both
    )
    called = names or (reference.backend, candidate.backend)
    return Agreement(
        reference=called[0],
        candidate=called[1],
        samples=max((len(a) for a in reference.states.values()), default=0),
        steps=steps,
        dt=dt,
        tolerance_steps=tolerance_steps,
        tau=tau,
        populations=populations,
        outputs=decided,
        latency_steps=tuple((name, candidate.latency_steps[name]) for name in both),
        reference_counts=tuple(sorted(reference.counts.items())),
        candidate_counts=tuple(sorted(candidate.counts.items())),
        not_compared=tuple(name for name in spiking if name not in both),
    )


def spike_agreement(
    reference: BoolArray, candidate: BoolArray, *, dt: float, tau: float, tolerance_steps: int, early_spikes: int = 0
) -> SpikeAgreement:
    """Agreement of spikes (S, T, N), both already aligned.

    Equation
    --------
    ``f1 = 2 m / (r + c)``: r and c spikes of the two, m one-to-one partners (:func:`match_spikes`); None without spikes.
    ``van_rossum``: mean over trains of :func:`van_rossum`.
    Rates in Hz per neuron; ``count_correlation`` is Pearson's over neurons of the counts summed over samples, None
    where either does not vary.
    """
    spikes = int(reference.sum()), int(candidate.sum())
    total = sum(spikes)
    unequal = reference != candidate
    near = match_spikes(reference, candidate, tolerance_steps)[0]
    seconds = reference.size * dt or 1.0
    return SpikeAgreement(
        bins=reference.size,
        reference_spikes=spikes[0],
        candidate_spikes=spikes[1],
        early_spikes=early_spikes,
        equal_bins=1.0 - int(unequal.sum()) / max(reference.size, 1),
        f1_exact=2 * int((reference & candidate).sum()) / total if total else None,
        f1_near=2 * int(near.sum()) / total if total else None,
        van_rossum=float(van_rossum(reference, candidate, dt / tau).mean()) if reference.size else 0.0,
        reference_rate=spikes[0] / seconds,
        candidate_rate=spikes[1] / seconds,
        count_correlation=_correlation(reference.sum((0, 1)), candidate.sum((0, 1))),
        first_divergence=_first(unequal),
    )


def match_spikes(reference: BoolArray, candidate: BoolArray, tolerance_steps: int) -> tuple[BoolArray, BoolArray]:
    """Which spikes of (S, T, N) find a partner at most ``tolerance_steps`` away in the other's same train.

    One-to-one and of maximum size: reference spikes in time order each take the earliest free candidate spike in
    reach. All windows are equally long, so they end in the order in which they begin, and the earliest choice never
    costs a later partner.
    """
    left, right = _trains(reference), _trains(candidate)
    matched, taken = left & right, left & right
    # Trains that are equal are done; the rest starts afresh, as an exact partner is not always the best choice.
    rest = np.flatnonzero((left != right).any(0))
    open_left, free = left[:, rest], right[:, rest]
    steps = len(left)
    for step in range(steps if rest.size else 0):
        wanting = open_left[step]  # a view: cleared as partners are found
        for other in range(max(0, step - tolerance_steps), min(steps, step + tolerance_steps + 1)):
            pairs = wanting & free[other]
            wanting ^= pairs
            free[other] ^= pairs
    matched[:, rest] = left[:, rest] & ~open_left
    taken[:, rest] = right[:, rest] & ~free
    return _untrains(matched, reference.shape), _untrains(taken, candidate.shape)


def van_rossum(reference: BoolArray, candidate: BoolArray, dt_over_tau: float) -> FloatArray:
    """Van Rossum distance of every train of (S, T, N), shape (S, N), without unit.

    Equation
    --------
    ``D^2 = 1/tau * integral from 0 to infinity of (f - g)^2 dt``, where f and g are the spikes, each followed by
    ``exp(-t/tau)``. One spike against none: ``sqrt(1/2)``; two spikes a time d apart: ``sqrt(1 - exp(-d/tau))``.
    The integral over each step is taken in closed form.

    Source
    ------
    M. C. W. van Rossum, A novel spike distance, Neural Computation 13 (2001), 751-763.
    """
    left, right = _trains(reference), _trains(candidate)
    squared = np.zeros(left.shape[1])
    rest = np.flatnonzero((left != right).any(0))
    difference = left[:, rest].astype(np.float64) - right[:, rest]
    keep = np.exp(-dt_over_tau)
    trace, area = np.zeros(rest.size), np.zeros(rest.size)
    for now in difference:
        # (1 - keep^2) / 2 is the integral of exp(-2 t/tau) / tau over one step.
        area += trace * trace * ((1 - keep * keep) / 2)
        trace *= keep
        trace += now
    squared[rest] = area + trace * trace / 2  # what follows the last step, to infinity
    return np.sqrt(squared).reshape(reference.shape[0], reference.shape[2])


def membrane_agreement(reference: FloatArray, candidate: FloatArray, threshold: FloatArray | None) -> MembraneAgreement:
    """Errors of v (S, T, N) in volts, and as a share of each neuron's distance from reset to threshold.

    Where no neuron has a finite distance the share is of the reference's range; None where that is 0.
    """
    error = np.abs(candidate - reference)
    scale, shares = "distance from reset to threshold", None
    finite = np.isfinite(threshold) if threshold is not None else np.zeros(error.shape[-1], dtype=bool)
    if threshold is not None and finite.any():
        shares = error[..., finite] / threshold[finite]
    elif error.size:
        scale, span = "range of the reference", float(np.ptp(reference))
        shares = error / span if span > 0 else None
    return MembraneAgreement(
        values=error.size,
        rms_volts=_rms(error),
        max_volts=float(error.max(initial=0.0)),
        rms_share=None if shares is None else _rms(shares),
        max_share=None if shares is None else float(shares.max(initial=0.0)),
        scale=scale,
    )


def decide(recording: Recording, population: str, steps: int, spiking: bool) -> tuple[NDArray[np.int64], int]:
    """The class that each sample is decided for, and how many samples had several neurons in the lead.

    A spiking output decides by :data:`RULE_SPIKING` (a lead shared in spike counts is counted as a tie, whatever then
    breaks it), another by :data:`RULE_SILENT`; sums run over the model's ``steps`` steps, latency subtracted.
    """
    has_v = (population, "v") in recording.states
    shape = _aligned(recording, population, "s" if not has_v else "v", steps).shape
    sums = (
        _aligned(recording, population, "v", steps).sum(1, dtype=np.float64)
        if has_v
        else np.zeros((shape[0], shape[2]))
    )
    counts = _aligned(recording, population, "s", steps).sum(1, dtype=np.int64) if spiking else sums
    leading = counts == counts.max(1, keepdims=True)
    ties = int((leading.sum(1) > 1).sum())
    return np.asarray(np.where(leading, sums, -np.inf).argmax(1), dtype=np.int64), ties


def equal_states(left: Recording, right: Recording) -> EqualStates:
    """Whether two raw recordings of the same chip network hold the same numbers at every step.

    Every state that both recorded is looked at, value by value and step by step, no latency subtracted. ``constant``
    counts the values of trains that never change in either recording: equal though they may be, they prove nothing,
    and ``compared`` leaves them out. ``mismatches`` counts over all values.

    Raises
    ------
    InputError
        If no state is in both, or shapes differ.
    """
    probes = [probe for probe in left.states if probe in right.states]
    if not probes:
        raise InputError(f"{left.backend} and {right.backend} recorded no state in common; record the same probes")
    compared = constant = mismatches = 0
    firsts: list[tuple[Place, Probe]] = []
    for probe in probes:
        a, b = left.states[probe], right.states[probe]
        if a.shape != b.shape:
            raise InputError(
                f"state {probe[1]!r} of {probe[0]!r} has shape {a.shape} from {left.backend} and {b.shape} from "
                f"{right.backend}; run both on the same stimulus"
            )
        unequal = np.asarray(a != b)
        still = int(((a[:, 1:] == a[:, :-1]) & (b[:, 1:] == b[:, :-1])).all(1).sum()) * a.shape[1]
        compared, constant = compared + a.size - still, constant + still
        mismatches += int(unequal.sum())
        place = _first(unequal)
        if place is not None:
            firsts.append((place, probe))
    if not firsts:
        return EqualStates(compared, constant, mismatches, None)
    place, probe = min(firsts, key=lambda found: (found[0].step, found[0].sample))
    return EqualStates(compared, constant, mismatches, (*probe, place))


def _population(
    reference: Recording,
    candidate: Recording,
    name: str,
    steps: int,
    dt: float,
    tau: float,
    tolerance_steps: int,
    spiking: bool,
    threshold: FloatArray | None,
) -> PopulationAgreement:
    spikes = membrane = None
    if spiking and all((name, "s") in r.states for r in (reference, candidate)):
        left, right = _pair(reference, candidate, name, "s", steps)
        early = int((candidate.states[name, "s"][:, : candidate.latency_steps[name]] != 0).sum())
        spikes = spike_agreement(
            left != 0, right != 0, dt=dt, tau=tau, tolerance_steps=tolerance_steps, early_spikes=early
        )
    varies = False
    if all((name, "v") in r.states for r in (reference, candidate)):
        left, right = _pair(reference, candidate, name, "v", steps)
        left, right = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
        membrane = membrane_agreement(left, right, threshold)
        varies = bool(left.size and np.ptp(left) > 0)
    evidence = spikes.reference_spikes >= LEAST_SPIKES if spikes else varies
    return PopulationAgreement(name, spikes, membrane, evidence, _words(spikes, membrane, evidence, tolerance_steps))


def _words(
    spikes: SpikeAgreement | None, membrane: MembraneAgreement | None, evidence: bool, tolerance_steps: int
) -> str:
    if spikes is not None and not evidence:
        return (
            f"no evidence: {spikes.reference_spikes} reference spikes ({LEAST_SPIKES} are needed), "
            f"{spikes.candidate_spikes} from the candidate"
        )
    if not evidence or (spikes is None and membrane is None):
        return "no evidence: the reference does not change"
    if spikes is not None and spikes.f1_near is not None:
        if spikes.first_divergence is None:
            return f"all {spikes.reference_spikes:,} spikes in the same steps"
        return f"spikes agree to F1 {spikes.f1_near:.4f} within {tolerance_steps} steps, {spikes.f1_exact:.4f} in the same step"
    assert membrane is not None  # the line above returns for spikes, and without both there is no evidence
    share = "" if membrane.rms_share is None else f", {membrane.rms_share:.3%} of the {membrane.scale}"
    return f"membrane agrees to {membrane.rms_volts:.3g} V RMS{share}"


def _output(
    reference: Recording,
    candidate: Recording,
    output: tuple[str, str],
    steps: int,
    spiking: bool,
    labels: NDArray[np.int64] | None,
) -> OutputAgreement:
    name, population = output
    (left, left_ties), (right, right_ties) = (decide(r, population, steps, spiking) for r in (reference, candidate))
    neurons = next(a.shape[2] for (p, _), a in reference.states.items() if p == population)
    chooses = neurons > 1 and left.size > 0  # one neuron has nothing to choose from
    judged = chooses and labels is not None
    return OutputAgreement(
        name=name,
        population=population,
        rule=RULE_SPIKING if spiking else RULE_SILENT,
        samples=left.size,
        agreement=float((left == right).mean()) if chooses else None,
        reference_accuracy=float((left == labels).mean()) if judged else None,
        candidate_accuracy=float((right == labels).mean()) if judged else None,
        reference_ties=left_ties if chooses else 0,
        candidate_ties=right_ties if chooses else 0,
    )


def _has(recording: Recording, population: str) -> bool:
    return any(name == population for name, _ in recording.states)


def _pair(
    reference: Recording, candidate: Recording, population: str, state: str, steps: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    left, right = (_aligned(r, population, state, steps) for r in (reference, candidate))
    if left.shape != right.shape:
        raise InputError(
            f"state {state!r} of {population!r} has shape {left.shape} in {reference.backend} and {right.shape} in "
            f"{candidate.backend}; both need the same samples and neurons"
        )
    return left, right


def _aligned(recording: Recording, population: str, state: str, steps: int) -> NDArray[Any]:
    array = recording.aligned(population, state, steps)
    if array.shape[1] != steps:
        raise InputError(
            f"{recording.backend} recorded {recording.states[population, state].shape[1]} steps of {population!r}, but "
            f"{steps} steps after a latency of {recording.latency_steps[population]} are compared; run it longer"
        )
    return array


def _trains(array: BoolArray) -> BoolArray:
    """(S, T, N) as contiguous (T, S N): one row a step."""
    return np.ascontiguousarray(array.transpose(1, 0, 2)).reshape(array.shape[1], -1)


def _untrains(trains: BoolArray, shape: tuple[int, ...]) -> BoolArray:
    return np.ascontiguousarray(trains.reshape(shape[1], shape[0], shape[2]).transpose(1, 0, 2))


def _first(unequal: BoolArray) -> Place | None:
    """The earliest step that holds a True in (S, T, N), there the lowest sample and neuron."""
    steps = np.flatnonzero(unequal.any((0, 2)))
    if not steps.size:
        return None
    sample, neuron = (int(k) for k in np.argwhere(unequal[:, steps[0]])[0])
    return Place(sample, int(steps[0]), neuron)


def _correlation(left: NDArray[Any], right: NDArray[Any]) -> float | None:
    if left.size < 2 or not np.ptp(left) or not np.ptp(right):
        return None
    return float(np.corrcoef(left, right)[0, 1])


def _rms(error: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(error)))) if error.size else 0.0
