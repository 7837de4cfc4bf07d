"""What a Program's rounding is expected to do, from the rule, the profile and the rates alone.

Per second, in units of the weight squared, on spikes that have nothing to do with each other::

    walk of the chip   sum over gates  r E[f (1 - f)] / 4^m      rounding of the tag (m = 0: of the weight)
                     + r_u E[f (1 - f)]                          rounding at transfers, where the form rounds there
                     + sum over traces  n_j (r E[s^2] + 2 r^2 tau_j E[s]^2)

with r the rate of a gate, f the fraction of its change, n_j the rounding noise of a trace, s the change that one more
count of it makes. The rule's own walk and mean, and what sampling makes of terms that act in every step, are in closed
form (:mod:`shot_noise`). A decay of the weight with time constant T limits both: after t the variance is ``walk T/2 (1 -
exp(-2 t / T))``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from neuroalign.microcode import TRACES, Dependency, Product, Program
from neuroalign.quantise.shot_noise import own_mean_and_walk, sampling_walk
from neuroalign.quantise.spike_statistics import FRACTION, FloatArray, IntArray, Spiking, change
from neuroalign.quantise.tag_room import TagRoom, of_tag, tag_room
from neuroalign.quantise.third_factor import Received
from neuroalign.rule import WEIGHT, LearningRule, Term

BURST = 2.0
"""How many times the rate is while spikes come in a burst."""
GATES: tuple[Dependency, ...] = ("x0", "y0", "u")


@dataclass(frozen=True)
class Prediction:
    """What is expected under Poisson spikes.

    Parameters
    ----------
    rates : Hz
        Of pre and post.
    rounding, traces : weight units squared per second
        The walk that the rounding of tag and weight makes, and the one that the rounding of traces makes.
    own : weight units squared per second
        The walk of the rule without any rounding.
    relaxation : s
        Time constant of the weight's decay on chip; infinite without one.
    drift : weight units per second
        By which the chip's mean change differs from the rule's for weights around 0.
    lost, lost_in_bursts
        Share of all change that the limits of the tag take, at these rates and at twice as high ones.
    hidden : weight units
        RMS of what the tag holds back from the weight.
    clipped
        Probability that an unrelated weight would be beyond the range once it has settled; nan without decay.
    sampled : weight units squared per second
        The walk that is made because terms of every step act at transfers only.
    """

    rates: tuple[float, float]
    rounding: float
    traces: float
    own: float
    relaxation: float
    drift: float
    lost: float
    lost_in_bursts: float
    hidden: float
    clipped: float
    sampled: float = 0.0

    def walk(self, seconds: float) -> float:
        """RMS deviation of weight and tag, in weight units, that rounding and sampling make in this time."""
        return math.sqrt((self.rounding + self.traces + self.sampled) * self.effective(seconds))

    def effective(self, seconds: float) -> float:
        """The time over which a walk adds up, where the decay limits it."""
        if math.isinf(self.relaxation):
            return seconds
        return 0.5 * self.relaxation * -math.expm1(-2 * seconds / self.relaxation)

    @property
    def excess(self) -> float:
        """The chip's walk over the rule's own, as variances."""
        return (self.rounding + self.traces + self.sampled) / self.own if self.own > 0 else math.inf


def predict(
    program: Program,
    bits: int,
    rule: LearningRule,
    unit: float,
    rates: tuple[float, float],
    dt: float,
    received: Received | None = None,
) -> Prediction:
    """Predict for a program whose weight unit is ``2**bits`` tag units; ``unit`` in the model's unit, ``dt`` in s.

    A third factor is taken as spread evenly over its range, a tag of the rule's own as 0.
    """
    spiking = Spiking(program, rates, dt, None if received is None else (received.low, received.high))
    room = tag_room(spiking) if bits else None
    tag = room.distribution if room else None
    learnt = program.tag_update if bits else program.dw
    rounding, traces, mean, slope = 0.0, 0.0, 0.0, 0.0
    for gate in GATES:
        acting = [p for p in learnt if p.dependency == gate and not (bits and _reads_tag(p))]
        if not acting:
            continue
        values, rate = spiking.values(gate), spiking.rate(gate)
        made = change(acting, values)
        rounding += rate * _rounding(made) / 4**bits
        traces += _trace_walk(spiking, acting, gate, rate) / 4**bits
        mean += rate * float(made.mean()) / FRACTION / 2**bits
        slope += rate * _weight_slope(acting, values) / 2**bits
    hidden = 0.0
    if tag is not None:
        fraction = (of_tag(program.dw) % FRACTION) / FRACTION
        rounding += spiking.rate("u") * float(tag @ (fraction * (1 - fraction)))
        hidden = _hidden(tag, bits)
    wanted, own = own_mean_and_walk(rule, rates, dt)
    relaxation = -1 / slope if slope < -1e-12 else math.inf
    return Prediction(
        rates,
        rounding,
        traces,
        own / unit**2,
        relaxation,
        mean - wanted / unit,
        room.lost if room else 0.0,
        _lost_in_bursts(spiking, room),
        hidden,
        _clipped(own / unit**2 + rounding + traces, mean, relaxation),
        sampling_walk(rule, rates, dt, 2 ** (program.k or 0) * program.t_epoch) / unit**2,
    )


def _lost_in_bursts(spiking: Spiking, room: TagRoom | None) -> float:
    """What the tag's limits take when spikes come in bursts."""
    if room is None:
        return 0.0
    pre, post = spiking.rates
    return tag_room(replace(spiking, rates=(BURST * pre, BURST * post))).lost


def spike_change(rule: LearningRule, term: Term, unit: float) -> float:
    """Weight units by which a spike that meets one other spike moves a full weight; 0 for a term that no spike gates."""
    return 0.0 if term.gate == "step" else _moved(rule, term, unit)


def step_change(rule: LearningRule, unit: float) -> float:
    """Weight units a second by which the terms of every step move a full weight where each trace holds one spike."""
    return sum(_moved(rule, term, unit) for term in rule.weight if term.gate == "step")


def _moved(rule: LearningRule, term: Term, unit: float) -> float:
    size = abs(term.coefficient) / unit
    if rule.modulator is not None and rule.modulator.name in term.factors:
        size *= rule.modulator.largest
    for factor in term.factors:
        size *= 255 * unit if factor == WEIGHT else rule.traces[factor].impulse if factor in rule.traces else 1.0
    return size


def _reads_tag(product: Product) -> bool:
    return any(f.variable == "t" for f in product.factors)


def _rounding(made: IntArray) -> float:
    """Mean variance of rounding this change to whole units, up with the chance of its fraction."""
    fraction = (made % FRACTION) / FRACTION
    return float((fraction * (1 - fraction)).mean())


def _trace_walk(spiking: Spiking, products: list[Product], gate: Dependency, rate: float) -> float:
    """Walk, in units of the changed variable, that the rounding of traces makes through these products."""
    program = spiking.program
    used = {f.variable for p in products for f in p.factors}
    names = [n for n in TRACES if n in used and program.trace(n).impulse > 0]
    values = spiking.values(gate)
    here = change(products, values)
    made = {n: (change(products, {**values, n: values[n] + 8}) - here) / (8 * FRACTION) for n in names}
    epoch, walk = program.t_epoch * spiking.dt, 0.0
    for a in names:
        for b in names:
            decays = [spiking.trace(n).decay ** program.t_epoch for n in (a, b)]
            again = rate * epoch * sum(d / max(1 - d, 1e-9) for d in decays)
            sizes = float((made[a] * made[b]).mean()) + again * float(made[a].mean() * made[b].mean())
            walk += rate * spiking.noise(a, b) * sizes
    return walk


def _weight_slope(products: list[Product], values: dict[str, IntArray]) -> float:
    """Change per unit of weight."""
    high = change(products, {**values, "w": np.full_like(values["w"], 128)})
    low = change(products, {**values, "w": np.full_like(values["w"], -128)})
    return float((high - low).mean()) / (256 * FRACTION)


def _hidden(tag: FloatArray, bits: int) -> float:
    values = np.arange(-256, 256)
    return math.sqrt(float((tag * values**2).sum())) / 2.0**bits


def _clipped(walk: float, mean: float, relaxation: float) -> float:
    if math.isinf(relaxation):
        return math.nan
    centre, deviation = mean * relaxation, math.sqrt(0.5 * walk * relaxation) or 1e-9
    return 0.5 * sum(math.erfc((255 - s * centre) / (deviation * math.sqrt(2))) for s in (1, -1))
