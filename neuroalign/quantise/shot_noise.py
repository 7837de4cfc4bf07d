"""What a rule does by itself to a weight under unrelated random spikes: mean and walk, in closed form.

Traces of one neuron are driven by the same spikes, so their products have moments beyond the product of their means.
With a chance ``p = r dt`` of a spike in a step, ``d_i = exp(-dt / tau_i)``, traces in units of their impulses and the
cumulants K_n(p) of a spike, 0 or 1 (``K_1 = p``, ``K_n+1 = p (1 - p) dK_n/dp``)::

    cumulant(block of n)       = K_n(p) / (1 - prod d_i)
    E[z_1 z_2 ...]             = sum over partitions into blocks of one neuron each, product of the cumulants
    sum over lags of Cov(F, G) = the same for F and G together, of the partitions in which a block has parts of both: those
                                 blocks fall off with every step, by the d_i of the later ones' parts

The spike that lets a term act is a trace with d = 0. Moments themselves come from what one step does to them, z := d z + s,
in which a power of s is s::

    E[z^k] = p / (1 - d^k) sum over j = 1..k  binomial(k, j) d^(k-j) E[z^(k-j)]
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from neuroalign.rule import TAG, WEIGHT, LearningRule, Modulator, Term

Rates = tuple[float, float]
Driven = tuple[bool, float]
"""Whether a factor is of post; dt / tau, by which it falls off in a step (infinite for a spike)."""
Powers = tuple[tuple[tuple[bool, float], int], ...]
"""How often each factor of one neuron is in a product, or in the ``second`` of two: ((second, dt / tau), times)."""
MOST = 12
"""Factors in two terms together beyond which their walk is not worked out: it takes long, and cumulants cancel."""


def own_mean_and_walk(rule: LearningRule, rates: Rates, dt: float) -> tuple[float, float]:
    """Mean change per second of a weight around 0, and its walk in weight squared per second; ``dt`` in seconds.

    A third factor is taken as spread evenly over its range, anew in every step; a tag of the rule's own as 0. What a third
    factor makes in every step is left out: how long it lasts is not known. The walk of too many factors is infinite.
    """
    third, mean = rule.modulator, 0.0
    parts: list[tuple[float, tuple[Driven, ...], int]] = []
    for term in rule.weight:
        times = term.factors.count(third.name) if third else 0
        if WEIGHT in term.factors or TAG in term.factors or (times and term.gate == "step"):
            continue
        size, factors = _size(rule, term, dt), _factors(rule, term, dt)
        mean += size * _moment(factors, rates, dt) * _third(third, times)
        parts.append((size, factors, times))
    if any(2 * len(factors) > MOST for _, factors, _ in parts):
        return _finite(mean / dt, 0.0), math.inf
    walk = sum(
        c * d * _with_third(third, (i, j), _covariance(f, g, rates, dt), _moment(f + g, rates, dt))
        for c, f, i in parts
        for d, g, j in parts
    )
    return _finite(mean / dt, 0.0), _finite(max(walk, 0.0) / dt, math.inf)


def _third(third: Modulator | None, times: int) -> float:
    """E of this power of the third factor."""
    if third is None or times == 0:
        return 1.0
    return 0.0 if third.signed and times % 2 else float(third.largest) ** times / (times + 1)


def _with_third(third: Modulator | None, times: tuple[int, int], covariance: float, moment: float) -> float:
    """The sum over lags with powers of the third factor: two steps have values of it that know nothing of each other."""
    i, j = times
    apart = _third(third, i) * _third(third, j)
    return apart * covariance + (_third(third, i + j) - apart) * moment


def sampling_walk(rule: LearningRule, rates: Rates, dt: float, steps: int) -> float:
    """Walk per second that is made by terms of every step acting every ``steps`` steps only, by what is there then.

    What changes faster than it is looked at is taken for something that lasts: the sampled sum's walk less the rule's own.
    """
    if steps == 1:
        return 0.0
    terms = [t for t in rule.weight if t.gate == "step" and all(f in rule.traces for f in t.factors)]
    parts = [(_size(rule, t, dt), _factors(rule, t, dt)) for t in terms if 2 * len(t.factors) <= MOST]
    walks = [
        n * sum(c * d * _covariance(f, g, rates, dt, n) for c, f in parts for d, g in parts) / dt for n in (1, steps)
    ]
    return _finite(max(walks[1] - walks[0], 0.0), math.inf)


def _finite(found: float, beyond: float) -> float:
    """For constants that no chip holds, whose products overflow."""
    return found if math.isfinite(found) else beyond


def _size(rule: LearningRule, term: Term, dt: float) -> float:
    """What the term adds where each of its traces holds one spike."""
    impulses = math.prod(rule.traces[f].impulse for f in term.factors if f in rule.traces)
    return term.coefficient * impulses * (dt if term.gate == "step" else 1.0)


def _factors(rule: LearningRule, term: Term, dt: float) -> tuple[Driven, ...]:
    gate = () if term.gate == "step" else ((term.gate == "post", math.inf),)
    traces = [rule.traces[f] for f in term.factors if f in rule.traces]
    return (*gate, *((t.of == "post", dt / t.tau) for t in traces))


@lru_cache(maxsize=4096)
def _covariance(
    first: tuple[Driven, ...], second: tuple[Driven, ...], rates: Rates, dt: float, every: int = 1
) -> float:
    """Sum over the lags that are multiples of ``every`` steps of the covariance of two products."""
    of_pre, of_post = (_partitions(_powers(first, second, post), _chance(rates[post], dt)) for post in (False, True))
    total = 0.0
    for (earlier, later, one), size in of_pre:
        for (sooner, longer, other), times in of_post:
            if one or other:
                falls = every * (earlier + sooner), every * (later + longer)
                total += size * times * (sum(1 / -math.expm1(-fall) for fall in falls) - 1)
    return total


def _chance(rate: float, dt: float) -> float:
    """Of a spike in a step; no neuron spikes more often than once in each."""
    return min(rate * dt, 1.0)


def _powers(first: tuple[Driven, ...], second: tuple[Driven, ...], post: bool) -> Powers:
    found = Counter((n == 1, fall) for n, part in enumerate((first, second)) for of, fall in part if of is post)
    return tuple(sorted(found.items()))


@lru_cache(maxsize=4096)
def _moment(factors: tuple[Driven, ...], rates: Rates, dt: float) -> float:
    """E of the product; 1 for none."""
    return math.prod(_power_moment(_powers(factors, (), post), _chance(rates[post], dt)) for post in (False, True))


@lru_cache(maxsize=4096)
def _power_moment(powers: Powers, p: float) -> float:
    """E of a product of powers of one neuron's traces."""
    if not powers:
        return 1.0
    total = sum(
        ways * math.exp(-_fall(rest)) * _power_moment(rest, p)
        for new, rest, ways in _taken(powers)
        if new and not math.isinf(_fall(rest))
    )
    return p * total / -math.expm1(-_fall(powers))


@lru_cache(maxsize=4096)
def _partitions(powers: Powers, p: float) -> tuple[tuple[tuple[float, float, bool], float], ...]:
    """What all partitions of one neuron's factors add up to, by how much falls off in a step.

    The key: the dt / tau of the first product's parts in blocks that have parts of both, that of the second's, and whether
    there is such a block.
    """
    if not powers:
        return (((0.0, 0.0, False), 1.0),)
    (head, times), found = powers[0], defaultdict[tuple[float, float, bool], float](float)
    others = ((head, times - 1), *powers[1:]) if times > 1 else powers[1:]
    for beside, rest, ways in _taken(others):
        block = ((head, 1), *beside)
        size = ways * _spike_cumulant(sum(k for _, k in block), p) / -math.expm1(-_fall(block))
        across = len({second for (second, _), _ in block}) == 2
        falls = [_fall(tuple(b for b in block if b[0][0] is second)) if across else 0.0 for second in (False, True)]
        for (earlier, later, crossed), more in _partitions(rest, p):
            found[falls[0] + earlier, falls[1] + later, across or crossed] += size * more
    return tuple(found.items())


def _taken(powers: Powers) -> Iterator[tuple[Powers, Powers, int]]:
    """All that can be taken of the factors, what is left then, and in how many ways."""
    for taken in product(*(range(k + 1) for _, k in powers)):
        some = tuple((f, j) for (f, _), j in zip(powers, taken, strict=True) if j)
        rest = tuple((f, k - j) for (f, k), j in zip(powers, taken, strict=True) if k > j)
        yield some, rest, math.prod(math.comb(k, j) for (_, k), j in zip(powers, taken, strict=True))


def _fall(powers: Powers) -> float:
    return sum(fall * k for (_, fall), k in powers)


@lru_cache(maxsize=4096)
def _spike_cumulant(n: int, p: float) -> float:
    """K_n(p): of what is 1 with the chance p, else 0."""
    powers = [0.0, 1.0]  # K as a polynomial, its coefficients by power of p
    for _ in range(n - 1):
        slope = [i * c for i, c in enumerate(powers)]  # p times its derivative
        powers = [c - before for c, before in zip([*slope, 0.0], [0.0, *slope], strict=True)]
    return sum(c * p**i for i, c in enumerate(powers))
