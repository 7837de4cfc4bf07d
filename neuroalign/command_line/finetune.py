"""The ``finetune`` command. Everything heavy is imported inside it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuroalign.command_line.reading_options import (
    ClosingOption,
    DtOption,
    GainUnit,
    IfGainOption,
    Initial,
    InitialOption,
    ResetOption,
    TauUnitOption,
    WrittenByOption,
    edges,
)

if TYPE_CHECKING:
    from neuroalign.calibration.fine_tuning import FineTuned


class Towards(str, Enum):
    """What a network is trained towards."""

    labels = "labels"
    float = "float"


def finetune(
    file: Annotated[Path, typer.Argument(metavar="FILE.nir", help="A trained network as NIR.", show_default=False)],
    data: Annotated[
        Path,
        typer.Option(
            "--data", metavar="FILE", help="What to train on, as deploy's --input; labels too where it has some."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.nir", help="Where the fine-tuned network goes.")],
    profile: Annotated[
        str, typer.Option(help="A built-in profile (see 'neuroalign profile list') or a .toml file.")
    ] = "loihi2",
    dt: DtOption = None,
    reset: ResetOption = None,
    tau_unit: TauUnitOption = None,
    written_by: WrittenByOption = None,
    initial: InitialOption = Initial.rest,
    if_gain: IfGainOption = GainUnit.step,
    closing: ClosingOption = None,
    bernoulli: Annotated[
        bool,
        typer.Option("--bernoulli", help="The data are probabilities: draw spikes from them, anew in every epoch."),
    ] = False,
    steps: Annotated[int | None, typer.Option(help="Steps of a sample, where the data hold one.", min=1)] = None,
    input_scale: Annotated[float, typer.Option(help="Divide the values of --data by this first.")] = 1.0,
    epochs: Annotated[int, typer.Option(help="Passes over the data.", min=1)] = 3,
    batch: Annotated[int, typer.Option(help="Samples a step.", min=1)] = 50,
    rate: Annotated[float, typer.Option(help="Adam's rate, in shares of a typical weight.", min=1e-6, max=1.0)] = 5e-3,
    towards: Annotated[
        Towards | None,
        typer.Option(help="The data's labels, or what the float model gives; labels where there are some."),
    ] = None,
    search: Annotated[bool, typer.Option("--search/--plain", help="Search for scales on the data first.")] = True,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="FILE", help="Keep the state there after every epoch, and go on from it."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.", min=0)] = 0,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write the measured rows.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only the result.")] = False,
) -> None:
    """Train a network further with the chip's own rounding in the forward pass (needs torch and Norse).

    Every tenth sample is held out and judges: by accuracy, or towards the float model by how far outputs are from it.
    """
    from neuroalign.calibration.fine_tuning import fine_tune
    from neuroalign.calibration.scale_search import SearchOptions
    from neuroalign.calibration.scale_search import search as search_scales
    from neuroalign.calibration.tuning_samples import to_search, tuning_samples
    from neuroalign.command_line.terminal import progress_bars
    from neuroalign.errors import InputError
    from neuroalign.export.atomic import require_writable
    from neuroalign.export.nir_graph import read_nir
    from neuroalign.export.nir_graph.write import write_nir
    from neuroalign.export.stimulus_file import check_scale, read_stimulus
    from neuroalign.pipeline.backend_runs import require_backends
    from neuroalign.profile import load_profile
    from neuroalign.sim.norse_reference.training.fine_tuning import TuningOptions

    require_writable(None, out, checkpoint, json)
    require_backends(("norse",))
    if out.suffix != ".nir":
        raise InputError(f"--out {out}: a NIR file is written; call it {out.with_suffix('.nir').name}")
    check_scale(input_scale)
    target = load_profile(profile)
    imported = read_nir(
        file,
        dt=dt,
        reset=reset.value if reset else None,
        tau_unit=tau_unit.value if tau_unit else None,
        written_by=written_by.value if written_by else None,
        initial=initial.value,
        if_gain=if_gain.value,
        closing=edges(closing),
    )
    network = imported.network
    given = read_stimulus(data, network.inputs, network.dt, scale=input_scale)
    samples = tuning_samples(
        network, given, towards=towards.value if towards else None, bernoulli=bernoulli, steps=steps, seed=seed
    )
    with progress_bars(quiet) as progress:
        scales = {}
        if search:
            found = search_scales(network, target, to_search(samples), SearchOptions(seed=seed, progress=progress))
            network, scales = found.network, dict(found.scales)
        options = TuningOptions(epochs, batch, rate, seed, checkpoint, progress)
        tuned = fine_tune(network, target, samples, options, scales)
    write_nir(out, tuned.chip, network=tuned.network)
    if json is not None:
        _write_rows(json, tuned, seed)
    if not quiet:
        for label, lines in (("repaired", imported.repairs), ("assumed", imported.assumptions)):
            for line in lines:
                typer.echo(f"{label}: {line}")
        _print(tuned)
    _tell(tuned, out)


def _write_rows(file: Path, tuned: FineTuned, seed: int) -> None:
    """Loss and accuracy after each pass, on the samples held out."""
    from neuroalign.export.report import MeasuredRow, write_rows
    from neuroalign.pipeline import versions

    rows = []
    for number, epoch in enumerate(tuned.epochs):
        rows.append(MeasuredRow(f"pass {number}: loss on samples held out", epoch.loss))
        if epoch.accuracy is not None:
            rows.append(MeasuredRow(f"pass {number}: accuracy on samples held out", epoch.accuracy, "share"))
    write_rows(file, "finetune", [*rows, MeasuredRow("pass kept", tuned.best)], versions(), seed)


def _print(tuned: FineTuned) -> None:
    """Loss and accuracy after each pass."""
    from rich.table import Table

    from neuroalign.command_line.terminal import console

    table = Table(title="on samples held out", title_justify="left")
    for column in ("passes", "loss", "accuracy", ""):
        table.add_column(column)
    for number, epoch in enumerate(tuned.epochs):
        accuracy = "" if epoch.accuracy is None else f"{epoch.accuracy:.2%}"
        table.add_row(str(number), f"{epoch.loss:.5g}", accuracy, "kept" if number == tuned.best else "")
    console().print(table)


def _tell(tuned: FineTuned, out: Path) -> None:
    """What was written, and what to do with it."""
    if tuned.best == 0:
        typer.echo("No pass was better than the start, which is what was written; try a lower --rate.")
    typer.echo(f"{out}: judge it on other data, as: neuroalign deploy {out} --input FILE")
