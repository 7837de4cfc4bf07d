"""The command line: arguments in, stages in order, report out. Everything heavy is imported inside the commands."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from neuroalign.command_line.bench import bench
from neuroalign.command_line.compare import compare
from neuroalign.command_line.completed_names import profile_names
from neuroalign.command_line.convert import convert
from neuroalign.command_line.doctor import doctor
from neuroalign.command_line.finetune import finetune
from neuroalign.command_line.place import place
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
from neuroalign.command_line.reproduce import reproduce
from neuroalign.command_line.rule import FormOption, rule_app
from neuroalign.command_line.verify import verify

if TYPE_CHECKING:
    from neuroalign.demo.learning import LearningDemo
    from neuroalign.deployment import Deployment

START = (
    "Start with 'neuroalign demo', then 'neuroalign inspect FILE.nir' and 'neuroalign deploy FILE.nir'. Each command explains "
    "itself: neuroalign deploy --help."
)
EXIT_CODES = (
    "Exit codes: 0 done; 1 a defect of the toolkit; 2 wrong usage, input or file; 3 the profile cannot hold the network; "
    "4 a backend is not installed; 5 a backend failed; 6 the result cannot be written; 130 interrupted; 143 ended by SIGTERM."
)

ORDER = (
    *("demo", "inspect", "deploy", "place", "convert", "compare", "finetune", "rule", "profile"),
    *("doctor", "verify", "reproduce", "bench"),
)
"""Commands in the order in which a newcomer needs them."""


class InOrder(TyperGroup):
    """Lists commands as :data:`ORDER` has them, others behind."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the commands."""
        names = list(self.commands)
        return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


app = typer.Typer(
    cls=InOrder,
    help="Take trained spiking networks to Loihi-class hardware, and see what quantisation did to them.",
    epilog=f"{START} {EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
profile_app = typer.Typer(
    help="Hardware profiles: what a target can hold, and where each figure comes from.",
    short_help="Targets, every figure with its source.",
    no_args_is_help=True,
)
app.add_typer(profile_app, name="profile")
app.add_typer(rule_app, name="rule")
app.command(short_help="What works here, and what mends the rest.", epilog="Example: neuroalign doctor --backend lava")(
    doctor
)
app.command(
    short_help="Random networks, emulator against Lava.", epilog="Example: neuroalign verify --cases 200 --seed 1"
)(verify)
app.command(
    short_help="Published experiments, over seeds.",
    epilog="Example: neuroalign reproduce stdwi --part comparison --seeds 3",
)(reproduce)
app.command(
    short_help="Train on in the chip's arithmetic.",
    epilog="Example: neuroalign finetune network.nir --data train.npz --out tuned.nir",
)(finetune)
app.command(
    short_help="Will it fit, and what binds.",
    epilog="Example: neuroalign place network.nir --profile loihi1 --board nahuku-32",
)(place)
app.command(
    short_help="How fast the emulator is here.", epilog="Example: neuroalign bench --quick --case static --case plastic"
)(bench)
app.command(
    short_help="NIR, lava-dl's .net, Lava scripts.",
    epilog="Example: neuroalign convert network.nir script.py --input spikes.npz",
)(convert)
app.command(
    short_help="Judge a run made elsewhere.",
    epilog="Example: neuroalign compare script-recording.npz --network network.nir",
)(compare)


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


File = Annotated[Path, typer.Argument(metavar="FILE.nir", help="A trained network as NIR.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", help="Directory for report.html and report.json.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write the measured rows as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, only the result.")]
Seed = Annotated[int, typer.Option(help="Seed of everything that is drawn.", min=0)]


def _version(show: bool) -> None:
    if show:
        from neuroalign import __version__

        typer.echo(f"neuroalign {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take trained spiking networks to Loihi-class hardware, and see what quantisation did to them."""


@app.command(short_help="What a NIR file holds.", epilog="Example: neuroalign inspect network.nir")
def inspect(file: File, json: Json = None) -> None:
    """Show what a NIR file holds: nodes, edges, parameter ranges, clues about dt, and what would be repaired."""
    from neuroalign.command_line.terminal import print_inspection
    from neuroalign.export.nir_graph.inspection import inspect_nir

    found = inspect_nir(file)
    if json is not None:
        from neuroalign.command_line.listed_rows import inspection_rows, write_listed

        write_listed(json, "inspect", inspection_rows(found))
    print_inspection(found)


@app.command(
    short_help="Quantise, run, compare, report.",
    epilog="Example: neuroalign deploy network.nir --profile loihi2 --dt 0.001 --input spikes.npz",
)
def deploy(
    file: File,
    profile: Annotated[
        str,
        typer.Option(
            help="A built-in profile (see 'neuroalign profile list') or a .toml file.", autocompletion=profile_names
        ),
    ] = "loihi2",
    dt: DtOption = None,
    reset: ResetOption = None,
    tau_unit: TauUnitOption = None,
    written_by: WrittenByOption = None,
    initial: InitialOption = Initial.rest,
    if_gain: IfGainOption = GainUnit.step,
    closing: ClosingOption = None,
    input: Annotated[
        Path | None,
        typer.Option(
            "--input", metavar="FILE", help="Input as .npz, .npy, .csv or NIR data; a seeded test signal if absent."
        ),
    ] = None,
    encode: Annotated[
        Encode | None,
        typer.Option(help="How input that is not 0/1 enters: spikes drawn from it, or numbers (graded spikes)."),
    ] = None,
    input_scale: Annotated[float, typer.Option(help="Divide the values of --input by this first.")] = 1.0,
    steps: Annotated[
        int | None,
        typer.Option(help="Steps to run: of the test signal (1000 if absent), or the first ones of the input.", min=1),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Spike probability of the test signal, per channel and step (0.05 if absent)."),
    ] = None,
    backend: Annotated[
        list[Backend] | None, typer.Option(help="What to run on; can be given several times. emulator if absent.")
    ] = None,
    form: FormOption = None,
    samples: Annotated[
        int | None, typer.Option("--lava-samples", help="Run only the first N samples on Lava.", min=1)
    ] = None,
    calibrate: Annotated[
        str | None,
        typer.Option(
            "--calibrate",
            metavar="FILE|RATE",
            help="Search for scales and integers on this input (a file, or a spike probability to draw from); not the one under test.",
        ),
    ] = None,
    split_weights: Annotated[
        bool, typer.Option("--split-weights", help="Let the search hold large weights over two synapses.")
    ] = False,
    bits: Annotated[
        list[str] | None,
        typer.Option(
            "--bits",
            metavar="NAME=BITS|SHARE%",
            help="Bits of a connection's weights, several times; or 60%: as many for each as fit that share of the memory (--calibrate).",
        ),
    ] = None,
    microcode: Annotated[
        bool,
        typer.Option("--microcode", help="Hold a reset by subtraction as neuron microcode (Loihi 2; not in Lava)."),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse repairs, and whatever the chip would do differently.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE.nir", help="Also write what the chip holds as NIR, integers included."),
    ] = None,
    compat: Annotated[
        Compat | None,
        typer.Option("--compat", help="--save for this version of the nir package and later ones, or refuse."),
    ] = None,
    threads: Annotated[
        int, typer.Option(help="Samples that the emulator runs at the same time; no more than processors.", min=1)
    ] = 1,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FOLDER",
            help="Keep there what the emulator has done; after an interruption the same command goes on from it.",
        ),
    ] = None,
    seed: Seed = 0,
    out: Out = Path("neuroalign-report"),
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Quantise a network to a profile, run it, compare it with the float model, and write a report."""
    import sys

    from neuroalign.command_line.terminal import progress_bars
    from neuroalign.export.atomic import require_writable
    from neuroalign.options import Options
    from neuroalign.pipeline import deploy as run_deploy
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
    _finish(deployment, out, json, "deploy", quiet, save=save, compat=compat)


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


@app.command(short_help="See it work, on handwritten digits.", epilog="Example: neuroalign demo --out demo-report")
def demo(out: Out = Path("neuroalign-demo"), json: Json = None, quiet: Quiet = False) -> None:
    """Deploy a network that reads handwritten digits, on every backend installed here, and prove what changed."""
    from neuroalign.command_line.terminal import print_demo_opening, progress_bars
    from neuroalign.demo.learning import run_learning_demo
    from neuroalign.demo.run import LAVA_SAMPLES, run_demo
    from neuroalign.export.atomic import require_writable

    require_writable(out, json)
    if not quiet:
        print_demo_opening(LAVA_SAMPLES)
    with progress_bars(quiet) as progress:
        deployment = run_demo(progress)
        learning = run_learning_demo(progress)
    _finish(deployment, out, json, "demo", quiet, learning)


@profile_app.command("list", epilog="Example: neuroalign profile list")
def profile_list(json: Json = None) -> None:
    """List the built-in profiles."""
    from neuroalign.command_line.terminal import print_profiles
    from neuroalign.profile import available_profiles, load_profile

    profiles = [load_profile(name) for name in available_profiles()]
    if json is not None:
        from neuroalign.command_line.listed_rows import profiles_rows, write_listed

        write_listed(json, "profile list", profiles_rows(profiles))
    print_profiles(profiles)


@profile_app.command("show", epilog="Example: neuroalign profile show loihi1")
def profile_show(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A built-in profile or a .toml file.", autocompletion=profile_names),
    ],
    json: Json = None,
) -> None:
    """Show every figure of a profile with its source and status; what is unknown is listed as not checked."""
    from neuroalign.command_line.terminal import print_profile
    from neuroalign.profile import load_profile

    profile = load_profile(name)
    if json is not None:
        from neuroalign.command_line.listed_rows import profile_rows, write_listed

        write_listed(json, "profile show", profile_rows(profile))
    print_profile(profile)


def _finish(
    deployment: Deployment,
    out: Path,
    json: Path | None,
    command: str,
    quiet: bool,
    learning: LearningDemo | None = None,
    save: Path | None = None,
    compat: Compat | None = None,
) -> None:
    """Report, JSON, tables; the last line printed is the report's path."""
    from neuroalign.command_line.terminal import learning_rows, measured_rows, print_deployment, print_learning_demo
    from neuroalign.export.report import write_report, write_rows

    page = write_report(deployment, out)
    if save is not None and deployment.chip is not None:
        from neuroalign.export.nir_graph.write import write_nir

        write_nir(save, deployment.chip, network=deployment.network, compat=compat.value if compat else None)
    if json is not None:
        write_rows(
            json, command, [*measured_rows(deployment), *learning_rows(learning)], deployment.versions, deployment.seed
        )
    if not quiet:
        print_deployment(deployment)
        if learning is not None:
            print_learning_demo(learning)
    typer.echo(str(page))
