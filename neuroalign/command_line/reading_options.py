"""Options of commands that read a NIR file: what the file does not say itself."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from neuroalign.command_line.grouped_help import READING


class Reset(str, Enum):
    """What a spike does to the membrane."""

    zero = "zero"
    subtract = "subtract"
    subtract_late = "subtract-late"


class TauUnit(str, Enum):
    """Unit of the file's time constants."""

    s = "s"
    ms = "ms"
    steps = "steps"
    dt = "dt"


class Writer(str, Enum):
    """Frameworks whose parameters mean something else than NIR's equations say."""

    norse = "norse"
    snntorch = "snntorch"
    sinabs = "sinabs"
    sinabs_sum = "sinabs-sum"
    rockpool = "rockpool"
    spyx = "spyx"


class GainUnit(str, Enum):
    """What the gain of neurons without leak refers to."""

    step = "step"
    second = "second"


class Initial(str, Enum):
    """Membrane before the first step."""

    rest = "rest"
    zero = "zero"
    settled = "settled"


DtOption = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", help="Time step of the training, such as 1e-3; inferred where the file gives a clue."
    ),
]
ResetOption = Annotated[
    Reset | None,
    typer.Option(
        help="What a spike did to the membrane in training (subtract-late: behind the next decay, as snnTorch's reset_delay and "
        "Spyx); zero is assumed, and said.",
        rich_help_panel=READING,
    ),
]
TauUnitOption = Annotated[
    TauUnit | None,
    typer.Option(help="Unit of the file's time constants, where it is not seconds.", rich_help_panel=READING),
]
WrittenByOption = Annotated[
    Writer | None,
    typer.Option(
        "--written-by",
        help="The framework that wrote the file: take its parameters as it means them, each change listed.",
        rich_help_panel=READING,
    ),
]
InitialOption = Annotated[
    Initial,
    typer.Option(
        help="State before the first step: v at v_leak, 0, or where leak and bias lead.", rich_help_panel=READING
    ),
]
IfGainOption = Annotated[
    GainUnit,
    typer.Option(
        help="Whether IF and I neurons add r times their input per step, or per second.", rich_help_panel=READING
    ),
]
ClosingOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="A:B",
        help="The edge A -> B closes a cycle and carries its step; several times.",
        rich_help_panel=READING,
    ),
]


def edges(given: list[str] | None) -> list[tuple[str, str]] | None:
    """Pairs of names from "A:B"."""
    if given is None:
        return None
    pairs = [tuple(edge.split(":")) for edge in given]
    for edge, pair in zip(given, pairs, strict=True):
        if len(pair) != 2 or not all(pair):
            raise typer.BadParameter(f"{edge!r} is not of the form A:B", param_hint="--closing")
    return [(pair[0], pair[1]) for pair in pairs]
