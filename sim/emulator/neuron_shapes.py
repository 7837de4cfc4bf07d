"""What Loihi's plain neurons are, which step in 32 bits."""

from __future__ import annotations

LOIHI_STATE_BITS = 24
LOIHI_WEIGHT_SHIFT = 6
LOIHI = (12, LOIHI_WEIGHT_SHIFT, "zero", 1, 0)
"""Bits of decay, weight shift, reset, and whether u and v wrap."""
CALM_BITS = 28
"""Magnitude of u, v, bias and of the shifted input up to which three of them add up within 32 bits."""
