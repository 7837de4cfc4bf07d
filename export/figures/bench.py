"""The picture of a benchmark: ratios and times over size, costs over the rate of spikes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from neuroalign.export.figures.style import COLOURS, FAINT, INK, Picture, label_axes, new_figure, picture_of

COLUMNS = 2
DECADE = 12.0
MARKERS = ("o", "s", "^", "D", "v")


class LineData(Protocol):
    """Points of a line: ``kind`` "line", "marks" or "band" (from y to high)."""

    @property
    def name(self) -> str: ...
    @property
    def x(self) -> tuple[float, ...]: ...
    @property
    def y(self) -> tuple[float, ...]: ...
    @property
    def kind(self) -> str: ...
    @property
    def high(self) -> tuple[float, ...]: ...


class PanelData(Protocol):
    """What one pair of axes shows."""

    @property
    def title(self) -> str: ...
    @property
    def x(self) -> str: ...
    @property
    def y(self) -> str: ...
    @property
    def lines(self) -> Sequence[LineData]: ...


def benchmark_picture(panels: Sequence[PanelData]) -> Picture:
    """All panels, two side by side, both axes of each logarithmic.

    Parameters
    ----------
    panels
        At least one.
    """
    rows = -(-len(panels) // COLUMNS)
    figure = new_figure(3.1 * rows)
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for place, axis in enumerate(grid.flat):
        if place < len(panels):
            _panel(axis, panels[place])
        else:
            axis.set_visible(False)
    return picture_of(
        figure,
        "bench",
        "Benchmark",
        "Medians over chunks; bands from the fastest to the slowest chunk; grey: the figures to reach.",
        "Ratios and times of a step over the number of neurons; cost of learning over the rate of spikes.",
    )


def _panel(axis: Axes, panel: PanelData) -> None:
    colours: dict[str, int] = {}
    for line in panel.lines:
        if line.kind == "marks":
            axis.plot(
                line.x,
                line.y,
                color=FAINT,
                linewidth=1,
                linestyle="--" if line.name == "must" else ":",
                label=line.name,
            )
            continue
        k = colours.setdefault(line.name, len(colours))
        colour = COLOURS[k % len(COLOURS)]
        if line.kind == "band":
            axis.fill_between(line.x, line.y, line.high, color=colour, alpha=0.2, linewidth=0)
        else:
            axis.plot(
                line.x,
                line.y,
                color=colour,
                marker=MARKERS[k % len(MARKERS)],
                markersize=4,
                linewidth=1.4,
                label=line.name,
            )
    axis.set_xscale("log")
    axis.set_yscale("log")
    ticks = sorted({x for line in panel.lines for x in line.x})
    axis.set_xticks(ticks)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_minor_formatter(NullFormatter())
    low, high = axis.get_ylim()
    middle = (low * high) ** 0.5
    axis.set_ylim(min(low, middle / DECADE**0.5), max(high, middle * DECADE**0.5))  # so that some tick carries a number
    axis.grid(True, which="major", color=FAINT, alpha=0.25, linewidth=0.6)
    label_axes(axis, panel.title, panel.x, panel.y)
    legend = axis.legend(fontsize=7, frameon=False, labelcolor=INK)
    for text in legend.get_texts():
        text.set_parse_math(False)
