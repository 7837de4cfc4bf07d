"""neuroalign: trained spiking networks and local learning rules to Loihi-class hardware, with proof of what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroalign.pipeline import deploy as deploy

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load :func:`deploy` when it is first used: importing the package alone stays fast."""
    if name == "deploy":
        from neuroalign.pipeline import deploy

        return deploy
    raise AttributeError(f"module 'neuroalign' has no attribute {name!r}")
