"""Pictures of learning: weights over time, chip against float, and their agreement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from neuroalign.deployment import Deployment
from neuroalign.export.excerpt_learning import Learnt, learnt_weights, spread_weights
from neuroalign.export.figures.style import (
    FAINT,
    STYLES,
    Picture,
    add_legend,
    label_axes,
    new_figure,
    picture_of,
    run_colour,
)
from neuroalign.fidelity import LearningAgreement
from neuroalign.network import FloatArray


def learning(key: str, what: Learnt, dt: float) -> Picture:
    """Weights over time, the final ones against each other, and r and angle over time; ``dt`` in seconds."""
    agreements, reference, candidates = what.agreements, what.reference, what.candidates
    first = agreements[0]
    seconds = np.array([read.step for read in first.reads]) * dt
    figure = new_figure(3.6)
    over_time, ends, metrics = figure.subplots(1, 3, width_ratios=(1.5, 1, 1.1))
    drawn = spread_weights(reference)
    _trajectories(over_time, seconds, first.reference, reference, candidates, drawn)
    label_axes(over_time, f"{len(drawn)} of {reference[0].size} weights", "time (s)", "weight")
    _ends(ends, reference, candidates)
    label_axes(ends, "at the end", f"weight, {first.reference}", "weight, others")
    _metrics(metrics, seconds, agreements)
    add_legend(figure, over_time)
    who = ", ".join(name for name, _ in candidates)
    return picture_of(
        figure,
        key,
        f"Learning of {first.connection}",
        f"Left: weights of sample 0, spread from the smallest to the largest at the end. Middle: all weights after the last "
        f"read, on the line where they are equal. Right: Pearson r of all weights (in print their angle too). Runs: {first.reference} "
        f"(grey), {who}.",
        f"Weights of {first.connection} over time and at the end, {who} against {first.reference}.",
    )


def learnt(deployment: Deployment) -> tuple[Picture, ...]:
    """A picture for every plastic connection."""
    dt = deployment.network.dt
    return tuple(learning(f"learning {what.connection}", what, dt) for what in learnt_weights(deployment))


def _trajectories(
    axis: Axes,
    seconds: FloatArray,
    name: str,
    reference: FloatArray,
    candidates: Sequence[tuple[str, FloatArray]],
    drawn: Sequence[tuple[int, int]],
) -> None:
    for k, (i, j) in enumerate(drawn):
        shown = name if k == 0 else None
        axis.plot(seconds, reference[:, i, j], color=run_colour(0), linewidth=2.4, alpha=0.5, label=shown)
        for c, (label, weights) in enumerate(candidates):
            style = STYLES[c % len(STYLES)]
            shown = label if k == 0 else None
            axis.plot(seconds, weights[:, i, j], color=run_colour(c + 1), linewidth=1.2, linestyle=style, label=shown)


def _ends(axis: Axes, reference: FloatArray, candidates: Sequence[tuple[str, FloatArray]]) -> None:
    last = reference[-1].ravel()
    axis.axline((float(last.mean()), float(last.mean())), slope=1, color=FAINT, linewidth=0.8)
    for c, (_, weights) in enumerate(candidates):
        axis.plot(last, weights[-1].ravel(), ".", color=run_colour(c + 1), markersize=3, alpha=0.7)


def _metrics(axis: Axes, seconds: FloatArray, agreements: Sequence[LearningAgreement]) -> None:
    angle = axis.twinx()
    for c, agreement in enumerate(agreements):
        r = [np.nan if read.r is None else read.r for read in agreement.reads]
        degrees = [np.nan if read.angle_degrees is None else read.angle_degrees for read in agreement.reads]
        axis.plot(seconds, r, color=run_colour(c + 1), linewidth=1.4)
        angle.plot(seconds, degrees, color=run_colour(c + 1), linewidth=1.2, linestyle=":")
    label_axes(axis, "r (line), angle (dots)", "time (s)", "r")
    angle.set_ylabel("angle (degrees)", fontsize=9)
    angle.tick_params(labelsize=8, length=3)
    angle.spines["top"].set_visible(False)
    angle.set_ylim(bottom=0)
