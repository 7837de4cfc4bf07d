"""What a run costs: events counted, then priced by one list at a time, and how long a step takes at least."""

from neuroalign.energy.cost import EnergyReport, TermCost, energies, energy, price_list
from neuroalign.energy.document import energy_document, events_document, time_document
from neuroalign.energy.events import CoreLoad, EventCounts, count_events, expected_events
from neuroalign.energy.time import StepTime, TimeTerm, step_time, step_times
from neuroalign.placement.fan_out import FanOut

__all__ = [
    "CoreLoad",
    "EnergyReport",
    "EventCounts",
    "FanOut",
    "StepTime",
    "TermCost",
    "TimeTerm",
    "count_events",
    "energies",
    "energy",
    "energy_document",
    "events_document",
    "expected_events",
    "price_list",
    "step_time",
    "step_times",
    "time_document",
]
