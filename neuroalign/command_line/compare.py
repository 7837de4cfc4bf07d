"""The ``compare`` command. Everything heavy is imported inside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuroalign.command_line.convert import Encode, Reset
from neuroalign.command_line.verdict_codes import COMPARED, ExitZeroOption, answer_with

if TYPE_CHECKING:
    from neuroalign.export.report import MeasuredRow
    from neuroalign.judge_recording import Judgement


def compare(
    recording: Annotated[
        Path,
        typer.Argument(
            metavar="RECORDING",
            help="Spikes and potentials of a run made elsewhere: .npz, .csv, NIR data, .h5.",
            show_default=False,
        ),
    ],
    network: Annotated[
        Path,
        typer.Option("--network", metavar="FILE", help="What was run: .nir, or lava-dl's .net.", show_default=False),
    ],
    profile: Annotated[
        str | None,
        typer.Option(help="Quantise to this profile; absent: the integers of the file, or loihi2 where it has none."),
    ] = None,
    dt: Annotated[float | None, typer.Option(help="Time step in seconds, where the .nir file gives no clue.")] = None,
    reset: Annotated[Reset | None, typer.Option(help="What a spike did to the membrane in training.")] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="Columns of a .csv without a header, as 'input,v,s' or 'in[0],hidden.s[0],-'."
        ),
    ] = None,
    lag: Annotated[
        int,
        typer.Option(
            "--lag", help="Steps by which the recording lags the chip (an adapter's); negative: its first are missing."
        ),
    ] = 0,
    volts_per_unit: Annotated[
        float | None, typer.Option(help="Volts of one unit of the recorded v, where it is not the chip's unit.")
    ] = None,
    input: Annotated[
        Path | None, typer.Option("--input", metavar="FILE", help="What went in, where the recording does not hold it.")
    ] = None,
    encode: Annotated[Encode | None, typer.Option(help="How input that is not 0/1 entered.")] = None,
    input_scale: Annotated[float, typer.Option(help="Divide the values of --input by this first.")] = 1.0,
    steps: Annotated[int | None, typer.Option(help="Steps of the test signal that went in.", min=1)] = None,
    rate: Annotated[float | None, typer.Option(help="Spike probability of that test signal (0.05).")] = None,
    seed: Annotated[int, typer.Option(help="Its seed.", min=0)] = 0,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the measured rows.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the outcome.")] = False,
    exit_zero: ExitZeroOption = False,
) -> None:
    """Judge a run made elsewhere: against the emulator bit for bit, and against the float model.

    The emulator decides: exit code 0 if all values are equal (or a known trait of the chip's probe explains the rest), 3 if
    not, 7 if nothing in the recording changes. How far it is from the float model is told, and judged by nobody.
    """
    from neuroalign.convert import Reading, Signal
    from neuroalign.export.atomic import require_writable
    from neuroalign.export.report import write_rows
    from neuroalign.judge_recording import RecordingOptions, judge
    from neuroalign.pipeline import versions

    require_writable(None, json)
    found = judge(
        recording,
        network,
        Reading(profile, dt, reset.value if reset else None),
        Signal(input, encode.value if encode else None, input_scale, steps, rate, seed),
        RecordingOptions(columns.split(",") if columns is not None else None, lag, volts_per_unit),
    )
    if not quiet:
        _print(found)
    if json is not None:
        write_rows(json, "compare", _rows(found), versions(), seed)
    typer.echo(f"{found.recording}: {found.outcome}")
    answer_with(COMPARED[found.outcome], exit_zero)


def _print(found: Judgement) -> None:
    for note in found.notes:
        typer.echo(note)
    typer.echo("latency against the model: " + ", ".join(f"{name} {lag} steps" for name, lag in found.latency_steps))
    typer.echo("against the emulator, bit for bit:")
    for state in found.states:
        typer.echo(f"  {state.text}")
    if found.agreement is not None:
        typer.echo("against the float model, latency subtracted:")
        for population in found.agreement.populations:
            typer.echo(f"  {population.name}: {population.text}")


def _rows(found: Judgement) -> list[MeasuredRow]:
    from neuroalign.export.report import MeasuredRow

    rows = [MeasuredRow("outcome", found.outcome)]
    for s in found.states:
        name = f"{s.population}.{s.state}"
        rows.append(
            MeasuredRow(f"{name}: values equal to the emulator's", s.equal, "values", s.compared, s.equal == s.compared)
        )
        if s.first is not None:
            place, recorded, expected = s.first
            rows.append(
                MeasuredRow(
                    f"{name}: first difference (sample, step, neuron)", f"{place.sample}, {place.step}, {place.neuron}"
                )
            )
            rows.append(MeasuredRow(f"{name}: recorded there", recorded, "", expected, False))
        rows.append(MeasuredRow(f"{name}: evidence", s.evidence))
    if found.agreement is not None:
        for p in found.agreement.populations:
            if p.spikes is not None:
                rows.append(
                    MeasuredRow(
                        f"{p.name}: F1 within {found.agreement.tolerance_steps} steps of the float model",
                        p.spikes.f1_near,
                    )
                )
            rows.append(MeasuredRow(f"{p.name}: against the float model", p.text))
    return rows
