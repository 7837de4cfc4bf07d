"""Runs inside another interpreter, beside a rival's script: chunks at the word of the benchmark, through files.

Only the standard library is used and nothing of neuroalign is imported: the interpreter may have neither.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any


def take_turns(folder: str, describe: Callable[[], dict[str, Any]], run: Callable[[int], dict[str, Any]]) -> None:
    """Write what ``describe()`` says, then run ``run(steps)`` for each file ``go0``, ``go1``, ... until one says 0.

    ``run`` returns a dict with "seconds" and whatever else is to be reported.
    """
    _leave(folder, "described.json", describe())
    number = 0
    while True:
        go = os.path.join(folder, f"go{number}")
        while not os.path.exists(go):
            time.sleep(0.005)
        with open(go, encoding="ascii") as file:
            steps = int(file.read())
        if steps == 0:
            return
        _leave(folder, f"chunk{number}.json", run(steps))
        number += 1


def arguments() -> tuple[str, dict[str, Any]]:
    """The folder and the network's numbers, as the benchmark passes them."""
    folder = sys.argv[1]
    with open(os.path.join(folder, "network.json"), encoding="utf-8") as file:
        return folder, json.load(file)


def _leave(folder: str, name: str, document: dict[str, Any]) -> None:
    temporary = os.path.join(folder, "writing")
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(document, file)
    os.replace(temporary, os.path.join(folder, name))
