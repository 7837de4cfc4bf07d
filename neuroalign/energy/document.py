"""Energy and time as JSON holds them; null where there is no figure."""

from __future__ import annotations

from typing import Any

from neuroalign.energy.cost import EnergyReport
from neuroalign.energy.events import EventCounts
from neuroalign.energy.time import StepTime


def events_document(counts: EventCounts) -> dict[str, Any]:
    """Events of the whole run; whole numbers where they were counted."""
    return {key: _whole(value) for key, value in _events(counts).items()}


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _events(counts: EventCounts) -> dict[str, Any]:
    return {
        "counted": counts.counted,
        "samples": counts.samples,
        "steps": counts.steps,
        "synaptic_operations": {**counts.synaptic_operations, "total": sum(counts.synaptic_operations.values())},
        "neuron_updates": {"active": counts.neuron_updates_active, "inactive": counts.neuron_updates_inactive},
        "spikes": counts.spikes,
        "messages": counts.messages,
        "messages_within_tile": counts.messages_within_tile,
        "hops_east_west": counts.hops_ew,
        "hops_north_south": counts.hops_ns,
        "messages_between_chips": counts.messages_between_chips,
        "messages_from_outside": counts.messages_from_outside,
        "learning_updates": counts.learning_updates,
        "barriers": counts.barriers,
        "tiles": counts.tiles,
        "chips": counts.chips,
    }


def energy_document(report: EnergyReport) -> dict[str, Any]:
    """One list's energy; ``total_j`` is null where it is refused, and ``refusal`` says why."""
    return {
        "price_list": report.price_list,
        "basis": report.basis,
        "operating_point": report.operating_point,
        "caveat": report.caveat,
        "source": report.source,
        "total_j": report.total_j,
        "refusal": report.refusal,
        "without": list(report.without),
        "unpriced": list(report.unpriced),
        "static_w_not_in_total": report.static_w,
        "rows": [
            {
                "term": row.term,
                "event": row.event,
                "count": row.count,
                "price_j": row.price_j,
                "energy_j": row.energy_j,
                "left_out": row.left_out,
            }
            for row in report.rows
        ],
        "headline": report.headline,
    }


def time_document(bound: StepTime) -> dict[str, Any]:
    """One list's bound of a step; ``bound_s`` is null where there is none."""
    return {
        "price_list": bound.price_list,
        "basis": bound.basis,
        "caveat": bound.caveat,
        "bound_s": bound.bound_s,
        "largest_term": bound.largest,
        "run_s": bound.run_s,
        "refusal": bound.refusal,
        "terms": [{"name": t.name, "where": t.where, "seconds": t.seconds} for t in bound.terms],
        "not_checked": list(bound.not_checked),
        "headline": bound.headline,
    }
