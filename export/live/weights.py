"""Weights, float against chip: the index of each under the pointer."""

from __future__ import annotations

import numpy as np
from bokeh.models import Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from neuroalign.deployment import Deployment
from neuroalign.export.excerpt import largest_weights, spread
from neuroalign.export.figures.style import COLOURS, EXTRA, FAINT
from neuroalign.export.live.embed import Zoomable
from neuroalign.export.live.panels import grid_of, hover, panel, source

EVENLY, WORST = 2000, 50
"""Weights that are drawn of each connection: evenly spaced, and those with the largest errors."""


def weights(deployment: Deployment) -> Zoomable | None:
    """A panel for each of the largest connections."""
    known, _ = largest_weights(deployment)
    if not known:
        return None
    scatters = [_scatter(name, ours, held) for name, (ours, held) in known]
    histograms = [_histogram((held - ours).ravel()) for _, (ours, held) in known]
    rows = [list(pair) for pair in zip(scatters, histograms, strict=True)]
    return grid_of(rows, scatters[0].x_range)


def _scatter(name: str, ours: NDArray[np.float64], held: NDArray[np.float64]) -> figure:
    low, high = float(min(ours.min(), held.min())), float(max(ours.max(), held.max()))
    room = 0.05 * ((high - low) or 1.0)
    ends = Range1d(low - room, high + room)
    made = panel(name, "model weight", "chip weight, model's unit", height=300, x_range=ends)
    made.line([low, high], [low, high], line_color=FAINT)
    columns, error = ours.shape[1], np.abs(held - ours).ravel()
    worst = np.argsort(-error, kind="stable")[:WORST]
    usual = np.setdiff1d(spread(ours.size, EVENLY), worst)
    for which, colour, size in ((usual, COLOURS[0], 4), (worst, EXTRA, 5)):
        if not which.size:
            continue
        data = {"i": which // columns, "j": which % columns, "x": ours.ravel()[which], "y": held.ravel()[which]}
        data["e"] = data["y"] - data["x"]
        drawn = made.scatter("x", "y", source=source(data), size=size, color=colour, alpha=0.6)
        number = "{0.[000000]}"
        tips = [("weight", "[@i, @j]"), ("model", f"@x{number}"), ("chip", f"@y{number}"), ("error", f"@e{number}")]
        hover(made, [drawn], tips, "mouse")
    return made


def _histogram(error: NDArray[np.float64]) -> figure:
    counts, edges = np.histogram(error, bins=min(31, max(5, error.size // 4)))
    made = panel("How the errors are spread", "chip − model", "weights", height=300)
    made.xaxis.ticker.desired_num_ticks = 4  # long numbers
    columns = {"from": edges[:-1], "to": edges[1:], "n": counts}
    drawn = made.quad(left="from", right="to", top="n", bottom=0, source=source(columns), color=COLOURS[0])
    hover(made, [drawn], [("weights", "@n"), ("error", "@from{0.[000000]} to @to{0.[000000]}")], "mouse")
    return made
