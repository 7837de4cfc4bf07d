"""The ``deploy`` command. Everything heavy is imported inside it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from neuroalign.command_line.completed_names import profile_names
from neuroalign.command_line.deployment_output import write_and_print
from neuroalign.command_line.grouped_help import INPUT, INTEGERS, RESULTS, RUN
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
from neuroalign.command_line.rule import FormOption
from neuroalign.command_line.shared_options import File, Json, Out, Quiet
from neuroalign.command_line.verdict_codes import ExitZeroOption, answer_with, code_of


class Backend(str, Enum):
    """Backends by name."""

    emulator = "emulator"
    lava = "lava"
    norse = "norse"
    loihi = "loihi"


class Encode(str, Enum):
    """How values become input."""

    bernoulli = "bernoulli"
    current = "current"


class Compat(str, Enum):
    """Older versions of the nir package."""

    nir_1_0_4 = "1.0.4"


def deploy(
    file: File,
    profile: Annotated[
        str,
        typer.Option(
            help="A built-in profile (see 'neuroalign profile list') or a .toml file.", autocompletion=profile_names
        ),
    ] = "loihi2",
    dt: DtOption = None,
    input: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Your data, as .npz, .npy, .csv or NIR data: (steps, channels) or (samples, steps, channels). Random spikes if "
            "absent.",
        ),
    ] = None,
    backend: Annotated[
        list[Backend] | None, typer.Option(help="What to run on; can be given several times. emulator if absent.")
    ] = None,
    out: Out = Path("neuroalign-report"),
    json: Json = None,
    quiet: Quiet = False,
    exit_zero: ExitZeroOption = False,
    encode: Annotated[
        Encode | None,
        typer.Option(
            help="How input that is not 0/1 enters: spikes drawn from it, or numbers (graded spikes).",
            rich_help_panel=INPUT,
        ),
    ] = None,
    input_scale: Annotated[
        float, typer.Option(help="Divide the values of --input by this first.", rich_help_panel=INPUT)
    ] = 1.0,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Steps to run: of the test signal (1000 if absent), or the first ones of the input; input of one step is held "
            "so long.",
            min=1,
            rich_help_panel=INPUT,
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            help="Spike probability of the test signal, per channel and step (0.05 if absent).", rich_help_panel=INPUT
        ),
    ] = None,
    reset: ResetOption = None,
    tau_unit: TauUnitOption = None,
    written_by: WrittenByOption = None,
    initial: InitialOption = Initial.rest,
    if_gain: IfGainOption = GainUnit.step,
    closing: ClosingOption = None,
    calibrate: Annotated[
        str | None,
        typer.Option(
            "--calibrate",
            metavar="FILE|RATE",
            help="Search for scales and integers on this input (a file, or a spike probability to draw from); not the one under test.",
            rich_help_panel=INTEGERS,
        ),
    ] = None,
    split_weights: Annotated[
        bool,
        typer.Option(
            "--split-weights",
            help="Let the search hold large weights over two synapses.",
            rich_help_panel=INTEGERS,
        ),
    ] = False,
    bits: Annotated[
        list[str] | None,
        typer.Option(
            "--bits",
            metavar="NAME=BITS|SHARE%",
            help="Bits of a connection's weights, several times; or 60%: as many for each as fit that share of the memory (--calibrate).",
            rich_help_panel=INTEGERS,
        ),
    ] = None,
    form: FormOption = None,
    microcode: Annotated[
        bool,
        typer.Option(
            "--microcode",
            help="Hold a reset by subtraction as neuron microcode (Loihi 2; not in Lava).",
            rich_help_panel=INTEGERS,
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Refuse repairs, and whatever the chip would do differently.",
            rich_help_panel=INTEGERS,
        ),
    ] = False,
    board: Annotated[
        str | None,
        typer.Option(
            help="Place on this board of the profile, as 'neuroalign place' does; as many chips as are needed if absent.",
            rich_help_panel=RUN,
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option("--lava-samples", help="Run only the first N samples on Lava.", min=1, rich_help_panel=RUN),
    ] = None,
    threads: Annotated[
        int,
        typer.Option(
            help="Samples that the emulator runs at the same time; no more than processors.",
            min=1,
            rich_help_panel=RUN,
        ),
    ] = 1,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FOLDER",
            help="Keep there what the emulator has done; after an interruption the same command goes on from it.",
            rich_help_panel=RUN,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.", min=0, rich_help_panel=RUN)] = 0,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="FILE.nir",
            help="Also write what the chip holds as NIR, integers included.",
            rich_help_panel=RESULTS,
        ),
    ] = None,
    compat: Annotated[
        Compat | None,
        typer.Option(
            "--compat",
            help="--save for this version of the nir package and later ones, or refuse.",
            rich_help_panel=RESULTS,
        ),
    ] = None,
) -> None:
    """Quantise a network to a profile, run it, compare it with the float model, and write a report.

    Exit code 3 if it is not deployable, 7 if there is no evidence for or against, such as outputs that never spike.
    """
    import sys

    from neuroalign.command_line.terminal import progress_bars
    from neuroalign.export.atomic import require_writable
    from neuroalign.pipeline import deploy as run_deploy
    from neuroalign.pipeline.options import Options
    from neuroalign.quantise.rule_choices import RuleChoices

    require_writable(out, json, save)
    if compat is not None and save is None:
        raise typer.BadParameter("it says how --save writes; give --save FILE.nir", param_hint="--compat")
    names: Any = tuple(dict.fromkeys(b.value for b in backend or [Backend.emulator]))
    with progress_bars(quiet) as progress:
        options = Options(
            backends=names,
            lava_samples=samples,
            strict=strict,
            choices=RuleChoices(form.value) if form else None,
            seed=seed,
            threads=threads,
            checkpoint=checkpoint,
            calibration=_calibration(calibrate),
            split_weights=split_weights,
            bits=_bits(bits),
            microcode=microcode,
            board=board,
            progress=progress,
            command="neuroalign " + " ".join(sys.argv[1:]),
        )
        deployment = run_deploy(
            file,
            profile,
            dt=dt,
            reset=reset.value if reset else None,
            stimulus=input,
            encoding=encode.value if encode else None,
            input_scale=input_scale,
            steps=steps,
            rate=rate,
            options=options,
            tau_unit=tau_unit.value if tau_unit else None,
            written_by=written_by.value if written_by else None,
            initial=initial.value,
            if_gain=if_gain.value,
            closing=edges(closing),
        )
    write_and_print(deployment, out, json, "deploy", quiet, save=save, compat=compat.value if compat else None)
    answer_with(code_of(deployment), exit_zero)


def _bits(given: list[str] | None) -> dict[str, int] | float | None:
    """Widths by connection, or one share of the memory."""
    if not given:
        return None
    if len(given) == 1 and given[0].endswith("%"):
        try:
            return float(given[0][:-1]) / 100
        except ValueError:
            raise typer.BadParameter(f"{given[0]!r} is no share, as 60%", param_hint="--bits") from None
    found = {}
    for entry in given:
        name, _, width = entry.rpartition("=")
        if not name or not width.isdecimal():
            raise typer.BadParameter(f"{entry!r} is neither NAME=BITS nor, alone, a share as 60%", param_hint="--bits")
        found[name] = int(width)
    return found


def _calibration(given: str | None) -> str | float | None:
    """A number is a rate; anything else names a file."""
    try:
        return None if given is None else float(given)
    except ValueError:
        return given
