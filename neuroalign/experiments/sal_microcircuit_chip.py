r"""The cortical microcircuit with synapses of 8 bits that learn by microcode.

The network and task are those of :mod:`neuroalign.experiments.sal_microcircuit`, arm SAL. What differs, because a chip does
it:

- W1, W2 and B are whole numbers with their remainders in the tag. W1 and W2 learn by a third factor, which their target
  neuron sends: ``w := w + eta [pre spike] M``, ``M = phi(<u>) - phi(<v> + b)``, in payloads of 7 bits that the neuron rounds
  by chance. B learns by SAL with saturating traces, which stand for the last spike.
- ``<.>`` is the mean of the last whole 2000 steps of a pattern, one accumulator instead of 2000 values.
- The interneuron's weights are copied from W2 and B at the start of a pattern, by the host.
- Chances of a spike are held in 16 bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.chip_synapses import CompiledProgram, decay_traces, learn
from neuroalign.experiments.sal_microcircuit import (
    ALIGNING,
    AVERAGE_STEPS,
    FORWARD,
    FORWARD_PATTERNS,
    OBSERVING,
    PATTERN_STEPS,
    SAL_PATTERNS,
    TEACHER_STEPS,
    TRAINING,
    VALIDATION,
    MicrocircuitResult,
    teacher_targets,
)
from neuroalign.experiments.sal_microcircuit_steps import (
    APICAL,
    BIAS,
    NUDGE,
    RATE_BACKWARD,
    RATE_HIDDEN,
    RATE_OUTPUT,
    TAU,
)
from neuroalign.rule import LearningRule, Modulator, RuleTrace, Term

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DT = 1e-3
LIMIT = 4.0
UNIT = LIMIT / 255
TABLE = 65536.0
LARGEST = (0.008, 0.1)
"""Largest third factors of hidden and output neuron; beyond these payloads are cut."""
MIDDLE = 64


@dataclass(frozen=True, eq=False)
class ChipRules:
    """Programs of W1, W2 and B; one weight unit is :data:`UNIT`."""

    hidden: CompiledProgram
    output: CompiledProgram
    backward: CompiledProgram


def weight_rules() -> dict[str, LearningRule]:
    """The three rules of the module's text."""
    forward = {
        name: LearningRule(
            name, "", "at spikes of pre:  dw = eta M", "", (), {}, (Term(rate, "pre", ("M",)),), weight_limit=LIMIT,
            rates=(30.0, 30.0), modulator=Modulator("M", "target", largest),
        )
        for name, rate, largest in zip(("hidden", "output"), (RATE_HIDDEN, RATE_OUTPUT), LARGEST, strict=True)
    }  # fmt: skip
    traces = {"x": RuleTrace("pre", TAU * DT), "y": RuleTrace("post", TAU * DT)}
    pairs = (Term(-RATE_BACKWARD, "post", ("x",)), Term(RATE_BACKWARD, "pre", ("y",)))
    backward = LearningRule("backward", "", "", "", (), traces, pairs, weight_limit=LIMIT, rates=(30.0, 30.0))
    return {**forward, "backward": backward}


def run_chip_microcircuit(
    rules: ChipRules,
    seed: int,
    *,
    epochs: int = 150,
    pattern_steps: int = PATTERN_STEPS,
    teacher_steps: int = TEACHER_STEPS,
) -> MicrocircuitResult:
    """Train one student; the same start and targets as the float arms of the same seed."""
    rng = np.random.default_rng([seed, 6])
    held = np.rint(rng.uniform(-3, 3, 3) / UNIT).astype(np.int64)[:, None, None]
    targets = teacher_targets(teacher_steps, rng)
    tags, state, means = np.zeros_like(held), np.full(4, 1_000_000), np.zeros(4)
    x, y = np.zeros((2, 1), dtype=np.int64), np.zeros((3, 1), dtype=np.int64)
    loss, history = np.zeros(epochs), np.zeros((epochs, 3))
    programs = [(p.products, p.factors, p.period) for p in (rules.hidden, rules.output, rules.backward)]

    def present(logit: float, phase: int) -> float:
        return float(
            present_pattern(
                rng, logit, targets[logit], pattern_steps, phase, held, tags, state, means, x, y, rules.backward.decay,
                rules.backward.impulse, *programs[0], *programs[1], *programs[2],
            )
        )  # fmt: skip

    for epoch in range(epochs):
        for k, logit in enumerate(rng.choice(TRAINING, FORWARD_PATTERNS + SAL_PATTERNS)):
            present(logit, FORWARD if k < FORWARD_PATTERNS else ALIGNING)
        errors = [present(logit, OBSERVING) - targets[logit] for logit in VALIDATION]
        loss[epoch], history[epoch] = np.mean(np.square(errors)), UNIT * held[:, 0, 0]
    return MicrocircuitResult("SAL", seed, loss, history)


@numba.njit(cache=True)
def _phi(u: float) -> float:
    return float(np.rint(TABLE / (1 + TAU * np.exp(-u))) / TABLE)


@numba.njit(cache=True)
def _payload(rng: np.random.Generator, error: float, largest: float) -> int:
    """A third factor of 7 bits, rounded by chance."""
    exact = error / largest * (MIDDLE - 1)
    low = np.floor(exact)
    return min(max(MIDDLE + int(low) + (1 if rng.random() < exact - low else 0), 1), 2 * MIDDLE - 1)


@numba.njit(cache=True)
def present_pattern(  # noqa: C901 - one loop over steps
    rng: np.random.Generator, logit: float, target: float, steps: int, phase: int, held: IntArray, tags: IntArray,
    state: IntArray, means: FloatArray, x: IntArray, y: IntArray, decay: FloatArray, impulse: IntArray,
    hidden_products: IntArray, hidden_factors: IntArray, hidden_period: int, output_products: IntArray,
    output_factors: IntArray, output_period: int, back_products: IntArray, back_factors: IntArray, back_period: int,
) -> float:  # fmt: skip
    """One pattern, step by step; weights, tags, ``state`` (steps since the last spikes), ``means`` and traces change.

    ``means`` are of u and v of the hidden, then of the output neuron. Returns the mean output u from step 2000 on.
    """
    since_in, since_hidden, since_inter, since_out = state[0], state[1], state[2], state[3]
    back_copy, out_copy = UNIT * held[2, 0, 0], UNIT * held[1, 0, 0]
    apical = 1.0 if phase == ALIGNING else APICAL
    inter_gain = 0.0 if phase == ALIGNING else 1.0
    nudge = 0.0 if phase == OBSERVING else NUDGE
    sums, total = np.zeros(4), 0.0
    input_chance = _phi(logit)
    pre, post = np.zeros(1, dtype=np.bool_), np.zeros(1, dtype=np.bool_)
    no_trace, third = np.zeros((2, 1), dtype=np.int64), np.zeros((3, 1), dtype=np.int64)
    hidden_error, out_error = 0.0, 0.0
    for t in range(steps):
        w1, w2, b = UNIT * held[0, 0, 0], UNIT * held[1, 0, 0], UNIT * held[2, 0, 0]
        feedback = b * (since_out < TAU) - inter_gain * back_copy * (since_inter < TAU)
        since_in, since_hidden, since_inter, since_out = since_in + 1, since_hidden + 1, since_inter + 1, since_out + 1
        was_in, was_hidden = since_in == 1, since_hidden == 1
        if since_in >= TAU and rng.random() < input_chance:
            since_in = 0
        v_hidden = w1 * (since_in < TAU)
        u_hidden = BIAS + v_hidden + apical * feedback
        if since_hidden >= TAU and rng.random() < _phi(u_hidden):
            since_hidden = 0
        if since_inter >= TAU and rng.random() < _phi(BIAS + inter_gain * out_copy * (since_hidden < TAU)):
            since_inter = 0
        v_out = w2 * (since_hidden < TAU)
        u_out = BIAS + v_out + nudge * (target - means[3] - BIAS)
        if since_out >= TAU and rng.random() < _phi(u_out):
            since_out = 0
        sums[0] += u_hidden
        sums[1] += v_hidden
        sums[2] += u_out
        sums[3] += v_out
        if t >= AVERAGE_STEPS:
            total += u_out
        if (t + 1) % AVERAGE_STEPS == 0:
            for k in range(4):
                means[k] = sums[k] / AVERAGE_STEPS
                sums[k] = 0.0
            hidden_error = 1 / (1 + TAU * np.exp(-means[0])) - 1 / (1 + TAU * np.exp(-(means[1] + BIAS)))
            out_error = 1 / (1 + TAU * np.exp(-means[2])) - 1 / (1 + TAU * np.exp(-(means[3] + BIAS)))
        if phase == FORWARD and t >= AVERAGE_STEPS:
            post[0] = False
            moves = (t + 1) % hidden_period == 0
            if was_in or moves:
                pre[0], third[2, 0] = was_in, _payload(rng, hidden_error, LARGEST[0])
                learn(
                    hidden_products, hidden_factors, held[0], tags[0], no_trace, third, pre, post, moves, rng.random()
                )
            moves = (t + 1) % output_period == 0
            if was_hidden or moves:
                pre[0], third[2, 0] = was_hidden, _payload(rng, out_error, LARGEST[1])
                learn(
                    output_products, output_factors, held[1], tags[1], no_trace, third, pre, post, moves, rng.random()
                )
        elif phase == ALIGNING:
            pre[0], post[0] = since_out == 0, since_hidden == 0
            decay_traces(x, decay, impulse, 0, pre, rng.random())
            decay_traces(y, decay, impulse, 2, post, rng.random())
            moves = (t + 1) % back_period == 0
            if pre[0] or post[0] or moves:
                learn(back_products, back_factors, held[2], tags[2], x, y, pre, post, moves, rng.random())
    state[0], state[1], state[2], state[3] = since_in, since_hidden, since_inter, since_out
    return total / max(steps - AVERAGE_STEPS, 1)
