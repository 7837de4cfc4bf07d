"""The smallest changes with which a network that does not fit would; each is one that was placed and fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from neuroalign.chip import ChipConnection, ChipNetwork, Convolution, Fixed
from neuroalign.placement.capacity import IN_SLOTS, OUT_SLOTS, WORDS
from neuroalign.placement.changes import (
    copies_by_sources,
    fewer_learning,
    fewer_sources,
    fewer_synapses,
    replaced,
    static,
    with_bits,
)
from neuroalign.placement.limits import CORES
from neuroalign.placement.neuron_changes import fewer_inputs, fewer_into_each, fewer_out_of_each
from neuroalign.placement.neuron_limits import ENTRIES, FAN_IN, FAN_OUT, INPUTS, MEAN_FAN_OUT
from neuroalign.placement.place import place
from neuroalign.placement.types import Placement, Remedy, RemedyKind
from neuroalign.profile import Profile

MOST_SYNAPSES = 5_000_000
"""Synapses up to which changed networks are placed again; of larger ones only boards are tried."""
SHARES = 64
"""Steps in which the share of synapses that is kept is searched."""
COPIES = (2, 3, 4, 6, 8)

Try = Callable[[ChipNetwork], Placement]


def with_remedies(
    placement: Placement, chip: ChipNetwork, profile: Profile, *, rates: Mapping[str, Any] | None = None
) -> Placement:
    """The placement with the changes that would make it fit; as it is where it fits.

    Parameters
    ----------
    placement, chip, profile, rates
        What :func:`neuroalign.placement.place` returned and was given.
    """
    if placement.verdict != "does not fit":
        return placement
    found = list(_boards(placement, chip, profile, rates))
    synapses = sum(core.synapses for core in placement.cores)
    if synapses <= MOST_SYNAPSES:
        found += _changes(placement, chip, lambda changed: place(changed, profile, board=placement.board), profile)
    note = () if found else ("No single small change was found with which it would fit.",)
    return replace(placement, remedies=tuple(found), notes=(*placement.notes, *note))


def _boards(
    placement: Placement, chip: ChipNetwork, profile: Profile, rates: Mapping[str, Any] | None
) -> Iterator[Remedy]:
    """The smallest board that is large enough, where only the board is too small."""
    if {found.name for found in placement.limits if found.status == "exceeded"} != {CORES}:
        return
    for name, _ in sorted(profile.boards.items(), key=lambda item: (item[1].chips, item[0])):
        again = place(chip, profile, board=name, rates=rates)
        if again.verdict == "fits":
            yield _remedy("board", f"take board {name}", again)
            return


def _changes(placement: Placement, chip: ChipNetwork, again: Try, profile: Profile) -> Iterator[Remedy]:
    exceeded = {found.name for found in placement.limits if found.status == "exceeded"}
    scope = _scope(placement, chip)
    if exceeded & {WORDS, CORES}:
        yield from _fewer_bits(scope, chip, again, profile)
    if exceeded & {WORDS, CORES, OUT_SLOTS, MEAN_FAN_OUT}:
        yield from _sparser(scope, chip, again)
    if IN_SLOTS in exceeded:
        full = _with_too_many_axons(placement)
        if len(full) > 1:
            yield from _fewer_sources_each(full, chip, again)
        else:
            yield from _fewer_sources(scope, chip, again)
            yield from _fewer_learning(scope, chip, again)
            yield from _copies(scope, chip, again)
    yield from _fewer_each(placement, chip, again)
    plastic = [c for c in chip.connections if c.plasticity is not None]
    if any(found.scope == "rule" and found.status == "exceeded" for found in placement.limits):
        changed = again(replaced(chip, [static(c) for c in plastic]))
        if changed.verdict == "fits":
            names = ", ".join(c.name for c in plastic)
            yield _remedy("static", f"hold {names} without learning on chip", changed)


def _fewer_each(placement: Placement, chip: ChipNetwork, again: Try) -> Iterator[Remedy]:
    """No more synapses a neuron, and inputs, than there can be: all such limits that are exceeded at once."""
    most = {found.name: found.capacity for found in placement.limits if found.status == "exceeded"}
    changed, texts = chip, []
    if inputs := most.get(INPUTS):
        changed = fewer_inputs(changed, inputs)
        texts.append(f"take {inputs} of the {sum(i.size for i in chip.inputs)} input channels")
    for name in (FAN_IN, ENTRIES):
        if number := most.get(name):
            changed = fewer_into_each(changed, number)
            texts.append(f"keep at most {number} synapses into a neuron")
    if number := most.get(FAN_OUT):
        changed = fewer_out_of_each(changed, number)
        texts.append(f"keep at most {number} synapses out of a neuron")
    if texts and (placed := again(changed)).verdict == "fits":
        yield _remedy("sparser", f"{' and '.join(texts)}, those with the largest weights", placed)


def _scope(placement: Placement, chip: ChipNetwork) -> list[ChipConnection]:
    """Connections into the populations where a limit is exceeded; all where the cores are too few."""
    limits = [found for found in placement.limits if found.status == "exceeded"]
    if any(not found.populations for found in limits):
        return list(chip.connections)
    named = {name for found in limits for name in found.populations[:1]}
    outgoing = {OUT_SLOTS} >= {found.name for found in limits}
    return [c for c in chip.connections if (c.source if outgoing else c.target) in named]


def _fewer_bits(scope: list[ChipConnection], chip: ChipNetwork, again: Try, profile: Profile) -> Iterator[Remedy]:
    widths = [c.weight_format.bits for c in scope if isinstance(c.weight_format, Fixed)]
    for bits in sorted((b for b in profile.synapse.weight_bits if b < max(widths, default=0)), reverse=True):
        changed = again(replaced(chip, [with_bits(c, bits) for c in scope]))
        if changed.verdict == "fits":
            names = _names(scope)
            yield _remedy("fewer bits", f"hold {names} in {bits} bit a weight instead of {max(widths)}", changed)
            return


def _sparser(scope: list[ChipConnection], chip: ChipNetwork, again: Try) -> Iterator[Remedy]:
    listed = [c for c in scope if not isinstance(c.pattern, Convolution)]
    if not listed:
        return
    best = _largest(SHARES - 1, lambda k: replaced(chip, [fewer_synapses(c, k / SHARES) for c in listed]), again)
    if best is not None:
        kept, changed = best
        text = f"keep the {kept / SHARES:.1%} of the synapses of {_names(listed)} with the largest weights"
        yield _remedy("sparser", text, changed)


def _fewer_sources(scope: list[ChipConnection], chip: ChipNetwork, again: Try) -> Iterator[Remedy]:
    widest = _widest(scope)
    if widest is None:
        return
    best = _largest(widest.shape[1] - 1, lambda k: replaced(chip, [fewer_sources(widest, k)]), again)
    if best is not None:
        kept, changed = best
        text = (
            f"let {kept} of the {widest.shape[1]} sources of {widest.name!r} reach {widest.target!r}, those with the "
            "largest weights"
        )
        yield _remedy("sparser", text, changed)


def _with_too_many_axons(placement: Placement) -> set[str]:
    """Populations on the cores that more axons enter than can."""
    cores = (core for core in placement.cores if core.shares.get(IN_SLOTS, 0.0) > 1)
    return {piece.population for core in cores for piece in core.slices}


def _fewer_sources_each(populations: set[str], chip: ChipNetwork, again: Try) -> Iterator[Remedy]:
    """As many sources at most for every connection into several populations; one of them alone would not do."""
    listed = [c for c in chip.connections if c.target in populations and not isinstance(c.pattern, Convolution)]
    most = max((c.shape[1] for c in listed), default=1)

    def wider(kept: int) -> list[ChipConnection]:
        return [c for c in listed if c.shape[1] > kept]

    best = _largest(most - 1, lambda k: replaced(chip, [fewer_sources(c, k) for c in wider(k)]), again)
    if best is not None:
        kept, changed = best
        text = (
            f"let at most {kept} sources of {_names(wider(kept))} reach their targets, those with the largest weights"
        )
        yield _remedy("sparser", text, changed)


def _fewer_learning(scope: list[ChipConnection], chip: ChipNetwork, again: Try) -> Iterator[Remedy]:
    widest = _widest([c for c in scope if c.plasticity is not None])
    if widest is None:
        return
    best = _largest(widest.shape[1] - 1, lambda k: replaced(chip, fewer_learning(widest, k)), again, least=0)
    if best is not None:
        kept, changed = best
        text = f"let {kept} of the {widest.shape[1]} sources of {widest.name!r} learn, the others keep their weights"
        yield _remedy("static", text, changed)


def _copies(scope: list[ChipConnection], chip: ChipNetwork, again: Try) -> Iterator[Remedy]:
    """Populations of which each is fed by a part of the sources."""
    widest = _widest(scope)
    if widest is None:
        return
    for copies in COPIES:
        changed = again(copies_by_sources(chip, widest.target, copies))
        if changed.verdict == "fits":
            text = (
                f"split {widest.target!r} into {copies} populations of {widest.shape[0]} neurons, each fed by a part of the "
                "sources (they spike apart, which changes the model)"
            )
            yield _remedy("split", text, changed)
            return


def _widest(scope: list[ChipConnection]) -> ChipConnection | None:
    listed = [c for c in scope if not isinstance(c.pattern, Convolution)]
    return max(listed, key=lambda c: (c.shape[1] * (1 + (c.plasticity is not None)), c.name), default=None)


def _largest(
    most: int, change: Callable[[int], ChipNetwork], again: Try, least: int = 1
) -> tuple[int, Placement] | None:
    """The largest number up to ``most`` with which the changed network fits; None if not even ``least`` does."""
    low, high, best = least - 1, most + 1, None
    probe = least
    while high - low > 1:
        placed = again(change(probe))
        if placed.verdict == "fits":
            low, best = probe, (probe, placed)
        else:
            high = probe
        if best is None:
            return None
        probe = (low + high) // 2
    return best


def _names(connections: list[ChipConnection]) -> str:
    names = [repr(c.name) for c in connections]
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _remedy(kind: RemedyKind, text: str, placed: Placement) -> Remedy:
    binding = placed.binding
    share = None if binding is None else binding.share
    told = f"{text}: {len(placed.cores)} {'core' if len(placed.cores) == 1 else 'cores'}"
    if binding is not None and share is not None:
        told += f", {binding.name} {share:.1%}"
    return Remedy(kind, told, len(placed.cores), placed.chips, placed.binding_limit, share)
