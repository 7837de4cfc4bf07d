"""Banerjee's spike-train rule as a synapse can hold it: an eligibility in the tag, the error of spike trains as third factor."""

from __future__ import annotations

from neuroalign.rule import LearningRule, Modulator, RuleTrace, Term


def spike_train(
    tau_mem: float = 0.015,
    tau_syn: float = 0.005,
    horizon: float = 0.008,
    slope: float = 1.0,
    learning_rate: float = 0.8,
) -> LearningRule:
    """The local form on the synapse from i (pre) to o (post), with one time constant T of the virtual neuron::

        E = r^2,   r = (desired - actual spikes) filtered by exp(-t/T)
        at spikes of post:  z := z + c (m - s)          m - s: what the membrane has of the spikes of pre
        always:             z := z - z dt/T,   w := w - eta r z dt

    z is the derivative of r^2 by the weight for one slope of the membrane at its crossings: the exact rule divides by the
    slope of each. A spike that is missing or superfluous is not made or taken away by it; ``neuroalign reproduce
    spike-train`` has a term for that, and graded slopes, as two more third factors.

    Parameters
    ----------
    tau_mem, tau_syn : s
        Of membrane and current: the two traces.
    horizon : s
        T; keep it below the mean time between spikes.
    slope
        ``c``.
    learning_rate : 1/s
        ``eta``.

    Source: after Banerjee, "Learning precise spike train-to-spike train transformations in multilayer feedforward neuronal
    networks", Neural Computation 28(5), 2016; the paper's text was not at hand, and the local form and all constants are our
    own (``unverified`` as to the paper).
    """
    return LearningRule(
        name="spike-train",
        title="Spike-train error through eligibility and a third factor (local form of Banerjee's rule)",
        equation="at spikes of post:  dz = c (m - s);   always:  dz/dt = -z/T,   dw/dt = -eta r z",
        source="after Banerjee 2016, Neural Computation 28(5), 826-848; local form and constants are our own",
        symbols=(
            ("m, s", f"traces of pre spikes, tau {1e3 * tau_mem:g} and {1e3 * tau_syn:g} ms", "1"),
            ("z", "eligibility, in the tag", "1"),
            ("T", f"time constant of error and eligibility, {1e3 * horizon:g} ms", "s"),
            ("c", f"inverse slope at the crossing, {slope:g} for all spikes", "1"),
            ("r", "third factor: desired minus actual spikes, filtered by exp(-t/T)", "1"),
            ("eta", f"learning rate, {learning_rate:g} 1/s", "1/s"),
            ("w", "weight", "1"),
        ),
        traces={"m": RuleTrace("pre", tau_mem), "s": RuleTrace("pre", tau_syn)},
        weight=(Term(-learning_rate, "step", ("tag", "r")),),
        tag=(
            Term(slope, "post", ("m",)),
            Term(-slope, "post", ("s",)),
            Term(-1 / horizon, "step", ("tag",)),
        ),
        modulator=Modulator("r", "error", largest=2.0),
        weight_limit=1.0,
        rates=(20.0, 20.0),
        notes=(
            "The error needs neuron microcode (Loihi 2) or a host that sends it.",
            "Lost against the exact rule: other time scales of the error, 1/slope, the chain over own spikes, and where a "
            "hidden spike lies on its response; the exact rule is neuroalign.exact_spikes.",
        ),
    )
