"""STDWI's weight inference: a plastic connection infers the weights of a network from the spikes of both its ends.

The network of :mod:`neuroalign.experiments.stdwi_activity` runs by itself. Its recorded spikes enter two populations of
relays, and the feedback connection between these, from output neurons (pre) to input neurons (post), learns by
:func:`neuroalign.rules.stdwi` without driving anything. Its weights ``B[i, j]`` estimate ``W[j, i]`` up to a factor and
an offset, so they are judged by Pearson r, by sign, and by the angle between the two as vectors.

Reference: Ahmad, Ambrogioni, van Gerven, "Overcoming the weight transport problem via spike-timing-dependent weight
inference", 2020 (arXiv 2003.03988).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.experiments.alignment import Learner, centred_sign_agreement, checked_estimates, sign_chance
from neuroalign.experiments.stdwi_activity import Activity, Protocol, binned, record_activity
from neuroalign.fidelity.learning import angle_degrees, pearson, sign_agreement
from neuroalign.network import Connection, InputPort, Network, Population
from neuroalign.recording import Stimulus
from neuroalign.rule import LearningRule
from neuroalign.rules import stdwi

FloatArray = NDArray[np.float64]

FEEDBACK = "feedback"
"""Name of the plastic connection."""
INITIAL_GUESS = 5e-4
"""Initial weights are uniform within +-this, as in the authors' code."""
FLOAT_BARS = {"r": 0.95, "sign": 0.91}
"""What the float rule reaches after 100 s, as a mean over seeds."""


@dataclass(frozen=True, eq=False)
class StdwiResult:
    """One run: what was estimated at ``times`` (s), and how well.

    Parameters
    ----------
    dt : s
        Time step of the learning network.
    weight : (outputs, inputs)
        The true weights; ``estimates`` (reads, outputs, inputs) are the feedback weights, transposed.
    r, sign, centred_sign, angle : (reads,)
        Pearson correlation, share of equal signs, the same with both means removed, angle in degrees; nan where a
        constant estimate tells nothing.
    chance
        What a constant guess scores in ``sign``.
    rates : Hz
        Of input and output neurons.
    lost_spikes
        Spikes that shared a step with another of their neuron once they were binned.
    """

    seed: int
    dt: float
    times: FloatArray
    weight: FloatArray
    estimates: FloatArray
    r: FloatArray
    sign: FloatArray
    centred_sign: FloatArray
    angle: FloatArray
    chance: float
    rates: tuple[float, float]
    lost_spikes: int

    @property
    def largest_estimate(self) -> float:
        """Largest magnitude of any estimated weight: what a chip's weight range must hold."""
        return float(np.abs(self.estimates).max(initial=0.0))


def run_stdwi(
    learner: Learner,
    seconds: float,
    seed: int,
    read_every: float = 10.0,
    *,
    bin_steps: int = 1,
    protocol: Protocol | None = None,
    rule: LearningRule | None = None,
) -> StdwiResult:
    """Record activity, infer the weights with ``learner``, and judge them every ``read_every`` seconds.

    Parameters
    ----------
    learner
        See :data:`~neuroalign.experiments.alignment.Learner`.
    seconds, read_every : s
        Model time in all, and between two reads; the end is always read.
    bin_steps
        Steps of the activity that make one of the learning network: 4 turns 0.25 ms into a chip's 1 ms.
    protocol, rule
        The published ones unless given.
    """
    activity = record_activity(protocol or Protocol(), seconds, seed)
    return infer(learner, activity, seed, read_every, bin_steps=bin_steps, rule=rule)


def infer(
    learner: Learner,
    activity: Activity,
    seed: int,
    read_every: float,
    *,
    bin_steps: int = 1,
    rule: LearningRule | None = None,
) -> StdwiResult:
    """The same for activity already recorded; ``seed`` draws the initial guess."""
    spikes, lost = binned(activity, bin_steps)
    network = inference_network(spikes, seed, rule or stdwi())
    reads = _read_steps(len(spikes.input_spikes), read_every / spikes.dt)
    true = activity.weight
    estimates = checked_estimates(learner(network, inference_stimulus(spikes), reads), len(reads), true)

    def each(metric: Callable[[FloatArray, FloatArray], float | None]) -> FloatArray:
        return np.array([metric(true, estimate) for estimate in estimates], dtype=np.float64)  # None becomes nan

    return StdwiResult(
        seed=seed,
        dt=spikes.dt,
        times=np.array(reads) * spikes.dt,
        weight=true,
        estimates=estimates,
        r=each(pearson),
        sign=each(sign_agreement),
        centred_sign=each(centred_sign_agreement),
        angle=each(angle_degrees),
        chance=sign_chance(true),
        rates=activity.rates,
        lost_spikes=lost,
    )


def inference_network(activity: Activity, seed: int, rule: LearningRule) -> Network:
    """Relays "pre" (output neurons) and "post" (input neurons), and the feedback connection that learns."""
    outputs, inputs = activity.weight.shape
    guess = np.random.default_rng([seed, 2]).uniform(-INITIAL_GUESS, INITIAL_GUESS, (inputs, outputs))
    return Network(
        name="stdwi",
        dt=activity.dt,
        inputs=(InputPort("output_spikes", (outputs,)), InputPort("input_spikes", (inputs,))),
        populations=(_relays("pre", outputs), _relays("post", inputs)),
        connections=(
            Connection("output_spikes_to_pre", "output_spikes", "pre", np.eye(outputs)),
            Connection("input_spikes_to_post", "input_spikes", "post", np.eye(inputs)),
            Connection(FEEDBACK, "pre", "post", guess, delay_steps=1, rule=rule, drives=False),
        ),
        outputs=(("post", "post"),),
    )


def inference_stimulus(activity: Activity) -> Stimulus:
    """The recorded spikes as input of :func:`inference_network`."""
    return Stimulus(
        {"output_spikes": activity.output_spikes[None], "input_spikes": activity.input_spikes[None]},
        description="recorded spikes of the STDWI network",
    )


@dataclass(frozen=True)
class StdwiCase:
    """A row of the table: how the learning runs, given the weight range to hold.

    ``learner`` takes the largest magnitude that the float rule reached; ``bin_steps`` is as in :func:`run_stdwi`;
    ``bars`` holds what the means of "r" and "sign" have to reach after the whole time; ``rule`` replaces the published
    one.
    """

    name: str
    learner: Callable[[float], Learner]
    bin_steps: int = 1
    bars: Mapping[str, float] = field(default_factory=dict)
    rule: LearningRule | None = None


@dataclass(frozen=True, eq=False)
class StdwiRow:
    """One case over the seeds, after the whole time: (seeds,) arrays, and the results they come from."""

    case: str
    r: FloatArray
    sign: FloatArray
    angle: FloatArray
    weight_limit: float
    results: tuple[StdwiResult, ...]
    bars: Mapping[str, float]

    @property
    def passed(self) -> bool | None:
        """Whether the means reach the bars; None where there is none."""
        means = {"r": float(self.r.mean()), "sign": float(self.sign.mean())}
        return all(means[name] >= bar for name, bar in self.bars.items()) if self.bars else None


def stdwi_table(
    float_learner: Learner,
    cases: Sequence[StdwiCase],
    *,
    seeds: Sequence[int] = (1, 2, 3),
    seconds: float = 100.0,
    read_every: float = 10.0,
    protocol: Protocol | None = None,
    weight_limit: float | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[StdwiRow, ...]:
    """The float rule, then each case, all on the same activity.

    Parameters
    ----------
    weight_limit
        The range that the cases have to hold; unless given, the largest weight that the float rule reaches on any seed.
    progress
        Called with (what is under way, runs done, runs in all).
    """
    if not seeds:
        raise InputError("a table over no seed is empty; give at least one seed")
    tell = _Runs(progress, (1 + len(cases)) * len(seeds))
    activities = {seed: record_activity(protocol or Protocol(), seconds, seed) for seed in seeds}
    first = []
    for seed, activity in activities.items():
        tell(f"float rule, seed {seed}")
        first.append(infer(float_learner, activity, seed, read_every))
    limit = weight_limit if weight_limit is not None else max(result.largest_estimate for result in first)
    rows = [_row("float rule", first, limit, FLOAT_BARS)]
    for case in cases:
        learner, found = case.learner(limit), []
        for seed, activity in activities.items():
            tell(f"{case.name}, seed {seed}")
            found.append(infer(learner, activity, seed, read_every, bin_steps=case.bin_steps, rule=case.rule))
        rows.append(_row(case.name, found, limit, case.bars))
    return tuple(rows)


class _Runs:
    """Counts runs for the progress callback."""

    def __init__(self, callback: Callable[[str, int, int], None] | None, total: int) -> None:
        self.callback, self.total, self.done = callback, total, 0

    def __call__(self, what: str) -> None:
        if self.callback is not None:
            self.callback(what, self.done, self.total)
        self.done += 1


def _row(case: str, results: Sequence[StdwiResult], limit: float, bars: Mapping[str, float]) -> StdwiRow:
    last: Mapping[str, FloatArray] = {
        name: np.array([getattr(result, name)[-1] for result in results]) for name in ("r", "sign", "angle")
    }
    return StdwiRow(case, last["r"], last["sign"], last["angle"], limit, tuple(results), bars)


def _relays(name: str, size: int) -> Population:
    """Neurons without memory that spike in the step in which a spike enters."""
    zero, one = np.zeros(size), np.ones(size)
    return Population(name, "Threshold", (size,), zero, zero, one, one, zero, 0.5 * one, zero, zero, zero, zero)


def _read_steps(steps: int, every: float) -> tuple[int, ...]:
    if not every >= 1:
        raise InputError(f"reads every {every:g} steps; at least one step lies between two reads")
    return tuple(sorted({*(round(every * k) for k in range(1, int(steps / every) + 1)), steps}))
