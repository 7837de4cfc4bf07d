"""What the scripts of all frameworks have in common; runs in each framework's own environment, without neuroalign.

``SIDE.py export FOLDER`` writes for each case NAME.nir as the framework exports it and NAME.npz with an input and the
spikes that the framework itself gives for it. ``SIDE.py run FOLDER`` runs every NAME.nir with its NAME.npz in the
framework and writes NAME.FRAMEWORK.npz. Both print one JSON object with versions and what failed.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

STEPS, INPUTS, HIDDEN, OUTPUTS = 200, 6, 8, 4
"""Size of the dense networks."""
Spikes = Any
"""An array (steps, values)."""
Export = Callable[[Path], tuple[Spikes, Spikes]]
"""Writes a file; gives the input and the spikes that the framework itself computes."""
Run = Callable[[Path, Spikes, float], Spikes]
"""Runs a file on an input at a time step in s; gives the spikes."""


def events(steps: int = STEPS, channels: int = INPUTS, rate: float = 0.25, seed: int = 11) -> Any:
    """Random input, 0 or 1."""
    return (np.random.default_rng(seed).random((steps, channels)) < rate).astype(np.float32)


def weights(rows: int, columns: int, seed: int, scale: float = 1.0) -> Any:
    """Random weights that no framework's own random numbers decide, in single precision."""
    return (np.random.default_rng(seed).uniform(-0.4, 1.0, (rows, columns)) * scale).astype(np.float32)


def spread(low: float, high: float, size: int) -> Any:
    """One value a neuron, in single precision."""
    return np.linspace(low, high, size, dtype=np.float32)


def frames(given: Any, graph: Any) -> Any:
    """Input (steps, values) in the shape of the graph's one Input."""
    shapes = [n.input_type["input"] for n in graph.nodes.values() if type(n).__name__ == "Input"]
    return given.reshape(len(given), *(int(k) for k in np.ravel(shapes[0])))


def main(packages: Sequence[str], exports: dict[str, Export], run: Run | None) -> None:
    """Do what the command line says."""
    task, folder = sys.argv[1], Path(sys.argv[2])
    name = Path(sys.argv[0]).stem.removesuffix("_side")
    told = sys.stdout
    sys.stdout = sys.stderr  # frameworks print
    done = _export(folder, exports) if task == "export" else _run(folder, name, run)
    versions = {package: importlib.metadata.version(package) for package in packages}
    print(json.dumps({"versions": versions, "cases": done}), file=told)


def _export(folder: Path, exports: dict[str, Export]) -> dict[str, str]:
    done = {}
    for name, export in exports.items():
        path = folder / f"{name}.nir"
        try:
            given, spikes = export(path)
            np.savez_compressed(
                path.with_suffix(".npz"), input=np.asarray(given, np.uint8), spikes=np.asarray(spikes, np.uint8)
            )
            done[name] = ""
        except Exception as error:  # whatever a framework raises is the result
            done[name] = _line(error)
    return done


def _run(folder: Path, name: str, run: Run | None) -> dict[str, str]:
    done = {}
    for path in sorted(folder.glob("*.nir")):
        try:
            if run is None:
                raise NotImplementedError("the package has no NIR importer")
            with np.load(path.with_suffix(".npz")) as stored:
                given, dt = stored["input"].astype(np.float32), float(stored["dt"])
            np.savez_compressed(path.with_suffix(f".{name}.npz"), spikes=np.asarray(run(path, given, dt), np.float32))
            done[path.stem] = ""
        except Exception as error:  # as above
            done[path.stem] = _line(error)
    return done


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
