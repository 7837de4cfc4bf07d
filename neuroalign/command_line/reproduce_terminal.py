"""What ``neuroalign reproduce`` prints and writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table as RichTable

from neuroalign.export.atomic import write_atomically
from neuroalign.export.figures.curves import curves as draw_curves
from neuroalign.reproduce.feedback_saving import Saved
from neuroalign.reproduce.part import Part
from neuroalign.reproduce.sweep import Progress as OnProgress
from neuroalign.reproduce.table import Figure, Table, to_json


def print_parts(parts: Sequence[Part]) -> None:
    """The parts of an experiment by name."""
    table = RichTable("part", "what it is", "seeds", box=None, pad_edge=False)
    for part in parts:
        table.add_row(part.name, part.title, str(part.seeds))
    Console().print(table)


def print_table(table: Table) -> None:
    """Figures by case, then the checks."""
    console = Console()
    console.print(
        f"\n[bold]{table.title}[/bold]\n{table.source}; {len(table.seeds)} seeds, {table.backend}", highlight=False
    )
    if table.shortened:
        console.print(f"shortened: {table.shortened}")
    shown = RichTable("case", "figure", "mean", "sd", "bar", "", box=None, pad_edge=False)
    last = ""
    for figure in table.figures:
        shown.add_row(figure.case if figure.case != last else "", figure.name, *_numbers(figure))
        last = figure.case
    console.print(shown)
    for check in table.checks:
        word = {True: "yes", False: "NO", None: "too few seeds"}[check.holds]
        console.print(f"{check.statement}: {word} ({check.found})", highlight=False)
    for note in table.notes:
        console.print(note, highlight=False)


def print_saved(path: Path, saved: Saved) -> None:
    """What a saved network classifies, as it was trained and as spikes on the emulator."""
    Console().print(
        f"{path}: test accuracy {100 * saved.accuracy:.2f} % as trained, {100 * saved.spiking:.2f} % as spiking network in 8 bits "
        f"over {saved.images} images of {saved.steps} steps",
        highlight=False,
        soft_wrap=True,
    )


def _numbers(figure: Figure) -> tuple[str, str, str, str]:
    spread = "" if figure.spread is None else f"{figure.spread:.3g}"
    if figure.bar is None:
        return f"{figure.mean:.4g}", spread, "", ""
    bar = figure.bar
    what = "" if bar.statistic == "mean" else f"{bar.statistic} "
    verdict = "reached" if figure.passed else "MISSED" if bar.known != "goal" else "goal, not reached"
    return f"{figure.mean:.4g}", spread, f"{what}{bar.sense} {bar.value:g}", verdict


def save(tables: Sequence[Table], out: Path, json_path: Path | None) -> None:
    """A figure for each part with curves, and all tables as JSON."""
    for table in tables:
        for name in dict.fromkeys(curve.name for curve in table.curves):
            drawn = [(c.case, c.x, c.mean, c.spread) for c in table.curves if c.name == name]
            key = f"{table.experiment}-{table.part}-{name}"
            png = draw_curves(key, table.title, table.x_label, name, drawn).png
            write_atomically(out / f"{key}.png", lambda path, png=png: path.write_bytes(png))  # type: ignore[misc]
    text = json.dumps({"schema": 1, "tables": [to_json(table) for table in tables]}, indent=1)
    for path in (out / "tables.json", *([json_path] if json_path else [])):
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


@contextmanager
def following(quiet: bool) -> Iterator[OnProgress | None]:
    """Progress with time left, on terminals only."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("runs", total=None)

        def show(label: str, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, description=label or "runs")

        yield show
