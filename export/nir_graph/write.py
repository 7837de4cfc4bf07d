"""A ChipNetwork as a NIR file: a graph that other tools open and run, and in its metadata all that the chip holds.

The graph (``assemble``) is the float meaning of the chip's integers. The metadata (docs/nir-metadata.md) is one group
that other readers ignore and carry along; from it :func:`read_chip` gives the identical ChipNetwork back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neuroalign.chip import ChipNetwork
from neuroalign.errors import FileFormatError
from neuroalign.export.chip_checks import check_sizes
from neuroalign.export.fields import from_text, to_text
from neuroalign.export.hdf5 import FileArray, Tree, read_tree, write_tree
from neuroalign.export.nir_graph.assemble import chip_graph
from neuroalign.export.nir_graph.compat import Compat, compatible
from neuroalign.export.nir_graph.read import naming
from neuroalign.export.nir_graph.stated import KEY, SCHEMA, stated_schema
from neuroalign.network import Network

BLOCK_BYTES = 4 << 20
"""Of an array in a file that are looked at together."""

NIR_VERSION = "1.0.8"
"""Version of the NIR format that the file names; versions 1.0.1 and later open it."""


def write_nir(
    path: str | Path,
    chip: ChipNetwork,
    *,
    network: Network | None = None,
    extra: Mapping[str, str] | None = None,
    compat: Compat | None = None,
) -> Path:
    """Write a NIR file.

    Parameters
    ----------
    path
        The file; one that exists is replaced. The same arguments give the same bytes.
    chip
        What the chip holds. Its rounded numbers, not the original ones, are the graph's.
    network
        The Network it was compiled from: its learning rules are stored too, and its leak potentials used.
    extra
        Further texts to keep with the file, by name.
    compat
        Write for this version of the nir package and all later ones, or refuse; None: for the current one.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    NetworkError
        If the graph has no form in NIR (no population, two reset modes) or none that ``compat`` reads, or ``network`` is not
        the one compiled.
    InputError
        If a text or number cannot be stored.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import neuroalign
    >>> network = neuroalign.read_nir("network.nir", dt=1e-3, reset="zero").network
    >>> chip, _ = neuroalign.compile_network(network, neuroalign.load_profile("loihi2"))
    >>> neuroalign.write_nir("chip.nir", chip, network=network).name
    'chip.nir'
    """
    graph, model = chip_graph(chip, network)
    if compat is not None:
        graph = compatible(graph, compat)
    edges = sorted(graph.edges)
    chip_text, chip_arrays = to_text(chip)
    model_text, model_arrays = to_text(model)
    entries: Tree = {
        "schema": SCHEMA,
        "dt": float(chip.dt),
        "tau_unit": "s",
        "reset": chip.populations[0].reset,
        "profile": chip.profile_id,
        "chip": chip_text,
        "model": model_text,
        "arrays": {k: v for k, v in (("chip", chip_arrays), ("model", model_arrays)) if v},
        "sha256": _digest(chip_text, chip_arrays),
        "graph_sha256": _graph_digest(graph.nodes, edges),
    }
    if extra:
        entries["extra"] = dict(extra)
    node = {"type": "NIRGraph", "nodes": graph.nodes, "edges": edges, "metadata": {KEY: entries}}
    return write_tree(path, {"version": compat or NIR_VERSION, "node": node})


def read_chip(path: str | Path, *, in_blocks: bool = False) -> ChipNetwork:
    """The ChipNetwork that :func:`write_nir` stored, identical in every field.

    Parameters
    ----------
    path
        The file; other tools may have read and written it since.
    in_blocks
        Leave large weights and tags in the file (:class:`~neuroalign.export.hdf5.FileArray`), from which the emulator
        reads rows as it needs them; the file must stay as it is.

    Raises
    ------
    FileFormatError
        If the file cannot be read, holds no chip network or one of another schema, is damaged, or its graph was changed
        since, so that the chip network no longer stands for it.
    """
    with naming(path):
        top, own = _own_metadata(path, in_blocks)
        arrays = own.get("arrays")
        chip_arrays = arrays.get("chip") if isinstance(arrays, dict) else None
        chip: ChipNetwork = from_text(own.get("chip"), chip_arrays, ChipNetwork, "the chip network")
        check_sizes(chip)
        if own.get("sha256") != _digest(own["chip"], chip_arrays or {}):
            raise FileFormatError("the chip network does not match its checksum, so the file is damaged; save it again")
        if own.get("graph_sha256") != _stored_graph_digest(top):
            raise FileFormatError(
                "the graph was changed after the chip network was saved with it, so the two no longer belong together; "
                "deploy the graph again"
            )
    return chip


def read_extra(path: str | Path) -> dict[str, str]:
    """The texts given to :func:`write_nir` as ``extra``; empty where there are none (errors as :func:`read_chip`)."""
    with naming(path):
        found = _own_metadata(path)[1].get("extra")
        return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


def _own_metadata(path: str | Path, in_blocks: bool = False) -> tuple[Tree, Tree]:
    """The top node, and our entries in its metadata."""
    top = read_tree(path, in_blocks=in_blocks).get("node")
    metadata = top.get("metadata") if isinstance(top, dict) else None
    own = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(top, dict) or not isinstance(own, dict) or "chip" not in own:
        raise FileFormatError("the file holds no chip network; 'neuroalign deploy FILE --save NEW.nir' makes one")
    schema = stated_schema(own)
    if schema != SCHEMA:
        raise FileFormatError(
            f"the chip network is stored in schema {schema}, this version reads {SCHEMA}; use the version that wrote it"
        )
    return top, own


def _digest(text: str, arrays: Tree) -> str:
    """SHA-256 of a text and its arrays with their types and shapes."""
    digest = hashlib.sha256(text.encode())
    for name, array in _leaves(arrays, ""):
        digest.update(f"\n{name} {array.dtype.str} {array.shape} ".encode())
        for rows in _in_blocks(array):
            digest.update(np.ascontiguousarray(rows).data)
    return digest.hexdigest()


def _leaves(tree: Tree, where: str) -> Iterator[tuple[str, Any]]:
    for name, value in sorted(tree.items()):
        if isinstance(value, dict):
            yield from _leaves(value, f"{where}/{name}")
        elif isinstance(value, np.ndarray | FileArray) and value.dtype.kind in "biuf":
            yield f"{where}/{name}", value


def _in_blocks(array: Any) -> Iterator[Any]:
    """Blocks of rows of an array that lies in its file; other arrays whole."""
    if not isinstance(array, FileArray):
        yield array
        return
    rows = max(1, BLOCK_BYTES * len(array) // max(1, array.size * array.dtype.itemsize))
    for first in range(0, len(array), rows):
        yield array[first : first + rows]


def _graph_digest(nodes: Mapping[str, Tree], edges: list[tuple[str, str]]) -> str:
    """SHA-256 of nodes and edges, whatever their order and whether a ``v_reset`` of 0 is written out."""
    kinds = "".join(f"{name} {node.get('type')}\n" for name, node in sorted(nodes.items()))
    numbers = {
        name: {k: v for k, v in node.items() if k != "metadata" and not (k == "v_reset" and not np.any(v))}
        for name, node in nodes.items()
    }
    return _digest(f"{kinds}{sorted(edges)}", numbers)


def _stored_graph_digest(top: Tree) -> str:
    nodes, edges = top.get("nodes"), top.get("edges")
    if not isinstance(nodes, dict) or not all(isinstance(node, dict) for node in nodes.values()):
        return ""
    pairs = edges.tolist() if isinstance(edges, np.ndarray) and edges.ndim == 2 else []
    return _graph_digest(nodes, [(str(pair[0]), str(pair[-1])) for pair in pairs])
