"""The parts of every experiment: cases to run for each seed, bars, and what must hold between cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuroalign.reproduce.table import Bar, Check
from neuroalign.reproduce.task import Task

Values = Mapping[str, Mapping[str, Sequence[float]]]
"""Case to figure to its values over the seeds."""


@dataclass(frozen=True)
class Case:
    """One row: a task function, its arguments, and what replaces some of them in a quick run (None: not run then)."""

    label: str
    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    quick: Mapping[str, Any] | None = field(default_factory=dict)
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class Part:
    """A part of an experiment.

    Parameters
    ----------
    seeds
        How many are run unless asked otherwise.
    checks
        From the values of all cases to statements about them; not asked in quick runs.
    quick_note
        How a quick run differs from the published protocol.
    """

    name: str
    title: str
    source: str
    cases: tuple[Case, ...]
    seeds: int = 5
    checks: Callable[[Values], tuple[Check, ...]] = lambda _: ()
    quick_note: str = "shorter runs, so bars do not apply"
    notes: tuple[str, ...] = ()
    x_label: str = "time, s"


@dataclass(frozen=True)
class Plan:
    """How the parts are run: seeds, backend ("emulator", "norse" for float rows, "lava" for chip rows), length."""

    seeds: tuple[int, ...]
    backend: str = "emulator"
    quick: bool = False


def tasks_of(part: Part, plan: Plan) -> dict[str, list[Task]]:
    """Case to its tasks, one for each seed; cases that quick runs leave out are not in it."""
    found = {}
    for case in part.cases:
        if plan.quick and case.quick is None:
            continue
        arguments = dict(case.arguments) | (dict(case.quick or {}) if plan.quick else {})
        if plan.backend != "emulator":
            arguments["backend"] = plan.backend
        found[case.label] = [
            Task(case.function, arguments | {"seed": seed}, f"{part.name}: {case.label}, seed {seed}")
            for seed in plan.seeds
        ]
    return found


def experiments(
    data: str | None = None, methods: Sequence[str] | None = None, folder: Path | None = None
) -> dict[str, tuple[Part, ...]]:
    """Experiment to its parts; ``methods`` are for the one called feedback, ``data`` also for quantisation, ``folder`` for it."""
    from neuroalign.reproduce.feedback_parts import feedback_parts
    from neuroalign.reproduce.quantised_parts import quantised_parts
    from neuroalign.reproduce.rdd_parts import RDD
    from neuroalign.reproduce.sal_parts import SAL
    from neuroalign.reproduce.spike_train_parts import SPIKE_TRAIN
    from neuroalign.reproduce.stdwi_parts import STDWI

    return {
        "feedback": feedback_parts(data or "digits", methods),
        "quantisation": quantised_parts(data or "fashion-mnist", folder or Path("neuroalign-reproduce")),
        "rdd": RDD,
        "sal": SAL,
        "spike-train": SPIKE_TRAIN,
        "stdwi": STDWI,
    }
