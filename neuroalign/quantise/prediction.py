"""What a Program's rounding is expected to do, from the rule, the profile and the rates alone.

Per second, in units of the weight squared, on spikes that have nothing to do with each other::

    walk of the chip   sum over gates  r E[f (1 - f)] / 4^m      rounding of the tag (m = 0: of the weight)
                     + r_u E[f (1 - f)]                          rounding at transfers, where the form rounds there
                     + sum over traces  n_j (r E[s^2] + 2 r^2 tau_j E[s]^2)
    walk of the rule   r_pre (c_pre + r_post K)^2 + r_post (c_post + r_pre K)^2 + r_pre r_post integral of kernel^2

with r the rate of a gate, f the fraction of its change, n_j the rounding noise of a trace, s the change that one more
count of it makes; c the change of a lone spike and K the integral of the kernel that spike pairs have in the rule. A
decay of the weight with time constant T limits both: after t the variance is ``walk T/2 (1 - exp(-2 t / T))``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from neuroalign.microcode import TRACES, Dependency, Product, Program
from neuroalign.quantise.spike_statistics import FRACTION, FloatArray, IntArray, Spiking, change
from neuroalign.quantise.tag_room import TagRoom, of_tag, tag_room
from neuroalign.quantise.third_factor import Received
from neuroalign.rule import WEIGHT, LearningRule, RuleTrace, Term

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

    def walk(self, seconds: float) -> float:
        """RMS deviation of weight and tag, in weight units, that rounding makes in this time."""
        return math.sqrt((self.rounding + self.traces) * self.effective(seconds))

    def effective(self, seconds: float) -> float:
        """The time over which a walk adds up, where the decay limits it."""
        if math.isinf(self.relaxation):
            return seconds
        return 0.5 * self.relaxation * -math.expm1(-2 * seconds / self.relaxation)

    @property
    def excess(self) -> float:
        """The chip's walk over the rule's own, as variances."""
        return (self.rounding + self.traces) / self.own if self.own > 0 else math.inf


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
    own, wanted = own_walk(rule, rates)
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
    )


def _lost_in_bursts(spiking: Spiking, room: TagRoom | None) -> float:
    """Only a transfer of one unit at a time falls behind in bursts: others take all of the tag, or all but a remainder."""
    if room is None or not any(f.sign for p in spiking.program.dw for f in p.factors):
        return room.lost if room else 0.0
    pre, post = spiking.rates
    return tag_room(replace(spiking, rates=(BURST * pre, BURST * post))).lost


def own_walk(rule: LearningRule, rates: tuple[float, float]) -> tuple[float, float]:
    """Walk (weight squared per second) and mean change (per second) of the rule itself for weights around 0."""
    lone, pair, square, mean = {"pre": 0.0, "post": 0.0}, 0.0, 0.0, 0.0
    rate = {"pre": rates[0], "post": rates[1]}
    linear: dict[str, list[tuple[float, float]]] = {"pre": [], "post": []}
    third = rule.modulator
    rest = 0.0
    for term in rule.weight:
        if WEIGHT in term.factors or "tag" in term.factors or term.gate == "step":
            continue
        traces = [rule.traces[f] for f in term.factors if f in rule.traces]
        if third is not None and third.name in term.factors:
            rest += rate[term.gate] * (_size(term, traces, rate) * third.largest) ** 2 / 3  # spread evenly
            mean += 0.0 if third.signed else rate[term.gate] * _size(term, traces, rate) * third.largest / 2
            continue
        if len(traces) == 1 and traces[0].of != term.gate:
            linear[term.gate].append((term.coefficient * traces[0].impulse, traces[0].tau))
            continue
        size = _size(term, traces, rate)
        if traces:
            rest += rate[term.gate] * size**2
            mean += rate[term.gate] * size
        else:
            lone[term.gate] += size
    for kernel in linear.values():
        pair += sum(c * tau for c, tau in kernel)
        square += sum(a * b * s * t / (s + t) for a, s in kernel for b, t in kernel)
    mean += rate["pre"] * lone["pre"] + rate["post"] * lone["post"] + rate["pre"] * rate["post"] * pair
    walk = (
        rate["pre"] * (lone["pre"] + rate["post"] * pair) ** 2
        + rate["post"] * (lone["post"] + rate["pre"] * pair) ** 2
        + rate["pre"] * rate["post"] * square
    )
    return walk + rest, mean


def _size(term: Term, traces: list[RuleTrace], rate: dict[str, float]) -> float:
    """Change by a spike of the term's gate with the traces at their means."""
    return math.prod([term.coefficient, *(t.impulse * (t.tau * rate[t.of] + (t.of == term.gate)) for t in traces)])


def spike_change(rule: LearningRule, term: Term, unit: float) -> float:
    """Weight units by which a spike that meets one other spike moves a full weight; 0 for a term that no spike gates."""
    if term.gate == "step":
        return 0.0
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
