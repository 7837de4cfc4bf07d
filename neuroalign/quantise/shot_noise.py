"""What a rule does by itself to a weight under unrelated Poisson spikes: mean and walk, in closed form.

Traces of one neuron are driven by the same spikes, so their products have moments beyond the product of their means.
With a chance ``p = r dt`` of a spike in a step, ``d_i = exp(-dt / tau_i)`` and impulses ``a_i``::

    cumulant(block)            = p prod a_i / (1 - prod d_i)
    E[z_1 z_2 ...]             = sum over partitions into blocks of one neuron each, product of the cumulants
    sum over lags of Cov(F, G) = the same for F and G together, of the partitions in which a block has parts of both: those
                                 blocks fall off with every step, by the d_i of the later ones' parts

The spike that lets a term act is a trace with d = 0. What is of second order in p within a cumulant is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, product

from neuroalign.rule import TAG, WEIGHT, LearningRule, RuleTrace, Term

Rates = tuple[float, float]
Blocks = list[tuple[int, ...]]
Driven = tuple[bool, float, float]
"""Whether a factor is of post; its decay over one step; its impulse."""
MOST = 12
"""Factors in two terms together beyond which their walk is not worked out: partitions become too many."""


def own_mean_and_walk(rule: LearningRule, rates: Rates, dt: float) -> tuple[float, float]:
    """Mean change per second of a weight around 0, and its walk in weight squared per second; ``dt`` in seconds.

    A third factor is taken as spread evenly over its range, anew at every spike; a tag of the rule's own as 0. What a third
    factor makes in every step is left out: how long it lasts is not known. The walk of too many factors is infinite.
    """
    third, mean, walk = rule.modulator, 0.0, 0.0
    parts: list[tuple[float, tuple[Driven, ...]]] = []
    for term in rule.weight:
        if WEIGHT in term.factors or TAG in term.factors:
            continue
        size, factors = term.coefficient * (dt if term.gate == "step" else 1.0), _factors(rule, term, dt)
        if third is not None and third.name in term.factors:
            if term.gate == "step":
                continue
            times = term.factors.count(third.name)
            mean += size * _moment(factors, rates, dt) * (0.0 if third.signed else third.largest**times / (times + 1))
            walk += size**2 * _moment(factors * 2, rates, dt) * third.largest ** (2 * times) / (2 * times + 1)
        else:
            mean += size * _moment(factors, rates, dt)
            parts.append((size, factors))
    if any(2 * len(factors) > MOST for _, factors in parts):
        return mean / dt, math.inf
    walk += sum(c * d * _covariance(f, g, rates, dt) for c, f in parts for d, g in parts)
    return mean / dt, max(walk, 0.0) / dt


def sampling_walk(rule: LearningRule, rates: Rates, dt: float, steps: int) -> float:
    """Walk per second that is made by terms of every step acting every ``steps`` steps only, by what is there then.

    What changes faster than it is looked at is taken for something that lasts: the sampled sum's walk less the rule's own.
    """
    terms = [t for t in rule.weight if t.gate == "step" and all(f in rule.traces for f in t.factors)]
    parts = [(t.coefficient * dt, _factors(rule, t, dt)) for t in terms if 2 * len(t.factors) <= MOST]
    if steps == 1:
        return 0.0
    walks = [
        n * sum(c * d * _covariance(f, g, rates, dt, n) for c, f in parts for d, g in parts) / dt for n in (1, steps)
    ]
    return max(walks[1] - walks[0], 0.0)


def _factors(rule: LearningRule, term: Term, dt: float) -> tuple[Driven, ...]:
    traces: Sequence[RuleTrace] = [rule.traces[f] for f in term.factors if f in rule.traces]
    gate = () if term.gate == "step" else ((term.gate == "post", 0.0, 1.0),)
    return (*gate, *((t.of == "post", math.exp(-dt / t.tau), t.impulse) for t in traces))


@lru_cache(maxsize=4096)
def _covariance(
    first: tuple[Driven, ...], second: tuple[Driven, ...], rates: Rates, dt: float, every: int = 1
) -> float:
    """Sum over the lags that are multiples of ``every`` steps of the covariance of two products."""
    both, n, total = (*first, *second), len(first), 0.0
    for blocks in _sorted_by_neuron(both):
        across = [b for b in blocks if b[0] < n <= b[-1]]
        if across:
            size = math.prod(_cumulant([both[i] for i in b], rates, dt) for b in blocks)
            earlier = math.prod(both[i][1] for b in across for i in b if i < n) ** every
            later = math.prod(both[i][1] for b in across for i in b if i >= n) ** every
            total += size * (1 / (1 - later) + 1 / (1 - earlier) - 1)
    return total


@lru_cache(maxsize=4096)
def _moment(factors: tuple[Driven, ...], rates: Rates, dt: float) -> float:
    """E of the product; 1 for none."""
    return sum(
        math.prod(_cumulant([factors[i] for i in b], rates, dt) for b in blocks)
        for blocks in _sorted_by_neuron(factors)
    )


def _cumulant(block: Sequence[Driven], rates: Rates, dt: float) -> float:
    return rates[block[0][0]] * dt * math.prod(a for *_, a in block) / (1 - math.prod(d for _, d, _ in block))


def _sorted_by_neuron(factors: Sequence[Driven]) -> Iterator[Blocks]:
    """All partitions into blocks of one neuron each."""
    pre, post = (tuple(i for i, f in enumerate(factors) if f[0] == side) for side in (False, True))
    for one, other in product(list(_partitions(pre)), list(_partitions(post))):
        yield one + other


def _partitions(items: tuple[int, ...]) -> Iterator[Blocks]:
    """All ways to sort the items into blocks; blocks keep the order."""
    if not items:
        yield []
        return
    head, rest = items[0], items[1:]
    for n in range(len(rest) + 1):
        for with_head in combinations(rest, n):
            others = tuple(i for i in rest if i not in with_head)
            for blocks in _partitions(others):
                yield [(head, *with_head), *blocks]
