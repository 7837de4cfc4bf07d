"""Published experiments as tables: what was expected, what was found over all seeds, and figures."""

from neuroalign.reproduce.part import Part
from neuroalign.reproduce.parts import Plan, experiments
from neuroalign.reproduce.run import reproduce
from neuroalign.reproduce.table import Table

__all__ = ["Part", "Plan", "Table", "experiments", "reproduce"]
