"""A Deployment as one self-contained page, report.html, and as strict JSON, report.json."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroalign.deployment import Deployment, by_harm, plain, to_json, verdict
from neuroalign.errors import OutputError
from neuroalign.export.atomic import write_atomically
from neuroalign.export.plain_words import STATUS_WORDS, explain
from neuroalign.fidelity import RULE_SILENT, RULE_SPIKING, decidable, decide

if TYPE_CHECKING:
    import jinja2

NO_CHARACTER = "backslashreplace"
"""What becomes of a byte in a file's name that is no UTF-8: JSON's own escape of it, the same in the page."""


@dataclass(frozen=True)
class MeasuredRow:
    """One figure that a command measured, the bar it had to reach, and whether it did (None: no bar)."""

    case: str
    measured: float | int | str | bool | None
    unit: str = ""
    bar: float | int | str | None = None
    passed: bool | None = None


def write_report(deployment: Deployment, out_dir: Path) -> Path:
    """Write ``report.html`` and ``report.json`` into ``out_dir`` (made if it does not exist); return the page's path.

    Everything is built in memory first; both files are written under temporary names and then renamed.

    Raises
    ------
    OutputError
        If the directory cannot be made or written.

    Examples
    --------
    >>> import neuroalign
    >>> from pathlib import Path
    >>> deployment = neuroalign.deploy("network.nir", "loihi2", dt=1e-3, reset="zero", stimulus="spikes.npz")
    >>> neuroalign.write_report(deployment, Path("report")).name
    'report.html'
    """
    return write_page(out_dir, render(deployment), to_json(deployment))


def write_page(out_dir: Path, page: str, document: Mapping[str, Any]) -> Path:
    """Write a page and its JSON as report.html and report.json; return the page's path (OutputError if impossible).

    Directories that were made for them are removed again where writing fails.
    """
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    made = [p for p in (out_dir, *out_dir.parents) if not os.path.lexists(p)]

    def both(temporary: Path) -> None:
        temporary.write_text(page, encoding="utf-8", errors=NO_CHARACTER)
        _write_text(out_dir / "report.json", text + "\n")

    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        return write_atomically(out_dir / "report.html", both)
    except OSError as error:
        _remove_empty(made)
        reason = error.strerror or str(error)
        raise OutputError(f"cannot make directory {out_dir}: {reason}; choose another with --out") from error
    except BaseException:
        _remove_empty(made)
        raise


def write_rows(
    path: Path, command: str, rows: Sequence[MeasuredRow], versions: Mapping[str, str], seed: int | None
) -> Path:
    """Write what a command measured: ``{command, versions, seed, rows: [{case, measured, unit, bar, passed}]}``.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    document = {
        "command": command,
        "versions": dict(versions),
        "seed": seed,
        "rows": [plain(asdict(row)) for row in rows],
    }
    return _write_text(path, json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def render(deployment: Deployment) -> str:
    """The page as text: no external request, no script but Bokeh and ours, everything from the user's files escaped."""
    from neuroalign.export.figures import (
        pictures,
    )  # loading matplotlib and Bokeh takes time, and only a report needs them
    from neuroalign.export.live import live_figures

    runs = [_run_row(deployment, run.label) for run in deployment.runs]
    chip = {run.label for run in deployment.chip_runs}
    drawn = {picture.key: picture for picture in pictures(deployment)}
    return (
        page_environment()
        .get_template("report.html.j2")
        .render(
            d=deployment,
            placed=deployment.placed,
            name=Path(deployment.source).name or deployment.source,
            verdict=verdict(deployment),
            pictures=drawn,
            live=live_figures(deployment),
            rows=[(row, STATUS_WORDS[row.status], explain(row)) for row in by_harm(deployment.table)],
            runs=runs,
            agreements=sorted(
                deployment.agreements, key=lambda a: a.candidate not in chip
            ),  # the user's question first
            counts=[
                (run.label, name, n) for run in deployment.runs for name, n in sorted(run.recording.counts.items()) if n
            ],
            short=any(r["samples"] < deployment.stimulus.samples for r in runs),
            rules=(RULE_SPIKING, RULE_SILENT),
        )
    )


def page_environment() -> jinja2.Environment:
    """How pages are made: everything escaped, nothing undefined, templates from this package."""
    import jinja2

    folder = resources.files("neuroalign.export").joinpath("templates")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
    )
    environment.filters |= {
        "percent": _percent,
        "number": _number,
        "share": _share,
        "whole": lambda value: f"{value:,.0f}",
        "base64": lambda data: base64.b64encode(data).decode("ascii"),
    }
    return environment


def _run_row(deployment: Deployment, label: str) -> dict[str, Any]:
    """What the table of runs says about one run."""
    run = deployment.run(label)
    steps, labels = deployment.stimulus.steps, deployment.stimulus.labels
    spikes = {p: a for (p, s), a in run.recording.states.items() if s == "s"}
    accuracy: float | None = None
    for _, population in deployment.network.outputs:
        target = deployment.network.population(population)
        if labels is not None and target.size > 1 and decidable(run.recording, population, target.spiking):
            decided = decide(run.recording, population, steps, target.spiking)[0]
            accuracy = float((decided == labels[: decided.size]).mean())
            break
    return {
        "run": run,
        "is_reference": label == deployment.reference,
        "numbers": "integers of the chip" if run.chip is not None and run.chip.is_fixed else "floating point",
        "spikes": sum(int((run.recording.aligned(p, "s", steps) != 0).sum()) for p in spikes),
        "accuracy": accuracy,
        "samples": max((len(a) for a in run.recording.states.values()), default=0),
        "latency": max(run.recording.latency_steps.values(), default=0),
    }


def _percent(value: float | None, digits: int = 2) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.{digits}f}%" if math.isfinite(value) else "not a number"


def _share(value: float | None) -> str:
    """Per cent to three digits, for shares that may be tiny."""
    if value is None:
        return "–"
    return f"{100 * value:.3g}%" if math.isfinite(value) else "not a number"


def _number(value: float | None, digits: int = 4) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def _write_text(path: Path, text: str) -> Path:
    return write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8", errors=NO_CHARACTER))


def _remove_empty(folders: Sequence[Path]) -> None:
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()
