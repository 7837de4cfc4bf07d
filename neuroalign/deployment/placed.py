"""Where a deployment lies on its target, and what its run costs there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neuroalign.chip import ChipNetwork
from neuroalign.energy import (
    EnergyReport,
    EventCounts,
    StepTime,
    count_events,
    energies,
    energy_document,
    events_document,
    step_times,
    time_document,
)
from neuroalign.placement import Placement, place, placement_document, with_remedies
from neuroalign.profile import Profile
from neuroalign.recording import Recording, Stimulus


@dataclass(frozen=True, eq=False)
class Placed:
    """A placement weighed by the spikes of a run, the events of that run, and what they cost by each price list."""

    placement: Placement
    events: EventCounts
    energy: tuple[EnergyReport, ...]
    time: tuple[StepTime, ...]

    @property
    def fits(self) -> bool:
        """Whether no limit that could be checked is exceeded."""
        return self.placement.verdict != "does not fit"

    @property
    def headline(self) -> str:
        """One sentence: cores, chips, and the limit that binds."""
        return placement_in_words(self.placement)


def placed(
    chip: ChipNetwork, profile: Profile, recording: Recording, stimulus: Stimulus, *, board: str | None = None
) -> Placed:
    """Place what ran on a profile with the spikes that it had, and count and price the run.

    Parameters
    ----------
    recording, stimulus
        A run with the states "s", "u", "v" and "a" of every population, and what entered.
    board
        Name of a board of the profile; None takes as many chips as are needed.
    """
    sent = {port.name: stimulus.inputs[port.name] for port in chip.inputs}
    sent |= {p.name: recording.states[p.name, "s"] for p in chip.populations}
    rates = {name: (array != 0).mean(axis=(0, 1)) for name, array in sent.items()}
    found = with_remedies(place(chip, profile, board=board, rates=rates), chip, profile, rates=rates)
    events = count_events(chip, found, profile, recording, stimulus)
    return Placed(found, events, energies(events, profile), step_times(events, profile))


def costs_in_words(found: Placed) -> tuple[str, ...]:
    """A line for each price list: energy and time of the run with their basis, or why there are none."""
    lines = []
    for report, bound in zip(found.energy, found.time, strict=True):
        lines.append(f"Energy: {report.headline}.")
        if bound.bound_s is not None:
            lines.append(f"Time: {bound.headline}.")
    return tuple(lines)


def has_capacities(profile: Profile) -> bool:
    """Whether the profile is a chip: any of its cores' or memory's limits is known and finite."""
    core = profile.core
    limits = (core.neurons_max, core.in_axons_max, core.out_axons_max, core.memory, profile.topology.cores_per_chip)
    return any(limit is not None and limit != "unlimited" for limit in limits)


def placement_in_words(found: Placement) -> str:
    """One sentence: cores, chips, and the limit that binds, by how much and whose."""
    where = found.profile_id if found.board is None else f"{found.profile_id} on {found.board}"
    used = f"{_count(len(found.cores), 'core')} on {_count(found.chips, 'chip')} of {where}"
    binding = found.binding
    unknown = len(found.not_checked)
    rest = f" {_count(unknown, 'limit')} of room could not be checked." if unknown else ""
    if binding is None:
        return f"Placement: {used}; no limit is known to bind.{rest}"
    share = "" if binding.share is None else f", {binding.share:.1%}"
    told = f"{binding.name}, {binding.used} of {binding.capacity}{share}, at {binding.where}"
    if found.verdict == "does not fit":
        return f"Placement: does not fit on {where}: {told}; {binding.excess} too many.{rest}"
    return f"Placement: {used}; the limit that binds is {told}.{rest}"


def placed_document(found: Placed | None) -> dict[str, Any]:
    """The keys ``placement``, ``events``, ``energy`` and ``step_time`` of report.json; null where nothing was placed."""
    if found is None:
        return {"placement": None, "events": None, "energy": None, "step_time": None}
    return {
        "placement": placement_document(found.placement),
        "events": events_document(found.events),
        "energy": [energy_document(report) for report in found.energy],
        "step_time": [time_document(bound) for bound in found.time],
    }


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
