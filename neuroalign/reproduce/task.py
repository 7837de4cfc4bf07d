"""One run of an experiment: a function by name and arguments, so that any process can do it and its result is kept."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neuroalign.errors import InputError

Json = Any
Result = dict[str, Json]
"""``figures``: name to number; ``curves``: name to [x values, y values]."""
PACKAGE = "neuroalign.reproduce."
RESULTS_VERSION = 2
"""Raised when a change of the code makes kept results worthless."""


@dataclass(frozen=True)
class Task:
    """``function`` is "module:name" within this package; ``arguments`` hold what JSON holds."""

    function: str
    arguments: Mapping[str, Json]
    label: str

    @property
    def digest(self) -> str:
        """What names the result: the same for the same function and arguments."""
        said = json.dumps([RESULTS_VERSION, self.function, self.arguments], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:32]


def run_task(function: str, arguments: Mapping[str, Json]) -> Result:
    """Run a task here; also what a worker is sent."""
    module, _, name = function.partition(":")
    if not name:
        raise InputError(f"task {function!r}: 'module:name' is needed")
    found = getattr(importlib.import_module(PACKAGE + module), name)
    result: Result = found(**arguments)
    return result
