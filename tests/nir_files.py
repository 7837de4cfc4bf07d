"""NIR files for tests: good ones written by the nir package, malformed ones by h5py, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np

Edges = Sequence[tuple[str, str]]


def nir_lif(n: int = 3, **changes: Any) -> nir.LIF:
    """A LIF of the nir package."""
    full = np.ones(n)
    values = {"tau": full * 0.02, "r": full, "v_leak": full * 0, "v_threshold": full, "v_reset": full * 0}
    return nir.LIF(**(values | changes))


def write_good(path: Path, nodes: Mapping[str, Any], edges: Edges, **options: Any) -> Path:
    """Write with the nir package."""
    nir.write(path, nir.NIRGraph(nodes=dict(nodes), edges=list(edges), **options))
    return path


def lif(n: int = 3, **changes: Any) -> dict[str, Any]:
    """A LIF node's fields; a change to None leaves a field out."""
    full = np.ones(n)
    fields = {"type": "LIF", "tau": full * 0.02, "r": full, "v_leak": full * 0, "v_threshold": full} | changes
    return {k: v for k, v in fields.items() if v is not None}


def port(kind: str, *shape: int) -> dict[str, Any]:
    """An Input or Output node's fields."""
    return {"type": kind, "shape": np.array(shape, dtype=np.int64)}


def affine(weight: Any, bias: Any = None) -> dict[str, Any]:
    """An Affine's, or without bias a Linear's, fields."""
    fields = {"type": "Linear" if bias is None else "Affine", "weight": np.asarray(weight, dtype=np.float64)}
    return fields if bias is None else fields | {"bias": np.asarray(bias, dtype=np.float64)}


def graph(nodes: Mapping[str, Any], edges: Edges, **more: Any) -> dict[str, Any]:
    """A NIRGraph's fields."""
    return {"type": "NIRGraph", "nodes": dict(nodes), "edges": [list(e) for e in edges]} | more


def chain(lif_fields: Mapping[str, Any] | None = None, **nodes: Any) -> dict[str, Any]:
    """Input -> fc -> lif -> output with 2 inputs and 3 neurons; ``nodes`` replace or add nodes."""
    weight = np.arange(6.0).reshape(3, 2)
    usual = {
        "input": port("Input", 2),
        "fc": affine(weight),
        "lif": dict(lif_fields or lif()),
        "output": port("Output", 3),
    }
    return graph(usual | nodes, [("input", "fc"), ("fc", "lif"), ("lif", "output")])


def write_raw(path: Path, top: Mapping[str, Any]) -> Path:
    """Write fields as they are, valid or not."""
    with h5py.File(path, "w") as file:
        file["version"] = "0.2.0"
        _fill(file.create_group("node"), top)
    return path


def _fill(group: h5py.Group, content: Mapping[str, Any]) -> None:
    for key, value in content.items():
        if isinstance(value, Mapping):
            _fill(group.create_group(key), value)
        elif key == "edges" and isinstance(value, list):
            if value:
                group.create_dataset(key, data=value, dtype=h5py.string_dtype())
        elif isinstance(value, h5py.Empty):
            group.create_dataset(key, data=value)
        else:
            group[key] = value
