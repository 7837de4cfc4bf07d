"""Membrane potentials of two runs in volts, and bit equality of two runs in integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from neuroalign.errors import InputError
from neuroalign.fidelity.spikes import Place, first_place
from neuroalign.network import FloatArray
from neuroalign.recording import Probe, Recording

PLASTIC_STATES = ("w", "t", "d", "x1", "x2", "y1", "y2", "y3")


@dataclass(frozen=True)
class MembraneAgreement:
    """Membrane potential of one population: errors in volts and as a share of ``scale``."""

    values: int
    rms_volts: float
    max_volts: float
    rms_share: float | None
    max_share: float | None
    scale: str


class EqualStates(NamedTuple):
    """Bit equality of two recordings; ``first`` is the first mismatch as (population, state, place)."""

    compared: int
    constant: int
    mismatches: int
    first: tuple[str, str, Place] | None


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


def equal_states(left: Recording, right: Recording) -> EqualStates:
    """Whether two raw recordings of the same chip network hold the same numbers at every step.

    Every state that both recorded is looked at, value by value and step by step, no latency subtracted. ``constant``
    counts the values of trains that never change in either recording: equal though they may be, they prove nothing,
    and ``compared`` leaves them out. ``mismatches`` counts over all values.

    Weights, tags and traces of plastic connections count where they were read; the place of a weight is its flat index.

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
        a, b = (x.reshape(*x.shape[:2], -1) for x in (a, b))  # weights (S, reads, N_target, N_source) as one row
        unequal = np.asarray(a != b)
        still = int(((a[:, 1:] == a[:, :-1]) & (b[:, 1:] == b[:, :-1])).all(1).sum()) * a.shape[1]
        compared, constant = compared + a.size - still, constant + still
        mismatches += int(unequal.sum())
        place = first_place(unequal)
        if place is not None:
            read = left.states[probe].shape[1] == len(left.read_steps) and probe[1] in PLASTIC_STATES
            step = left.read_steps[place.step] - 1 if read else place.step
            firsts.append((place._replace(step=step), probe))
    if not firsts:
        return EqualStates(compared, constant, mismatches, None)
    place, probe = min(firsts, key=lambda found: (found[0].step, found[0].sample))
    return EqualStates(compared, constant, mismatches, (*probe, place))


def _rms(error: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(error)))) if error.size else 0.0
