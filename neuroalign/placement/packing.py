"""Words of synaptic memory that the synapses of one input axon take on one core.

An axon's synapses lie in entries of at most ``max_per_entry`` (64), each with a header and rounded up to whole words::

    b     = W + D + T (+ I where sparse)        bits of weight, delay, tag, and index of the target compartment
    words = sum over entries of k synapses of  ceil((k b + header) / word)

Dense entries name no targets: they hold every compartment from a base to the last target, with weight 0 in the holes,
so that they suit axons that reach nearly all. The base of an axon is at most 255. Sparse entries name each target by
its compartment, from 0. An axon takes whichever is smaller; synapses that learn leave no holes to fill.
Source: nengo-loihi 1.1.0, block.py ``SynapseConfig.bits_per_axon``, except the tag, whose true width counts here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.profile import Packing

Counts = NDArray[np.int64]
LARGEST_BASE = 255
"""The largest compartment an axon can count its targets from."""
WHOLE_ROW = 1 << 30
"""Synapses of an entry where an axon has a single one."""
NO_PACKING = 1 << 40
"""Words of an axon that no packing can hold: more than any core has, few enough to add up."""


@dataclass(frozen=True)
class EntryScheme:
    """Constants of the formula.

    Parameters
    ----------
    header_bits, max_per_entry, word_bits
        Of an entry; a word is the unit in which the memory is counted.
    index_bits
        Widths an index can have, ascending.
    sparse, dense
        Which of the two the chip has.
    synapse_bits
        Where given, what every synapse takes, its index included, whatever its weight.
    """

    header_bits: int = 10
    max_per_entry: int = 64
    word_bits: int = 64
    index_bits: tuple[int, ...] = (0, 6, 7, 8, 9, 10, 11, 12)
    sparse: bool = True
    dense: bool = True
    synapse_bits: int | None = None


def entry_scheme(packing: Packing | None, word_bits: int, index_bits: Sequence[int]) -> EntryScheme:
    """The scheme of a profile; Loihi 1's constants where it names none."""
    if packing is None:
        return EntryScheme(word_bits=word_bits)
    return EntryScheme(
        packing.header_bits,
        packing.max_per_entry or WHOLE_ROW,
        word_bits,
        tuple(sorted(index_bits)) or EntryScheme.index_bits,
        "sparse" in packing.modes,
        "dense" in packing.modes,
        packing.synapse_bits,
    )


def entry_words(synapses: Counts | int, bits: int, scheme: EntryScheme) -> Counts:
    """Words of axons with so many synapses of ``bits`` bits each; (axons,) or a single number."""
    count = np.asarray(synapses, dtype=np.int64)
    bits = scheme.synapse_bits or bits
    full, rest = np.divmod(count, scheme.max_per_entry)
    words = full * _words(scheme.max_per_entry * bits + scheme.header_bits, scheme)
    return np.asarray(words + np.where(rest > 0, _words(rest * bits + scheme.header_bits, scheme), 0))


def _words(bits: Counts | int, scheme: EntryScheme) -> Counts:
    return -(-np.asarray(bits) // scheme.word_bits)


def index_width(last: int, scheme: EntryScheme) -> int | None:
    """Bits of an index that reaches compartment ``last``; None where no width does."""
    need = int(last).bit_length()
    return next((width for width in scheme.index_bits if width >= need), None)


@dataclass(frozen=True)
class AxonWords:
    """Words of several axons, and which of them are packed how.

    Parameters
    ----------
    words : (axons,)
    dense : (axons,)
        Whether the axon is packed densely.
    index_bits
        Of the sparse ones.
    """

    words: Counts
    dense: NDArray[np.bool_]
    index_bits: int

    @property
    def packings(self) -> tuple[tuple[str, int], ...]:
        """Packings in use, each a synapse format of its own."""
        found = []
        if bool(self.dense.any()):
            found.append(("dense", 0))
        if not bool(self.dense.all()):
            found.append(("sparse", self.index_bits))
        return tuple(found)


def axon_words(
    count: Counts,
    first: Counts,
    last: Counts,
    bits: int,
    scheme: EntryScheme,
    *,
    learning: bool = False,
    atoms: int = 1,
) -> AxonWords:
    """Words of axons, each packed densely or sparsely, whichever takes fewer.

    Parameters
    ----------
    count : (axons,)
        Synapses of each axon (of one atom, where several share its targets).
    first, last : (axons,)
        Compartments of the first and last target.
    bits
        Of weight, delay and tag.
    learning
        Whether holes cannot be filled with weights of 0.
    atoms
        Sources that share the axon, each with weights of its own.
    """
    base = np.minimum(first, LARGEST_BASE)
    run = last - base + 1
    width = index_width(int(last.max(initial=0)), scheme)
    none = np.full(count.shape, NO_PACKING, dtype=np.int64)
    sparse = none if width is None or not scheme.sparse else entry_words(count * atoms, bits + width, scheme)
    dense = entry_words(run * atoms, bits, scheme) if scheme.dense else none
    if learning:
        dense = np.where(run == count, dense, none)
    chosen = dense <= sparse
    return AxonWords(np.where(chosen, dense, sparse), chosen, width or 0)
