"""Weights that learn, over time, to zoom into."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bokeh.models import Range1d
from bokeh.plotting import figure

from neuroalign.deployment import Deployment
from neuroalign.export.excerpt import spread
from neuroalign.export.excerpt_learning import Learnt, learnt_weights, spread_weights
from neuroalign.export.figures.style import FAINT, run_colour
from neuroalign.export.live.embed import Zoomable
from neuroalign.export.live.panels import DASHES, grid_of, hover, legend_above, panel, source, time_range, words
from neuroalign.fidelity import LearningAgreement
from neuroalign.network import FloatArray

MOST = 2000
"""Weights of the panel of the last read, evenly spaced."""


def learnt(deployment: Deployment) -> dict[str, Zoomable]:
    """A figure for every plastic connection, by the key of its picture."""
    dt = deployment.network.dt
    return {f"learning {w.connection}": learning(w, dt) for w in learnt_weights(deployment)}


def learning(what: Learnt, dt: float) -> Zoomable:
    """A few weights over time in every run, and Pearson r of all weights."""
    seconds = np.array([read.step for read in what.agreements[0].reads]) * dt
    x_range = time_range(float(seconds[-1]) if seconds.size else 1.0)
    runs = ((what.agreements[0].reference, what.reference), *what.candidates)
    over_time = _over_time(what, runs, seconds, x_range)
    r = panel("Pearson r of all weights", "time (s)", "r", height=300, x_range=x_range)
    for k, agreement in enumerate(what.agreements, start=1):
        _r(r, agreement, seconds, k)
    return grid_of([[over_time, _ends(what), r]], x_range)


def _over_time(what: Learnt, runs: Sequence[tuple[str, FloatArray]], seconds: FloatArray, x_range: Range1d) -> figure:
    made = panel(f"Weights of {what.connection}", "time (s)", "weight", height=300, x_range=x_range)
    for i, j in spread_weights(what.reference):
        columns = {"t": seconds} | {f"w{k}": weights[:, i, j] for k, (_, weights) in enumerate(runs)}
        data, lines = source(columns), []
        for k, (label, _) in enumerate(runs):
            style = {"line_color": run_colour(k), "line_dash": DASHES[k % 3], "legend_label": words(label)}
            lines.append(made.line("t", f"w{k}", source=data, line_width=3.0 if k == 0 else 1.5, **style))
        tips = [(label, f"@w{k}{{0.[00000]}}") for k, (label, _) in enumerate(runs)]
        hover(made, lines[:1], [("weight", f"[{i}, {j}]"), ("time", "@t{0.[000]} s"), *tips], "mouse")
    legend_above(made)
    return made


def _ends(what: Learnt) -> figure:
    last = what.reference[-1]
    made = panel("At the end", f"weight, {what.agreements[0].reference}", "weight, others", height=300)
    made.line([last.min(), last.max()], [last.min(), last.max()], line_color=FAINT)
    i, j = (index.ravel()[spread(last.size, MOST)] for index in np.indices(last.shape))
    for k, (label, weights) in enumerate(what.candidates, start=1):
        data = source({"i": i, "j": j, "x": last[i, j], "y": weights[-1][i, j]})
        drawn = made.scatter("x", "y", source=data, size=4, color=run_colour(k), alpha=0.6)
        reference = (what.agreements[0].reference, "@x{0.[00000]}")
        hover(made, [drawn], [("weight", "[@i, @j]"), reference, (label, "@y{0.[00000]}")], "mouse")
    return made


def _r(made: figure, agreement: LearningAgreement, seconds: FloatArray, k: int) -> None:
    r = np.array([np.nan if read.r is None else read.r for read in agreement.reads])
    angle = np.array([np.nan if read.angle_degrees is None else read.angle_degrees for read in agreement.reads])
    data = source({"t": seconds, "r": r, "a": angle})
    drawn = made.line("t", "r", source=data, line_color=run_colour(k), line_width=1.6)
    tips = [(agreement.candidate, ""), ("time", "@t{0.[000]} s"), ("r", "@r{0.[00000]}"), ("angle", "@a{0.0} degrees")]
    hover(made, [drawn], tips, "vline")
