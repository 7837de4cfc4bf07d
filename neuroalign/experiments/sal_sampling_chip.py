r"""Sampling networks that learn on chip: weights and biases of 8 bits, wake and sleep as two programs of microcode.

The network is that of :mod:`neuroalign.experiments.sal_sampling`. What differs, because a learning engine does it: pairs
count by exponential traces (all pairs) instead of triangular windows, and the wake phase is run instead of known: the
neurons are clamped to spikes of a network that samples the target, while the program's signs are turned round::

    wake    w_ij := w_ij + a (spike_i x_j + spike_j y_i)             b_i := b_i + c spike_i
    sleep   w_ij := w_ij - a (spike_i x_j + spike_j y_i) + s (spike_j y_i - spike_i x_j)      b_i := b_i - c spike_i

Both halves see the same kernel, so weights equal to the target's are where they balance. ``a = speed eta_w tau / 2 T``, half
of it because an exponential has twice the triangle's area; s likewise, ``c = speed eta_w tau / T``. Chances of a spike are
held in 16 bits. Biases are weights from a source that is always on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.chip_synapses import CompiledProgram, decay_traces, learn
from neuroalign.experiments.sal_sampling import (
    NEURONS,
    SAL_RATE,
    VALIDATION_SLEEPS,
    WAKE_SLEEP_RATE,
    SamplingResult,
    start_of,
    validated,
)
from neuroalign.experiments.sal_sampling_steps import SLEEP_STEPS, TAU, WEIGHT_LIMIT
from neuroalign.rule import LearningRule, RuleTrace, Term

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DT = 1e-3
UNIT = WEIGHT_LIMIT / 255
IMPULSE, TAG_BITS = 64, 8
PAIR = 2.0**-4 * IMPULSE * UNIT / 2**TAG_BITS
"""What a spike pair moves a weight by: a coefficient of 2^-4, so that wake, sleep and SAL are held without an error."""
SPEED = 2 * PAIR * SLEEP_STEPS / (WAKE_SLEEP_RATE["synaptic"] * TAU)
"""How many times the published rates that is, 24.5; fewer cycles are run."""
CYCLES = 1600
TABLE = 65536.0
"""Chances of a spike are whole 65536ths."""
MOST = 255


@dataclass(frozen=True, eq=False)
class ChipRules:
    """Programs of weights and of biases, each in wake and in sleep; one weight unit is :data:`UNIT`."""

    wake: CompiledProgram
    sleep: CompiledProgram
    bias_wake: CompiledProgram
    bias_sleep: CompiledProgram


def phase_rules(speed: float, *, aligned: bool) -> dict[str, LearningRule]:
    """The four rules of the module's equations, for weights that stay within 2."""
    each = speed * WAKE_SLEEP_RATE["synaptic"] * TAU / SLEEP_STEPS
    pair, sal = each / 2, speed * SAL_RATE["synaptic"] * TAU / SLEEP_STEPS / 2 if aligned else 0.0
    traces = {"x": RuleTrace("pre", TAU * DT), "y": RuleTrace("post", TAU * DT)}
    weights = LearningRule(
        "wake", "Wake", "", "", (), traces, _pairs(pair, pair), weight_limit=WEIGHT_LIMIT, rates=(8.0, 8.0)
    )
    bias = LearningRule(
        "bias-wake", "", "", "", (), {}, (Term(each, "post"),), weight_limit=WEIGHT_LIMIT, rates=(8.0, 8.0)
    )
    asleep = _pairs(-pair - sal, -pair + sal)
    shown = {f: trace for f, trace in traces.items() if any(f in term.factors for term in asleep)}
    return {
        "wake": weights,
        "sleep": replace(weights, name="sleep", weight=asleep, traces=shown),
        "bias_wake": bias,
        "bias_sleep": replace(bias, name="bias-sleep", weight=(Term(-each, "post"),)),
    }


def _pairs(at_post: float, at_pre: float) -> tuple[Term, ...]:
    terms = (Term(at_post, "post", ("x",)), Term(at_pre, "pre", ("y",)))
    return tuple(term for term in terms if term.coefficient)


def run_chip_sampling(
    rules: ChipRules, seed: int, sigma: float, *, cycles: int = CYCLES, validation_sleeps: int = VALIDATION_SLEEPS
) -> SamplingResult:
    """Learn the target of :func:`neuroalign.experiments.sal_sampling.run_sampling`, from the same start, in integers."""
    rng = np.random.default_rng([seed, 7])
    target_weight, target_bias, weight, bias = start_of(rng, sigma)
    held = np.rint(np.clip(weight, -2, 2) / UNIT).astype(np.int64)
    held_bias = np.rint(np.clip(bias, -2, 2) / UNIT).astype(np.int64)[:, None]
    tag, bias_tag = np.zeros_like(held), np.zeros_like(held_bias)
    x, y = np.zeros((2, NEURONS), dtype=np.int64), np.zeros((3, NEURONS), dtype=np.int64)
    last = np.full((2, NEURONS), -10 * TAU)
    clock = 0
    for _ in range(cycles):
        for asleep in (0, 1):
            rule, of_bias = (rules.sleep, rules.bias_sleep) if asleep else (rules.wake, rules.bias_wake)
            run_phase(
                rng, SLEEP_STEPS, clock, bool(asleep), target_weight, target_bias, held, held_bias, tag, bias_tag, x, y,
                last[asleep], rule.products, rule.factors, rule.decay, rule.impulse, rule.period,
                of_bias.products, of_bias.factors, of_bias.period,
            )  # fmt: skip
            clock += SLEEP_STEPS
    return validated(
        rng,
        seed,
        target_weight,
        target_bias,
        np.asarray(held * UNIT),
        np.asarray(held_bias[:, 0] * UNIT),
        validation_sleeps,
    )


@numba.njit(cache=True)
def run_phase(  # noqa: C901 - one loop over steps
    rng: np.random.Generator, steps: int, clock: int, asleep: bool, target_weight: FloatArray, target_bias: FloatArray, w: IntArray,
    b: IntArray, tag: IntArray, bias_tag: IntArray, x: IntArray, y: IntArray, last: IntArray, products: IntArray, factors: IntArray,
    decay: FloatArray, impulse: IntArray, period: int, bias_products: IntArray, bias_factors: IntArray, bias_period: int,
) -> None:  # fmt: skip
    """Steps of one phase; weights, tags, traces and ``last`` (step of the last spike, relative to the phase) change."""
    n = w.shape[0]
    chance, spikes = np.zeros(n), np.zeros(n, dtype=np.bool_)
    never, nothing = np.zeros(1, dtype=np.bool_), np.zeros((2, 1), dtype=np.int64)
    stale = True
    for t in range(1, steps + 1):
        any_spike = False
        for j in range(n):
            stale = stale or t - last[j] == TAU
        if stale:
            for k in range(n):
                u = UNIT * b[k, 0] if asleep else target_bias[k]
                for j in range(n):
                    if t - last[j] < TAU:
                        u += UNIT * w[k, j] if asleep else target_weight[k, j]
                chance[k] = np.rint(TABLE / (1 + TAU * np.exp(-u))) / TABLE
            stale = False
        for k in range(n):
            spikes[k] = t - last[k] > TAU and rng.random() < chance[k]
            any_spike = any_spike or spikes[k]
        for k in range(n):
            if spikes[k]:
                last[k], stale = t, True
        decay_traces(x, decay, impulse, 0, spikes, rng.random())
        decay_traces(y, decay, impulse, 2, spikes, rng.random())
        moves, bias_moves = (clock + t) % period == 0, (clock + t) % bias_period == 0
        if any_spike or moves or bias_moves:
            draw = rng.random()
            learn(products, factors, w, tag, x, y, spikes, spikes, moves, draw)
            for k in range(n):
                w[k, k], tag[k, k] = 0, 0
            learn(bias_products, bias_factors, b, bias_tag, nothing, y, never, spikes, bias_moves, draw)
            for i in range(n):
                b[i, 0] = min(max(b[i, 0], -MOST), MOST)
            stale = True
    for k in range(n):
        last[k] -= steps
