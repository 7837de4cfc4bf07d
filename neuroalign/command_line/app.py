"""The command line: arguments in, stages in order, report out. Everything heavy is imported inside the commands."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from neuroalign.command_line.bench import bench
from neuroalign.command_line.compare import compare
from neuroalign.command_line.convert import convert
from neuroalign.command_line.demo import demo
from neuroalign.command_line.deploy import deploy
from neuroalign.command_line.doctor import doctor
from neuroalign.command_line.finetune import finetune
from neuroalign.command_line.grouped_help import Grouped
from neuroalign.command_line.inspect import inspect
from neuroalign.command_line.place import place
from neuroalign.command_line.profile import profile_app
from neuroalign.command_line.reproduce import reproduce
from neuroalign.command_line.rule import rule_app
from neuroalign.command_line.verify import verify

START = (
    "Start with 'neuroalign demo', then 'neuroalign inspect FILE.nir' and 'neuroalign deploy FILE.nir'. Each command explains "
    "itself: neuroalign deploy --help."
)
EXIT_CODES = (
    "Exit codes: 0 done, and the answer is yes; 1 a defect of the toolkit; 2 wrong usage, input or file; 3 the answer is no "
    "(does not fit, not deployable, different, other weights, refused); 4 a package or backend is not installed; 5 a backend failed; 6 the "
    "result cannot be written; 7 no evidence for yes or no; 130 interrupted; 143 ended by SIGTERM."
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

app.command(short_help="See it work, on handwritten digits.", epilog="Example: neuroalign demo --out demo-report")(demo)
app.command(cls=Grouped, short_help="What a NIR file holds.", epilog="Example: neuroalign inspect network.nir")(inspect)
app.command(
    cls=Grouped,
    short_help="Quantise, run, compare, report.",
    epilog="Example: neuroalign deploy network.nir --profile loihi2 --dt 0.001 --input spikes.npz",
)(deploy)
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
    cls=Grouped,
    short_help="Train on in the chip's arithmetic.",
    epilog="Example: neuroalign finetune network.nir --data train.npz --out tuned.nir",
)(finetune)
app.command(
    cls=Grouped,
    short_help="Will it fit, and what binds.",
    epilog="Example: neuroalign place network.nir --profile loihi1 --board nahuku-32",
)(place)
app.command(
    short_help="How fast the emulator is here.", epilog="Example: neuroalign bench --quick --case static --case plastic"
)(bench)
app.command(
    cls=Grouped,
    short_help="NIR, lava-dl's .net, Lava scripts.",
    epilog="Example: neuroalign convert network.nir script.py --input spikes.npz",
)(convert)
app.command(
    cls=Grouped,
    short_help="Judge a run made elsewhere.",
    epilog="Example: neuroalign compare script-recording.npz --network network.nir",
)(compare)


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
