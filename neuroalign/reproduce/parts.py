"""The parts of every experiment, and their tasks for the seeds that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuroalign.reproduce.part import Part
from neuroalign.reproduce.task import Task


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
