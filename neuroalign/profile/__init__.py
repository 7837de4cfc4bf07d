"""What one target can hold and how it computes, read from TOML; every figure with its source and status.

A key that is absent means *unknown*: it is reported as "not checked", never as "ok". The word ``"unlimited"`` is an
explicit value. Built-in profiles lie in ``neuroalign.hw_profiles``; a file of the user's own may extend one of them
with ``extends = "loihi2"``, and take back inherited keys with ``unset = ["core.memory"]``.
"""

from neuroalign.profile.capacities import (
    Board,
    Core,
    Energy,
    Grade,
    Learning,
    Memory,
    Profile,
    Scale,
    Seconds,
    Slots,
    Source,
    Status,
    Targets,
    Time,
    Topology,
)
from neuroalign.profile.formats import (
    BiasFormat,
    DecayFormat,
    Delay,
    Excess,
    Limit,
    Neuron,
    Packing,
    Range,
    Rounding,
    Spike,
    StateFormat,
    Synapse,
    ThresholdFormat,
    Unlimited,
)
from neuroalign.profile.loading import available_profiles, load_profile
from neuroalign.profile.provenance import Row, assumed, describe, not_checked, provenance_of

__all__ = [
    "BiasFormat",
    "Board",
    "Core",
    "DecayFormat",
    "Delay",
    "Energy",
    "Excess",
    "Grade",
    "Learning",
    "Limit",
    "Memory",
    "Neuron",
    "Packing",
    "Profile",
    "Range",
    "Rounding",
    "Row",
    "Scale",
    "Seconds",
    "Slots",
    "Source",
    "Spike",
    "StateFormat",
    "Status",
    "Synapse",
    "Targets",
    "ThresholdFormat",
    "Time",
    "Topology",
    "Unlimited",
    "assumed",
    "available_profiles",
    "describe",
    "load_profile",
    "not_checked",
    "provenance_of",
]
