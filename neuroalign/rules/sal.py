"""Spike-based alignment learning (SAL): a feedback synapse comes to equal the forward synapse from spike timing."""

from __future__ import annotations

from neuroalign.rule import LearningRule, RuleTrace, Term


def sal(eta: float = 0.05, tau: float = 0.010, replicas: int = 8, tau_steps: int = 10) -> LearningRule:
    """SAL on the synapse from j (pre) to i (post), all pairs::

        K(t_i - t_j) = -A exp(-(t_i - t_j)/tau)  after,  +A exp(+(t_i - t_j)/tau)  before,  0 at once
        at a spike of i (post):  w := w - A x_j
        at a spike of j (pre):   w := w + A y_i                       A = eta / (2 tau_steps replicas)

    The reverse of spike-timing-dependent plasticity: the weight from i to j makes pairs "i then j", which raise this
    weight, while this weight itself makes pairs "j then i", which lower it, so both meet. With equal amplitudes and time
    constants every pair moves the two weights of a pair of neurons by opposite amounts, so their sum is kept. Coincident
    spikes see both traces with their own impulse, so the two terms cancel.

    Parameters
    ----------
    eta
        Learning rate as the layer benchmark has it.
    tau : s
        Time constant of both traces: the refractory time of the sampling neurons.
    replicas, tau_steps
        Networks whose updates are averaged, and tau in steps: the benchmark divides by ``2 tau_steps``.

    Source: Gierlich et al., "Spike-based alignment learning solves the weight transport problem", 2025 (arXiv
    2503.02642); constants of the 50 x 50 layer benchmark as in the authors' code (github unibe-cns/sal-code).
    """
    amplitude = eta / (2 * tau_steps * replicas)
    return LearningRule(
        name="sal",
        title="Spike-based alignment learning",
        equation="at spikes of post:  dw = -A x;   at spikes of pre:  dw = A y",
        source="Gierlich et al. 2025, arXiv 2503.02642; constants of the layer benchmark as in the authors' code",
        symbols=(
            ("x", f"trace of pre spikes, tau {1e3 * tau:g} ms", "1"),
            ("y", f"trace of post spikes, tau {1e3 * tau:g} ms", "1"),
            ("A", f"amplitude of a spike pair, {amplitude:g}", "weight"),
            ("w", "feedback weight, in logits of the spike probability", "1"),
        ),
        traces={"x": RuleTrace("pre", tau), "y": RuleTrace("post", tau)},
        weight=(Term(-amplitude, "post", ("x",)), Term(amplitude, "pre", ("y",))),
        weight_limit=0.5,  # twice the largest forward weight of the 50 x 50 layers
        rates=(48.0, 48.0),  # sampling neurons at u = 0 with a refractory time of 10 steps of 1 ms
        notes=("The weight of the opposite direction must act while it learns: alignment needs both in the loop.",),
    )
