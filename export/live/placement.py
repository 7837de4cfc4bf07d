"""How full each core is and what goes between cores: core, limit, neurons and messages under the pointer."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from bokeh.models import Range1d
from bokeh.palettes import Blues256
from bokeh.plotting import figure
from bokeh.transform import linear_cmap, log_cmap

from neuroalign.export.excerpt_placement import core_shares, message_blocks
from neuroalign.export.figures.style import EXTRA, INK
from neuroalign.export.live.embed import Zoomable
from neuroalign.export.live.panels import from_the_top, grid_of, hover, named, panel, source, words, written
from neuroalign.placement import Placement

MOST_FIELDS = 20_000
"""Fields that the map of cores draws one by one; of more there is the still picture alone."""
MOST_BLOCKS = 128
NUMBERED = 24
"""Cores up to which the share is written into its field."""


def cores(placement: Placement) -> Zoomable | None:
    """A column a core, a row a limit of it."""
    known = core_shares(placement)
    if known is None or known[1].size > MOST_FIELDS:
        return None
    names, shares = known
    count = len(placement.cores)
    span = Range1d(-0.5, count - 0.5, bounds=(-0.5, count - 0.5))
    title = f"{placement.profile_id}: how full each core is (orange: exceeded)"
    made = panel(title, "core", "", height=110 + 30 * len(names), x_range=span, y_range=from_the_top(len(names)))
    _whole_numbers(made)
    named(made.yaxis, names, 30)
    row, core = np.nonzero(~np.isnan(shares))
    held = [words(", ".join(map(str, c.slices)), 60) for c in placement.cores]
    data = {
        "x": core,
        "y": row,
        "share": 100 * shares[row, core],
        "used": np.array([placement.cores[c].used.get(names[r], 0) for r, c in zip(row, core, strict=True)]),
        "limit": np.array(names)[row],
        "chip": np.array([c.chip for c in placement.cores])[core],
        "held": np.array(held)[core],
    }
    colour = linear_cmap("share", Blues256[::-1][:200], 0, 100, high_color=EXTRA)
    drawn = made.rect("x", "y", 0.96, 0.92, source=source(data), fill_color=colour, line_color=None)
    if count <= NUMBERED:
        for part, ink in ((data["share"] > 60, "white"), (data["share"] <= 60, INK)):
            told = np.array([f"{share:.0f}%" for share in data["share"][part]], dtype=str)
            written(made, core[part], row[part], told, inside=True, colour=ink)
    tips = [("core", "@x on chip @chip"), ("limit", "@limit"), ("used", "@used{0,0}"), ("share", "@share{0.[0]}%")]
    hover(made, [drawn], [*tips, ("holds", "@held")], "mouse")
    return grid_of([[made]], span)


def traffic(placement: Placement) -> Zoomable | None:
    """Messages a step from core to core; of many cores, several next to each other are one field."""
    matrix = message_blocks(placement, MOST_BLOCKS)
    if matrix is None or not matrix.any():
        return None
    blocks, count = matrix.shape[1], len(placement.cores)
    first = -(-np.arange(blocks + 1) * count // blocks)  # the first core of each block, as they were counted
    ranges = [f"{a}" if b - a == 1 else f"{a} to {b - 1}" for a, b in pairwise(first)]
    row, column = np.nonzero(matrix)
    span = Range1d(-0.5, blocks - 0.5, bounds=(-0.5, blocks - 0.5))
    made = panel(
        f"{placement.profile_id}: messages a step",
        "to core",
        "from core",
        height=460,
        x_range=span,
        y_range=from_the_top(1 + blocks),
    )
    named(made.xaxis, ranges, 12, most=9)
    named(made.yaxis, ["outside", *ranges], 12, most=17)
    messages = matrix[row, column]
    data = {"x": column, "y": row, "n": messages, "to": np.array(ranges)[column]}
    data["from"] = np.array(["outside", *ranges])[row]
    top = float(messages.max())
    colour = log_cmap("n", Blues256[::-1][40:], max(float(messages.min()), top * 1e-6), top * (1 + 1e-9))
    drawn = made.rect("x", "y", 1, 1, source=source(data), fill_color=colour, line_color=None)
    hover(made, [drawn], [("from", "@from"), ("to", "@to"), ("messages a step", "@n{0.[000]}")], "mouse")
    return grid_of([[made]], span)


def _whole_numbers(made: figure) -> None:
    """No half cores on the axis."""
    made.xaxis.ticker.min_interval = 1
    made.xaxis.ticker.num_minor_ticks = 0
