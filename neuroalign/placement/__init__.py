"""Which core holds what, how full it is, and which limit binds; capacities enter here, and nowhere before."""

from neuroalign.placement.document import placement_document
from neuroalign.placement.limits import board_of
from neuroalign.placement.place import place
from neuroalign.placement.rates import rates_of, read_rates
from neuroalign.placement.remedies import with_remedies
from neuroalign.placement.types import (
    HOST,
    AxonMode,
    CoreUse,
    Limit,
    LimitStatus,
    Placement,
    Remedy,
    RemedyKind,
    Scope,
    Slice,
    Traffic,
    Verdict,
)

__all__ = [
    "HOST",
    "AxonMode",
    "CoreUse",
    "Limit",
    "LimitStatus",
    "Placement",
    "Remedy",
    "RemedyKind",
    "Scope",
    "Slice",
    "Traffic",
    "Verdict",
    "board_of",
    "place",
    "placement_document",
    "rates_of",
    "read_rates",
    "with_remedies",
]
