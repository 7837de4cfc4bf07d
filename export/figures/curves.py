"""Curves of an experiment over time: a mean and a band of one standard deviation for every case."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuroalign.export.figures.style import COLOURS, STYLES, Picture, label_axes, new_figure, picture_of

Curves = Sequence[tuple[str, Sequence[float], Sequence[float], Sequence[float]]]
"""(case, x, mean over seeds, standard deviation over seeds)."""


def curves(key: str, title: str, x_label: str, y_label: str, drawn: Curves) -> Picture:
    """One line for each case, all in one frame.

    Parameters
    ----------
    key, title
        Name of the file and heading.
    drawn
        See :data:`Curves`; a band is drawn where the standard deviation is not 0 everywhere.
    """
    figure = new_figure(4.5)
    axis = figure.add_subplot()
    for k, (case, x, mean, spread) in enumerate(drawn):
        colour, style = COLOURS[k % len(COLOURS)], ("-", *STYLES)[k // len(COLOURS) % (1 + len(STYLES))]
        axis.plot(x, mean, color=colour, linestyle=style, label=case)
        if np.any(spread):
            axis.fill_between(x, np.subtract(mean, spread), np.add(mean, spread), color=colour, alpha=0.2, linewidth=0)
    label_axes(axis, title, x_label, y_label)
    axis.legend(fontsize=8, frameon=False)
    ends = "; ".join(f"{case} ends at {mean[-1]:.3g}" for case, _, mean, _ in drawn if len(mean))
    return picture_of(
        figure, key, title, f"Means over seeds, bands of one standard deviation. {ends}.", f"{title}: {ends}"
    )
