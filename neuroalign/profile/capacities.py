"""The rest of a profile: capacities, learning engine, times, prices, sources. The fields are the keys of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from neuroalign.profile.formats import Delay, Limit, Neuron, Range, Spike, Synapse, Unlimited

Grade = Literal["A", "B", "C", "D", "U"]
Status = Literal["documented", "measured", "assumed", "derived", "unlimited", "unknown"]


@dataclass(frozen=True)
class Slots:
    """How many map slots of a core one logical axon takes."""

    in_static: int
    in_learning: int | None = None
    out_discrete: int | None = None
    out_pop16: int | None = None
    out_pop32: int | None = None


@dataclass(frozen=True)
class Memory:
    """Synaptic memory of a core: ``fixed`` words, or bytes ``pooled`` with other uses."""

    model: Literal["fixed", "pooled"]
    word_bits: int
    synapse_words: Limit | None = None
    total_bytes: Limit | None = None
    synapse_bytes_max: Limit | None = None


@dataclass(frozen=True)
class Core:
    """Capacities of one core."""

    neurons_max: Limit | None = None
    in_axons_max: Limit | None = None
    out_axons_max: Limit | None = None
    neuron_profiles_max: Limit | None = None
    threshold_profiles_max: Limit | None = None
    synapse_formats_max: Limit | None = None
    pre_trace_profiles_max: Limit | None = None
    slots: Slots | None = None
    memory: Memory | Unlimited | None = None


@dataclass(frozen=True)
class Topology:
    """Cores, tiles and chips; the usable cores are those that a compiler can map to."""

    cores_per_chip: Limit | None = None
    cores_per_chip_usable: Limit | None = None
    tiles_per_chip: int | None = None
    cores_per_tile: int | None = None
    mesh: Literal["2d"] | None = None
    embedded_cpus: int | None = None
    chips_max: Limit | None = None


@dataclass(frozen=True)
class Board:
    """One board or system; power in watts."""

    chips: int
    cores_total: int | None = None
    power_max_w: float | None = None


@dataclass(frozen=True)
class Targets:
    """Bits of each variable a rule can change; weight and tags are signed (sign included), the delay is not."""

    weight: int | None = None
    delay: int | None = None
    tag: int | None = None
    tag_1: int | None = None
    tag_2: int | None = None


@dataclass(frozen=True)
class Scale:
    """The factor of a product: ``mantissa * 2**exponent``, both within inclusive bounds."""

    mant_min: int
    mant_max: int
    exp_min: int
    exp_max: int


@dataclass(frozen=True)
class Learning:
    """The on-chip learning engine."""

    supported: bool = False
    engine: Literal["sum-of-products"] | None = None
    targets: Targets | None = None
    traces: tuple[str, ...] = ()
    trace_bits: int | None = None
    trace_frac_bits: int | None = None
    trace_rounding: Literal["stochastic"] | None = None
    accumulator_bits: int | None = None
    scale: Scale | None = None
    const_bits: int | None = None
    epoch: Range | None = None
    decimation: Range | None = None
    third_factor: Literal["reward-trace", "graded-spike-to-post-trace"] | None = None
    graded_pre_trace: tuple[Literal["impulse", "overwrite", "add-saturate", "add-wrap"], ...] = ()
    rules_per_core: Limit | None = None
    products_per_rule: Limit | None = None


@dataclass(frozen=True)
class Seconds:
    """An inclusive range of times."""

    min: float
    max: float


@dataclass(frozen=True)
class Time:
    """Times in seconds; a step lasts at least ``step_min_s``, and ``step_sync_s`` of it is the barrier."""

    step_min_s: float | None = None
    step_sync_s: Seconds | None = None
    syn_op_s: float | None = None
    syn_update_s: float | None = None
    neuron_active_s: float | None = None
    neuron_inactive_s: float | None = None
    spike_local_s: float | None = None
    hop_ew_s: float | None = None
    hop_ns_s: float | None = None


@dataclass(frozen=True)
class Energy:
    """Energies in joules and how they were found; with basis "none" there are no prices and no totals."""

    basis: Literal["measured", "simulated", "vendor-ratio", "fitted", "none"] = "none"
    price_list: str | None = None
    operating_point: str | None = None
    syn_op_j: float | None = None
    syn_update_j: float | None = None
    neuron_active_j: float | None = None
    neuron_inactive_j: float | None = None
    spike_local_j: float | None = None
    hop_ew_j: float | None = None
    hop_ns_j: float | None = None
    static_w_per_chip: float | None = None


@dataclass(frozen=True)
class Source:
    """Where a figure comes from.

    Parameters
    ----------
    grade : str
        A: read in source code or vendor documentation. B: quoted word for word from the primary, which was not
        opened. C: secondary page or press. D: arithmetic from A to C. U: no public figure, or unverified.
    status : str
        What the figure is; ``unknown`` is for a key that is absent and says where one looked for it.
    note : str
        Conflicts between sources, which are kept and not hidden.
    """

    source: str
    grade: Grade
    status: Status
    note: str = ""


@dataclass(frozen=True)
class Profile:
    """One target. ``provenance`` maps dotted paths (of figures or of tables) to sources."""

    id: str
    name: str
    arithmetic: Literal["fixed", "float64"]
    extends: str | None = None
    neuron: Neuron = field(default_factory=Neuron)
    synapse: Synapse = field(default_factory=Synapse)
    delay: Delay = field(default_factory=Delay)
    spike: Spike = field(default_factory=Spike)
    core: Core = field(default_factory=Core)
    topology: Topology = field(default_factory=Topology)
    boards: Mapping[str, Board] = field(default_factory=dict, hash=False)
    learning: Learning = field(default_factory=Learning)
    time: Time = field(default_factory=Time)
    energy: Energy = field(default_factory=Energy)
    provenance: Mapping[str, Source] = field(default_factory=dict, hash=False)
