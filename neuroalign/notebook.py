"""Tables as HTML, for what a notebook shows of networks, rules and results."""

from __future__ import annotations

import html
from collections.abc import Sequence

MOST_ROWS = 60
"""A longer table is cut, and says so."""


def html_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], note: str = "") -> str:
    """A table with a heading and a line below it; numbers to four digits, all text escaped."""
    head = "".join(f"<th style='text-align:left'>{html.escape(c)}</th>" for c in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows[:MOST_ROWS])
    left = f"{len(rows) - MOST_ROWS} more rows are not shown" if len(rows) > MOST_ROWS else ""
    below = "".join(f"<p>{html.escape(line)}</p>" for line in (note, left) if line)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
    return f"<div><p><b>{html.escape(title)}</b></p>{table}{below}</div>"


def _cell(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    side = "right" if isinstance(value, int | float) else "left"
    return f"<td style='text-align:{side}'>{html.escape(text)}</td>"


def span(values: object) -> str:
    """The smallest and the largest of an array, one number where they are the same; empty for none."""
    import numpy as np

    array = np.asarray(values)
    if array.size == 0:
        return ""
    low, high = array.min(), array.max()
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
