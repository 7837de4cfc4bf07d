"""lava-dl's .net files (HDF5) to ChipNetworks and back.

A file written here holds two things: layers, from which lava-dl's netx builds Lava processes, and in a group of its own
the whole ChipNetwork, which :func:`read_netx` gives back identically. What the layers cannot say is a row; what they would
say wrongly is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuroalign.chip import ChipNetwork
from neuroalign.conversion import ConversionRow
from neuroalign.errors import ConversionRefused, FileFormatError
from neuroalign.export.chip_checks import check_sizes
from neuroalign.export.fields import from_text, to_text
from neuroalign.export.hdf5 import Tree, read_tree, write_tree
from neuroalign.export.netx_layers import chip_layers
from neuroalign.export.netx_read import chip_of_layers
from neuroalign.export.nir_graph.read import naming

KEY = "neuroalign"
SCHEMA = 1


@dataclass(frozen=True, eq=False)
class NetxFile:
    """The chip network of a .net file, what differs from the file's numbers, and what the file leaves open."""

    chip: ChipNetwork
    rows: tuple[ConversionRow, ...] = ()
    notes: tuple[str, ...] = ()


def read_netx(path: str | Path, *, profile_id: str = "loihi2") -> NetxFile:
    """Read a .net file.

    Parameters
    ----------
    path
        From lava-dl (``export_hdf5``), or from :func:`write_netx`.
    profile_id
        What to call the target of a file from lava-dl, which names none.

    Raises
    ------
    FileFormatError
        If the file cannot be read or a layer is malformed.
    ConversionRefused
        If a layer is none that lava-dl's own reader builds of CUBA neurons.
    """
    with naming(path):
        tree = read_tree(path)
        own = tree.get(KEY)
        notes: tuple[str, ...] = ()
        if isinstance(own, dict) and "chip" in own:
            if own.get("sha256") == _digest(
                {"layer": tree.get("layer"), "chip": own["chip"], "arrays": own.get("arrays", {})}
            ):
                return NetxFile(_stored(own), (), (f"the integers stored in {Path(path).name} are used as they are",))
            notes = ("the layers were changed after the chip network was stored with them: only the layers are read",)
        try:
            chip, rows, more = chip_of_layers(tree, Path(path).stem, profile_id)
        except ConversionRefused as error:
            raise ConversionRefused(f"{path}: {error}") from error
    return NetxFile(chip, rows, (*notes, *more))


def write_netx(path: str | Path, chip: ChipNetwork, *, strict: bool = False) -> tuple[ConversionRow, ...]:
    """Write a .net file.

    Parameters
    ----------
    path
        The file; one that exists is replaced. The same network gives the same bytes.
    chip
        A chain of layers from one input.
    strict
        Refuse numbers that lava-dl's reader would hold differently.

    Returns
    -------
    tuple
        A row for everything that lava-dl's reader takes differently.

    Raises
    ------
    ConversionRefused
        If layers cannot say what the network does.
    OutputError
        If the file cannot be written.
    """
    layers, rows = chip_layers(chip)
    changed = [row for row in rows if row.status not in ("exact", "substituted")]
    if strict and changed:
        raise ConversionRefused(
            f"{changed[0].where!r}: {changed[0].quantity} is {changed[0].status} in a .net ({changed[0].note}); --strict refuses it"
        )
    text, arrays = to_text(chip)
    numbered = {str(k): layer for k, layer in enumerate(layers)}
    own: Tree = {"schema": SCHEMA, "chip": text, "arrays": arrays}
    own["sha256"] = _digest({"layer": numbered, "chip": text, "arrays": arrays})
    simulation = {"Ts": chip.dt * 1e3, "tSample": 0}
    write_tree(path, {"layer": numbered, "simulation": simulation, KEY: own})
    return rows


def _stored(own: Tree) -> ChipNetwork:
    schema = own.get("schema")
    if not isinstance(schema, np.ndarray) or schema.size != 1 or int(schema.ravel()[0]) != SCHEMA:
        raise FileFormatError(
            f"the chip network is stored in another schema than {SCHEMA}; use the version that wrote it"
        )
    chip: ChipNetwork = from_text(own["chip"], own.get("arrays"), ChipNetwork, "the chip network")
    check_sizes(chip)
    return chip


def _digest(tree: Any) -> str:
    digest = hashlib.sha256()
    for name, value in _leaves(tree, ""):
        if isinstance(value, str):
            digest.update(f"\n{name} {value}".encode())
        else:
            array = np.asarray(value)
            digest.update(f"\n{name} {array.dtype.str} {array.shape} ".encode())
            digest.update(
                np.ascontiguousarray(array).data if array.dtype.kind in "biufc" else str(array.tolist()).encode()
            )
    return digest.hexdigest()


def _leaves(tree: Any, where: str) -> Iterator[tuple[str, Any]]:
    for name, value in sorted(tree.items()) if isinstance(tree, dict) else ():
        if isinstance(value, dict):
            yield from _leaves(value, f"{where}/{name}")
        else:
            yield f"{where}/{name}", value
