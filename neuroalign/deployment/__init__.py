"""One deployment with everything that belongs to it, the verdict on it, and its form as JSON."""

from neuroalign.deployment.judgement import (
    ACCURACY_BAR,
    DECISION_BAR,
    MEMBRANE_BAR,
    SPIKE_BAR,
    Verdict,
    by_harm,
    verdict,
)
from neuroalign.deployment.placed import Placed, costs_in_words, has_capacities, placed, placement_in_words
from neuroalign.deployment.record import BitEquality, Deployment, Run
from neuroalign.deployment.serialise import SCHEMA, plain, to_json

__all__ = [
    "ACCURACY_BAR",
    "DECISION_BAR",
    "MEMBRANE_BAR",
    "SCHEMA",
    "SPIKE_BAR",
    "BitEquality",
    "Deployment",
    "Placed",
    "Run",
    "Verdict",
    "by_harm",
    "costs_in_words",
    "has_capacities",
    "placed",
    "placement_in_words",
    "plain",
    "to_json",
    "verdict",
]
