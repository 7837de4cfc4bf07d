"""Pictures of states over time: rasters side by side, membranes overlaid."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
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
    telling_panels,
    time_axis,
    worst_sample,
)
from neuroalign.export.figures.style import (
    EXTRA,
    FAINT,
    INK,
    MISSING,
    STYLES,
    Picture,
    add_legend,
    drawable,
    label_axes,
    new_figure,
    picture_of,
    plain_frame,
    run_colour,
)
from neuroalign.fidelity import Agreement, match_spikes


def rasters(deployment: Deployment) -> Picture | None:
    """Spikes of the worst sample, a column per run; spikes without partner stand out."""
    agreement, runs = main_agreement(deployment), drawn_runs(deployment)
    spiking = [p.name for p in agreement.populations if p.spikes is not None] if agreement else []
    if agreement is None or not spiking:
        return None
    (sample, of), time = worst_sample(deployment), time_axis(min(agreement.steps, STEPS), agreement.dt)
    ports = [i.name for i in deployment.network.inputs if i.name in deployment.stimulus.inputs][:2]
    rows = ports + spiking[:POPULATIONS]
    figure = new_figure(0.9 + 1.4 * len(rows))
    grid = figure.subplots(len(rows), len(runs), sharex=True, squeeze=False)
    for name, panels in zip(rows, grid, strict=True):
        for axis, run in zip(panels, runs, strict=True):
            if name in ports:
                _input_panel(axis, deployment, name, sample, time, first=run is runs[0])
            else:
                _raster_panel(axis, (runs[0], run), name, sample, agreement, time)
        panels[0].set_ylabel(drawable(name, 18), parse_math=False, fontsize=9)
    for top, bottom, run in zip(grid[0], grid[-1], runs, strict=True):
        top.set_title(drawable(run.label, 100 // len(runs)), parse_math=False, fontsize=9, fontweight="bold")
        bottom.set_xlabel(f"time ({time.unit})", fontsize=9)
    return picture_of(
        figure,
        "rasters",
        "Spikes side by side",
        f"Sample {sample}, counted from 0: the one with the most unequal spikes in {agreement.candidate} among the "
        f"{of:,} that every run shown has; declared latency subtracted. Each row is the input or a population, each column a run. "
        f"Orange: a spike without partner within ±{agreement.tolerance_steps} steps in {runs[0].label}; blue: a spike of "
        f"{runs[0].label} that has no partner here. {_cut(deployment, spiking, sample, agreement.steps, time)}",
        f"Spike rasters of {', '.join(spiking[:POPULATIONS])} for {', '.join(r.label for r in runs)}.",
    )


def membranes(deployment: Deployment) -> Picture | None:
    """Membrane of telling neurons, all runs laid over each other, with threshold and spikes."""
    agreement, runs = main_agreement(deployment), drawn_runs(deployment)
    if agreement is None:
        return None
    (sample, _), time = worst_sample(deployment), time_axis(min(agreement.steps, STEPS), agreement.dt)
    panels = telling_panels(deployment, agreement, sample, time.values.size)
    if not panels:
        return None
    figure = new_figure(1.6 + 1.9 * len(panels))
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, neuron, why) in zip(axes, panels, strict=True):
        _membrane_panel(axis, deployment, runs, name, neuron, sample, time)
        label_axes(
            axis,
            f"{name}[{neuron}], {why}",
            "",
            "v (V)",
            pad=4 + (7 * len(runs) if deployment.network.population(name).spiking else 0),
        )
    axes[-1].set_xlabel(f"time ({time.unit})", fontsize=9)
    add_legend(figure, axes[0])
    return picture_of(
        figure,
        "membranes",
        "Membrane potential",
        f"Sample {sample}, declared latency subtracted; of each population the neuron with the largest error and the "
        "most active other one. Marks above the traces are spikes, top to bottom in the order of the legend; v is shown "
        "after reset.",
        f"Membrane traces in volts of {', '.join(f'{n}[{k}]' for n, k, _ in panels)}, all runs overlaid.",
    )


def _membrane_panel(
    axis: Axes, deployment: Deployment, runs: tuple[Run, ...], name: str, neuron: int, sample: int, time: Axis
) -> None:
    axis.set_xlim(0, 1.01 * float(time.values[-1]))
    threshold = float(deployment.network.population(name).v_threshold[neuron])
    if np.isfinite(threshold):
        axis.axhline(threshold, color=FAINT, linewidth=0.8, linestyle="--", label="threshold")
    for k, run in enumerate(runs):
        v = state(run, name, "v", sample, time.values.size)
        if v is None:
            continue
        line: dict[str, Any] = (
            {"linewidth": 2.4, "alpha": 0.55} if k == 0 else {"linewidth": 1.2, "linestyle": STYLES[k - 1]}
        )
        axis.plot(time.values, v[:, neuron], color=run_colour(k), label=drawable(run.label), **line)
        s = state(run, name, "s", sample, time.values.size)
        if s is not None and np.isfinite(threshold):
            when = time.values[s[:, neuron] != 0]
            if not when.size:  # an empty line outside the axes confuses the layout
                continue
            height = np.full(when.size, 1.03 + 0.055 * (len(runs) - 1 - k))
            axis.plot(
                when,
                height,
                "|",
                color=run_colour(k),
                markersize=4,
                clip_on=False,
                transform=axis.get_xaxis_transform(),
            )


def _input_panel(axis: Axes, deployment: Deployment, name: str, sample: int, time: Axis, *, first: bool) -> None:
    if not first:  # the input is the same for every run
        axis.axis("off")
        return
    spikes = np.asarray(deployment.stimulus.inputs[name])[sample, : time.values.size] != 0
    _events(axis, raster_neurons(spikes), spikes, None, None, time)


def _raster_panel(axis: Axes, runs: tuple[Run, Run], name: str, sample: int, agreement: Agreement, time: Axis) -> None:
    left, right = (state(run, name, "s", sample, time.values.size) for run in runs)
    plain_frame(axis)
    if left is None or right is None:
        axis.text(0.5, 0.5, "not recorded", ha="center", transform=axis.transAxes, color=FAINT, fontsize=9)
        axis.set_yticks([])
        return
    reference, spikes = left != 0, right != 0
    found, partnered = match_spikes(reference[None], spikes[None], agreement.tolerance_steps)
    _events(axis, raster_neurons(left), spikes, spikes & ~partnered[0], reference & ~found[0], time)


def _events(
    axis: Axes,
    neurons: NDArray[np.int64],
    spikes: NDArray[np.bool_],
    extra: NDArray[np.bool_] | None,
    missing: NDArray[np.bool_] | None,
    time: Axis,
) -> None:
    """Draw (T, N) spikes of ``neurons``; extra and missing ones larger and on top."""
    size = float(np.clip(90 / max(neurons.size, 1), 1.5, 9))
    usual = spikes if extra is None else spikes & ~extra
    for mask, colour, side, width in (
        (usual, INK, size, 0.7),
        (missing, MISSING, max(1.3 * size, 4.0), 1.5),
        (extra, EXTRA, max(1.3 * size, 4.0), 1.5),
    ):
        if mask is not None:
            when, which = np.nonzero(mask[:, neurons])
            axis.plot(time.values[when], neurons[which], "|", color=colour, markersize=side, markeredgewidth=width)
    axis.set_xlim(0, 1.01 * float(time.values[-1]) if time.values.size else 1)
    axis.set_ylim(-0.7, spikes.shape[1] - 0.3)
    if spikes.shape[1] <= 3:
        axis.set_yticks(np.arange(spikes.shape[1]))
    plain_frame(axis)


def _cut(deployment: Deployment, spiking: list[str], sample: int, steps: int, time: Axis) -> str:
    """What the rasters leave out, in words."""
    parts = []
    reference = deployment.run(deployment.reference)
    for name in spiking[:POPULATIONS]:
        spikes = state(reference, name, "s", sample, time.values.size)
        drawn = raster_neurons(spikes).size if spikes is not None else 0
        if spikes is not None and drawn < spikes.shape[1]:
            parts.append(f"Of {name} {drawn:,} of {spikes.shape[1]:,} neurons are drawn, evenly spaced.")
    if steps > time.values.size:
        parts.append(f"The first {time.values.size:,} of {steps:,} steps are drawn.")
    if len(spiking) > POPULATIONS:
        parts.append(f"Not drawn: {', '.join(spiking[POPULATIONS:])}.")
    return " ".join(parts)
