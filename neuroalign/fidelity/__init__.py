"""How well one recording agrees with another: spikes, membrane and outputs, each with its evidence.

Two claims are kept apart. :func:`compare` measures agreement of behaviour, in the model's units and after each
recording's *declared* latency has been subtracted (never a fitted shift). :func:`equal_states` tests arithmetic: the
same integers at every step.
"""

from neuroalign.fidelity.agreement import LEAST_SPIKES, Agreement, PopulationAgreement, compare, threshold_distances
from neuroalign.fidelity.learning import LearningAgreement, SynapsePlace, WeightAgreement, compare_learning
from neuroalign.fidelity.outputs import RULE_SILENT, RULE_SPIKING, OutputAgreement, decidable, decide
from neuroalign.fidelity.spikes import Place, SpikeAgreement, match_spikes, spike_agreement, van_rossum
from neuroalign.fidelity.states import EqualStates, MembraneAgreement, equal_states, membrane_agreement

__all__ = [
    "LEAST_SPIKES",
    "RULE_SILENT",
    "RULE_SPIKING",
    "Agreement",
    "EqualStates",
    "LearningAgreement",
    "MembraneAgreement",
    "OutputAgreement",
    "Place",
    "PopulationAgreement",
    "SpikeAgreement",
    "SynapsePlace",
    "WeightAgreement",
    "compare",
    "compare_learning",
    "decidable",
    "decide",
    "equal_states",
    "match_spikes",
    "membrane_agreement",
    "spike_agreement",
    "threshold_distances",
    "van_rossum",
]
