"""Named lists of what an event costs in energy and time. A list is one source's; totals never mix two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Basis = Literal["measured", "simulated", "vendor-ratio", "fitted"]
Term = Literal[
    "synaptic operations",
    "neuron updates",
    "spikes",
    "messages",
    "messages between chips",
    "messages from outside",
    "learning updates",
    "barriers",
]


@dataclass(frozen=True)
class Price:
    """What one event costs: joules and seconds (of the core, router or link that handles it); None: not published."""

    j: float | None = None
    s: float | None = None


@dataclass(frozen=True)
class Barrier:
    """Length of the barrier that ends a step: ``s[k]`` seconds with ``tiles[k]`` tiles in use (rising), and its energy."""

    tiles: tuple[int, ...]
    s: tuple[float, ...]
    j: float | None = None


@dataclass(frozen=True)
class PriceList:
    """Prices of one source.

    Parameters
    ----------
    basis
        How they were found.
    operating_point
        Voltage and frequency.
    caveat
        What every total from this list must say beside it.
    without
        Terms that the list leaves out by its own account: totals say that they are without them. Any other term that a
        run uses and that has no price here makes a total impossible.
    syn_op
        A spike at a synapse; or by how its synapses are stored: ``syn_op_dense``, ``syn_op_sparse``, ``syn_op_conv``.
    neuron_active, neuron_inactive
        One neuron for one step; or ``neuron_access`` for every neuron, ``neuron_update`` for active ones on top and
        ``spike_out`` for each spike on top.
    spike_local, hop_ew, hop_ns
        A spike message that stays within its tile; each hop east-west and north-south of one that does not.
    message_out, message_in
        Each spike message where it leaves and enters a core, on top.
    inter_chip
        Each spike message from chip to chip.
    learning_update
        One synapse updated by its rule.
    static_w_per_chip : W
        Never part of a total; shown beside it.
    """

    basis: Basis
    operating_point: str | None = None
    caveat: str | None = None
    without: tuple[Term, ...] = ()
    syn_op: Price | None = None
    syn_op_dense: Price | None = None
    syn_op_sparse: Price | None = None
    syn_op_conv: Price | None = None
    neuron_active: Price | None = None
    neuron_inactive: Price | None = None
    neuron_access: Price | None = None
    neuron_update: Price | None = None
    spike_out: Price | None = None
    spike_local: Price | None = None
    hop_ew: Price | None = None
    hop_ns: Price | None = None
    message_out: Price | None = None
    message_in: Price | None = None
    inter_chip: Price | None = None
    learning_update: Price | None = None
    barrier: Barrier | None = None
    static_w_per_chip: float | None = None
