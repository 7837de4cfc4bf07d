"""Pictures of a deployment as PNG bytes. The only file that imports matplotlib, and only its object interface.

Colours are Okabe and Ito's, which stay apart for colour-blind readers; runs differ in line style too, for print.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neuroalign.deployment import Deployment, Run
from neuroalign.export.excerpt import (
    EVENTS,
    NEURONS,
    POPULATIONS,
    STEPS,
    Axis,
    chip_weights,
    drawn_runs,
    main_agreement,
    spread,
    state,
    telling_neurons,
    time_axis,
    worst_sample,
)
from neuroalign.fidelity import Agreement, decide, match_spikes

INK, FAINT, GRID = "#222222", "#8a8a8a", "#e3e3e3"
REFERENCE = "#444444"
COLOURS = ("#0072B2", "#D55E00", "#009E73")
STYLES: tuple[Any, ...] = ((0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
ODD = "#D55E00"
WIDTH = 10.0
DPI = 150


@dataclass(frozen=True)
class Picture:
    """A PNG with what a page needs around it: heading, caption, and words for those who cannot see it."""

    key: str
    title: str
    caption: str
    alt: str
    png: bytes
    width: int
    height: int


def pictures(deployment: Deployment) -> tuple[Picture, ...]:
    """Every picture that the deployment has data for, in reading order."""
    drawn = (outputs(deployment), errors(deployment), rasters(deployment), membranes(deployment), weights(deployment))
    return tuple(picture for picture in drawn if picture is not None)


def outputs(deployment: Deployment) -> Picture | None:
    """Accuracy of every run, and the main run's decisions against the labels, or against the reference's."""
    agreement = main_agreement(deployment)
    found = [o for o in agreement.outputs if o.agreement is not None] if agreement else []
    if agreement is None or not found:
        return None
    output, labels = found[0], deployment.stimulus.labels
    spiking = deployment.network.population(output.population).spiking
    runs = [r for r in drawn_runs(deployment) if any(p == output.population for p, _ in r.recording.states)]
    decided = {r.label: decide(r.recording, output.population, agreement.steps, spiking)[0] for r in runs}
    truth = decided[deployment.reference] if labels is None else labels
    right = {label: float((choice == truth).mean()) for label, choice in decided.items()}
    figure = _figure(3.6)
    left, matrix = figure.subplots(1, 2, width_ratios=(1.15, 1))
    what = "accuracy" if labels is not None else "decisions as the reference"
    _bars(left, list(right), list(right.values()), [_colour(k) for k in range(len(right))])
    _label(left, f"{output.name}: {what}", f"{what} (% of {output.samples:,} samples)", "")
    classes = int(max(truth.max(), *(d.max() for d in decided.values()))) + 1
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (truth, decided[agreement.candidate]), 1)
    rows = "label" if labels is not None else f"decision of {agreement.reference}"
    _matrix(matrix, table)
    _label(matrix, f"{rows} and decision", f"decision of {agreement.candidate}", rows)
    words = "; ".join(f"{label} {share:.1%}" for label, share in right.items())
    return _picture(
        figure,
        "outputs",
        "What comes out",
        f"Left: {what} of every run. Right: how often each {rows} was decided as which class on {agreement.candidate}; "
        f"the diagonal is right. Decision rule: {output.rule}.",
        f"Bar chart of {what}: {words}. Matrix of {rows} against decision.",
    )


def errors(deployment: Deployment) -> Picture | None:
    """Spikes without partner and membrane error of every population, one bar a run."""
    judged = [a for a in deployment.agreements if a.reference == deployment.reference and a.populations][: len(COLOURS)]
    if not judged:
        return None
    names = [p.name for p in judged[0].populations][: 2 * POPULATIONS]
    figure = _figure(1.5 + 0.22 * len(names) * (len(judged) + 1))
    axes = figure.subplots(1, 2, sharey=True)
    for k, agreement in enumerate(judged):
        found = {p.name: p for p in agreement.populations}
        y = np.arange(len(names)) + (k - (len(judged) - 1) / 2) * (0.8 / len(judged))
        for axis, values in zip(axes, _error_values([found.get(n) for n in names]), strict=True):
            _error_bars(axis, y, values, 0.8 / len(judged), _colour(k + 1), agreement.candidate)
    tolerance = judged[0].tolerance_steps
    _label(axes[0], f"Spikes without partner within ±{tolerance} steps", "1 − F1 (%)", "")
    _label(axes[1], "Membrane error", "RMS (% of scale)", "")
    axes[0].set_yticks(np.arange(len(names)), [_plain(n) for n in names], parse_math=False)
    axes[0].invert_yaxis()
    _legend(figure, axes[0])
    return _picture(
        figure,
        "errors",
        "Where the error arises",
        f"Every population against {deployment.reference}, in the order of processing. Left: share of spikes that have "
        "no partner. Right: RMS error of the membrane as a share of the distance from reset to threshold (of the "
        "reference's range where neurons do not spike).",
        "Bar charts of spike and membrane error by population: " + "; ".join(p.text for p in judged[0].populations),
    )


def rasters(deployment: Deployment) -> Picture | None:
    """Spikes of the worst sample, a column per run; spikes without partner in the reference stand out."""
    agreement, runs = main_agreement(deployment), drawn_runs(deployment)
    if agreement is None:
        return None
    steps, sample = min(agreement.steps, STEPS), worst_sample(deployment)
    spiking = [p.name for p in agreement.populations if p.spikes is not None]
    ports = [i.name for i in deployment.network.inputs if i.name in deployment.stimulus.inputs]
    rows, columns = ports[:2] + spiking[:POPULATIONS], len(runs)
    if not spiking:
        return None
    figure = _figure(0.9 + 1.35 * len(rows))
    grid = figure.subplots(len(rows), columns, sharex=True, squeeze=False)
    time = time_axis(steps, agreement.dt)
    for row, name in enumerate(rows):
        for column, run in enumerate(runs):
            axis = grid[row][column]
            if name in ports:
                _input_panel(axis, deployment, name, sample, steps, time, first=column == 0)
            else:
                _raster_panel(axis, (runs[0], run), name, sample, agreement, time)
            if column == 0:
                axis.set_ylabel(_plain(name, 18), parse_math=False, fontsize=9)
    for column, run in enumerate(runs):
        grid[0][column].set_title(_plain(run.label, 30), parse_math=False, fontsize=10, fontweight="bold")
        grid[-1][column].set_xlabel(f"time ({time.unit})", fontsize=9)
    cut = _cut(deployment, spiking, rows, agreement.steps)
    return _picture(
        figure,
        "rasters",
        "Spikes side by side",
        f"Sample {sample}, the one with the most unequal spikes of {agreement.samples:,}; declared latency subtracted. "
        f"Each row is a population, each column a run. Orange: no partner within ±{agreement.tolerance_steps} steps in "
        f"{runs[0].label}. {cut}",
        f"Spike rasters of {', '.join(spiking[:POPULATIONS])} for {', '.join(r.label for r in runs)}.",
    )


def membranes(deployment: Deployment) -> Picture | None:
    """Membrane of telling neurons, all runs laid over each other, with threshold and spikes."""
    agreement, runs = main_agreement(deployment), drawn_runs(deployment)
    if agreement is None:
        return None
    steps, sample = min(agreement.steps, STEPS), worst_sample(deployment)
    names = [p.name for p in agreement.populations if p.membrane is not None][-4:]
    panels: list[tuple[str, int, str]] = []
    for name in names:
        pair = [state(deployment.run(r), name, "v", sample, steps) for r in (agreement.reference, agreement.candidate)]
        spikes = state(deployment.run(agreement.reference), name, "s", sample, steps)
        if pair[0] is not None and pair[1] is not None and pair[0].size:
            panels += [(name, n, why) for n, why in telling_neurons(pair[0], pair[1], spikes).items()]
    if not panels:
        return None
    figure = _figure(0.8 + 1.9 * len(panels))
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    time = time_axis(steps, agreement.dt)
    for axis, (name, neuron, why) in zip(axes, panels, strict=True):
        _membrane_panel(axis, deployment, runs, name, neuron, sample, time)
        _label(axis, f"{name}[{neuron}], {why}", "", "v (V)")
    axes[-1].set_xlabel(f"time ({time.unit})", fontsize=9)
    _legend(figure, axes[0])
    return _picture(
        figure,
        "membranes",
        "Membrane potential",
        f"Sample {sample}, declared latency subtracted; of each population the neuron with the largest error and the "
        "most active other one. Ticks above a panel are spikes, top to bottom in the order of the legend; v is shown "
        "after reset.",
        f"Membrane traces in volts of {', '.join(f'{n}[{k}]' for n, k, _ in panels)}, all runs overlaid.",
    )


def weights(deployment: Deployment) -> Picture | None:
    """Weights of the largest connections, float against what the chip holds, and the error."""
    if deployment.chip is None:
        return None
    found = {c.name: chip_weights(deployment.network, deployment.chip, c.name) for c in deployment.network.connections}
    known = sorted(((n, p) for n, p in found.items() if p is not None), key=lambda item: -item[1][0].size)[:4]
    if not known:
        return None
    figure = _figure(2.7 * len(known))
    grid = figure.subplots(len(known), 2, squeeze=False)
    for (scatter, histogram), (name, (ours, held)) in zip(grid, known, strict=True):
        _weight_panels(scatter, histogram, name, ours.ravel(), held.ravel())
    left = len(found) - len(known)
    more = f" {left} smaller or unmatched connections are not drawn." if left else ""
    return _picture(
        figure,
        "weights",
        "Weights, float against chip",
        f"Left: every weight as the model has it and as the chip holds it, in the model's unit; on the line there is no "
        f"error. Right: how the errors are spread.{more}",
        "Scatter plots and error histograms of the weights of " + ", ".join(n for n, _ in known),
    )


def _weight_panels(
    scatter: Axes, histogram: Axes, name: str, ours: NDArray[np.float64], held: NDArray[np.float64]
) -> None:
    shown = spread(ours.size, 5000)
    ends = [float(min(ours.min(), held.min())), float(max(ours.max(), held.max()))]
    scatter.plot(ends, ends, color=FAINT, linewidth=0.8)
    scatter.plot(ours[shown], held[shown], ".", color=COLOURS[0], markersize=2.5, alpha=0.6)
    some = f" ({shown.size:,} of {ours.size:,} shown)" if shown.size < ours.size else f" ({ours.size:,})"
    _label(scatter, f"{name}{some}", "model weight", "chip weight, model's unit")
    error = held - ours
    histogram.hist(error, bins=min(41, max(5, error.size // 4)), color=COLOURS[0])
    top = float(np.abs(ours).max()) or 1.0
    _label(
        histogram,
        f"largest error {float(np.abs(error).max()) / top:.2%} of the largest weight",
        "chip − model",
        "weights",
    )


def _membrane_panel(
    axis: Axes, deployment: Deployment, runs: tuple[Run, ...], name: str, neuron: int, sample: int, time: Axis
) -> None:
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
        axis.plot(time.values, v[:, neuron], color=_colour(k), label=_plain(run.label), **line)
        s = state(run, name, "s", sample, time.values.size)
        if s is not None and np.isfinite(threshold):
            when = time.values[s[:, neuron] != 0]
            height = np.full(when.size, 1.03 + 0.05 * (len(runs) - 1 - k))
            axis.plot(
                when, height, "|", color=_colour(k), markersize=4, clip_on=False, transform=axis.get_xaxis_transform()
            )


def _input_panel(
    axis: Axes, deployment: Deployment, name: str, sample: int, steps: int, time: Axis, *, first: bool
) -> None:
    if not first:  # the input is the same for every run
        axis.axis("off")
        return
    array = np.asarray(deployment.stimulus.inputs[name])[sample, :steps]
    _events(axis, array != 0, np.zeros(array.shape, dtype=bool), time)


def _raster_panel(axis: Axes, runs: tuple[Run, Run], name: str, sample: int, agreement: Agreement, time: Axis) -> None:
    pair = [state(run, name, "s", sample, time.values.size) for run in runs]
    if pair[0] is None or pair[1] is None:
        axis.text(0.5, 0.5, "not recorded", ha="center", va="center", transform=axis.transAxes, color=FAINT)
        return
    reference, spikes = pair[0] != 0, pair[1] != 0
    partnered = match_spikes(reference[None], spikes[None], agreement.tolerance_steps)[1][0]
    _events(axis, spikes, spikes & ~partnered, time)


def _events(axis: Axes, spikes: NDArray[np.bool_], odd: NDArray[np.bool_], time: Axis) -> None:
    """Draw (T, N) spikes of at most NEURONS neurons, the odd ones on top."""
    fair = max(1, int(EVENTS / max(float(spikes.sum(0).mean()), 1.0)))
    neurons = spread(spikes.shape[1], min(NEURONS, fair))
    size = float(np.clip(90 / max(neurons.size, 1), 1.2, 9))
    for mask, colour, order in ((spikes & ~odd, INK, 2), (odd, ODD, 3)):
        when, which = np.nonzero(mask[:, neurons])
        axis.plot(
            time.values[when], neurons[which], "|", color=colour, markersize=size, markeredgewidth=0.8, zorder=order
        )
    axis.set_xlim(0, float(time.values[-1]) if time.values.size else 1)
    axis.set_ylim(-0.7, spikes.shape[1] - 0.3)
    _plain_frame(axis)


def _cut(deployment: Deployment, spiking: list[str], rows: list[str], steps: int) -> str:
    parts = []
    if any(deployment.network.population(n).size > NEURONS for n in spiking):
        parts.append(f"Of larger populations {NEURONS} evenly spaced neurons are drawn.")
    if steps > STEPS:
        parts.append(f"The first {STEPS:,} of {steps:,} steps are drawn.")
    missing = [n for n in spiking if n not in rows]
    if missing:
        parts.append(f"Not drawn: {', '.join(missing)}.")
    return " ".join(parts)


def _error_values(found: Iterable[Any]) -> tuple[list[float | None], list[float | None]]:
    spikes: list[float | None] = []
    membrane: list[float | None] = []
    for population in found:
        f1 = population.spikes.f1_near if population and population.spikes and population.evidence else None
        share = population.membrane.rms_share if population and population.membrane else None
        spikes.append(None if f1 is None else 100 * (1 - f1))
        membrane.append(None if share is None else 100 * share)
    return spikes, membrane


def _error_bars(
    axis: Axes, y: NDArray[np.float64], values: list[float | None], height: float, colour: str, label: str
) -> None:
    widths = [value if value is not None and np.isfinite(value) else 0.0 for value in values]
    axis.barh(y, widths, height=height, color=colour, label=_plain(label))
    for place, value, width in zip(y, values, widths, strict=True):
        text = "no evidence" if value is None else f"{value:.3g}"
        axis.annotate(
            text,
            (width, place),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=INK if value is not None else FAINT,
        )
    axis.margins(x=0.15)


def _bars(axis: Axes, names: list[str], shares: list[float], colours: list[str]) -> None:
    places = np.arange(len(names))
    axis.barh(places, [100 * s for s in shares], color=colours, height=0.6)
    for place, share in zip(places, shares, strict=True):
        axis.annotate(f"{share:.2%}", (100 * share, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axis.set_yticks(places, [_plain(n, 30) for n in names], parse_math=False)
    axis.set_xlim(0, 119)
    axis.set_xticks([0, 25, 50, 75, 100])
    axis.invert_yaxis()


def _matrix(axis: Axes, table: NDArray[np.int64]) -> None:
    axis.imshow(np.sqrt(table), cmap="Blues", aspect="equal")
    if len(table) <= 12:
        axis.set_xticks(np.arange(len(table)))
        axis.set_yticks(np.arange(len(table)))
        for row, column in np.argwhere(table):
            dark = table[row, column] > 0.4 * table.max()
            axis.text(
                column,
                row,
                str(table[row, column]),
                ha="center",
                va="center",
                fontsize=7,
                color="white" if dark else INK,
            )


def _label(axis: Axes, title: str, x: str, y: str) -> None:
    axis.set_title(_plain(title, 70), parse_math=False, fontsize=10, loc="left", pad=12)
    axis.set_xlabel(_plain(x, 60), parse_math=False, fontsize=9)
    axis.set_ylabel(_plain(y, 40), parse_math=False, fontsize=9)
    _plain_frame(axis)


def _plain_frame(axis: Axes) -> None:
    axis.tick_params(labelsize=8, colors=INK, length=3)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _legend(figure: Figure, axis: Axes) -> None:
    handles, labels = axis.get_legend_handles_labels()
    if handles:
        legend = figure.legend(
            handles, labels, loc="outside upper right", ncols=len(handles), fontsize=9, frameon=False
        )
        for text in legend.get_texts():
            text.set_parse_math(False)


def _colour(k: int) -> str:
    return REFERENCE if k == 0 else COLOURS[(k - 1) % len(COLOURS)]


def _plain(text: str, most: int = 40) -> str:
    """Text as the built-in font can draw it: printable, Latin, Greek or Cyrillic or a few signs, and not too long."""
    drawn = "".join(c if c.isprintable() and (ord(c) < 0x530 or c in "−–±→µ…") else "?" for c in text)
    return drawn if len(drawn) <= most else drawn[: most - 1] + "…"


def _figure(height: float) -> Figure:
    figure = Figure(figsize=(WIDTH, min(height, 16.0)), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _picture(figure: Figure, key: str, title: str, caption: str, alt: str) -> Picture:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    width, height = (int(side) for side in figure.get_size_inches() * DPI)
    return Picture(key, title, caption.strip(), alt, buffer.getvalue(), width, height)
