"""A local learning rule in SI units: traces of spikes, and sums of products that change a weight or a tag.

With ``gate`` a spike of the pre- or the postsynaptic neuron in this step (0 or 1), or the step itself (dt, in s)::

    z      := z exp(-dt / tau) + impulse [spike]                    each trace z
    w      := w      + sum over weight terms  coefficient gate factor factor ...
    tag    := tag    + sum over tag terms     coefficient gate factor factor ...

A spike counts in the traces of its own step, so coincident spikes see each other. Both sums are formed from the values
before the update. What a synapse can see is all there is: its own weight and tag, traces of its two neurons, and one
third factor, which a sender outside writes: what it sends in a step is what the terms of that step read.
"""

from neuroalign.rule.learning_rule import (
    RESERVED,
    TAG,
    WEIGHT,
    Gate,
    LearningRule,
    Modulator,
    RuleTrace,
    Side,
    Term,
    check_rates,
)

__all__ = [
    "RESERVED",
    "TAG",
    "WEIGHT",
    "Gate",
    "LearningRule",
    "Modulator",
    "RuleTrace",
    "Side",
    "Term",
    "check_rates",
]
