"""Regression discontinuity design (RDD) as a local rule: a third factor at the end of a window, and two traces."""

from __future__ import annotations

from neuroalign.rule import LearningRule, Modulator, RuleTrace, Term

STEP = 1e-3
"""The published time step in s, which the third factor lasts."""


def rdd(tau_fast: float = 0.020, tau_slow: float = 0.160, learning_rate: float = 1e-3) -> LearningRule:
    """RDD's correlator on traces, on the feedback synapse ``B[i, j]`` from neuron j (pre) to neuron i (post).

    In the step in which a window of i ends (30 ms after its membrane came within 0.1 of threshold)::

        B[i, j] := B[i, j] + eta M_i (fast_j - slow_j)          M_i = s (1 + u)

    with s = 1 if i spiked in the window and -1 if not, and u the largest drive in it, threshold 1; M is 0 in all other
    steps. The published regression's first order has the window's mean of j's filtered spikes minus their value at the
    opening; here a fast trace stands for the first and a slow one of equal area for the second, so the synapse needs no
    state but its weight.

    Parameters
    ----------
    tau_fast, tau_slow : s
        Time constants of the traces.
    learning_rate
        ``eta``.

    Source: Guerguiev, Kording, Richards, "Spike-based causal inference for weight alignment", 2020 (arXiv 1910.01689); the
    correlator and its traces are our own reading of it.
    """
    return LearningRule(
        name="rdd",
        title="Regression discontinuity design, as a correlator on traces",
        equation="at the end of a window of post:  dw = eta M (fast - slow),   M = s (1 + u)",
        source="after Guerguiev, Kording, Richards 2020, arXiv 1910.01689; the correlator on traces is our own",
        symbols=(
            ("fast, slow", f"traces of pre spikes, tau {1e3 * tau_fast:g} and {1e3 * tau_slow:g} ms, equal area", "1"),
            ("eta", f"learning rate, {learning_rate:g}", "1"),
            ("M", "third factor of the post neuron, 0 but in the one step of 1 ms in which a window ends", "1"),
            ("s", "1 if the post neuron spiked in the window, -1 if not", "1"),
            ("u", "largest drive in the window, in thresholds", "1"),
            ("w", "feedback weight, in arbitrary units", "1"),
        ),
        traces={"fast": RuleTrace("pre", tau_fast), "slow": RuleTrace("pre", tau_slow, tau_fast / tau_slow)},
        weight=(
            Term(learning_rate / STEP, "step", ("M", "fast")),
            Term(-learning_rate / STEP, "step", ("M", "slow")),
        ),
        modulator=Modulator("M", "outcome", largest=6.0, events=True),
        weight_limit=0.387,  # some 120 s of driving 192 neurons; then both coefficients are powers of two on chip
        rates=(120.0, 7.0),
        notes=(
            "Windows, s and u need neuron microcode (Loihi 2); time steps of 1 ms.",
            "Sign and correlation with the forward weight are what it infers; the scale is arbitrary.",
        ),
    )
