"""How long a rule that was never run takes to its first step: CPU seconds in processes with cache folders of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from neuroalign.bench.marks import FIRST_STEP
from neuroalign.bench.measured import Figure, Result, Series
from neuroalign.bench.settings import Settings
from neuroalign.errors import BackendFailed

RULE = "2^-4*x1*y0-2^-4*y1*x0+2^-5*x1*y1*u0-2^-6*w*x0"
TAG_RULE = "2^-2*x1*y0-2^-3*t*u0"
OTHER_RULE = "2^-3*x1*y0-2^-5*y1*x0"
LONG_RULE = "2^-3*x1*y0-2^-3*y1*x0+2^-6*x1*y1*u0-2^-5*w*x0"
OTHER_TAG_RULE = "2^-1*x1*y0-2^-2*t*u0"
THIRD_RULE = "2^-2*x1*y0-2^-5*y1*x0"
GENERATED = "generated"
REPEATS, QUICK_REPEATS = 3, 1
CACHES = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME")
"""Where compiled code may be kept."""


@dataclass(frozen=True)
class Stage:
    """A process: what it finds compiled, which rule it runs (dw, dt), and by what."""

    name: str
    meaning: str
    rules: tuple[str, str]
    implementation: str
    mark: str


STAGES = (
    Stage(
        "first run of all",
        "nothing compiled yet, as after installing; what run() does of itself",
        (RULE, TAG_RULE),
        "auto",
        "cold",
    ),
    Stage(
        "cold",
        "nothing compiled yet, as after installing: the step loop and the interpreter are compiled too",
        (RULE, TAG_RULE),
        GENERATED,
        "cold",
    ),
    Stage("warm", "the same rule in a second process", (RULE, TAG_RULE), GENERATED, "warm"),
    Stage("new rule", "a rule never run, where the emulator has been used", (OTHER_RULE, ""), GENERATED, "cold"),
    Stage("new rule, long", "the same, four products", (LONG_RULE, OTHER_TAG_RULE), GENERATED, "cold"),
    Stage(
        "new rule, interpreted", "what a short run does: no kernel is compiled", (THIRD_RULE, ""), "interpreter", "cold"
    ),
)
"""In this order, all with the same folder."""


def first_step_cases(settings: Settings) -> Iterator[Result]:
    """Cold, warm, and a new rule where the emulator has been used before."""
    repeats = QUICK_REPEATS if settings.quick else REPEATS
    found: dict[str, list[dict[str, float]]] = {stage.name: [] for stage in STAGES}
    for repeat in range(repeats):
        settings.report("first step", repeat, repeats)
        with tempfile.TemporaryDirectory(prefix="neuroalign-bench-") as folder:
            for stage in STAGES:
                found[stage.name].append(probed(Path(folder), stage))
    settings.report("first step", repeats, repeats)
    for stage in STAGES:
        yield _result(stage, found[stage.name])


def _result(stage: Stage, found: Sequence[Mapping[str, float]]) -> Result:
    dw, dt = stage.rules
    first = tuple(measured["first step"] for measured in found)
    return Result(
        "first-step",
        stage.name,
        {"rule dw": dw, "rule dt": dt, "repeats": len(found)},
        (Series("emulator", (1,) * len(found), first),),
        (
            Figure("CPU to the end of the first step", median(first), "s", *FIRST_STEP[stage.mark], at_most=True),
            Figure("CPU of the imports before", median(m["imports"] for m in found), "s"),
            Figure("time to the end of the first step", median(m["wall"] for m in found), "s"),
        ),
        (f"{stage.meaning}; dw = {dw}" + (f", dt = {dt}" if dt else ""),),
    )


def probed(folder: Path, stage: Stage) -> dict[str, float]:
    """One process with ``folder`` as the place of everything that is cached.

    Raises
    ------
    BackendFailed
        If the process fails.
    """
    environment = {**os.environ, **dict.fromkeys(CACHES, str(folder))}
    command = [sys.executable, "-m", "neuroalign.bench.first_step_probe", *stage.rules, stage.implementation]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if ended.returncode != 0:
        lines = ended.stderr.strip().splitlines() or ["no message"]
        raise BackendFailed(f"bench: the process that compiles a rule failed: {lines[-1]}")
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found
