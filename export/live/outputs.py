"""What comes out, and where the error arises: values under the pointer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import Range1d
from bokeh.palettes import Blues256
from bokeh.plotting import figure
from bokeh.transform import linear_cmap

from neuroalign.deployment import Deployment
from neuroalign.export.excerpt import colour_order
from neuroalign.export.excerpt_tallies import Classes, Decided, decisions, judged, membrane_error, spike_error
from neuroalign.export.figures.style import FAINT, INK, run_colour
from neuroalign.export.live.embed import Zoomable
from neuroalign.export.live.panels import (
    from_the_top,
    grid_of,
    hover,
    legend_above,
    named,
    panel,
    source,
    words,
    written,
)
from neuroalign.fidelity import Agreement, PopulationAgreement

MOST_CLASSES = 64
"""Classes up to which the matrix is drawn field by field."""
NUMBERED_CLASSES = 16
"""Classes up to which the counts are written into the fields."""


def outputs(deployment: Deployment) -> Zoomable | None:
    """A bar a run, and samples by label and decision; the still picture alone where the classes are too many."""
    found = decisions(deployment)
    if found is None or found.confusion()[0].size > MOST_CLASSES:
        return None
    matrix = _matrix(found)
    return grid_of([[_shares(found, colour_order(deployment)), matrix]], matrix.x_range)


def _shares(found: Decided, order: Sequence[str]) -> figure:
    labels = list(found.shares)
    span = Range1d(0, 119, bounds=(0, 119))
    made = panel(
        f"{found.output.name}: {found.what}",
        f"{found.what} (% of samples)",
        "",
        height=300,
        x_range=span,
        y_range=from_the_top(max(len(labels), 4)),
    )
    named(made.yaxis, labels, 32)
    for k, (label, share) in enumerate(found.shares.items()):
        size, same = found.decided[label].size, found.same_samples.get(label)
        columns = {"y": np.array([k]), "share": np.array([100 * share])}
        colour = run_colour(order.index(label))
        drawn = made.hbar(y="y", right="share", height=0.6, source=source(columns), color=colour)
        tips = [(label, ""), (found.what, "@share{0.[00]}%"), ("samples", f"{size:,}")]
        if same is not None:
            tips.append(("reference on the same", f"{same:.2%}"))
        hover(made, [drawn], tips, "mouse")
        written(made, columns["share"], columns["y"], np.array([f"{share:.2%}"]))
    return made


def _matrix(found: Decided) -> figure:
    known, table = found.confusion()
    rows, columns = np.nonzero(table)
    count = table[rows, columns]
    span = Range1d(-0.5, known.size - 0.5, bounds=(-0.5, known.size - 0.5))
    decided = f"decision of {found.agreement.candidate}"
    made = panel("Samples by decision", decided, found.rows, height=300, x_range=span, y_range=from_the_top(known.size))
    names = [str(k) for k in known]
    named(made.xaxis, names, 12)
    named(made.yaxis, names, 12)
    data = {"x": columns, "y": rows, "n": count, "tint": np.sqrt(count), "t": known[rows], "d": known[columns]}
    colour = linear_cmap("tint", Blues256[::-1], 0, float(np.sqrt(count.max())))
    drawn = made.rect("x", "y", 1, 1, source=source(data), fill_color=colour, line_color=None)
    if known.size <= NUMBERED_CLASSES:
        _numbers(made, columns, rows, count)
    hover(made, [drawn], [(found.rows, "@t"), (decided, "@d"), ("samples", "@n{0,0}")], "mouse")
    return made


def _numbers(made: figure, columns: Classes, rows: Classes, count: Classes) -> None:
    dark = count > 0.4 * count.max()
    for part, colour in ((dark, "white"), (~dark, INK)):
        if part.any():
            written(made, columns[part], rows[part], count[part].astype(str), inside=True, colour=colour)


def errors(deployment: Deployment) -> Zoomable | None:
    """Spikes without partner and membrane error of every population, a bar a run."""
    compared, names = judged(deployment)
    if not compared:
        return None
    order = colour_order(deployment)
    height = 130 + 22 * len(names) * (len(compared) + 1)
    spikes, membrane = (
        panel(title, x, "", height=min(height, 1200), y_range=from_the_top(len(names)))
        for title, x in (
            (f"Spikes without partner within ±{compared[0].tolerance_steps} steps", "1 − F1 (%)"),
            ("Membrane error", "RMS (% of scale)"),
        )
    )
    membrane.y_range = spikes.y_range
    for made, measure in ((spikes, spike_error), (membrane, membrane_error)):
        named(made.yaxis, names, 24)
        ends = [0.0]
        for k, agreement in enumerate(compared):
            values = [measure(found) for found in _found(agreement, names)]
            ends += [value for value in values if isinstance(value, float)]
            shown = {"color": run_colour(order.index(agreement.candidate)), "line_width": 2}
            if made is spikes:  # one legend says it for both
                shown["legend_label"] = words(agreement.candidate)
            _error_bars(made, names, values, (k, len(compared)), agreement.candidate, shown)
        made.x_range = Range1d(0, 1.2 * max(ends) or 1.0, bounds=(0, 1.2 * max(ends) or 1.0))
    legend_above(spikes)
    return grid_of([[spikes, membrane]], spikes.x_range)


def _found(agreement: Agreement, names: Sequence[str]) -> list[PopulationAgreement | None]:
    found: Mapping[str, PopulationAgreement] = {p.name: p for p in agreement.populations}
    return [found.get(name) for name in names]


def _error_bars(
    made: figure,
    names: Sequence[str],
    values: Sequence[float | str],
    place: tuple[int, int],
    label: str,
    shown: Mapping[str, Any],
) -> None:
    """Bars side by side; what has no figure says why in its place."""
    k, runs = place
    height = 0.8 / max(runs, 2)
    columns = {
        "y": np.arange(len(names)) + (k - (runs - 1) / 2) * height,
        "x": np.array([0.0 if isinstance(value, str) else value for value in values]),
        "name": np.array([words(name) for name in names]),
        "told": np.array([value if isinstance(value, str) else f"{value:.4g}%" for value in values]),
    }
    drawn = made.hbar(y="y", right="x", height=0.9 * height, source=source(columns), **shown)
    short = np.array([value if isinstance(value, str) else f"{value:.3g}" for value in values])
    said = np.array([isinstance(value, str) for value in values])
    for part, colour in ((said, FAINT), (~said, INK)):
        if part.any():
            written(made, columns["x"][part], columns["y"][part], short[part], colour=colour)
    hover(made, [drawn], [(label, ""), ("population", "@name"), ("error", "@told")], "mouse")
