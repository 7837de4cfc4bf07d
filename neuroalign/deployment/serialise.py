"""A Deployment as strict JSON with a schema version."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork, Fixed, Float64
from neuroalign.deployment.judgement import verdict
from neuroalign.deployment.placed import placed_document
from neuroalign.deployment.record import Deployment, Run
from neuroalign.recording import Recording

SCHEMA = "neuroalign-report/1"
LISTED = 64
"""Arrays of at most this many values are listed in JSON; larger ones are described and hashed."""


def to_json(deployment: Deployment) -> dict[str, Any]:
    """The deployment as strict JSON: no NaN, no infinity (both become null), keys in a fixed order.

    Arrays of up to :data:`LISTED` values are listed; larger ones are given by shape, dtype, least and greatest value and
    the SHA-256 of their little-endian bytes, so that two reports can be told apart without carrying the arrays.
    """
    judged = verdict(deployment)
    document: dict[str, Any] = {"schema": SCHEMA, "verdict": plain(judged)}
    for item in fields(deployment):
        value = getattr(deployment, item.name)
        if item.name == "runs":
            document["runs"] = [_run_json(run, deployment.chip) for run in value]
        elif item.name == "table":
            document["table"] = [plain(row) for row in deployment.table.rows]
        elif item.name == "placed":
            document |= plain(placed_document(deployment.placed))
        else:
            document[item.name] = plain(value)
    return document


def _run_json(run: Run, chip: ChipNetwork | None) -> dict[str, Any]:
    return {
        "label": run.label,
        "backend": run.backend,
        "profile_id": run.profile_id,
        "seconds": plain(run.seconds),
        "recording": plain(run.recording),
        "raw": plain(run.raw),
        "chip": "as the deployment's" if run.chip is chip and chip is not None else plain(run.chip),
    }


def plain(value: Any) -> Any:
    """``value`` as what strict JSON can hold; see :func:`to_json`."""
    if isinstance(value, np.ndarray):
        return _describe(value)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Recording):
        states = [{"population": p, "state": s, "array": _describe(a)} for (p, s), a in value.states.items()]
        return {
            "backend": value.backend,
            "states": states,
            "latency_steps": plain(value.latency_steps),
            "counts": plain(value.counts),
        }
    return _plain_structure(value)


def _plain_structure(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        kind = {"format": type(value).__name__} if isinstance(value, Fixed | Float64) else {}
        return kind | {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(item) for name, item in zip(value._fields, value, strict=True)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | bool | int) else str(value)


def _describe(array: NDArray[Any]) -> dict[str, Any]:
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    described: dict[str, Any] = {"shape": list(array.shape), "dtype": array.dtype.name}
    if array.size <= LISTED:
        return described | {"values": plain(array.tolist())}
    described |= {"min": plain(array.min()), "max": plain(array.max())}
    return described | {"sha256": hashlib.sha256(little.tobytes()).hexdigest()}
