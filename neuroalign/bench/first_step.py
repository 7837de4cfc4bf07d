"""How long a rule that was never run takes to its first step: CPU seconds in processes with cache folders of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from neuroalign.bench.marks import FIRST_STEP
from neuroalign.bench.measured import Figure, Result, Series
from neuroalign.bench.settings import Settings
from neuroalign.errors import BackendFailed

RULE = "2^-4*x1*y0-2^-4*y1*x0+2^-5*x1*y1*u0-2^-6*w*x0"
TAG_RULE = "2^-2*x1*y0-2^-3*t*u0"
OTHER_RULE = "2^-3*x1*y0-2^-5*y1*x0"
REPEATS, QUICK_REPEATS = 3, 1
CACHES = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME")
"""Where compiled code may be kept."""

STAGES = (
    ("cold", "nothing compiled yet, as after installing: the emulator itself is compiled too", (RULE, TAG_RULE)),
    ("warm", "the same rule in a second process", (RULE, TAG_RULE)),
    ("new rule", "a rule never run, the emulator itself compiled before", (OTHER_RULE, "")),
)


def first_step_cases(settings: Settings) -> Iterator[Result]:
    """Cold, warm, and a new rule where the emulator has been used before."""
    repeats = QUICK_REPEATS if settings.quick else REPEATS
    found: dict[str, list[dict[str, float]]] = {stage: [] for stage, _, _ in STAGES}
    for repeat in range(repeats):
        settings.report("first step", repeat, repeats)
        with tempfile.TemporaryDirectory(prefix="neuroalign-bench-") as folder:
            for stage, _, rules in STAGES:
                found[stage].append(probed(Path(folder), rules))
    settings.report("first step", repeats, repeats)
    for stage, meaning, rules in STAGES:
        first = tuple(measured["first step"] for measured in found[stage])
        yield Result(
            "first-step",
            stage,
            {"rule dw": rules[0], "rule dt": rules[1], "repeats": repeats},
            (Series("emulator", (1,) * repeats, first),),
            (
                Figure("CPU to the end of the first step", median(first), "s", *_marks(stage), at_most=True),
                Figure("CPU of the imports before", median(m["imports"] for m in found[stage]), "s"),
                Figure("time to the end of the first step", median(m["wall"] for m in found[stage]), "s"),
            ),
            (f"{meaning}; dw = {rules[0]}" + (f", dt = {rules[1]}" if rules[1] else ""),),
        )


def _marks(stage: str) -> tuple[float | None, float | None]:
    return FIRST_STEP["warm" if stage == "warm" else "cold"]


def probed(folder: Path, rules: tuple[str, str]) -> dict[str, float]:
    """One process with ``folder`` as the place of everything that is cached.

    Raises
    ------
    BackendFailed
        If the process fails.
    """
    environment = {**os.environ, **dict.fromkeys(CACHES, str(folder))}
    command = [sys.executable, "-m", "neuroalign.bench.first_step_probe", *rules]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if ended.returncode != 0:
        lines = ended.stderr.strip().splitlines() or ["no message"]
        raise BackendFailed(f"bench: the process that compiles a rule failed: {lines[-1]}")
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found
