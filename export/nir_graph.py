"""NIR files to Networks, and ChipNetworks to NIR files and back: what the other rooms call.

The steps are in the ``nir_*`` files beside this one. In: ``nir_tree`` (what the file holds), ``nir_flatten`` (structure
repaired, subgraphs dissolved), ``nir_parameters`` and ``nir_shapes`` (numbers checked, scalars broadcast), ``nir_time``
and ``nir_unstated`` (units, dt, reset), ``nir_writer`` and
``nir_conventions`` (who wrote it, and what they meant), ``nir_compose`` (linear nodes folded into matrices), ``nir_build`` (the Network),
``nir_stated`` (what our own metadata adds). Out: ``nir_meaning`` (the chip's numbers in volts), ``nir_nodes`` and
``nir_assemble`` (the graph), ``fields`` (the chip in metadata), ``nir_write``.
"""

from __future__ import annotations

from neuroalign.export.nir_inspect import Inspection, NodeRow, inspect_nir
from neuroalign.export.nir_read import ImportedNetwork, read_nir
from neuroalign.export.nir_unstated import FileReset
from neuroalign.export.nir_write import read_chip, read_extra, write_nir
from neuroalign.export.nir_writer import Writer

__all__ = [
    "FileReset",
    "ImportedNetwork",
    "Inspection",
    "NodeRow",
    "Writer",
    "inspect_nir",
    "read_chip",
    "read_extra",
    "read_nir",
    "write_nir",
]
