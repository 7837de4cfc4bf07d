"""A placement as JSON holds it; null where a figure is not known."""

from __future__ import annotations

from typing import Any

from neuroalign.placement.types import CoreUse, Limit, Placement, Remedy

MOST_CORES = 4096
"""Cores that are listed one by one; of larger placements the first ones, and ``cores`` says how many there are."""


def placement_document(placement: Placement) -> dict[str, Any]:
    """The placement as plain values.

    ``cores``, ``binding_limit`` and ``limits`` (each with ``name``, ``used``, ``capacity`` and ``share``) come first.
    """
    return {
        "profile": placement.profile_id,
        "board": placement.board,
        "verdict": placement.verdict,
        "cores": len(placement.cores),
        "chips": placement.chips,
        "binding_limit": placement.binding_limit,
        "limits": [_limit(found) for found in placement.limits],
        "not_checked": list(placement.not_checked),
        "remedies": [_remedy(found) for found in placement.remedies],
        "axons": dict(placement.axon_modes),
        "per_core": [_core(core) for core in placement.cores[:MOST_CORES]],
        "traffic": _traffic(placement),
        "notes": list(placement.notes),
    }


def _limit(found: Limit) -> dict[str, Any]:
    return {
        "name": found.name,
        "used": found.used,
        "capacity": found.capacity,
        "share": found.share,
        "status": found.status,
        "scope": found.scope,
        "where": found.where,
        "populations": list(found.populations),
        "excess": found.excess,
        "figure": found.figure,
    }


def _remedy(found: Remedy) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "text": found.text,
        "cores": found.cores,
        "chips": found.chips,
        "binding_limit": found.binding_limit,
        "share": found.share,
    }


def _core(core: CoreUse) -> dict[str, Any]:
    return {
        "core": core.index,
        "chip": core.chip,
        "slices": [{"population": s.population, "start": s.start, "stop": s.stop} for s in core.slices],
        "used": dict(core.used),
        "shares": dict(core.shares),
        "in_axons": core.in_axons,
        "learning_axons": core.learning_axons,
        "synapses": core.synapses,
    }


def _traffic(placement: Placement) -> dict[str, Any]:
    traffic = placement.traffic
    return {
        "unit": "messages a step",
        "rates": traffic.rates,
        "within_core": traffic.within_core,
        "between_cores": traffic.between_cores,
        "between_chips": traffic.between_chips,
        "from_host": traffic.from_host,
        "source": traffic.source.tolist(),
        "target": traffic.target.tolist(),
        "spikes": traffic.spikes.tolist(),
    }
