"""Methods that are no rule in text, as rows of the table of forms: stated, with the reason why a synapse cannot hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FLOAT, NORSE, LAVA, FILE, ABLATION = "float", "Norse", "Lava (loihi2)", "NIR and back", "ablation"


@dataclass(frozen=True)
class Form:
    """One cell: what was compared, or why the form cannot exist."""

    passed: bool
    text: str


@dataclass(frozen=True)
class Stated:
    """A row that is no rule in text: ``reason`` why a synapse cannot hold it so; ``forms`` are columns of which more is known.

    ``exists``: static weights, for which every form is all right as it is.
    """

    title: str
    reason: str
    exists: bool = False
    forms: Mapping[str, Form] = field(default_factory=dict)


METHODS: Mapping[str, Stated] = {
    "backprop": Stated(
        "Backpropagation",
        "no rule: its backward weights are the transposed forward weights, and no synapse sees the weight of another",
    ),
    "feedback-alignment": Stated(
        "Feedback alignment, direct feedback alignment", "static weights, nothing to learn", exists=True
    ),
    "sign-symmetry": Stated(
        "Sign symmetry",
        "no rule: backward signs are copied from the forward weights, which no synapse sees; a host has to write them",
    ),
    "kolen-pollack-back": Stated(
        "Kolen-Pollack, the backward half",
        "no trace of a rule has it: the product needs the signed error of the pre neuron, and traces of pre count its spikes "
        "without a sign; as microcode a payload of error plus offset in x1 (Plasticity.graded) would do, which no rule text says",
    ),
    "rdd-regression": Stated(
        "RDD as published: a regression of four coefficients a synapse",
        "no room: a synapse holds one weight and one tag, not four coefficients; rdd is its correlator, which does as well",
    ),
    "rdd-tag": Stated(
        "RDD's correlator with the window in the tag",
        "no rule text: it takes three third factors (inside, clear, outcome) and a rule has one; it is held as microcode of "
        "loihi2, neuroalign.experiments.rdd_chip, and the rule rdd does as well without the tag",
        forms={
            NORSE: Form(True, "float correlator on Norse's neurons: reproduce rdd --backend norse"),
            "emulator (loihi1)": Form(
                False, "three third factors for each target neuron, and profile 'loihi1' has one reward trace for all synapses"
            ),
            "emulator (loihi2)": Form(True, "microcode; within 0.02 of float in r: reproduce rdd --part chip"),
            LAVA: Form(True, "bit-equal to the emulator: tests/conformance/test_window_neurons_lava.py"),
            FILE: Form(False, "its third factors come from window neurons, for which NIR has no node"),
            ABLATION: Form(True, "draws, steps, window in traces: reproduce rdd --part chip"),
        },
    ),
    "spike-train-exact": Stated(
        "Banerjee's rule as published: gradients of exact spike times",
        "not local: it sums over all pairs of spikes of a finished run, with times finer than a step; the local form is separate",
    ),
}  # fmt: skip
"""Methods without a local rule in text."""
