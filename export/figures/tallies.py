"""Pictures of figures: decisions, errors by population, weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from neuroalign.deployment import Deployment
from neuroalign.export.excerpt import colour_order, largest_weights, spread
from neuroalign.export.excerpt_tallies import Classes, decisions, judged, membrane_error, spike_error
from neuroalign.export.figures.style import (
    COLOURS,
    FAINT,
    INK,
    Picture,
    add_legend,
    drawable,
    label_axes,
    new_figure,
    picture_of,
    run_colour,
)


def outputs(deployment: Deployment) -> Picture | None:
    """Accuracy of every run, and the main run's decisions against the labels, or against the reference's."""
    found = decisions(deployment)
    if found is None:
        return None
    agreement, what, rows, right = found.agreement, found.what, found.rows, found.shares
    figure = new_figure(3.6)
    bars, matrix = figure.subplots(1, 2, width_ratios=(1.15, 1))
    order = colour_order(deployment)
    _bars(bars, right, [run_colour(order.index(label)) for label in right])
    for place, (label, choice) in enumerate(found.decided.items()):
        if label in found.same_samples:  # a slow backend's few samples are no match for the whole split
            note = f"first {choice.size} samples; {found.same_samples[label]:.2%} in the reference"
            bars.annotate(note, (0, place), (4, 0), textcoords="offset points", va="center", fontsize=8, color="white")
    label_axes(bars, f"{found.output.name}: {what}", f"{what} (% of samples)", "")
    _matrix(matrix, *found.confusion())
    title = "Labels and decisions" if rows == "label" else "Decisions"
    label_axes(matrix, title, f"decision of {agreement.candidate}", rows)
    return picture_of(
        figure,
        "outputs",
        "What comes out",
        f"Left: {what} of every run ({found.truth.size:,} samples unless a run says otherwise). Right: samples by {rows} and "
        f"decision of {agreement.candidate}; off the diagonal they differ. Decision rule: {found.output.rule}.",
        f"Bar chart of {what}: {'; '.join(f'{label} {share:.2%}' for label, share in right.items())}. Matrix of {rows} "
        f"against decision of {agreement.candidate}.",
    )


def errors(deployment: Deployment) -> Picture | None:
    """Spikes without partner and membrane error of every population, one bar a run."""
    order = colour_order(deployment)
    compared, names = judged(deployment)
    if not compared:
        return None
    figure = new_figure(1.6 + 0.2 * len(names) * (len(compared) + 1))
    axes = figure.subplots(1, 2, sharey=True)
    height = 0.8 / max(len(compared), 2)
    for k, agreement in enumerate(compared):
        found = {p.name: p for p in agreement.populations}
        places = np.arange(len(names), dtype=np.float64) + (k - (len(compared) - 1) / 2) * height
        colour = run_colour(order.index(agreement.candidate))
        for axis, measure in zip(axes, (spike_error, membrane_error), strict=True):
            _error_bars(axis, places, [measure(found.get(n)) for n in names], height, colour, agreement.candidate)
    label_axes(axes[0], f"Spikes without partner within ±{compared[0].tolerance_steps} steps", "1 − F1 (%)", "")
    label_axes(axes[1], "Membrane error", "RMS (% of scale)", "")
    axes[0].set_yticks(np.arange(len(names)), [drawable(n) for n in names], parse_math=False)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    add_legend(figure, axes[0])
    left = len(compared[0].populations) - len(names)
    return picture_of(
        figure,
        "errors",
        "Where the error arises",
        f"Every population against {deployment.reference}, in the order of the model. Left: share of spikes that have no "
        "partner. Right: RMS error of the membrane as a share of the distance from reset to threshold (of the "
        f"reference's range where neurons do not spike).{f' {left} more populations are in the table.' if left else ''}",
        "Bar charts of spike and membrane error: " + "; ".join(f"{p.name}, {p.text}" for p in compared[0].populations),
    )


def weights(deployment: Deployment) -> Picture | None:
    """Weights of the largest connections, float against what the chip holds, and the error."""
    known, left = largest_weights(deployment)
    if not known:
        return None
    figure = new_figure(2.7 * len(known))
    grid = figure.subplots(len(known), 2, squeeze=False)
    for (scatter, histogram), (name, (ours, held)) in zip(grid, known, strict=True):
        _weight_panels(scatter, histogram, name, ours.ravel(), held.ravel())
    more = f" {left} smaller or unmatched connections are not drawn." if left else ""
    return picture_of(
        figure,
        "weights",
        "Weights, float against chip",
        "Left: weights as the model has them and as the chip holds them, in the model's unit; on the line there is no error. "
        "Of large connections some are drawn, evenly spaced; orange, where it is used: the 50 with the largest errors. "
        f"Right: how all errors are spread.{more}",
        "Scatter plots and error histograms of the weights of " + ", ".join(n for n, _ in known),
    )


def _weight_panels(
    scatter: Axes, histogram: Axes, name: str, ours: NDArray[np.float64], held: NDArray[np.float64]
) -> None:
    shown = spread(ours.size, 5000)
    ends = [float(min(ours.min(), held.min())), float(max(ours.max(), held.max()))]
    scatter.plot(ends, ends, color=FAINT, linewidth=0.8)
    scatter.plot(ours[shown], held[shown], ".", color=COLOURS[0], markersize=2.5, alpha=0.6)
    some = f"{shown.size:,} of {ours.size:,} weights" if shown.size < ours.size else f"{ours.size:,} weights"
    label_axes(scatter, f"{drawable(name, 34)}, {some}", "model weight", "chip weight, model's unit")
    error = held - ours
    histogram.locator_params(axis="x", nbins=4)  # long numbers
    histogram.hist(error, bins=min(31, max(5, error.size // 4)), color=COLOURS[0])
    top = float(np.abs(ours).max()) or 1.0
    label_axes(
        histogram,
        f"largest error {float(np.abs(error).max()) / top:.2%} of the largest weight",
        "chip − model",
        "weights",
    )


def _error_bars(
    axis: Axes, places: NDArray[np.float64], values: list[float | str], height: float, colour: str, label: str
) -> None:
    widths = [0.0 if isinstance(value, str) else value for value in values]
    axis.barh(places, widths, height=0.9 * height, color=colour, label=drawable(label))
    for place, value, width in zip(places, values, widths, strict=True):
        told, ink = (value, FAINT) if isinstance(value, str) else (f"{value:.3g}", INK)
        axis.annotate(told, (width, place), (3, 0), textcoords="offset points", va="center", fontsize=8, color=ink)
    axis.set_xlim(0, max(1.15 * max(widths), axis.get_xlim()[1], 1e-9))


def _bars(axis: Axes, shares: Mapping[str, float], colours: list[str]) -> None:
    places, names = np.arange(len(shares)), list(shares)
    axis.barh(places, [100 * share for share in shares.values()], color=colours, height=0.6)
    for place, share in zip(places, shares.values(), strict=True):
        axis.annotate(f"{share:.2%}", (100 * share, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axis.set_yticks(places, [drawable(n, 32) for n in names], parse_math=False)
    axis.set_xlim(0, 119)
    axis.set_xticks([0, 25, 50, 75, 100])
    axis.set_ylim(max(len(names), 4) - 0.4, -0.6)  # first on top; few bars stay slim


def _matrix(axis: Axes, known: Classes, table: Classes) -> None:
    """Counts of (row: truth, column: decided); classes beyond the largest of both are not there."""
    axis.imshow(np.sqrt(table), cmap="Blues", aspect="equal", vmin=0)
    if known.size > 16:
        return
    axis.set_xticks(np.arange(known.size), [str(k) for k in known])
    axis.set_yticks(np.arange(known.size), [str(k) for k in known])
    for row, column in np.argwhere(table):
        colour = "white" if table[row, column] > 0.4 * table.max() else INK
        axis.text(column, row, str(table[row, column]), ha="center", va="center", fontsize=7, color=colour)
