"""Checking one rule by itself: seeded spikes with structure, every room on the same, and where they part."""

from neuroalign.rule_check.run import CheckOptions, check_rule
from neuroalign.rule_check.trial import TrialSpikes, trial_network, trial_spikes

__all__ = ["CheckOptions", "TrialSpikes", "check_rule", "trial_network", "trial_spikes"]
