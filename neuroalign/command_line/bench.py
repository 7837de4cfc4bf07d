"""The ``bench`` command. Everything heavy is imported inside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from neuroalign.bench.measured import Benchmark
    from neuroalign.bench.settings import Settings
    from neuroalign.export.report import MeasuredRow

DEFAULT_CHUNKS, QUICK_CHUNKS = 7, 5
DEFAULT_SECONDS, QUICK_SECONDS = 1.0, 0.1
DEFAULT_OUT = Path("neuroalign-bench")
QUICK_CASES = ("static", "plastic", "kernel", "batch", "memory", "float64")


def bench(
    case: Annotated[
        list[str] | None,
        typer.Option("--case", metavar="NAME", help="What to measure; can be given several times. All, if absent."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="About a minute: few sizes, short chunks.")] = False,
    size: Annotated[
        list[int] | None,
        typer.Option("--size", metavar="N", help="Neurons; can be given several times. Those of the case, if absent."),
    ] = None,
    chunks: Annotated[int | None, typer.Option(help="Chunks a side (default 7; quick 5).", min=1)] = None,
    chunk_seconds: Annotated[
        float | None, typer.Option(help="Length of a chunk on the slower side (default 1; quick 0.1).", min=0.001)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the networks.", min=0)] = 1,
    python: Annotated[
        list[str] | None,
        typer.Option("--python", metavar="PATH", help="An interpreter that has brian2 or NEST; several are possible."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Directory for bench.json and bench.png (neuroalign-bench, if measured)."),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Measure nothing; show this bench.json.")
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="FILE", help="Write the tables between the two marking lines of FILE."),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write every figure with its mark as JSON.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only the result.")] = False,
) -> None:
    """Measure the emulator: against Lava in turns, brian2 and NEST where installed, and its kernels against memory."""
    from neuroalign.bench.document import read_benchmark
    from neuroalign.export.atomic import require_writable

    if source is None and out is None:
        out = DEFAULT_OUT
    require_writable(out, markdown, json)
    if source is not None:
        _finish(read_benchmark(source), out, markdown, json, quiet)
        return
    from neuroalign.bench.cases import CASES
    from neuroalign.bench.settings import Settings

    cases = tuple(dict.fromkeys(case or (tuple(n for n in CASES if n in QUICK_CASES) if quick else CASES)))
    settings = Settings(
        sizes=_sizes(size),
        chunks=chunks or (QUICK_CHUNKS if quick else DEFAULT_CHUNKS),
        chunk_seconds=chunk_seconds or (QUICK_SECONDS if quick else DEFAULT_SECONDS),
        quick=quick,
        seed=seed,
        pythons=tuple(python or ()),
    )
    _measure(cases, settings, out or DEFAULT_OUT, markdown, json, quiet)


def _measure(
    cases: tuple[str, ...], settings: Settings, out: Path, markdown: Path | None, json: Path | None, quiet: bool
) -> None:
    """Measure; what there is by then is kept and shown also where the measurement is interrupted."""
    from dataclasses import replace

    from neuroalign.bench.run import check_case, measure, new_benchmark
    from neuroalign.command_line.terminal import progress_bars

    for name in cases:
        check_case(name)
    benchmark = new_benchmark(cases, settings)

    def keep(so_far: Benchmark) -> None:
        if so_far.results or so_far.left:
            _write(so_far, out)

    try:
        with progress_bars(quiet) as tell:
            measure(benchmark, cases, replace(settings, tell=tell), keep)
    finally:
        if benchmark.results or benchmark.left:
            _finish(benchmark, out, markdown, json, quiet)


def _write(benchmark: Benchmark, out: Path) -> Path:
    from neuroalign.bench.document import to_text
    from neuroalign.export.atomic import write_atomically

    text = to_text(benchmark)
    out.mkdir(parents=True, exist_ok=True)  # not before there is something to keep
    return write_atomically(out / "bench.json", lambda path: path.write_text(text, encoding="utf-8"))


def _finish(benchmark: Benchmark, out: Path | None, markdown: Path | None, json: Path | None, quiet: bool) -> None:
    """The figure, the Markdown, the rows and the tables."""
    from neuroalign.bench.table import inserted
    from neuroalign.bench.table import markdown as as_markdown
    from neuroalign.export.atomic import write_atomically

    written: list[Path] = []
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        written += _draw(benchmark, out)
        written.append(_write(benchmark, out))
    if markdown is not None:
        before = markdown.read_text(encoding="utf-8") if markdown.exists() else ""
        text = inserted(before, as_markdown(benchmark))
        written.append(write_atomically(markdown, lambda path: path.write_text(text, encoding="utf-8")))
    if json is not None:
        from neuroalign.export.report import write_rows

        seed = benchmark.settings.get("seed")
        written.append(
            write_rows(json, "bench", _rows(benchmark), benchmark.versions, seed if isinstance(seed, int) else None)
        )
    _print(benchmark, quiet)
    for path in written:
        typer.echo(str(path))


def _rows(benchmark: Benchmark) -> list[MeasuredRow]:
    """A figure each, against the mark that it must reach; what was left out, with the reason."""
    from neuroalign.export.report import MeasuredRow

    rows = [
        MeasuredRow(
            f"{result.case}, {result.label}: {figure.name}",
            figure.value,
            figure.unit,
            figure.must,
            None if figure.must is None else figure.verdict != "missed",
        )
        for result in benchmark.results
        for figure in result.figures
    ]
    return rows + [MeasuredRow(f"{left.case}, {left.label}: not measured", left.reason) for left in benchmark.left]


def _draw(benchmark: Benchmark, out: Path) -> list[Path]:
    from neuroalign.bench.curves import panels
    from neuroalign.export.atomic import write_atomically
    from neuroalign.export.figures.bench import benchmark_picture

    drawn = panels(benchmark)
    if not drawn:
        return []
    picture = benchmark_picture(drawn)
    return [write_atomically(out / "bench.png", lambda path: path.write_bytes(picture.png))]


def _print(benchmark: Benchmark, quiet: bool) -> None:
    """Machine, tables and marks; only the marks if ``quiet``."""
    from rich.markup import escape
    from rich.table import Table

    from neuroalign.bench.table import tables, verdicts, where
    from neuroalign.command_line.terminal import console

    terminal = console()
    for line in () if quiet else where(benchmark):
        terminal.print(escape(line), soft_wrap=True)
    for table in () if quiet else tables(benchmark):
        shown: Any = Table(title=escape(table.title), title_justify="left")
        for number, column in enumerate(table.columns):
            shown.add_column(escape(column), justify="right" if number else "left", overflow="fold")
        for row in table.rows:
            shown.add_row(*(escape(cell) for cell in row))
        terminal.print(shown)
        for note in table.notes:
            terminal.print(f"  {escape(note)}", soft_wrap=True)
    for left in benchmark.left:
        terminal.print(f"  not measured: {escape(left.case)}: {escape(left.reason)}", soft_wrap=True)
    counts = verdicts(benchmark)
    terminal.print(
        f"marks: {counts['stretch']} stretch, {counts['must']} must, {counts['missed']} missed", soft_wrap=True
    )


def _sizes(size: list[int] | None) -> tuple[int, ...]:
    from neuroalign.errors import InputError

    for n in size or ():
        if not 2 <= n <= 8192:
            raise InputError(f"--size {n}; 2 to 8192 neurons are possible")
    return tuple(dict.fromkeys(size or ()))
