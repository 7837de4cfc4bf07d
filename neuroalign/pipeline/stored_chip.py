"""Deploying a file that holds a chip's integers already: these are used as they are, where they are what is asked for.

Quantising the graph of such a file again gives nearly the same: a start value may move by one unit, the meaning of a unit
in its last bit, and where a plastic input waits for its target there is nothing left to compile. What was saved is what
ran, so it runs again.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Fixed, first_difference
from neuroalign.conversion import ConversionRow, ConversionTable
from neuroalign.errors import FileFormatError
from neuroalign.export.nir_graph import read_chip
from neuroalign.network import Network
from neuroalign.profile import Profile
from neuroalign.quantise.rows import note_row

_FORMATS = ("shape", "u_format", "v_format", "decay_bits", "u_offset", "v_offset", "threshold_shift", "weight_shift")


def stored_chip(source: str | Path, profile: Profile) -> ChipNetwork | None:
    """The chip network that the file holds for ``profile``; None where it holds none, or its graph was changed since."""
    try:
        chip = read_chip(source)
    except FileFormatError:
        return None
    return chip if chip.profile_id == profile.id else None


def with_stored_widths(network: Network, stored: ChipNetwork, profile: Profile) -> Network:
    """The network with as many bits a weight as the file's integers have: its graph does not say that some are narrower."""
    held = {c.name: c.weight_format.bits for c in stored.connections if isinstance(c.weight_format, Fixed)}
    narrow = {
        c.name: held[c.name]
        for c in network.connections
        if c.rule is None and c.weight_bits is None and held.get(c.name) in profile.synapse.weight_bits
    }
    connections = tuple(replace(c, weight_bits=narrow.get(c.name, c.weight_bits)) for c in network.connections)
    return replace(network, connections=connections)


def preferred(
    stored: ChipNetwork, compiled: ChipNetwork, table: ConversionTable
) -> tuple[ChipNetwork, ConversionTable] | None:
    """``stored`` with a row that says so; None where ``compiled`` is something else than the same network again.

    A profile may have changed since under the same name: then formats or the network's parts differ.
    """
    if not _alike(stored, compiled):
        return None
    difference = first_difference(stored, replace(compiled, name=stored.name))
    told = "quantising again gives the same" if difference is None else f"quantising again would change {difference}"
    return stored, ConversionTable((_row(stored, told), *table.rows))


def only_stored(stored: ChipNetwork, refusal: str) -> tuple[ChipNetwork, ConversionTable]:
    """``stored`` where the graph cannot be quantised again."""
    return stored, ConversionTable((_row(stored, f"quantising again is refused: {refusal}"),))


def _row(stored: ChipNetwork, told: str) -> ConversionRow:
    count = sum(c.weight.size for c in stored.connections)
    return note_row(stored.name, "integers", f"those saved in the file are used as they are; {told}", "exact", count)


def _alike(stored: ChipNetwork, compiled: ChipNetwork) -> bool:
    named = [p.name for p in stored.populations] == [p.name for p in compiled.populations]
    named = named and [c.name for c in stored.connections] == [c.name for c in compiled.connections]
    ports = [(i.name, i.size, i.message_bits, i.latency_steps) for i in stored.inputs]
    return (
        named
        and ports == [(i.name, i.size, i.message_bits, i.latency_steps) for i in compiled.inputs]
        and stored.dt == compiled.dt
        and all(_same_formats(a, b) for a, b in zip(stored.populations, compiled.populations, strict=True))
        and all(_same_synapses(a, b) for a, b in zip(stored.connections, compiled.connections, strict=True))
    )


def _same_formats(a: ChipPopulation, b: ChipPopulation) -> bool:
    return all(getattr(a, f) == getattr(b, f) for f in (*_FORMATS, "latency_steps", "reset", "refractory_steps"))


def _same_synapses(a: ChipConnection, b: ChipConnection) -> bool:
    """The exponent, which is the shift of the weights' format, may be another."""
    formats = [
        replace(c.weight_format, shift=0) if isinstance(c.weight_format, Fixed) else c.weight_format for c in (a, b)
    ]
    kept = ("source", "target", "message_bits", "drives")
    return (
        formats[0] == formats[1]
        and a.weight.shape == b.weight.shape
        and all(getattr(a, f) == getattr(b, f) for f in kept)
    )
