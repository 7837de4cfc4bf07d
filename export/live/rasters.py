"""Spikes of the worst sample side by side, to zoom into."""

from __future__ import annotations

import numpy as np
from bokeh.models import Range1d
from bokeh.plotting import figure
from bokeh.transform import dodge
from numpy.typing import NDArray

from neuroalign.deployment import Deployment, Run
from neuroalign.export.excerpt import (
    POPULATIONS,
    STEPS,
    Axis,
    drawn_runs,
    main_agreement,
    raster_neurons,
    state,
    time_axis,
    worst_sample,
)
from neuroalign.export.figures.style import EXTRA, INK, MISSING
from neuroalign.export.live.embed import Zoomable
from neuroalign.export.live.panels import grid_of, hover, panel, source, time_range
from neuroalign.fidelity import Agreement, match_spikes

Spikes = NDArray[np.bool_]


def rasters(deployment: Deployment) -> Zoomable | None:
    """A row per input or population, a column per run; all panels share the time axis."""
    agreement, runs = main_agreement(deployment), drawn_runs(deployment)
    spiking = [p.name for p in agreement.populations if p.spikes is not None] if agreement else []
    if agreement is None or not spiking:
        return None
    (sample, _), time = worst_sample(deployment), time_axis(min(agreement.steps, STEPS), agreement.dt)
    x_range = time_range(float(time.values[-1]))
    ports = [i.name for i in deployment.network.inputs if i.name in deployment.stimulus.inputs][:2]
    rows = []
    for name in ports:
        spikes = np.asarray(deployment.stimulus.inputs[name])[sample, : time.values.size] != 0
        made = _panel(f"{name}, the same for every run", spikes.shape[1], time, x_range)
        _draw(made, raster_neurons(spikes), {"spike": spikes}, time)
        rows.append([made, *[None] * (len(runs) - 1)])
    for name in spiking[:POPULATIONS]:
        rows.append([_run_panel((runs[0], run), name, sample, agreement, time, x_range) for run in runs])
    return grid_of(rows, x_range)


def _panel(title: str, neurons: int, time: Axis, x_range: Range1d) -> figure:
    made = panel(title, f"time ({time.unit})", "neuron", height=240, x_range=x_range)
    made.y_range = Range1d(-0.7, neurons - 0.3, bounds=(-1, neurons))
    return made


def _run_panel(
    runs: tuple[Run, Run], name: str, sample: int, agreement: Agreement, time: Axis, x_range: Range1d
) -> figure | None:
    left, right = (state(run, name, "s", sample, time.values.size) for run in runs)
    if left is None or right is None:
        return None
    reference, spikes = left != 0, right != 0
    found, partnered = match_spikes(reference[None], spikes[None], agreement.tolerance_steps)
    made = _panel(f"{name}, {runs[1].label}", left.shape[1], time, x_range)
    kinds = {
        "spike": spikes & partnered[0],
        "spike that only the reference has": reference & ~found[0],
        "spike without partner in the reference": spikes & ~partnered[0],
    }
    _draw(made, raster_neurons(left), kinds, time)
    return made


def _draw(made: figure, neurons: NDArray[np.int64], kinds: dict[str, Spikes], time: Axis) -> None:
    """A bar for every spike of ``neurons``, as high as its neuron's row, so that zooming makes it larger.

    Spikes without partner are never lower than a fortieth of the panel: they are what one looks for.
    """
    for k, ((kind, spikes), colour) in enumerate(zip(kinds.items(), (INK, MISSING, EXTRA), strict=False)):
        when, which = np.nonzero(spikes[:, neurons])
        if not when.size:
            continue
        half = 0.42 if k == 0 else max(0.42, spikes.shape[1] / 80)
        drawn = made.segment(
            x0="t",
            x1="t",
            y0=dodge("n", -half),
            y1=dodge("n", half),
            source=source({"t": time.values[when], "n": neurons[which]}),
            line_color=colour,
            line_width=1.2 if k == 0 else 2.5,
        )
        hover(made, [drawn], [(kind, ""), ("neuron", "@n"), ("time", f"@t{{0.[000]}} {time.unit}")], "mouse")
