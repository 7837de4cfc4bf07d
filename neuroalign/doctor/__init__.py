"""What works here: every backend tried on a small network, every package with its version, and what mends the rest."""

from neuroalign.doctor.examine import examine
from neuroalign.doctor.finding import Finding, Status

__all__ = ["Finding", "Status", "examine"]
