"""Pair-based spike-timing-dependent plasticity."""

from __future__ import annotations

from neuroalign.rule import LearningRule, RuleTrace, Term


def pair_stdp(
    potentiation: float = 0.01,
    depression: float = 0.0105,
    tau_pre: float = 0.020,
    tau_post: float = 0.020,
    decay: float = 0.0,
) -> LearningRule:
    """Pair STDP, all-to-all pairing::

        at a spike of post:  w := w + A_plus  x_pre
        at a spike of pre:   w := w - A_minus y_post - decay w

    Parameters
    ----------
    potentiation, depression
        ``A_plus`` and ``A_minus``.
    tau_pre, tau_post : s
        Time constants of the traces.
    decay
        Share of the weight that a spike of pre takes away; 0 in the published rule.

    Source: Song, Miller, Abbott, "Competitive Hebbian learning through spike-timing-dependent synaptic plasticity",
    Nature Neuroscience 3, 2000; trace form as in Morrison, Diesmann, Gerstner, Biol. Cybern. 98, 2008.
    """
    return LearningRule(
        name="pair-stdp",
        title="Pair-based spike-timing-dependent plasticity",
        equation="at spikes of post:  dw = A_plus x;   at spikes of pre:  dw = -A_minus y"
        + (" - d w" if decay else ""),
        source="Song, Miller, Abbott 2000; trace form as in Morrison, Diesmann, Gerstner 2008",
        symbols=(
            ("x", f"trace of pre spikes, tau {1e3 * tau_pre:g} ms", "1"),
            ("y", f"trace of post spikes, tau {1e3 * tau_post:g} ms", "1"),
            ("A_plus, A_minus", f"potentiation {potentiation:g}, depression {depression:g}", "weight"),
            *((("d", f"weight decay, {decay:g}", "1"),) if decay else ()),
        ),
        traces={"x": RuleTrace("pre", tau_pre), "y": RuleTrace("post", tau_post)},
        weight=(
            Term(potentiation, "post", ("x",)),
            Term(-depression, "pre", ("y",)),
            *((Term(-decay, "pre", ("w",)),) if decay else ()),
        ),
        weight_limit=200 * abs(potentiation) or None,  # the published amplitude is 0.5 % of the largest weight
    )
