"""Kolen-Pollack: forward and backward synapses move by the same product and lose the same share."""

from __future__ import annotations

from neuroalign.rule import LearningRule, Modulator, RuleTrace, Term


def kolen_pollack(tau: float = 0.020, learning_rate: float = 0.1, decay: float = 0.05) -> LearningRule:
    """Kolen-Pollack on the forward synapse ``W[j, i]`` from neuron i (pre) to neuron j (post).

    In every step::

        W[j, i] := W[j, i] + eta dt M_j x_i - lambda dt W[j, i]

    with ``M_j`` the negative error of j, its third factor. The backward synapse ``B[i, j]`` gets the same product with the
    sides exchanged (the error is then the payload of its graded pre spikes, ``Plasticity.graded``), so that
    ``W - B^T`` loses the share ``lambda dt`` in every step, whatever is learnt.

    Parameters
    ----------
    tau : s
        Time constant of the trace of pre spikes.
    learning_rate, decay : 1/s
        ``eta`` and ``lambda``.

    Source: Kolen, Pollack, "Backpropagation without weight transport", 1994, as in Akrout et al. 2019 (arXiv 1904.05391,
    equations 16 and 17); the form on spikes is our own.
    """
    return LearningRule(
        name="kolen-pollack",
        title="Kolen-Pollack, the forward half",
        equation="in every step:  dw = eta dt M x - lambda dt w",
        source="after Kolen, Pollack 1994 and Akrout et al. 2019, arXiv 1904.05391, eq. 16-17; the form on spikes is our own",
        symbols=(
            ("x", f"trace of pre spikes, tau {1e3 * tau:g} ms", "1"),
            ("M", "third factor: negative error of the post neuron, -1 to 1", "1"),
            ("eta", f"learning rate, {learning_rate:g}", "1/s"),
            ("lambda", f"weight decay, {decay:g}", "1/s"),
            ("w", "weight", "1"),
        ),
        traces={"x": RuleTrace("pre", tau)},
        weight=(Term(learning_rate, "step", ("M", "x")), Term(-decay, "step", ("w",))),
        modulator=Modulator("M", "error"),
        weight_limit=1.0,
        rates=(40.0, 40.0),
        notes=("The backward half needs the error as payload of graded pre spikes.",),
    )
