r"""Banerjee's exact rule on witness networks: does a learner come to the weights that made the desired spikes?

A network with random weights, the witness, answers fresh Poisson input in every window; a learner of the same form, whose
weights are the witness' times U(0.8, 1.2), sees only input and desired output. Since the witness itself is a solution, an
error that remains is the rule's own::

    w := max(0, w - mu dE/dw),   no step of a layer longer than cap,   both falling linearly to ``final`` of their start

or, with ``steps="normalised"``, by the same derivatives of spike times, each spike's step divided by their squared length
(:mod:`neuroalign.exact_spikes.normalised`).

Judged by the mean of ``|w - w_witness| / w_witness`` by layer, and by the error of spike trains on inputs kept apart.

Source: the design is that of Banerjee 2016, Neural Computation 28(5), 826-848. Its sizes, rates, windows and counts were not
at hand: all numbers here are our own, and nothing is claimed to be the paper's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.exact_spikes import (
    Layer,
    Response,
    Trains,
    network_gradient,
    normalised_step,
    run_layers,
    step,
    trains_of,
)
from neuroalign.experiments.spike_train_lost import Lost, reduced_gradient

FloatArray = NDArray[np.float64]
Steps = Literal["gradient", "normalised"]
FRESH, KEPT = 0, 1
"""Streams of random numbers: inputs to learn from, and inputs to judge by."""


@dataclass(frozen=True)
class Protocol:
    """One witness experiment.

    Parameters
    ----------
    sizes
        Inputs, neurons of every hidden layer, outputs.
    inhibitory
        How many of each of them inhibit, outputs left out.
    weights : pairs
        Range of the witness' weights, by layer.
    thresholds
        By layer.
    rate : Hz
        Of every input.
    window : ms
    first, every : ms
        The error is looked at from ``first`` on at every multiple of ``every``, to the end of the window.
    windows
        How many are learned from.
    spread
        The learner starts from the witness' weights times U(1 - spread, 1 + spread).
    rate_of_learning, cap, final
        mu (or the share of what spikes ask for, with normalised steps), the longest step of a gradient, and what is left
        of both at the end.
    inhibition
        Times this are the weights of hidden neurons that inhibit: outputs stay alive.
    equal_counts
        Whether an output train teaches only at instants before which it has as many spikes as desired; see
        :func:`~neuroalign.exact_spikes.gradient.network_gradient`.
    lost
        What the gradient lacks, for one neuron: see :mod:`~neuroalign.experiments.spike_train_lost`.
    steps
        ``gradient``, or ``normalised``: then cap, equal_counts and lost have no meaning.
    """

    sizes: tuple[int, ...] = (10, 1)
    inhibitory: tuple[int, ...] = (2,)
    weights: tuple[tuple[float, float], ...] = ((1.0, 3.0),)
    thresholds: tuple[float, ...] = (1.5,)
    rate: float = 30.0
    window: float = 250.0
    first: float = 50.0
    every: float = 10.0
    windows: int = 1000
    spread: float = 0.2
    rate_of_learning: float = 0.1
    cap: float = 0.02
    final: float = 1.0
    inhibition: float = 1.0
    equal_counts: bool = False
    lost: Lost = "nothing"
    steps: Steps = "gradient"

    def __post_init__(self) -> None:
        layers = len(self.sizes) - 1
        if layers < 1 or not len(self.inhibitory) == len(self.weights) == len(self.thresholds) == layers:
            raise InputError(
                f"witness: {len(self.sizes)} sizes make {layers} layers; inhibitory, weights and thresholds need one entry for each"
            )
        if not self.first < self.window or self.every <= 0 or self.windows < 1:
            raise InputError(
                f"witness: first {self.first} ms, every {self.every} ms, window {self.window} ms, {self.windows} windows; "
                "looks must lie within the window, and one window is needed"
            )
        if self.steps not in get_args(Steps):
            raise InputError(f"witness: steps {self.steps!r}; one of {', '.join(get_args(Steps))}")
        if self.steps == "normalised" and self.lost != "nothing":
            raise InputError(f"witness: lost {self.lost!r} is for steps of the gradient; give steps='gradient'")

    @property
    def instants(self) -> FloatArray:
        """When the error is looked at, ms."""
        return np.arange(self.first, self.window + self.every / 2, self.every)


@dataclass(frozen=True, eq=False)
class WitnessResult:
    """After ``windows`` (reads,): relative weight errors (reads, layers), those of hidden neurons that excite and inhibit apart
    (reads, 2; of all synapses onto them, NaN where there are none), and the spike-train error of an output neuron (reads,).
    """

    seed: int
    windows: NDArray[np.int64]
    weight_error: FloatArray
    onto_hidden: FloatArray
    train_error: FloatArray

    def fall(self, layer: int = 0) -> float:
        """How many times the weight error of a layer has become smaller."""
        return float(self.weight_error[0, layer] / max(self.weight_error[-1, layer], 1e-15))

    @property
    def train_fall(self) -> float:
        """How many times the spike-train error has become smaller."""
        return float(self.train_error[0] / max(self.train_error[-1], 1e-15))


def run_witness(
    seed: int, protocol: Protocol | None = None, *, reads: int = 10, tests: int = 40, response: Response | None = None
) -> WitnessResult:
    """Learn from fresh windows; judge ``reads`` times on ``tests`` windows kept apart."""
    p, made = protocol or Protocol(), response or Response()
    rng = np.random.default_rng([seed, 21])
    witness = witness_layers(p, rng)
    learner = tuple(
        replace(layer, weight=layer.weight * rng.uniform(1 - p.spread, 1 + p.spread, layer.weight.shape))
        for layer in witness
    )
    kept = _judged_on(p, witness, made, seed, tests)
    at = sorted({round(p.windows * k / reads) for k in range(reads + 1)})
    found = [_judge(p, witness, learner, made, kept)]
    fresh = np.random.default_rng([seed, 22, FRESH])
    for k in range(p.windows):
        learner = _learn(p, witness, learner, made, poisson_trains(p, fresh), 1 - (1 - p.final) * k / p.windows)
        if k + 1 in at:
            found.append(_judge(p, witness, learner, made, kept))
    errors, onto, trains = (np.array(values) for values in zip(*found, strict=True))
    return WitnessResult(seed, np.array(at), errors, onto, trains)


def witness_layers(p: Protocol, rng: np.random.Generator) -> tuple[Layer, ...]:
    """The witness; of every group the last neurons inhibit."""
    layers = []
    for k, (low, high) in enumerate(p.weights):
        sources, targets = p.sizes[k], p.sizes[k + 1]
        sign = np.where(np.arange(sources) < sources - p.inhibitory[k], 1, -1)
        scale = np.where(sign < 0, p.inhibition, 1.0) if k else 1.0
        layers.append(
            Layer(rng.uniform(low, high, (targets, sources)) * scale, sign, np.full(targets, p.thresholds[k]))
        )
    return tuple(layers)


def poisson_trains(p: Protocol, rng: np.random.Generator) -> Trains:
    """Input of one window."""
    mean = p.rate * p.window / 1000
    return trains_of([np.sort(rng.uniform(0, p.window, rng.poisson(mean))) for _ in range(p.sizes[0])])


def _learn(
    p: Protocol, witness: Sequence[Layer], learner: tuple[Layer, ...], made: Response, source: Trains, left: float
) -> tuple[Layer, ...]:
    desired = run_layers(witness, source, p.window, made)[-1]
    spikes = run_layers(learner, source, p.window, made)
    if p.steps == "normalised":
        return normalised_step(learner, source, spikes, desired, made, left * p.rate_of_learning)
    if p.lost == "nothing":
        slope = network_gradient(learner, source, spikes, desired, p.instants, made, equal_counts=p.equal_counts)
    else:
        slope = reduced_gradient(learner[0], source, spikes[0], desired, p.instants, made, p.lost)
    return step(learner, slope, left * p.rate_of_learning, left * p.cap)


def _judged_on(
    p: Protocol, witness: Sequence[Layer], made: Response, seed: int, tests: int
) -> list[tuple[Trains, Trains]]:
    rng = np.random.default_rng([seed, 22, KEPT])
    sources = [poisson_trains(p, rng) for _ in range(tests)]
    return [(source, run_layers(witness, source, p.window, made)[-1]) for source in sources]


def _judge(
    p: Protocol,
    witness: Sequence[Layer],
    learner: Sequence[Layer],
    made: Response,
    kept: Sequence[tuple[Trains, Trains]],
) -> tuple[list[float], list[float], float]:
    relative = [np.abs(a.weight - b.weight) / b.weight for a, b in zip(learner, witness, strict=True)]
    onto = [np.nan, np.nan]
    if len(learner) > 1:
        for k, sign in enumerate((1, -1)):
            rows = relative[0][learner[1].sign == sign]
            onto[k] = float(rows.mean()) if rows.size else np.nan
    errors = [
        network_gradient(learner, source, run_layers(learner, source, p.window, made), desired, p.instants, made).error
        for source, desired in kept
    ]
    return [float(r.mean()) for r in relative], onto, float(np.mean(errors)) / p.sizes[-1]
