"""Capacities of a core by the names that reports give them, with the status of each figure."""

from __future__ import annotations

from dataclasses import dataclass

from neuroalign.profile import Limit as Figure
from neuroalign.profile import Memory, Profile, provenance_of

NEURONS = "neurons"
IN_SLOTS = "input axon slots"
OUT_SLOTS = "output axon slots"
WORDS = "synapse words"
NEURON_PROFILES = "neuron profiles"
THRESHOLDS = "threshold profiles"
FORMATS = "synapse formats"
PRE_TRACES = "pre-trace profiles"
EPOCHS = "learning epochs"
RULES = "learning rules"
CORE_LIMITS = (
    NEURONS,
    IN_SLOTS,
    OUT_SLOTS,
    WORDS,
    NEURON_PROFILES,
    THRESHOLDS,
    FORMATS,
    PRE_TRACES,
    EPOCHS,
    RULES,
)
ENDLESS = 1 << 60
"""Stands for a capacity that is unlimited or unknown where numbers are compared."""


@dataclass(frozen=True)
class Capacity:
    """One capacity: a number, ``unlimited``, or None where unknown; ``figure`` is its status in the profile."""

    value: Figure | None
    figure: str

    @property
    def number(self) -> int | None:
        """The number, where there is one."""
        return self.value if isinstance(self.value, int) else None

    @property
    def bound(self) -> int:
        """The number, or what no use ever reaches."""
        return self.value if isinstance(self.value, int) else ENDLESS


def core_capacities(profile: Profile) -> dict[str, Capacity]:
    """Every limit of a core by name."""
    core = profile.core
    found = {
        NEURONS: capacity_of(profile, core.neurons_max, "core.neurons_max"),
        IN_SLOTS: capacity_of(profile, core.in_axons_max, "core.in_axons_max"),
        OUT_SLOTS: capacity_of(profile, core.out_axons_max, "core.out_axons_max"),
        NEURON_PROFILES: capacity_of(profile, core.neuron_profiles_max, "core.neuron_profiles_max"),
        THRESHOLDS: capacity_of(profile, core.threshold_profiles_max, "core.threshold_profiles_max"),
        FORMATS: capacity_of(profile, core.synapse_formats_max, "core.synapse_formats_max"),
        PRE_TRACES: capacity_of(profile, core.pre_trace_profiles_max, "core.pre_trace_profiles_max"),
        EPOCHS: capacity_of(profile, profile.learning.epochs_per_core, "learning.epochs_per_core"),
        RULES: capacity_of(profile, profile.learning.rules_per_core, "learning.rules_per_core"),
    }
    memory = core.memory
    if not isinstance(memory, Memory) or memory.model in ("fixed", "pooled"):
        found[WORDS] = _memory(profile)
    if profile.arithmetic == "float64":
        # A model without number formats has no synapse formats either.
        found |= {name: Capacity("unlimited", "unlimited") for name, c in found.items() if c.value is None}
    return found


def capacity_of(profile: Profile, value: Figure | None, path: str) -> Capacity:
    """A figure of the profile, with the status of its source; unknown where the profile has none."""
    if value is None:
        return Capacity(None, "unknown")
    source = provenance_of(profile, path)
    return Capacity(value, source.status if source else "unknown")


def _memory(profile: Profile) -> Capacity:
    """Words of synaptic memory; pooled bytes hold as many words as fit into the share that synapses may take."""
    memory = profile.core.memory
    if memory == "unlimited":
        return Capacity("unlimited", "unlimited")
    if not isinstance(memory, Memory):
        return Capacity(None, "unknown")
    if memory.synapse_words is not None:
        return capacity_of(profile, memory.synapse_words, "core.memory.synapse_words")
    for name in ("synapse_bytes_max", "total_bytes"):
        size = getattr(memory, name)
        if isinstance(size, int):
            return capacity_of(profile, size * 8 // (memory.word_bits or 64), f"core.memory.{name}")
        if size is not None:
            return Capacity("unlimited", "unlimited")
    return Capacity(None, "unknown")
