"""Which core holds what, how full it is, and which limit binds; capacities enter here, and nowhere before."""

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
]
