"""Graphs for versions of the nir package before 1.0.6; what these cannot read is refused before a file is written.

sinabs 3.1.3 and rockpool 3.1.0 install nir 1.0.4. It reads what :mod:`neuroalign.export.nir_graph.assemble` writes (no node
metadata, ``v_reset`` left out where it is 0) but for two things. sinabs imports no Linear, so that becomes an Affine.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from neuroalign.errors import InputError, NetworkError
from neuroalign.export.hdf5 import Tree
from neuroalign.export.nir_graph.assemble import NirGraph

Compat = Literal["1.0.4"]
"""Versions of the nir package that a file can be written for; those in between open it too."""


def compatible(graph: NirGraph, compat: Compat) -> NirGraph:
    """The graph in a form that this version of the nir package, and who pins it, can read.

    Raises
    ------
    NetworkError
        If neurons reset to another value than 0, or a filtered readout is to be saved.
    InputError
        If the version is not one of :data:`Compat`.
    """
    if compat not in get_args(Compat):
        raise InputError(
            f"compat {compat!r} is not known; files can be written for nir {', '.join(get_args(Compat))} and later"
        )
    for name, node in sorted(graph.nodes.items()):
        if "v_reset" in node:
            value = float(np.ravel(node["v_reset"])[0])
            raise NetworkError(
                f"node {name!r} resets to {value:g} V, which nir {compat} has no field for; save without --compat, or train "
                "with v_reset 0"
            )
        if node["type"] == "CubaLI":
            raise NetworkError(
                f"node {name!r} is a CubaLI (a readout with synaptic filter), which nir {compat} does not know; save without "
                "--compat, or end the network in an LI"
            )
    return NirGraph({name: _affine(node) for name, node in graph.nodes.items()}, graph.edges)


def _affine(node: Tree) -> Tree:
    """A Linear as an Affine without bias; other nodes as they are."""
    if node["type"] != "Linear":
        return node
    return {**node, "type": "Affine", "bias": np.zeros(node["weight"].shape[0])}
