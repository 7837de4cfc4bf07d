"""A Benchmark as tables: for the terminal as rows of text, for documents as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from neuroalign.bench.cases import TITLES
from neuroalign.bench.machine import BUSY
from neuroalign.bench.measured import Benchmark, Figure, Result

BEGIN, END = "<!-- bench: written by 'neuroalign bench --markdown' -->", "<!-- end of bench -->"
LOADED = "†"


WIDE = 7
"""Results from which on a table has a row for each, and no longer a column."""


@dataclass(frozen=True)
class Table:
    """The results of one case: a column for each and a row for each figure, or the other way round."""

    case: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def tables(benchmark: Benchmark) -> tuple[Table, ...]:
    """One table a case, in the order measured."""
    cases = dict.fromkeys(result.case for result in benchmark.results)
    return tuple(_table(case, [r for r in benchmark.results if r.case == case]) for case in cases)


def _table(case: str, results: Sequence[Result]) -> Table:
    names = list(dict.fromkeys((f.name, f.unit) for r in results for f in r.figures))
    lines = [("", *(f"{name} ({unit})" if unit else name for name, unit in names))]
    for result in results:
        figures = {f.name: f for f in result.figures}
        label = result.label + (f" {LOADED}" if under_load(result) else "")
        lines.append((label, *(_cell(figures.get(name)) for name, _ in names)))
    columns, *rows = lines if len(results) > WIDE else zip(*lines, strict=True)
    return Table(case, TITLES.get(case, case), tuple(columns), tuple(map(tuple, rows)), _notes(results))


def _notes(results: Sequence[Result]) -> tuple[str, ...]:
    """Each note once; with the label where not all results share it."""
    shared = [note for note in results[0].notes if all(note in r.notes for r in results)]
    own = [f"{r.label}: {note}" for r in results for note in r.notes if note not in shared]
    return (*shared, *dict.fromkeys(own))


def under_load(result: Result) -> bool:
    """Whether other programs kept processors busy around the measurement."""
    return result.others_cpus >= BUSY


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    value = number(figure.value)
    if figure.must is None:
        return value
    sign = "≤" if figure.at_most else "≥"
    marks = f"{sign} {number(figure.must)}" + (f", {number(figure.stretch)}" if figure.stretch is not None else "")
    return f"{value} ({marks}: {figure.verdict})"


def number(value: float) -> str:
    """Three significant digits, whole from 100 on, thousands apart; large ones with a power of ten by name."""
    if not math.isfinite(value):
        return "–"
    for limit, name in ((1e9, " G"), (1e6, " M")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{name}"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def where(benchmark: Benchmark) -> list[str]:
    """Machine, versions, settings and load, a line each."""
    machine = ", ".join(f"{name} {_plain(value)}" for name, value in benchmark.machine.items())
    versions = ", ".join(
        f"{name} {version}" for name, version in benchmark.versions.items() if version != "not installed"
    )
    settings = ", ".join(f"{name} {value}" for name, value in benchmark.settings.items())
    loaded = sum(under_load(r) for r in benchmark.results)
    lines = [
        f"machine: {machine}",
        f"versions: {versions}",
        f"run: {benchmark.started} UTC, {settings}" + (", interrupted" if benchmark.interrupted else ""),
    ]
    if loaded:
        lines.append(
            f"{LOADED} under load: other programs kept {BUSY:g} processors or more busy just before or after "
            f"({loaded} of {len(benchmark.results)} results; at most {max(r.others_cpus for r in benchmark.results):.1f})"
        )
    return lines


def verdicts(benchmark: Benchmark) -> dict[str, int]:
    """How many figures reached which mark."""
    counts = {"stretch": 0, "must": 0, "missed": 0}
    for figure in (f for r in benchmark.results for f in r.figures):
        if figure.verdict:
            counts[figure.verdict] += 1
    return counts


def markdown(benchmark: Benchmark) -> str:
    """Machine and versions, then a table and its notes for each case."""
    lines = [*(f"- {line}" for line in where(benchmark)), ""]
    for table in tables(benchmark):
        lines += [f"### {table.title}", "", _row(table.columns), _row(["---", *["---:"] * (len(table.columns) - 1)])]
        lines += [_row(row) for row in table.rows]
        lines += ["", *(f"- {note}" for note in table.notes), *([""] if table.notes else [])]
    if benchmark.left:
        lines += [
            "### Not measured",
            "",
            *(f"- {left.case} {left.label}: {left.reason}" for left in benchmark.left),
            "",
        ]
    return "\n".join(lines)


def inserted(document: str, text: str) -> str:
    """``document`` with ``text`` between the two marking lines, which are appended where they are missing."""
    block = f"{BEGIN}\n{text}{END}"
    head, found, rest = document.partition(BEGIN)
    if not found:
        return (document.rstrip("\n") + "\n\n" if document else "") + block + "\n"
    _, _, tail = rest.partition(END)
    return head + block + tail


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _plain(value: int | float | str) -> str:
    return f"{value / 2**30:.1f} GiB" if isinstance(value, int) and value > 2**30 else str(value)
