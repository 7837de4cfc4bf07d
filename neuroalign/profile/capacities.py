"""The rest of a profile: capacities, learning engine, times, sources. The fields are the keys of a file.

A limit that is None is unknown and is reported as not checked. Sub-tables that only some chips have (``core.fan``,
``core.convolution``, ``core.channels``) are None where there is no such thing; then nothing in them is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from neuroalign.notebook import html_table
from neuroalign.profile.formats import Delay, Limit, Neuron, Range, Spike, Synapse, Unlimited
from neuroalign.profile.prices import PriceList

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
    """Synaptic memory of a core, in one of five models; each field belongs to the models that it names.

    Parameters
    ----------
    model
        ``fixed``: words for synapses alone. ``pooled``: bytes shared with other uses. ``banks``: entries for kernels,
        neurons and biases, given for each core of the chip. ``cam``: so many entries a neuron. ``array``: a crossbar.
    word_bits
        fixed, pooled.
    synapse_words
        fixed.
    total_bytes, synapse_bytes_max
        pooled: of everything, and of synapses alone.
    kernel_entries, neuron_entries, bias_entries
        banks: one number a core. A kernel of c input and f output channels takes
        ``c 2**(ceil(log2(kx ky)) + ceil(log2 f))`` entries, its neurons ``f 2**(ceil(log2 fy) + ceil(log2 fx))``.
    synapses_per_neuron, destinations_per_neuron
        cam: entries for what a neuron listens to, and for where its spikes go.
    rows, columns, rows_per_signed_input
        array: inputs and neuron circuits of a core; an input whose weights have both signs takes several rows.
    columns_merge
        array: whether neuron circuits can be joined for more fan-in.
    """

    model: Literal["fixed", "pooled", "banks", "cam", "array"]
    word_bits: int | None = None
    synapse_words: Limit | None = None
    total_bytes: Limit | None = None
    synapse_bytes_max: Limit | None = None
    kernel_entries: tuple[int, ...] | Unlimited | None = None
    neuron_entries: tuple[int, ...] | Unlimited | None = None
    bias_entries: tuple[int, ...] | Unlimited | None = None
    synapses_per_neuron: Limit | None = None
    destinations_per_neuron: Limit | None = None
    rows: Limit | None = None
    columns: Limit | None = None
    rows_per_signed_input: int | None = None
    columns_merge: bool | None = None


@dataclass(frozen=True)
class Fan:
    """Limits of a single neuron, on chips that have them: inputs, synapses it drives, and cores it drives."""

    in_max: Limit | None = None
    out_max: Limit | None = None
    cores_max: Limit | None = None


@dataclass(frozen=True)
class ConvolutionCore:
    """What a core that only convolves accepts; sides in pixels."""

    kernel_max: Limit | None = None
    strides: tuple[int, ...] = ()
    padding_max: Limit | None = None
    pools: tuple[int, ...] = ()
    input_side_max: Limit | None = None
    output_side_max: Limit | None = None
    channels_max: Limit | None = None


@dataclass(frozen=True)
class Channels:
    """Inputs and outputs of a chip with one pool of hidden neurons, and how many hidden neurons they reach."""

    inputs_max: Limit | None = None
    outputs_max: Limit | None = None
    input_reach: Limit | None = None
    output_reach: Limit | None = None
    events_per_step_max: Limit | None = None
    spikes_per_step_max: Limit | None = None
    fan_out_mean: Limit | None = None


@dataclass(frozen=True)
class Core:
    """Capacities of one core; ``tags_max`` counts the addresses by which synapses know their senders."""

    neurons_max: Limit | None = None
    in_axons_max: Limit | None = None
    out_axons_max: Limit | None = None
    neuron_profiles_max: Limit | None = None
    threshold_profiles_max: Limit | None = None
    synapse_formats_max: Limit | None = None
    pre_trace_profiles_max: Limit | None = None
    slots: Slots | None = None
    memory: Memory | Unlimited | None = None
    tags_max: int | None = None
    fan: Fan | None = None
    convolution: ConvolutionCore | None = None
    channels: Channels | None = None


@dataclass(frozen=True)
class Topology:
    """Cores, tiles and chips; the usable cores are those that a compiler can map to. Tiles lie in rows of ``tile_columns``."""

    cores_per_chip: Limit | None = None
    cores_per_chip_usable: Limit | None = None
    tiles_per_chip: int | None = None
    cores_per_tile: int | None = None
    tile_columns: int | None = None
    mesh: Literal["2d"] | None = None
    embedded_cpus: int | None = None
    chips_max: Limit | None = None
    chip_hops_max: int | None = None


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
    engine: Literal["sum-of-products", "program"] | None = None
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
    epochs_per_core: Limit | None = None


@dataclass(frozen=True)
class Time:
    """How a chip keeps time.

    Parameters
    ----------
    clocking
        ``barrier``: cores wait for each other after every step. ``clock``: steps of a fixed length. ``asynchronous``:
        events run through without steps. ``continuous``: analog neurons in their own time.
    step_min_s : s
        No step is shorter.
    speedup
        Seconds of the model in one second of the chip.
    """

    clocking: Literal["barrier", "clock", "asynchronous", "continuous"] | None = None
    step_min_s: float | None = None
    speedup: float | None = None


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
class Conflict:
    """Sources that disagree: ``values[k]`` is what ``sources[k]`` says of ``key``; ``used`` is taken, and ``why``."""

    key: str
    values: tuple[int | float | str, ...]
    sources: tuple[str, ...]
    used: int | float | str
    why: str


Arithmetic = Literal["fixed", "float64", "fixed-other", "float32", "analog"]


@dataclass(frozen=True)
class Profile:
    """One target. ``provenance`` maps dotted paths (of figures or of tables) to sources.

    ``arithmetic`` is "fixed" for the integers of Lava's bit-accurate neurons and "float64" for none; networks can be run
    on those two. Integers by other rules ("fixed-other"), "float32" and "analog" targets can be placed, not run.
    ``prices`` holds lists of energies and times by name; no total ever mixes two. Empty: no figure is known.

    Examples
    --------
    >>> import neuroalign
    >>> neuroalign.load_profile("loihi1").core.neurons_max
    1024
    """

    id: str
    name: str
    arithmetic: Arithmetic
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
    prices: Mapping[str, PriceList] = field(default_factory=dict, hash=False)
    conflicts: tuple[Conflict, ...] = ()
    provenance: Mapping[str, Source] = field(default_factory=dict, hash=False)

    def _repr_html_(self) -> str:
        from neuroalign.profile.provenance import describe, not_checked  # which imports this module

        rows = [
            (r.path, "not known" if r.value is None else str(r.value), r.status, r.grade, r.source)
            for r in describe(self)
        ]
        left = not_checked(self)
        note = f"not checked, since not known: {', '.join(left)}" if left else ""
        return html_table(f"{self.id}: {self.name}", ("figure", "value", "status", "grade", "source"), rows, note)
