"""Pictures of learning: weights over time, chip against float, and their agreement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from neuroalign.deployment import Deployment, Run
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
from neuroalign.fidelity.learning import weights_at
from neuroalign.network import FloatArray

DRAWN = 5
"""Weights that are drawn over time: spread from the smallest to the largest at the end."""


def learning(
    key: str,
    agreements: Sequence[LearningAgreement],
    reference: FloatArray,
    candidates: Sequence[tuple[str, FloatArray]],
    dt: float,
) -> Picture:
    """Weights over time, the final ones against each other, and r and angle over time.

    Parameters
    ----------
    agreements
        Of each candidate against the reference, in order.
    reference, candidates : (reads, N_target, N_source)
        Weights of sample 0 in the model's unit.
    dt : s
        Time step.
    """
    first = agreements[0]
    seconds = np.array([read.step for read in first.reads]) * dt
    figure = new_figure(3.6)
    over_time, ends, metrics = figure.subplots(1, 3, width_ratios=(1.5, 1, 1.1))
    drawn = _drawn(reference)
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
        f"read, on the line where they are equal. Right: Pearson r of all weights, and their angle. Runs: {first.reference} "
        f"(grey), {who}.",
        f"Weights of {first.connection} over time and at the end, {who} against {first.reference}.",
    )


def learnt(deployment: Deployment) -> tuple[Picture, ...]:
    """A picture for every plastic connection: the chip's runs against the reference, or the ideal run where none is."""
    chips = [run.label for run in deployment.chip_runs]
    pictures = []
    for name in dict.fromkeys(a.connection for a in deployment.learning):
        of = [a for a in deployment.learning if a.connection == name and a.reference == deployment.reference]
        of = [a for a in of if a.candidate in chips] or of[-1:]
        runs = [(a, deployment.run(a.candidate)) for a in of]
        reference = _weights(deployment, deployment.run(deployment.reference), name, of[0])
        weights = [(a.candidate, _weights(deployment, run, name, a)) for a, run in runs]
        pictures.append(learning(f"learning {name}", of, reference, weights, deployment.network.dt))
    return tuple(pictures)


def _weights(deployment: Deployment, run: Run, name: str, agreement: LearningAgreement) -> FloatArray:
    """Weights of sample 0 after the model steps of the agreement."""
    target = next(c.target for c in deployment.network.connections if c.name == name)
    lag = run.recording.latency_steps[target]
    steps = [read.step + lag for read in agreement.reads]
    return np.asarray(weights_at(run.recording.states[name, "w"][:1], run.recording.read_steps, steps)[0])


def _drawn(weights: FloatArray) -> list[tuple[int, int]]:
    order = np.argsort(weights[-1], axis=None, kind="stable")
    chosen = order[np.linspace(0, order.size - 1, min(DRAWN, order.size)).astype(np.int64)]
    return [(int(i), int(j)) for i, j in zip(*np.unravel_index(chosen, weights[-1].shape), strict=True)]


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
