"""Checks a placement from the definitions, synapse by synapse; it shares no code with what made the placement.

Slow on purpose: plain loops over neurons, axons and synapses. For networks of some ten thousand synapses.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, Convolution, SparsePattern
from neuroalign.placement.types import CoreUse, Placement
from neuroalign.profile import Memory, Profile

Axon = tuple[str, int]
"""Connection, and source neuron; of population messages, the place that its atoms share."""
Neuron = tuple[str, int]


def problems_of(placement: Placement, chip: ChipNetwork, profile: Profile) -> list[str]:
    """Everything that is wrong with a placement; empty where nothing is.

    Checked: every neuron lies on one core and every synapse where its target does; each core uses what it says it does;
    nothing that the profile knows is exceeded, unless the placement says so itself; chips hold as many cores as they have.
    """
    home = _home(placement)
    found = [f"neuron {name}[{k}] lies on {n} cores" for (name, k), n in _counts(placement, chip).items() if n != 1]
    if found:
        return found
    synapses = _by_core(placement, chip, home)
    for core in placement.cores:
        used = _used(core, placement, chip, profile, synapses, home)
        found += [
            f"core {core.index}: {name} is {core.used.get(name)}, but {value} by definition"
            for name, value in used.items()
            if core.used.get(name, core.synapses if name == "synapses" else None) != value
        ]
        found += _exceeded(core, used, placement, profile)
    total = sum(core.synapses for core in placement.cores)
    every = sum(1 for c in chip.connections for _ in synapses_of(c))
    if total != every:
        found.append(f"{total} synapses are placed of {every}")
    return found + _chips(placement, profile)


def _home(placement: Placement) -> dict[Neuron, tuple[int, int]]:
    """Core and compartment of every neuron."""
    home = {}
    for core in placement.cores:
        compartment = 0
        for piece in core.slices:
            for k in range(piece.start, piece.stop):
                home[piece.population, k] = core.index, compartment
                compartment += 1
    return home


def _counts(placement: Placement, chip: ChipNetwork) -> dict[Neuron, int]:
    counts: dict[Neuron, int] = {(p.name, k): 0 for p in chip.populations for k in range(p.size)}
    for core in placement.cores:
        for piece in core.slices:
            for k in range(piece.start, piece.stop):
                counts[piece.population, k] = counts.get((piece.population, k), 0) + 1
    return counts


def synapses_of(c: ChipConnection) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Target, source, and which weight: its own, or an entry of the kernel."""
    if isinstance(c.pattern, SparsePattern):
        for t, s in zip(c.pattern.target.tolist(), c.pattern.source.tolist(), strict=True):
            yield t, s, (t, s)
    elif isinstance(c.pattern, Convolution):
        yield from _of_kernel(c.pattern)
    else:
        yield from _of_matrix(c)


def _of_matrix(c: ChipConnection) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """All where it learns. Else of a matrix of which at least half is 0, its other entries; of a fuller one, the rows
    of sources that have a weight other than 0.
    """
    weights = {(t, s) for t, s in np.ndindex(*c.shape) if c.weight[t, s] != 0}
    sending = {s for _, s in weights}
    whole_rows = 2 * len(weights) > c.weight.size
    for t, s in np.ndindex(*c.shape):
        if c.plasticity is not None or (t, s) in weights or (whole_rows and s in sending):
            yield t, s, (t, s)


def _of_kernel(k: Convolution) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    _, height, width = k.source_shape
    channels, rows, columns = k.target_shape
    into, out_of = channels // k.groups, k.source_shape[0] // k.groups
    for o, y, x in np.ndindex(channels, rows, columns):
        for i, ky, kx in np.ndindex(out_of, *k.kernel):
            at = (
                y * k.stride[0] - k.padding[0] + ky * k.dilation[0],
                x * k.stride[1] - k.padding[1] + kx * k.dilation[1],
            )
            if 0 <= at[0] < height and 0 <= at[1] < width:
                source = ((o // into * out_of + i) * height + at[0]) * width + at[1]
                yield (o * rows + y) * columns + x, source, (o, ky, kx)


def _by_core(
    placement: Placement, chip: ChipNetwork, home: dict[Neuron, tuple[int, int]]
) -> dict[int, dict[Axon, list[tuple[int, int, tuple[int, ...]]]]]:
    """Compartment, source and weight of every synapse, by core and axon."""
    found: dict[int, dict[Axon, list[tuple[int, int, tuple[int, ...]]]]] = defaultdict(lambda: defaultdict(list))
    for c in chip.connections:
        for target, source, weight in synapses_of(c):
            core, compartment = home[c.target, target]
            found[core][c.name, _axon(c, source, placement)].append((compartment, source, weight))
    return found


def _axon(c: ChipConnection, source: int, placement: Placement) -> int:
    """The axon that a source neuron sends on."""
    if placement.axon_modes[c.name] == "discrete" or not isinstance(c.pattern, Convolution):
        return source
    places = c.pattern.source_shape[1] * c.pattern.source_shape[2]
    group = source // places // (c.pattern.source_shape[0] // c.pattern.groups)
    return group * places + source % places


def _used(
    core: CoreUse,
    placement: Placement,
    chip: ChipNetwork,
    profile: Profile,
    synapses: dict[int, dict[Axon, list[tuple[int, int, tuple[int, ...]]]]],
    home: dict[Neuron, tuple[int, int]],
) -> dict[str, int]:
    """What a core uses, by the names of the limits, and how many synapses it holds."""
    here = synapses[core.index]
    by_name = {c.name: c for c in chip.connections}
    sizes = {p.name: p for p in chip.populations}
    learning = [by_name[name].plasticity for name, _ in here if by_name[name].plasticity is not None]
    programs = [p.program for p in learning if p is not None]
    neurons = [(sizes[s.population], k) for s in core.slices for k in range(s.start, s.stop)]
    words, formats = _memory(here, by_name, profile, placement)
    used = {
        "input axon slots": sum(_in_slots(by_name[name], profile) for name, _ in here),
        "output axon slots": _out_slots(core.index, placement, chip, profile, synapses, home),
        "neuron profiles": len({(int(p.du[k]), int(p.dv[k]), p.refractory_steps) for p, k in neurons}),
        "threshold profiles": len({int(p.threshold[k]) for p, k in neurons}),
        "synapse formats": len(formats) + 1 if formats else 0,
        "pre-trace profiles": len({(p.trace("x1"), p.trace("x2")) for p in programs}),
        "learning epochs": len({p.t_epoch for p in programs}),
        "learning rules": len(set(programs)),
        "synapses": sum(len(found) for found in here.values()),
        "synapse words": words,
    }
    targets = {s.population for s in core.slices}
    # Delay slots come in powers of two, of which the free ones belong to every neuron.
    free, slowest = (
        profile.delay.extra_steps_free,
        max((c.max_delay for c in chip.connections if c.target in targets), default=0),
    )
    factor = 1
    while free is not None and slowest > free and slowest >= factor * (1 << free.bit_length()):
        factor *= 2
    return {"neurons": len(neurons) * factor, **used}


def _in_slots(c: ChipConnection, profile: Profile) -> int:
    slots = profile.core.slots
    if slots is None:
        return 1
    return (slots.in_static if c.plasticity is None else slots.in_learning) or 1


def _out_slots(
    core: int,
    placement: Placement,
    chip: ChipNetwork,
    profile: Profile,
    synapses: dict[int, dict[Axon, list[tuple[int, int, tuple[int, ...]]]]],
    home: dict[Neuron, tuple[int, int]],
) -> int:
    slots = profile.core.slots
    total = 0
    for c in chip.connections:
        mode = placement.axon_modes[c.name]
        each = 1 if slots is None else getattr(slots, f"out_{mode}") or 1
        mine = {k for (name, k), (where, _) in home.items() if name == c.source and where == core}
        axons = {_axon(c, k, placement) for k in mine}
        for there in synapses.values():
            total += each * sum(1 for axon in axons if (c.name, axon) in there)
    return total


def _memory(
    here: dict[Axon, list[tuple[int, int, tuple[int, ...]]]],
    by_name: dict[str, ChipConnection],
    profile: Profile,
    placement: Placement,
) -> tuple[int, set[tuple[object, ...]]]:
    """Words of a core, and its synapse formats."""
    words = 0
    formats: set[tuple[object, ...]] = set()
    for name in sorted({n for n, _ in here}):
        c = by_name[name]
        axons = [here[n, a] for n, a in here if n == name]
        shared = placement.axon_modes[name] != "discrete"
        rows = _shared(axons, placement.axon_modes[name]) if shared else [sorted(s[0] for s in a) for a in axons]
        atoms = c.pattern.source_shape[0] // c.pattern.groups if shared and isinstance(c.pattern, Convolution) else None
        index = max(row[-1] for row in rows)
        for row in rows:
            taken, packing = _row_words(row, index, atoms, c, profile)
            words += taken
            formats.add((*_bits(c, profile), c.weight_exp, c.sign_mode, c.plasticity is not None, *packing))
    return words, formats


def _shared(axons: list[list[tuple[int, int, tuple[int, ...]]]], mode: str) -> list[list[int]]:
    """Rows of compartments from their bases, each of those that are the same (weights included) once."""
    rows = {}
    for synapses in axons:
        places = sorted({(compartment, weight) for compartment, _, weight in synapses})
        base = places[0][0] % 256
        base -= base % 4 if mode == "pop16" else 0
        row = tuple((compartment - base, weight) for compartment, weight in places)
        rows[row] = [place for place, _ in row]
    return [rows[row] for row in sorted(rows)]


def _row_words(
    row: list[int], index: int, atoms: int | None, c: ChipConnection, profile: Profile
) -> tuple[int, tuple[str, int]]:
    """Words of one axon, and how it is packed; ``atoms`` share it, and its row counts from its own base."""
    packing = profile.synapse.packing
    modes = ("sparse", "dense") if packing is None else packing.modes
    width = next((b for b in sorted(profile.synapse.index_bits or (0, 6, 7, 8, 9, 10, 11, 12)) if 1 << b > index), None)
    first = 0 if atoms else min(row[0], 255)
    run = row[-1] - first + 1
    ways: list[tuple[int, int, tuple[str, int]]] = []
    if "dense" in modes and (c.plasticity is None or run == len(row)):
        ways.append((_entries(run * (atoms or 1), sum(_bits(c, profile)), profile), 0, ("dense", 0)))
    if "sparse" in modes and width is not None:
        ways.append((_entries(len(row) * (atoms or 1), sum(_bits(c, profile)) + width, profile), 1, ("sparse", width)))
    words, _, packed = min(ways)
    return words, packed


def _entries(synapses: int, bits: int, profile: Profile) -> int:
    """Words of so many synapses, entry by entry."""
    packing, memory = profile.synapse.packing, profile.core.memory
    header, most = (10, 64) if packing is None else (packing.header_bits, packing.max_per_entry or synapses)
    bits = (packing.synapse_bits if packing else None) or bits
    word = (memory.word_bits if isinstance(memory, Memory) else None) or 64
    words = 0
    while synapses > 0:
        entry = min(synapses, most)
        words += -(-(entry * bits + header) // word)
        synapses -= entry
    return words


def _bits(c: ChipConnection, profile: Profile) -> tuple[int, int, int]:
    """Bits of weight, delay and tag."""
    held = getattr(c.weight_format, "bits", 64)
    wide_enough = [bits for bits in profile.synapse.weight_bits if bits >= held]
    delay = 0
    while c.max_delay >= 1 << delay:
        delay += 1
    tag, targets = 0, profile.learning.targets
    if c.plasticity is not None and targets is not None:
        program = c.plasticity.program
        named = {f.variable for product in program.products for f in product.factors}
        if program.dd or "d" in named:
            delay = max(delay, targets.delay or targets.tag_2 or 0)
        if program.tag_update or "t" in named:
            tag = targets.tag or targets.tag_1 or 0
    return min(wide_enough, default=held), delay, tag


def _exceeded(core: CoreUse, used: dict[str, int], placement: Placement, profile: Profile) -> list[str]:
    memory = profile.core.memory
    words = None
    if isinstance(memory, Memory):
        words = memory.synapse_words
        size = memory.synapse_bytes_max or memory.total_bytes
        if words is None and isinstance(size, int):
            words = size * 8 // (memory.word_bits or 64)
    capacities = {
        "neurons": profile.core.neurons_max,
        "input axon slots": profile.core.in_axons_max,
        "output axon slots": profile.core.out_axons_max,
        "synapse words": words,
        "neuron profiles": profile.core.neuron_profiles_max,
        "threshold profiles": profile.core.threshold_profiles_max,
        "synapse formats": profile.core.synapse_formats_max,
        "pre-trace profiles": profile.core.pre_trace_profiles_max,
        "learning epochs": profile.learning.epochs_per_core,
        "learning rules": profile.learning.rules_per_core,
    }
    told = {limit.name for limit in placement.limits if limit.status == "exceeded"}
    return [
        f"core {core.index}: {name} {used[name]} of {capacity}, which the placement calls {placement.verdict}"
        for name, capacity in capacities.items()
        if isinstance(capacity, int) and used[name] > capacity and name not in told
    ]


def _chips(placement: Placement, profile: Profile) -> list[str]:
    most = profile.topology.cores_per_chip_usable or profile.topology.cores_per_chip
    counts = Counter(core.chip for core in placement.cores)
    found = [
        f"chip {chip} holds {n} cores of {most}" for chip, n in counts.items() if isinstance(most, int) and n > most
    ]
    if sorted(counts) != list(range(placement.chips)):
        found.append(f"{placement.chips} chips are used, but cores lie on {sorted(counts)}")
    return found
