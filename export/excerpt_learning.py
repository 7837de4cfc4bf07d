"""What of learning the report draws: which runs of a plastic connection, and which of its weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroalign.deployment import Deployment, Run
from neuroalign.fidelity import LearningAgreement
from neuroalign.fidelity.learning import weights_at
from neuroalign.network import FloatArray

DRAWN = 5
"""Weights that are drawn over time: spread from the smallest to the largest at the end."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """Weights of one plastic connection over time.

    Parameters
    ----------
    agreements
        Of each candidate against the reference, in order; their reads are the times.
    reference, candidates : (reads, N_target, N_source)
        Weights of sample 0 in the model's unit.
    """

    connection: str
    agreements: tuple[LearningAgreement, ...]
    reference: FloatArray
    candidates: tuple[tuple[str, FloatArray], ...]


def learnt_weights(deployment: Deployment) -> tuple[Learnt, ...]:
    """Every plastic connection: the chip's runs against the reference, or the ideal run where none is."""
    chips = [run.label for run in deployment.chip_runs]
    found = []
    for name in dict.fromkeys(a.connection for a in deployment.learning):
        of = [a for a in deployment.learning if a.connection == name and a.reference == deployment.reference]
        of = [a for a in of if a.candidate in chips] or of[-1:]
        reference = _weights(deployment, deployment.run(deployment.reference), name, of[0])
        candidates = [(a.candidate, _weights(deployment, deployment.run(a.candidate), name, a)) for a in of]
        found.append(Learnt(name, tuple(of), reference, tuple(candidates)))
    return tuple(found)


def spread_weights(weights: FloatArray) -> list[tuple[int, int]]:
    """Indices (target, source) of DRAWN weights, from the smallest to the largest at the end."""
    order = np.argsort(weights[-1], axis=None, kind="stable")
    chosen = order[np.linspace(0, order.size - 1, min(DRAWN, order.size)).astype(np.int64)]
    return [(int(i), int(j)) for i, j in zip(*np.unravel_index(chosen, weights[-1].shape), strict=True)]


def _weights(deployment: Deployment, run: Run, name: str, agreement: LearningAgreement) -> FloatArray:
    """Weights of sample 0 after the model steps of the agreement."""
    target = next(c.target for c in deployment.network.connections if c.name == name)
    lag = run.recording.latency_steps[target]
    steps = [read.step + lag for read in agreement.reads]
    return np.asarray(weights_at(run.recording.states[name, "w"][:1], run.recording.read_steps, steps)[0])
