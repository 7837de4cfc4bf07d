"""One part of an experiment, from its tasks to its table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuroalign.errors import InputError
from neuroalign.reproduce.part import Part
from neuroalign.reproduce.parts import Plan, experiments, tasks_of
from neuroalign.reproduce.sweep import Progress, run_tasks
from neuroalign.reproduce.table import Table, gathered


def reproduce(
    experiment: str,
    part: Part,
    plan: Plan,
    store: Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Table:
    """Run a part for all seeds of the plan, or take what the folder ``store`` holds of it already.

    Parameters
    ----------
    workers, scheduler, progress
        See :func:`~neuroalign.reproduce.sweep.run_tasks`.
    """
    tasks = tasks_of(part, plan)
    flat = [task for of_case in tasks.values() for task in of_case]
    results = dict(
        zip(
            (task.digest for task in flat),
            run_tasks(flat, store, workers=workers, scheduler=scheduler, progress=progress),
            strict=True,
        )
    )
    by_case: dict[str, list[dict[str, Any]]] = {
        case: [results[task.digest] for task in of_case] for case, of_case in tasks.items()
    }
    bars = {case.label: () if plan.quick else case.bars for case in part.cases if case.label in by_case}
    figures, curves = gathered(bars, by_case)
    values = {
        case: {name: [float(r["figures"][name]) for r in found] for name in found[0]["figures"]}
        for case, found in by_case.items()
    }
    return Table(
        experiment,
        part.name,
        part.title,
        part.source,
        plan.seeds,
        plan.backend,
        figures,
        () if plan.quick else part.checks(values),
        curves,
        part.notes,
        part.quick_note if plan.quick else "",
        part.x_label,
    )


def chosen_parts(
    experiment: str,
    name: str | None,
    data: str | None = None,
    methods: Sequence[str] | None = None,
    folder: Path | None = None,
) -> tuple[Part, ...]:
    """The parts of an experiment, or the one called ``name``; ``methods`` are for the one called feedback, ``data`` also for
    quantisation, which keeps what it trains in ``folder``.

    Raises
    ------
    InputError
        If there is no such experiment, part, data set or method.
    """
    takes = {"feedback": ("--data", "--methods"), "quantisation": ("--data",)}.get(experiment, ())
    for option, value in (("--data", data), ("--methods", methods)):
        if value is not None and option not in takes:
            raise InputError(f"{option} is for the experiment feedback; leave it out for {experiment!r}")
    known = experiments(data, methods, folder)
    if experiment not in known:
        raise InputError(f"experiment {experiment!r} is unknown; one of {', '.join(sorted(known))}")
    parts = known[experiment]
    if name is None:
        return parts
    found = tuple(p for p in parts if p.name == name)
    if not found:
        raise InputError(f"experiment {experiment!r} has no part {name!r}; one of {', '.join(p.name for p in parts)}")
    return found
