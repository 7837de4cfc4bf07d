"""NIR files to Networks, and ChipNetworks to NIR files and back: what the other rooms call.

In: ``tree`` (what the file holds), ``flatten`` (structure repaired, subgraphs dissolved), ``parameters`` and ``shapes``
(numbers checked, scalars broadcast), ``time`` and ``unstated`` (units, dt, reset), ``written_by`` and ``conventions``
(who wrote it, and what they meant), ``compose`` (linear nodes folded into matrices), ``build`` (the Network), ``stated``
(what our own metadata adds). Out: ``meaning`` (the chip's numbers in volts), ``nodes`` and ``assemble`` (the graph),
``fields`` beside this folder (the chip in metadata), ``write``.
"""

from __future__ import annotations

from neuroalign.export.nir_graph.inspection import Inspection, NodeRow, inspect_nir
from neuroalign.export.nir_graph.read import ImportedNetwork, read_nir
from neuroalign.export.nir_graph.unstated import FileReset
from neuroalign.export.nir_graph.write import read_chip, read_extra, write_nir
from neuroalign.export.nir_graph.written_by import Writer

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
