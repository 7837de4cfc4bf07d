"""Published experiments as tables: what was expected, what was found over all seeds, and figures."""

from neuroalign.reproduce.parts import Part, Plan, experiments
from neuroalign.reproduce.run import reproduce
from neuroalign.reproduce.table import Table

__all__ = ["Part", "Plan", "Table", "experiments", "reproduce"]
