"""How every live panel looks and which tools it has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.layouts import gridplot
from bokeh.models import ColumnDataSource, FixedTicker, GlyphRenderer, HoverTool, PlainText, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from neuroalign.export.figures.style import FAINT, INK, drawable
from neuroalign.export.live.embed import Zoomable

TOOLS = "xpan,xwheel_zoom,box_zoom,xzoom_in,xzoom_out,reset"
DASHES: tuple[Any, ...] = ("solid", "dashed", "dotted")


def words(text: str, most: int = 40) -> str:
    """Text that Bokeh draws as it is: signs that would open a formula are taken apart."""
    return re.sub(r"([$\\])(?=[$(\[])", r"\1 ", drawable(text, most))


def time_range(last: float) -> Range1d:
    """The shared axis of a figure, from 0; one cannot pan away from the data."""
    end = 1.01 * last
    return Range1d(0, end, bounds=(-0.02 * end, 1.02 * end))


def panel(title: str, x: str, y: str, *, height: int, x_range: Any = None, y_range: Any = None) -> figure:
    """An empty panel of the page's width."""
    given = {name: value for name, value in (("x_range", x_range), ("y_range", y_range)) if value is not None}
    made = figure(height=height, sizing_mode="stretch_width", tools=TOOLS, output_backend="canvas", **given)
    made.toolbar.logo = None
    made.title.text = words(title, 70)
    made.title.text_font_size = "13px"
    for axis, label in ((made.xaxis, x), (made.yaxis, y)):
        axis.axis_label = PlainText(text=words(label))
        axis.axis_label_text_font_style = "normal"
    made.grid.grid_line_color = None
    made.outline_line_color = None
    made.axis.minor_tick_line_color = None
    made.axis.axis_line_color = FAINT
    return made


def source(columns: Mapping[str, NDArray[Any]]) -> ColumnDataSource:
    """Columns in the smallest types that JavaScript has arrays of; words as a list."""

    def small(values: NDArray[Any]) -> Any:
        if values.dtype.kind == "U":
            return values.tolist()
        return values.astype(np.float32 if values.dtype.kind == "f" else np.int32)

    return ColumnDataSource({name: small(values) for name, values in columns.items()})


def from_the_top(rows: int) -> Range1d:
    """The vertical axis of ``rows`` rows, the first of them on top."""
    return Range1d(rows - 0.5, -0.5, bounds=(-0.5, rows - 0.5))


def named(axis: Any, names: Sequence[str], longest: int, *, most: int | None = None) -> None:
    """Names in place of the numbers 0, 1, ... of an axis; at most ``most`` of them, evenly spaced."""
    count = len(names)
    shown = range(count) if most is None else sorted({round(k) for k in np.linspace(0, count - 1, min(count, most))})
    axis.ticker = FixedTicker(ticks=list(shown))
    axis.major_label_overrides = {k: words(names[k], longest) for k in shown}
    axis.major_tick_line_color = None


def hover(made: figure, renderers: Sequence[GlyphRenderer], tooltips: Sequence[tuple[str, str]], mode: Any) -> None:
    """Show values under the pointer ("mouse"), or of all lines at the pointer's time ("vline")."""
    shown = [(words(label), value) for label, value in tooltips]
    made.add_tools(HoverTool(renderers=list(renderers), tooltips=shown, mode=mode, line_policy="nearest"))


def written(
    made: figure, x: NDArray[Any], y: NDArray[Any], told: NDArray[Any], *, inside: bool = False, colour: str = INK
) -> None:
    """Values beside the ends of bars, or ``inside`` their fields."""
    place: dict[str, Any] = {"text_align": "center"} if inside else {"x_offset": 4}
    data = source({"x": x, "y": y, "told": told})
    made.text("x", "y", "told", source=data, text_baseline="middle", text_font_size="11px", text_color=colour, **place)


def legend_above(made: figure) -> None:
    """The legend where it hides no line; a click on a run's name hides the run."""
    (legend,) = made.legend
    legend.orientation, legend.click_policy, legend.padding = "horizontal", "hide", 2
    legend.border_line_color = None
    made.add_layout(legend, "above")


def grid_of(rows: Sequence[Sequence[figure | None]], x_range: Range1d) -> Zoomable:
    """Panels in rows under one set of tools; keys move ``x_range``."""
    grid = gridplot([list(row) for row in rows], sizing_mode="stretch_width", toolbar_location="above")
    grid.toolbar.logo = None
    return Zoomable(grid, x_range, max(map(len, rows)))
