"""How well learnt weights agree: two trajectories of the same connection, read after the same steps of the model.

At each read, with a and b all weights of the reference and the candidate as vectors (all samples after each other)::

    r         cov(a, b) / (sd(a) sd(b))
    sign      share of weights with equal flag  w >= 0
    angle     arccos(a . b / (|a| |b|)), in degrees
    rms       sqrt(mean((b - a)^2)), in the weight's unit, and as a share of max(a) - min(a)
    clipped   share of weights at an end of the range that the chip holds

r does not see scale and offset, sign and angle do not see scale, rms sees all. What cannot be formed is None: r where a
or b is constant, the angle where one is zero, the share where a is constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.network import FloatArray

LEAST_WEIGHTS = 20
"""Fewer weights than this, or weights that never change, are no evidence of anything."""


class SynapsePlace(NamedTuple):
    """A weight at a read, counted from 0, and the model step (from 1) of the read."""

    sample: int
    step: int
    target: int
    source: int


@dataclass(frozen=True)
class WeightAgreement:
    """All weights after ``step`` steps of the model; see the module's equations."""

    step: int
    r: float | None
    sign: float
    angle_degrees: float | None
    rms: float
    rms_share: float | None
    largest: float
    reference_clipped: float | None
    candidate_clipped: float | None


@dataclass(frozen=True)
class LearningAgreement:
    """What :func:`compare_learning` found about one connection; weights in the model's unit.

    Parameters
    ----------
    weights
        Weights compared at each read, all samples together.
    unit
        What one held unit of the candidate means; 0 where it is not held in integers.
    limits
        The range that the candidate holds, or None.
    reads
        In the order of the steps.
    first_parting
        The first read, and in it the worst weight, at which the two differ by more than one unit; None: nowhere.
    counts
        The candidate's counters, such as updates that ran into the end of a range.
    evidence
        Whether the reference learnt anything, on enough weights.
    """

    connection: str
    reference: str
    candidate: str
    samples: int
    weights: int
    unit: float
    limits: tuple[float, float] | None
    reads: tuple[WeightAgreement, ...]
    first_parting: SynapsePlace | None
    counts: Mapping[str, int] = field(default_factory=dict)
    evidence: bool = True
    text: str = ""

    @property
    def last(self) -> WeightAgreement:
        """The last read."""
        return self.reads[-1]


def compare_learning(
    reference_weights: FloatArray,
    candidate_weights: FloatArray,
    *,
    steps: Sequence[int],
    unit: float = 0.0,
    limits: tuple[float, float] | None = None,
    counts: Mapping[str, int] | None = None,
    connection: str = "",
    names: tuple[str, str] = ("reference", "candidate"),
) -> LearningAgreement:
    """Compare the weights of one connection over time.

    Parameters
    ----------
    reference_weights, candidate_weights : (samples, reads, N_target, N_source)
        In the model's unit.
    steps
        Model steps, from 1, of the reads.
    unit
        What one held unit of the candidate means; the first read with a difference of more than one is reported. 0:
        any difference beyond rounding in double precision (1e-9 of the reference's largest weight) is.
    limits
        Least and largest weight that the candidate can hold.
    counts
        The candidate's own counters.

    Raises
    ------
    InputError
        If the shapes differ, hold nothing, or do not fit ``steps``.
    """
    left, right = (np.asarray(a, dtype=np.float64) for a in (reference_weights, candidate_weights))
    if left.shape != right.shape or left.ndim != 4 or left.size == 0:
        raise InputError(
            f"weights of {connection!r} have shape {left.shape} in {names[0]} and {right.shape} in {names[1]}; both need "
            "(samples, reads, targets, sources), equal and not empty"
        )
    if left.shape[1] != len(steps):
        raise InputError(f"weights of {connection!r} were read {left.shape[1]} times, but {len(steps)} steps are given")
    bad = ~(np.isfinite(left) & np.isfinite(right))
    if bad.any():
        raise InputError(f"weights of {connection!r} are not finite after step {steps[int(np.argwhere(bad)[0][1])]}")
    reads = tuple(_read(step, left[:, k], right[:, k], limits) for k, step in enumerate(steps))
    per_read = left.shape[0] * left.shape[2] * left.shape[3]
    changes = bool((left != left[:, :1]).any()) or (len(steps) == 1 and float(np.ptp(left)) > 0)
    evidence = changes and per_read >= LEAST_WEIGHTS
    return LearningAgreement(
        connection=connection,
        reference=names[0],
        candidate=names[1],
        samples=left.shape[0],
        weights=per_read,
        unit=unit,
        limits=limits,
        reads=reads,
        first_parting=_first_parting(left, right, steps, unit or 1e-9 * float(np.abs(left).max())),
        counts=dict(counts or {}),
        evidence=evidence,
        text=_words(reads[-1], changes, per_read),
    )


def pearson(a: FloatArray, b: FloatArray) -> float | None:
    """Pearson's r over all values; None where either is constant."""
    x, y = a.ravel(), b.ravel()
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    x, y = (x - x.mean()) / np.ptp(x), (y - y.mean()) / np.ptp(y)  # scaled, so that squares of tiny weights survive
    return float(np.clip((x @ y) / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def sign_agreement(a: FloatArray, b: FloatArray) -> float:
    """Share of values with the same flag ``>= 0``; 0 counts as positive."""
    return float(np.mean((a >= 0) == (b >= 0)))


def angle_degrees(a: FloatArray, b: FloatArray) -> float | None:
    """Angle between two arrays as vectors, in degrees; None where either is zero."""
    x, y = a.ravel(), b.ravel()
    if not x.any() or not y.any():
        return None
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    # exact near 0 and 180 degrees too, where arccos loses half the digits
    return float(np.degrees(2 * np.arctan2(np.linalg.norm(x - y), np.linalg.norm(x + y))))


def _read(step: int, a: FloatArray, b: FloatArray, limits: tuple[float, float] | None) -> WeightAgreement:
    rms, span = float(np.sqrt(np.mean(np.square(b - a)))), float(np.ptp(a))
    return WeightAgreement(
        step=step,
        r=pearson(a, b),
        sign=sign_agreement(a, b),
        angle_degrees=angle_degrees(a, b),
        rms=rms,
        rms_share=rms / span if span > 0 else None,
        largest=float(np.abs(a).max()),
        reference_clipped=_clipped(a, limits),
        candidate_clipped=_clipped(b, limits),
    )


def _clipped(w: FloatArray, limits: tuple[float, float] | None) -> float | None:
    """Share of weights at or beyond the limits."""
    if limits is None:
        return None
    slack = 1e-9 * max(map(abs, limits))
    return float(np.mean((w <= limits[0] + slack) | (w >= limits[1] - slack)))


def _first_parting(a: FloatArray, b: FloatArray, steps: Sequence[int], most: float) -> SynapsePlace | None:
    apart = np.abs(b - a)
    for k, step in enumerate(steps):
        if apart[:, k].max() > most * (1 + 1e-12):
            sample, target, source = (int(i) for i in np.unravel_index(int(apart[:, k].argmax()), apart[:, k].shape))
            return SynapsePlace(sample, step, target, source)
    return None


def _words(last: WeightAgreement, changes: bool, weights: int) -> str:
    if not changes:
        return "no evidence: the reference's weights never change"
    if weights < LEAST_WEIGHTS:
        return f"no evidence: {weights} weights ({LEAST_WEIGHTS} are needed)"
    if last.rms == 0:
        return "equal weights"
    r = "" if last.r is None else f"r {last.r:.4f}, "
    angle = "" if last.angle_degrees is None else f", angle {last.angle_degrees:.2f} degrees"
    share = "" if last.rms_share is None else f", RMS {last.rms_share:.2%} of the range"
    return f"{r}sign {last.sign:.2%}{angle}{share}"


def counts_of(counts: Mapping[str, int], connection: str) -> dict[str, int]:
    """The counters of one connection in a recording's, without its name."""
    return {name.removeprefix(f"{connection}."): n for name, n in counts.items() if name.startswith(f"{connection}.")}


def weights_at(recorded: NDArray[np.float64], recorded_steps: Sequence[int], steps: Sequence[int]) -> FloatArray:
    """The entries of ``recorded`` (samples, reads, ...) that were read after ``steps`` (InputError if one was not)."""
    place = {step: k for k, step in enumerate(recorded_steps)}
    absent = [step for step in steps if step not in place]
    if absent:
        raise InputError(f"weights were not read after step {absent[0]}; read them there, or compare other steps")
    return np.asarray(recorded[:, [place[step] for step in steps]], dtype=np.float64)
