"""What a network asks of cores: its neurons, its synapses as they lie, and what must agree on one core."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Convolution, Fixed, SparsePattern
from neuroalign.microcode import Program
from neuroalign.placement.layouts import EntryFormat, FullRows, Indices, Layout, SharedRows, SparseRows
from neuroalign.placement.packing import EntryScheme, entry_scheme
from neuroalign.placement.types import AxonMode
from neuroalign.profile import Memory, Profile

FLOAT_BITS = 64
POP16_AXONS = (32, 1024)
"""Most atoms of an axon, and axons of a core, that 16-bit population messages can name (nengo-loihi 1.1.0, block.py)."""


@dataclass(frozen=True, eq=False)
class Incoming:
    """One connection as its target population sees it.

    Parameters
    ----------
    layout
        Its synapses.
    mode
        How its spikes travel.
    in_slots, out_slots
        Slots of the input and output map that one axon takes; None where the profile does not say.
    format_key
        What, with the packing, makes a synapse format.
    program
        Its microcode where it learns.
    max_delay
        Extra steps of its slowest synapse.
    """

    name: str
    source: str
    target: str
    layout: Layout
    mode: AxonMode
    in_slots: int | None
    out_slots: int | None
    format_key: tuple[object, ...]
    program: Program | None
    max_delay: int

    @property
    def learning(self) -> bool:
        """Whether its axons learn."""
        return self.program is not None


@dataclass(frozen=True, eq=False)
class PopulationDemand:
    """One population and what enters it.

    Parameters
    ----------
    profile_of, threshold_of : (N,)
        Number of the neuron profile, and of the threshold, that each neuron needs (from 0, all populations together).
    """

    name: str
    size: int
    profile_of: Indices
    threshold_of: Indices
    incoming: tuple[Incoming, ...]
    max_delay: int


@dataclass(frozen=True, eq=False)
class Demand:
    """The whole network; ``outgoing`` lists connections by their source, which may be an input."""

    populations: tuple[PopulationDemand, ...]
    inputs: dict[str, int]
    outgoing: dict[str, tuple[Incoming, ...]]


def demand_of(chip: ChipNetwork, profile: Profile, modes: dict[str, AxonMode] | None = None) -> Demand:
    """What ``chip`` asks of cores as ``profile`` describes them.

    Parameters
    ----------
    modes
        Connection to how its spikes travel, where it is not the first choice.
    """
    scheme = _scheme(profile)
    incoming = {c.name: _incoming(c, profile, scheme, (modes or {}).get(c.name)) for c in chip.connections}
    profiles: dict[bytes, int] = {}
    thresholds: dict[bytes, int] = {}
    populations = tuple(
        _population(p, [i for i in incoming.values() if i.target == p.name], profiles, thresholds)
        for p in chip.populations
    )
    outgoing: dict[str, tuple[Incoming, ...]] = {}
    for found in incoming.values():
        outgoing[found.source] = (*outgoing.get(found.source, ()), found)
    return Demand(populations, {i.name: i.size for i in chip.inputs}, outgoing)


def _scheme(profile: Profile) -> EntryScheme:
    memory = profile.core.memory
    word_bits = (isinstance(memory, Memory) and memory.word_bits) or EntryScheme.word_bits
    return entry_scheme(profile.synapse.packing, word_bits, profile.synapse.index_bits)


def _population(
    p: ChipPopulation, incoming: list[Incoming], profiles: dict[bytes, int], thresholds: dict[bytes, int]
) -> PopulationDemand:
    size = p.size
    refractory = np.full(size, p.refractory_steps)
    return PopulationDemand(
        p.name,
        size,
        _numbered([_per_neuron(p.du, size), _per_neuron(p.dv, size), refractory], profiles),
        _numbered([_per_neuron(p.threshold, size)], thresholds),
        tuple(incoming),
        max((i.max_delay for i in incoming), default=0),
    )


def _per_neuron(values: NDArray[np.generic], size: int) -> NDArray[np.generic]:
    return np.broadcast_to(np.asarray(values).reshape(-1), (size,))


def _numbered(columns: list[NDArray[np.generic]], known: dict[bytes, int]) -> Indices:
    """A number for each distinct row, the same in all populations."""
    rows = np.stack([np.asarray(c, dtype=np.float64) for c in columns], axis=1)
    distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
    numbers = np.array([known.setdefault(row.tobytes(), len(known)) for row in distinct], dtype=np.int64)
    return np.asarray(numbers[inverse.reshape(-1)])


def _incoming(c: ChipConnection, profile: Profile, scheme: EntryScheme, mode: AxonMode | None) -> Incoming:
    program = c.plasticity.program if c.plasticity else None
    weight, delay, tag = synapse_bits(c, profile)
    form = EntryFormat(weight + delay + tag, program is not None, scheme)
    layout, mode = _layout(c, form, profile, mode)
    slots = profile.core.slots
    out = None
    if slots is not None:
        out = {"discrete": slots.out_discrete, "pop16": slots.out_pop16, "pop32": slots.out_pop32}[mode]
    return Incoming(
        c.name,
        c.source,
        c.target,
        layout,
        mode,
        None if slots is None else (slots.in_learning if program else slots.in_static),
        out,
        (weight, delay, tag, c.weight_exp, c.sign_mode, program is not None),
        program,
        c.max_delay,
    )


def synapse_bits(c: ChipConnection, profile: Profile) -> tuple[int, int, int]:
    """Bits of weight, delay and tag that each synapse of a connection takes.

    A weight takes the next width the profile has; a delay what the largest one needs, or its whole field where it is
    learnt; a tag its whole field wherever the rule has one.
    """
    weight = c.weight_format.bits if isinstance(c.weight_format, Fixed) else FLOAT_BITS
    weight = min((bits for bits in profile.synapse.weight_bits if bits >= weight), default=weight)
    delay, tag = c.max_delay.bit_length(), 0
    targets = profile.learning.targets
    if c.plasticity is not None:
        program = c.plasticity.program
        if program.dd or "d" in program.variables:
            delay = max(delay, (targets and (targets.delay or targets.tag_2)) or 0)
        if program.tag_update or "t" in program.variables:
            tag = (targets and (targets.tag or targets.tag_1)) or 0
    return weight, delay, tag


def _layout(c: ChipConnection, form: EntryFormat, profile: Profile, mode: AxonMode | None) -> tuple[Layout, AxonMode]:
    if isinstance(c.pattern, Convolution):
        return _convolution(c, c.pattern, form, profile, mode)
    if isinstance(c.pattern, SparsePattern):
        return _sparse(c.pattern.target, c.pattern.source, c.shape, form), "discrete"
    if form.learning:
        return FullRows(c.shape, form, np.arange(c.shape[1])), "discrete"
    if np.count_nonzero(c.weight) <= c.weight.size // 2:
        target, source = np.nonzero(c.weight)
        return _sparse(target, source, c.shape, form), "discrete"
    return FullRows(c.shape, form, np.flatnonzero(np.any(c.weight, axis=0))), "discrete"


def _sparse(target: Indices, source: Indices, shape: tuple[int, int], form: EntryFormat) -> SparseRows:
    return SparseRows(shape, source, np.searchsorted(target, np.arange(shape[0] + 1)).astype(np.int64), form)


def _convolution(
    c: ChipConnection, pattern: Convolution, form: EntryFormat, profile: Profile, mode: AxonMode | None
) -> tuple[Layout, AxonMode]:
    """Population axons where the chip has them and nothing learns; single synapses elsewhere."""
    slots = profile.core.slots
    # Where nothing is known of slots, packing is taken over from Loihi 1, and sharing with it.
    shares = (slots is None or slots.out_pop32 is not None) and form.scheme.synapse_bits is None
    if form.learning or not shares:
        rows = SharedRows(pattern, form)
        target, source = rows.every_synapse()
        return _sparse(target, source, c.shape, form), "discrete"
    mode = mode or "pop32"
    return SharedRows(pattern, form, mode == "pop16"), mode
