"""What ``demo`` prints beside its deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from neuroalign.command_line.terminal import console

if TYPE_CHECKING:
    from neuroalign.demo.learning import LearningDemo
    from neuroalign.export.report import MeasuredRow


def print_demo_opening(lava_samples: int) -> None:
    """What the demonstration proves, before it starts."""
    console().print(
        "A spiking network trained on handwritten digits goes to 8-bit integers for Loihi 2. The float model and the emulator\n"
        f"read every image of its test split; Lava, where it is installed, reads the first {lava_samples}. What follows shows how far\n"
        "the integers agree with the float model, and on Lava's images, whether the emulator computes the same bits.\n"
        "It ends with a local learning rule on the same integers.\n"
    )


def print_learning_demo(demo: LearningDemo) -> None:
    """How well a local rule inferred the weights of a network, in floats and on chip."""
    out, n = console(), demo.network
    out.print(
        f"\n[bold]Learning.[/bold] In a network of {n.inputs} spiking neurons feeding {n.outputs}, spike-timing-dependent weight inference\n"
        f"(STDWI) sets feedback weights from the spikes of both ends alone, for {demo.seconds:g} s of model time. They should become\n"
        "proportional to the forward weights. On chip the weights have 8 bits; changes below one unit gather in the tag.\n"
        "The longer it runs, the closer both come."
    )
    table = Table(title="Learnt weights against the forward weights", title_justify="left")
    for column in ("rule", "r", "signs equal", "angle"):
        table.add_column(column, justify="left" if column == "rule" else "right")
    for line in demo.lines:
        table.add_row(line.name, f"{line.r:.3f}", f"{line.sign:.1%}", f"{line.angle:.1f}°")
    table.add_row("best constant guess", "–", f"{demo.chance:.1%}", "–")
    out.print(table)


def learning_rows(demo: LearningDemo | None) -> list[MeasuredRow]:
    """The figures of the learning demonstration as rows of the JSON convention."""
    from neuroalign.export.report import MeasuredRow

    rows = []
    for line in demo.lines if demo else ():
        case = f"STDWI {demo.network.inputs} -> {demo.network.outputs}, {demo.seconds:g} s, {line.name}" if demo else ""
        rows.append(MeasuredRow(f"{case}: r against the forward weights", line.r))
        rows.append(MeasuredRow(f"{case}: equal signs", line.sign, "share"))
        rows.append(MeasuredRow(f"{case}: angle", line.angle, "degrees"))
    return rows
