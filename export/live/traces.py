"""Membranes of telling neurons, to zoom into."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import Range1d, Span
from bokeh.plotting import figure
from numpy.typing import NDArray

from neuroalign.deployment import Deployment, Run
from neuroalign.export.excerpt import (
    STEPS,
    Axis,
    drawn_runs,
    main_agreement,
    state,
    telling_panels,
    time_axis,
    worst_sample,
)
from neuroalign.export.figures.style import FAINT, run_colour
from neuroalign.export.live.embed import Zoomable
from neuroalign.export.live.panels import DASHES, grid_of, hover, legend_above, panel, source, time_range, words


def membranes(deployment: Deployment) -> Zoomable | None:
    """A panel per neuron, every run in it, with threshold and spikes; all panels share the time axis."""
    agreement, runs = main_agreement(deployment), drawn_runs(deployment)
    if agreement is None:
        return None
    (sample, _), time = worst_sample(deployment), time_axis(min(agreement.steps, STEPS), agreement.dt)
    shown = telling_panels(deployment, agreement, sample, time.values.size)
    if not shown:
        return None
    x_range = time_range(float(time.values[-1]))
    panels = [_panel(deployment, runs, name, k, why, sample, time, x_range) for name, k, why in shown]
    return grid_of([[p] for p in panels], x_range)


def _panel(
    deployment: Deployment,
    runs: tuple[Run, ...],
    name: str,
    neuron: int,
    why: str,
    sample: int,
    time: Axis,
    x_range: Range1d,
) -> figure:
    made = panel(f"{name}[{neuron}], {why}", f"time ({time.unit})", "v (V)", height=230, x_range=x_range)
    threshold = float(deployment.network.population(name).v_threshold[neuron])
    if np.isfinite(threshold):
        made.add_layout(Span(location=threshold, dimension="width", line_color=FAINT, line_dash="dashed"))
    columns: dict[str, NDArray[Any]] = {"t": time.values}
    labels: dict[str, str] = {}
    for k, run in enumerate(runs):
        v = state(run, name, "v", sample, time.values.size)
        if v is not None:
            columns[f"v{k}"], labels[f"v{k}"] = _padded(v[:, neuron], time.values.size), run.label
    data, lines = source(columns), []
    for column, label in labels.items():
        k = int(column[1:])
        style = {"line_color": run_colour(k), "line_dash": DASHES[k], "legend_label": words(label)}
        lines.append(made.line("t", column, source=data, line_width=3.5 if k == 0 else 1.6, **style))
    top, step = _above([columns[column] for column in labels])
    for k, run in enumerate(runs):
        s = state(run, name, "s", sample, time.values.size)
        if s is not None and s[:, neuron].any():
            _spikes(made, time.values[: len(s)][s[:, neuron] != 0], k, top + step * (len(runs) - k))
    tips = [(label, f"@{column}{{0.[000000]}} V") for column, label in labels.items()]
    hover(made, lines[:1], [("time", f"@t{{0.[000]}} {time.unit}"), *tips], "vline")
    legend_above(made)
    return made


def _above(traces: list[NDArray[Any]]) -> tuple[float, float]:
    """The top of all traces, and the distance of the rows of marks above it."""
    ends = [(np.nanmin(v), np.nanmax(v)) for v in traces if np.isfinite(v).any()]
    low, top = min((float(e[0]) for e in ends), default=0.0), max((float(e[1]) for e in ends), default=1.0)
    return top, 0.07 * ((top - low) or 1.0)


def _spikes(made: figure, when: NDArray[np.float64], k: int, height: float) -> None:
    marks = source({"t": when, "y": np.full(when.size, height)})
    made.scatter("t", "y", source=marks, marker="inverted_triangle", size=6, color=run_colour(k))


def _padded(values: NDArray[Any], size: int) -> NDArray[np.float64]:
    """A run that ended early has gaps at the end."""
    whole = np.full(size, np.nan)
    whole[: values.size] = values
    return whole
