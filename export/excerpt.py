"""What of a deployment the report draws: which runs, sample, neurons and steps, and in which units.

Choices are by rule and are stated in the captions: the sample and the neurons on which the chip does worst come first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.deployment import Deployment, Run
from neuroalign.fidelity import Agreement
from neuroalign.network import FloatArray, Network, euler
from neuroalign.pattern import Convolution, same_pattern, spread_to_synapses

RUNS = 3
POPULATIONS = 6
NEURONS = 200
STEPS = 5000
EVENTS = 20_000


@dataclass(frozen=True, eq=False)
class Axis:
    """Time of model step 1, 2, ... in a readable unit."""

    values: FloatArray
    unit: str


def time_axis(steps: int, dt: float) -> Axis:
    """The end of each step, in the largest of s, ms and µs in which the whole lasts at least 2."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if steps * dt * scale >= 2 or unit == "µs":
            break
    return Axis(np.arange(1, steps + 1, dtype=np.float64) * (dt * scale), unit)


def drawn_runs(deployment: Deployment) -> tuple[Run, ...]:
    """The reference, then up to two others: those on the profile's formats first, then what came last of the rest."""
    first = [r for r in deployment.runs if r.label == deployment.reference]
    chip = list(deployment.chip_runs)
    rest = [r for r in reversed(deployment.runs) if r not in first and r not in chip]
    return tuple((first + chip + rest)[:RUNS])


def colour_order(deployment: Deployment) -> tuple[str, ...]:
    """Labels of all runs, the drawn ones first: a run has the same colour in every picture."""
    first = [run.label for run in drawn_runs(deployment)]
    return (*first, *(run.label for run in deployment.runs if run.label not in first))


def main_agreement(deployment: Deployment) -> Agreement | None:
    """The comparison that the verdict is about: the first chip run's, else the first of all."""
    labels = [run.label for run in deployment.chip_runs]
    judged = [a for a in deployment.agreements if a.reference == deployment.reference]
    return next((a for label in labels for a in judged if a.candidate == label), next(iter(judged), None))


def worst_sample(deployment: Deployment) -> tuple[int, int]:
    """The sample with the most unequal spikes in the main run, of the first n that every drawn run has; and that n.

    Slow backends run fewer samples than the others, and a picture side by side needs one that all have.
    """
    agreement = main_agreement(deployment)
    lengths = [len(a) for run in drawn_runs(deployment) for a in run.recording.states.values()]
    if agreement is None or not lengths or not min(lengths):
        return 0, 0
    reference, candidate = deployment.run(agreement.reference), deployment.run(agreement.candidate)
    unequal = np.zeros(min(lengths), dtype=np.int64)
    for population in agreement.populations:
        if population.spikes is not None:
            left, right = (
                r.recording.aligned(population.name, "s", agreement.steps)[: unequal.size]
                for r in (reference, candidate)
            )
            unequal += np.asarray(left != right).sum((1, 2))
    return int(unequal.argmax()), unequal.size


def spread(count: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` of ``count`` indices, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def raster_neurons(spikes: NDArray[Any]) -> NDArray[np.int64]:
    """Evenly spaced neurons of (T, N): at most NEURONS, and fewer where they would make more than EVENTS spikes."""
    affordable = int(EVENTS / max(float((spikes != 0).sum(0).mean()), 1.0)) if spikes.size else NEURONS
    return spread(spikes.shape[1], max(1, min(NEURONS, affordable)))


def state(run: Run, population: str, name: str, sample: int, steps: int) -> NDArray[Any] | None:
    """One sample's (T, N) of a state, latency subtracted, or None where it was not recorded (slow backends run fewer)."""
    if sample >= len(run.recording.states.get((population, name), ())):
        return None
    return np.asarray(run.recording.aligned(population, name, steps)[sample])


def telling_neurons(reference: NDArray[Any], candidate: NDArray[Any], spikes: NDArray[Any] | None) -> dict[int, str]:
    """Up to two neurons of (T, N) and why they are shown: the largest error, and the most spikes or movement."""
    error = np.nan_to_num(np.square(candidate - reference).mean(0))
    activity = np.ptp(reference, axis=0) if spikes is None or not spikes.any() else spikes.sum(0)
    worst = int(error.argmax())
    chosen = {worst: "largest error"}
    busiest = int(np.where(np.arange(len(error)) == worst, -1.0, activity).argmax())
    if busiest != worst:
        chosen[busiest] = "most active of the others"
    return chosen


def telling_panels(deployment: Deployment, agreement: Agreement, sample: int, steps: int) -> list[tuple[str, int, str]]:
    """(population, neuron, why it is shown) of the last four populations, in order: whose membranes are drawn."""
    panels: list[tuple[str, int, str]] = []
    for name in [p.name for p in agreement.populations if p.membrane is not None][-4:]:
        left, right = (
            state(deployment.run(r), name, "v", sample, steps) for r in (agreement.reference, agreement.candidate)
        )
        spikes = state(deployment.run(agreement.reference), name, "s", sample, steps)
        if left is not None and right is not None and left.size:
            panels += [(name, neuron, why) for neuron, why in telling_neurons(left, right, spikes).items()]
    return panels


def largest_weights(deployment: Deployment) -> tuple[list[tuple[str, tuple[FloatArray, FloatArray]]], int]:
    """Names and :func:`chip_weights` of the four largest connections that have them; how many connections are left."""
    chip = deployment.chip
    if chip is None:
        return [], 0
    found = {c.name: chip_weights(deployment.network, chip, c.name) for c in deployment.network.connections}
    known = sorted(((n, p) for n, p in found.items() if p is not None), key=lambda item: -item[1][0].size)[:4]
    return known, len(found) - len(known)


def chip_weights(network: Network, chip: ChipNetwork, name: str) -> tuple[FloatArray, FloatArray] | None:
    """Weights of connection ``name`` as rows (of targets, of kernels, or one of all synapses): the model's, and what the chip's mean in the same unit.

    Equation
    --------
    ``w = stored * 2^(weight_shift + weight_exp) * volts_per_unit / (gain_i gain_v value_per_unit)``: both sides are
    what one input unit adds to v in volts through :func:`neuroalign.network.euler`. None where the connection has no
    twin of the same name and shape, or its target's gain is 0.
    """
    ours = next((c for c in network.connections if c.name == name), None)
    held = next((c for c in chip.connections if c.name == name), None)
    if (
        ours is None
        or held is None
        or ours.weight.shape != held.weight.shape
        or not same_pattern(ours.pattern, held.pattern)
    ):
        return None
    target = chip.population(held.target)
    coefficients = euler(network.population(ours.target), network.dt)
    gain = coefficients.gain_i * coefficients.gain_v
    if not gain.all() or not ours.weight.size:
        return None
    per_unit = next((i.value_per_unit for i in chip.inputs if i.name == held.source), 1.0)
    scale = target.volts_per_unit * 2.0 ** (target.weight_shift + held.weight_exp) / (gain * per_unit)
    means = np.asarray(held.weight * spread_to_synapses(scale, held.pattern), dtype=np.float64)
    rows = len(ours.weight) if held.pattern is None or isinstance(held.pattern, Convolution) else 1
    return ours.weight.reshape(rows, -1), means.reshape(rows, -1)
