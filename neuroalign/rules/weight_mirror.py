"""The weight mirror as a local rule of spikes: the covariance of rates, four products of traces."""

from __future__ import annotations

from neuroalign.rule import LearningRule, RuleTrace, Term


def weight_mirror(
    tau_fast: float = 0.020, tau_slow: float = 0.200, learning_rate: float = 1e-3, decay: float = 0.1
) -> LearningRule:
    """The mirror on the feedback synapse from neuron j (pre) to neuron i (post), at each spike of j::

        B[i, j] := B[i, j] + eta ((fast_j - slow_j) (fast_i - slow_i) - lambda B[i, j])

    Fast traces stand for rates, slow ones of the same area for their means, so the product is a covariance, which is
    proportional to the forward weight from i to j where the i are independent.

    Parameters
    ----------
    tau_fast, tau_slow : s
        Time constants on both sides.
    learning_rate, decay
        ``eta`` and ``lambda``.

    Source: Akrout et al., "Deep learning without weight transport", 2019 (arXiv 1904.05391), whose mirror is
    ``dB = eta x y^T`` on noise; this form in spikes is our own.
    """
    factors = [("fast_pre", "fast"), ("fast_pre", "slow"), ("slow_pre", "fast"), ("slow_pre", "slow")]
    share = tau_fast / tau_slow
    return LearningRule(
        name="weight-mirror",
        title="Weight mirror on spikes",
        equation="at spikes of pre:  dw = eta ((fast_pre - slow_pre) (fast - slow) - lambda w)",
        source="after Akrout et al. 2019, arXiv 1904.05391; the form in spikes is our own",
        symbols=(
            ("fast_pre, slow_pre", "traces of pre spikes, equal area", "1"),
            ("fast, slow", "traces of post spikes, equal area", "1"),
            ("eta, lambda", f"learning rate {learning_rate:g}, weight decay {decay:g}", "1"),
            ("w", "feedback weight, in arbitrary units", "1"),
        ),
        traces={
            "fast_pre": RuleTrace("pre", tau_fast),
            "slow_pre": RuleTrace("pre", tau_slow, share),
            "fast": RuleTrace("post", tau_fast),
            "slow": RuleTrace("post", tau_slow, share),
        },
        weight=(
            *(Term(learning_rate * sign, "pre", pair) for sign, pair in zip((1, -1, -1, 1), factors, strict=True)),
            Term(-learning_rate * decay, "pre", ("w",)),
        ),
        weight_limit=2.0,
        rates=(60.0, 34.0),
        notes=("Sign and correlation with the forward weight are what it infers; the scale is arbitrary.",),
    )
