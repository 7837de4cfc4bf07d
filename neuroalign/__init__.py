"""neuroalign: trained spiking networks and local learning rules to Loihi-class hardware, with proof of what changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroalign.compiled_code import ensure_cache_folder

if TYPE_CHECKING:
    from neuroalign.pipeline import deploy as deploy

__version__ = "0.1.0"

ensure_cache_folder(Path(__file__).parent, os.environ)  # before numba, which reads the environment once


def __getattr__(name: str) -> Any:
    """Load :func:`deploy` when it is first used: importing the package alone stays fast."""
    if name == "deploy":
        from neuroalign.pipeline import deploy

        return deploy
    raise AttributeError(f"module 'neuroalign' has no attribute {name!r}")
