"""A Benchmark as strict JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from neuroalign.bench.measured import Benchmark, Figure, Left, Result, Series
from neuroalign.errors import FileFormatError

SCHEMA = "neuroalign-bench/1"


def to_text(benchmark: Benchmark) -> str:
    """The whole benchmark, every chunk of it, as JSON."""
    document = {"schema": SCHEMA, **asdict(benchmark)}
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def read_benchmark(path: Path) -> Benchmark:
    """What ``neuroalign bench`` has written.

    Raises
    ------
    FileFormatError
        If the file cannot be read or is no such file.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise FileFormatError(
            f"{path} is no JSON ({error}); give the bench.json that 'neuroalign bench' wrote"
        ) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise FileFormatError(f"{path} has schema {found!r}, not {SCHEMA!r}; give the bench.json of 'neuroalign bench'")
    try:
        return _benchmark(document)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise FileFormatError(f"{path} lacks or misstates {error}; run 'neuroalign bench' again") from error


def _benchmark(document: Mapping[str, Any]) -> Benchmark:
    return Benchmark(
        dict(document["machine"]),
        dict(document["versions"]),
        dict(document["settings"]),
        str(document["started"]),
        [_result(result) for result in document["results"]],
        [Left(**left) for left in document["left"]],
        bool(document["interrupted"]),
    )


def _result(found: Mapping[str, Any]) -> Result:
    return Result(
        found["case"],
        found["label"],
        dict(found["parameters"]),
        tuple(Series(s["name"], tuple(s["steps"]), tuple(s["seconds"])) for s in found["series"]),
        tuple(Figure(**figure) for figure in found["figures"]),
        tuple(found["notes"]),
        float(found["others_cpus"]),
    )
