"""A job for the worker as files: JSON for what is small, .npz for arrays, one .npy for each state asked for.

No pickle is written or read, and only the classes listed here are ever rebuilt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import (
    ChipConnection,
    ChipInput,
    ChipNetwork,
    ChipPopulation,
    Convolution,
    EscapeNoise,
    Fixed,
    Float64,
    Plasticity,
    SparsePattern,
)
from neuroalign.microcode import Factor, Product, Program, Trace
from neuroalign.recording import Probe, Recording, Stimulus
from neuroalign.sim.lava_processes.probes import recorded_dtype, recorded_shape

ERROR_FILE = "error.txt"
"""Traceback of the first thing that failed in the worker or in one of its models."""

PROGRESS_FILE = "progress"
"""One byte for each finished sample."""

_NETWORK = (
    ChipNetwork,
    ChipInput,
    ChipPopulation,
    EscapeNoise,
    ChipConnection,
    SparsePattern,
    Convolution,
    Fixed,
    Float64,
)
_LEARNING = (Plasticity, Program, Product, Factor, Trace)
_CLASSES: dict[str, type] = {c.__name__: c for c in (*_NETWORK, *_LEARNING)}


@dataclass(frozen=True, eq=False)
class Case:
    """A network, what enters it, what to record, and the steps (from 1) at whose end plastic connections are read."""

    network: ChipNetwork
    stimulus: Stimulus
    probes: tuple[Probe, ...]
    read_steps: tuple[int, ...] = ()

    @property
    def steps(self) -> int:
        """Steps run for each sample: the stimulus and the network's latency."""
        return self.stimulus.steps + self.network.latency_steps


def result_file(folder: Path, case: int, probe: int) -> Path:
    """Where the states of a probe of a case go."""
    return folder / f"case{case}_probe{probe}.npy"


def write_job(folder: Path, cases: Sequence[Case]) -> None:
    """Write ``cases`` to ``folder`` and lay out the (zero) result files."""
    arrays: dict[str, NDArray[Any]] = {}
    written = []
    for index, case in enumerate(cases):
        inputs = {name: _encode(values, arrays) for name, values in case.stimulus.inputs.items()}
        written.append(
            {
                "network": _encode(case.network, arrays),
                "inputs": inputs,
                "probes": list(case.probes),
                "read_steps": list(case.read_steps),
            }
        )
        for k, probe in enumerate(case.probes):
            shape = recorded_shape(case.network, probe, case.steps, len(case.read_steps))
            dtype = recorded_dtype(case.network, probe)
            _lay_out(result_file(folder, index, k), (case.stimulus.samples, *shape), dtype)
    np.savez(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]
    (folder / "job.json").write_text(json.dumps(written), encoding="utf-8")


def read_job(folder: Path) -> list[Case]:
    """The cases of :func:`write_job`."""
    written = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        return [
            Case(
                _decode(case["network"], arrays),
                Stimulus({name: _decode(values, arrays) for name, values in case["inputs"].items()}),
                tuple((name, state) for name, state in case["probes"]),
                tuple(case["read_steps"]),
            )
            for case in written
        ]


def read_results(folder: Path, cases: Sequence[Case]) -> list[Recording]:
    """The recordings of a finished job, in memory."""
    return [
        Recording(
            backend="lava",
            states={
                probe: np.load(result_file(folder, index, k), allow_pickle=False) for k, probe in enumerate(case.probes)
            },
            latency_steps={p.name: p.latency_steps for p in case.network.populations},
            read_steps=case.read_steps,
        )
        for index, case in enumerate(cases)
    ]


def _lay_out(file: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if 0 in shape:  # cannot be mapped, and nothing will be written to it
        np.save(file, np.zeros(shape, dtype))
    else:
        np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)


def _encode(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if type(value).__name__ in _CLASSES:
        return {
            "class": type(value).__name__,
            "fields": {f.name: _encode(getattr(value, f.name), arrays) for f in fields(value)},
        }
    if isinstance(value, tuple):
        return [_encode(item, arrays) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _decode(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return tuple(_decode(item, arrays) for item in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    return _CLASSES[value["class"]](**{name: _decode(item, arrays) for name, item in value["fields"].items()})
