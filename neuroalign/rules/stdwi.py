"""Spike-timing-dependent weight inference (STDWI): a feedback synapse infers the forward weight from spike timing."""

from __future__ import annotations

from neuroalign.rule import LearningRule, RuleTrace, Term


def stdwi(
    tau_fast: float = 0.020, tau_slow: float = 0.200, learning_rate: float = 1e-4, decay: float = 0.1
) -> LearningRule:
    """STDWI on the feedback synapse ``B[i, j]`` from neuron j (pre) to neuron i (post).

    At each spike of j::

        B[i, j] := B[i, j] + eta ((fast_i - slow_i) - lambda B[i, j])

    where ``fast_i`` and ``slow_i`` are traces of i's spikes with equal area (the slow impulse is tau_fast/tau_slow).
    Its fixed point is ``E[fast_i - slow_i | spike of j] / lambda``, which is proportional to the forward weight from i
    to j.

    Parameters
    ----------
    tau_fast, tau_slow : s
        Time constants of the traces.
    learning_rate, decay
        ``eta`` and ``lambda``.

    Source: Ahmad, Ambrogioni, van Gerven, "Overcoming the weight transport problem via spike-timing-dependent weight
    inference", 2020 (arXiv 2003.03988); constants and update order as in the authors' code (github nasiryahm/STDWI).
    """
    return LearningRule(
        name="stdwi",
        title="Spike-timing-dependent weight inference",
        equation="at spikes of pre:  dw = eta (fast - slow - lambda w)",
        source="Ahmad, Ambrogioni, van Gerven 2020, arXiv 2003.03988; constants as in the authors' code",
        symbols=(
            ("fast, slow", f"traces of post spikes, tau {1e3 * tau_fast:g} and {1e3 * tau_slow:g} ms, equal area", "1"),
            ("eta", f"learning rate, {learning_rate:g}", "1"),
            ("lambda", f"weight decay, {decay:g}", "1"),
            ("w", "feedback weight, in arbitrary units", "1"),
        ),
        traces={"fast": RuleTrace("post", tau_fast), "slow": RuleTrace("post", tau_slow, tau_fast / tau_slow)},
        weight=(
            Term(learning_rate, "pre", ("fast",)),
            Term(-learning_rate, "pre", ("slow",)),
            Term(-learning_rate * decay, "pre", ("w",)),
        ),
        weight_limit=0.05 / decay
        if decay > 0
        else None,  # E[fast - slow | spike of j] stays below 0.05 in the authors' network
        rates=(60.0, 34.0),  # output neurons, and input neurons while they are stimulated
        notes=("Sign and correlation with the forward weight are what it infers; the scale is arbitrary.",),
    )
