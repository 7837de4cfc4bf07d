"""The command ``reproduce``. Everything heavy is imported inside it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class RunBackend(str, Enum):
    """Who runs the rows."""

    emulator = "emulator"
    norse = "norse"
    lava = "lava"


def reproduce(
    experiment: Annotated[
        str, typer.Argument(help="stdwi, sal, rdd, spike-train, feedback or quantisation.", show_default=False)
    ],
    part: Annotated[str | None, typer.Option(help="One part only; 'list' lists them.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Seeds 1 to N; each part has its own number.")] = None,
    backend: Annotated[
        RunBackend, typer.Option(help="emulator; norse for the float rows; lava for the chip rows (slow).")
    ] = RunBackend.emulator,
    quick: Annotated[bool, typer.Option("--quick", help="Short runs: everything works, bars do not apply.")] = False,
    data: Annotated[
        str | None,
        typer.Option(help="For feedback and quantisation: digits, fashion-mnist, cifar10, svhn, or NAME=FOLDER."),
    ] = None,
    methods: Annotated[
        str | None, typer.Option(help="For feedback: names with commas between, as bp,fa,stdwi; all unless given.")
    ] = None,
    save_learned: Annotated[
        Path | None,
        typer.Option(
            "--save-learned", help="For feedback with one method: write the network that seed 1 learns, a .nir file."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of results and figures.")] = Path("neuroalign-reproduce"),
    workers: Annotated[int, typer.Option(min=1, help="Local processes (Dask).")] = 1,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to use instead.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the tables to this file.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Run a published experiment over seeds, beside what was expected. What is done already is not done again."""
    from neuroalign.command_line.reproduce_terminal import following, print_parts, print_saved, print_table, save
    from neuroalign.export.atomic import require_writable
    from neuroalign.reproduce import Plan
    from neuroalign.reproduce import reproduce as run_part
    from neuroalign.reproduce.feedback_saving import check_saving, save_trained
    from neuroalign.reproduce.run import chosen_parts

    names = methods.split(",") if methods is not None else None
    if part == "list":
        print_parts(chosen_parts(experiment, None, data, names))
        return
    parts = chosen_parts(experiment, part, data, names, out)
    if save_learned is not None:
        check_saving(experiment, names, save_learned)
    require_writable(out, json_path, save_learned)
    tables = []
    for chosen in parts:
        plan = Plan(tuple(range(1, (seeds or (1 if quick else chosen.seeds)) + 1)), backend.value, quick)
        with following(quiet) as progress:
            table = run_part(
                experiment, chosen, plan, out / "results", workers=workers, scheduler=scheduler, progress=progress
            )
        tables.append(table)
        print_table(table)
    save(tables, out, json_path)
    if save_learned is not None:
        saved = save_trained(save_learned, (names or [""])[0], data or "digits", quick=quick)
        print_saved(save_learned, saved)
    if not all(table.passed for table in tables):
        raise typer.Exit(1)
