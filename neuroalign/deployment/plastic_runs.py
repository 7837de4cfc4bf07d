"""Reading the weights of plastic connections in any run, and comparing them in the model's unit at the model's steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, Plasticity
from neuroalign.deployment.record import Run
from neuroalign.fidelity import LearningAgreement, compare_learning
from neuroalign.fidelity.learning import counts_of, weights_at
from neuroalign.microcode import TRACES
from neuroalign.network import Network
from neuroalign.recording import Probe, Recording

READS = 40
"""How often weights are read over a run."""
HELD_RANGE = {"mixed": (-256, 255), "excitatory": (0, 255), "inhibitory": (-255, 0)}
"""Least and largest held weight once it has learnt."""


def model_reads(steps: int) -> tuple[int, ...]:
    """Steps of the model, from 1, after which weights are read: evenly spaced, the last one included."""
    reads = min(steps, READS)
    return tuple(round(steps * (k + 1) / reads) for k in range(reads))


def chip_reads(chip: ChipNetwork, reads: tuple[int, ...]) -> tuple[int, ...] | None:
    """The chip steps by which plastic connections have seen those steps of the model; None where none learns."""
    lags = {chip.population(c.target).latency_steps for c, _ in _plastic(chip)}
    return tuple(sorted({step + lag for step in reads for lag in lags})) if lags else None


def learning_probes(chip: ChipNetwork) -> list[Probe]:
    """The weights of plastic connections; in integers also the tags and traces that their Programs use."""
    probes: list[Probe] = []
    for c, plasticity in _plastic(chip):
        program = plasticity.program
        states = ["w"]
        if chip.is_fixed:
            states += ["t"] if program.tag_update or "t" in program.variables else []
            states += [name for name in TRACES if program.trace(name).impulse > 0]
        probes += [(c.name, state) for state in states]
    return probes


def model_weights(chip: ChipNetwork, recording: Recording) -> dict[Probe, NDArray[np.float64]]:
    """(plastic connection, "w") to its weights in the model's unit."""
    return {
        (c.name, "w"): np.asarray(recording.states[c.name, "w"] * plasticity.weight_unit, dtype=np.float64)
        for c, plasticity in _plastic(chip)
        if (c.name, "w") in recording.states
    }


def compare_plastic(
    network: Network, reference: Run, run: Run, reads: tuple[int, ...]
) -> tuple[LearningAgreement, ...]:
    """Agreement of every plastic connection's weights, on the samples that both runs have."""
    found = []
    for c in network.connections:
        probe = (c.name, "w")
        if c.rule is None or any(probe not in r.recording.states for r in (reference, run)):
            continue
        samples = min(len(r.recording.states[probe]) for r in (reference, run))
        weights = [
            weights_at(
                r.recording.states[probe][:samples],
                r.recording.read_steps,
                [step + _lag(r, c.target) for step in reads],
            )
            for r in (reference, run)
        ]
        unit, limits = _held(run, c.name)
        found.append(
            compare_learning(
                *weights,
                steps=reads,
                unit=unit,
                limits=limits,
                counts=counts_of(run.recording.counts, c.name),
                connection=c.name,
                names=(reference.label, run.label),
            )
        )
    return tuple(found)


def _plastic(chip: ChipNetwork) -> list[tuple[ChipConnection, Plasticity]]:
    return [(c, c.plasticity) for c in chip.connections if c.plasticity is not None]


def _lag(run: Run, target: str) -> int:
    return 0 if run.chip is None else run.chip.population(target).latency_steps


def _held(run: Run, name: str) -> tuple[float, tuple[float, float] | None]:
    """What a unit of the held weight means, and the range that it has; 0 and None in floats."""
    if run.chip is None or not run.chip.is_fixed:
        return 0.0, None
    c, plasticity = next(p for p in _plastic(run.chip) if p[0].name == name)
    low, high = HELD_RANGE[c.sign_mode]
    return plasticity.weight_unit, (low * plasticity.weight_unit, high * plasticity.weight_unit)
