"""How every picture looks: colours, frames, labels, and the PNG that comes out.

Colours are Okabe and Ito's, which stay apart for colour-blind readers; runs differ in line style too, for print.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK, FAINT = "#222222", "#8a8a8a"
REFERENCE = "#444444"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9")
STYLES: tuple[Any, ...] = ((0, (5, 1.5)), (0, (1.5, 1.2)))
EXTRA, MISSING = "#D55E00", "#0072B2"
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


def run_colour(k: int) -> str:
    """Colour of the k-th drawn run; 0 is the reference."""
    return REFERENCE if k == 0 else COLOURS[(k - 1) % len(COLOURS)]


def label_axes(axis: Axes, title: str, x: str, y: str, pad: float = 10) -> None:
    """Title and axis labels; names from user files are drawn as they are, never as formulas."""
    axis.set_title(drawable(title, 70), parse_math=False, fontsize=10, loc="left", pad=pad)
    axis.set_xlabel(drawable(x, 60), parse_math=False, fontsize=9)
    axis.set_ylabel(drawable(y, 40), parse_math=False, fontsize=9)
    plain_frame(axis)


def plain_frame(axis: Axes) -> None:
    """Only the two axes that carry numbers."""
    axis.tick_params(labelsize=8, colors=INK, length=3)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def add_legend(figure: Figure, axis: Axes) -> None:
    """One legend above the whole figure."""
    handles, labels = axis.get_legend_handles_labels()
    if handles:
        legend = figure.legend(
            handles, labels, loc="outside upper right", ncols=len(handles), fontsize=9, frameon=False
        )
        for text in legend.get_texts():
            text.set_parse_math(False)


def drawable(text: str, most: int = 40) -> str:
    """Text as the built-in font can draw it: printable, Latin, Greek or Cyrillic or a few signs, and not too long."""
    drawn = "".join(c if c.isprintable() and (ord(c) < 0x530 or c in "−–±→µ…") else "?" for c in text)
    return drawn if len(drawn) <= most else drawn[: most - 1] + "…"


def new_figure(height: float) -> Figure:
    """A figure of the page's width and ``height`` inches, without pyplot and its global state."""
    figure = Figure(figsize=(WIDTH, min(height, 16.0)), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def picture_of(figure: Figure, key: str, title: str, caption: str, alt: str) -> Picture:
    """The figure drawn."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    width, height = (int(side) for side in figure.get_size_inches() * DPI)
    return Picture(key, title, caption.strip(), alt, buffer.getvalue(), width, height)
