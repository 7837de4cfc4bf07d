"""Changed networks that keep limits of single neurons and of a chip's channels: fewer synapses each, fewer inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, Convolution, SparsePattern
from neuroalign.placement.changes import listed, of_synapses, replaced


def fewer_into_each(chip: ChipNetwork, most: int) -> ChipNetwork:
    """At most so many synapses into a neuron, those with the largest weights; shared weights are left as they are."""
    for p in chip.populations:
        chip = _at_most(chip, [c for c in chip.connections if c.target == p.name], most, into=True)
    return chip


def fewer_out_of_each(chip: ChipNetwork, most: int) -> ChipNetwork:
    """At most so many synapses out of a neuron, those with the largest weights; shared weights are left as they are."""
    for p in chip.populations:
        chip = _at_most(chip, [c for c in chip.connections if c.source == p.name], most, into=False)
    return chip


def _at_most(chip: ChipNetwork, scope: Sequence[ChipConnection], most: int, *, into: bool) -> ChipNetwork:
    """The first ``most`` synapses of each neuron by weight, over connections that share their targets (or sources)."""
    scope = [c for c in scope if not isinstance(c.pattern, Convolution)]
    if not scope:
        return chip
    found = [listed(c) for c in scope]
    neuron = np.concatenate([target if into else source for target, source, _ in found])
    # Mantissas of different exponents are compared as what they stand for.
    strength = np.concatenate([np.abs(w) * 2.0**c.weight_exp for c, (_, _, w) in zip(scope, found, strict=True)])
    order = np.lexsort((-strength, neuron))
    begins = np.searchsorted(neuron[order], neuron[order])
    keep = np.zeros(neuron.size, dtype=bool)
    keep[order] = np.arange(neuron.size) - begins < most
    if keep.all():
        return chip
    parts = np.split(keep, np.cumsum([w.size for *_, w in found])[:-1])
    return replaced(
        chip,
        [
            of_synapses(c, target[kept], source[kept], weight[kept])
            for c, (target, source, weight), kept in zip(scope, found, parts, strict=True)
        ],
    )


def fewer_inputs(chip: ChipNetwork, most: int) -> ChipNetwork:
    """At most so many input channels, those with the largest weights; unchanged where shared weights or outputs need all."""
    ports = {i.name for i in chip.inputs}
    fed = [c for c in chip.connections if c.source in ports]
    if any(isinstance(c.pattern, Convolution) for c in fed) or any(source in ports for _, source in chip.outputs):
        return chip
    strength = {i.name: np.zeros(i.size) for i in chip.inputs}
    for c in fed:
        _, source, weight = listed(c)
        amount = np.abs(weight) * 2.0**c.weight_exp
        strength[c.source] += np.bincount(source, amount, minlength=c.shape[1])
    every = np.concatenate([strength[i.name] for i in chip.inputs])
    keep = np.zeros(every.size, dtype=bool)
    keep[np.argsort(-every, kind="stable")[:most]] = True
    parts = np.split(keep, np.cumsum([i.size for i in chip.inputs])[:-1])
    kept = {i.name: part for i, part in zip(chip.inputs, parts, strict=True)}
    inputs = tuple(replace(i, size=int(kept[i.name].sum())) for i in chip.inputs if kept[i.name].any())
    dropped = {c.name for c in fed if not kept[c.source].any()}
    changed = replaced(chip, [_renumbered(c, kept[c.source]) for c in fed])
    return replace(changed, inputs=inputs, connections=tuple(c for c in changed.connections if c.name not in dropped))


def _renumbered(c: ChipConnection, kept: NDArray[np.bool_]) -> ChipConnection:
    """The same connection from the sources that are kept, numbered anew."""
    if c.pattern is None:
        delays = None if c.delays is None else c.delays[:, kept]
        return replace(c, weight=c.weight[:, kept], delays=delays)
    target, source, weight = listed(c)
    stays = kept[source]
    cut = of_synapses(c, target[stays], source[stays], weight[stays])
    number = np.cumsum(kept) - 1
    return replace(cut, pattern=SparsePattern(target[stays], number[source[stays]], (c.shape[0], int(kept.sum()))))
