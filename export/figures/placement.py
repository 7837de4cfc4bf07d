"""Pictures of a placement: how full each core is of each limit, and how many messages go from core to core."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from numpy.typing import NDArray

from neuroalign.export.excerpt_placement import core_shares, message_blocks
from neuroalign.export.figures.style import FAINT, INK, Picture, drawable, label_axes, new_figure, picture_of
from neuroalign.placement import Placement

MOST_BLOCKS = 512
"""Cores that a traffic matrix shows one by one; of more, several next to each other are one block."""
NUMBERED = 24
"""Cores up to which the share is written into its field."""
UNKNOWN = "#dddddd"
FULL = LinearSegmentedColormap.from_list("full", ["#f7fbff", "#56B4E9", "#0072B2"])
EXCEEDED = "#D55E00"


def heat_map(placement: Placement) -> Picture | None:
    """The share that every core uses of every limit; None where no limit has a known capacity."""
    known = core_shares(placement)
    unknown = [limit.name for limit in placement.limits if limit.scope == "core" and limit.status == "not checked"]
    if known is None:
        return None
    names, shares = known
    figure = new_figure(1.5 + 0.32 * len(names))
    axis = figure.subplots()
    shown = FULL.with_extremes(bad=UNKNOWN, over=EXCEEDED)
    image = axis.imshow(shares, aspect="auto", cmap=shown, vmin=0, vmax=1, interpolation="nearest")
    _core_ticks(axis, len(placement.cores))
    axis.set_yticks(range(len(names)), [drawable(n, 30) for n in names], fontsize=8)
    if len(placement.cores) <= NUMBERED:
        _write_shares(axis, shares)
    label_axes(axis, f"{placement.profile_id}: how full each core is", "core", "")
    bar = figure.colorbar(image, ax=axis, extend="max", pad=0.01)
    bar.set_label("share of the limit (orange: exceeded)", fontsize=8)
    bar.ax.tick_params(labelsize=8, colors=INK)
    worst = np.unravel_index(np.nanargmax(shares), shares.shape)
    rest = f" Not drawn, since their capacity is not known: {', '.join(unknown)}." if unknown else ""
    return picture_of(
        figure,
        "cores",
        "How full each core is",
        f"A column is a core, a row a limit of it; colour is the share in use, orange where it is exceeded.{rest}",
        f"Heat map of {len(placement.cores)} cores and {len(names)} limits; the largest share is "
        f"{shares[worst]:.1%} of {names[int(worst[0])]} on core {int(worst[1])}.",
    )


def traffic_matrix(placement: Placement) -> Picture | None:
    """Messages a step from core to core; None for a single core, or where the pairs are too many to be listed."""
    cores, traffic = len(placement.cores), placement.traffic
    matrix = message_blocks(placement, MOST_BLOCKS)
    if matrix is None:
        return None
    blocks = matrix.shape[1]
    found = matrix[matrix > 0]
    figure = new_figure(6.0)
    axis = figure.subplots()
    norm = LogNorm(max(found.min(), found.max() * 1e-6), found.max()) if found.size else None
    image = axis.imshow(np.where(matrix > 0, matrix, np.nan), cmap=FULL.with_extremes(bad="white"), norm=norm)
    ticks = np.unique(np.linspace(0, blocks - 1, min(blocks, 9)).astype(int))
    at = [int(k * cores // blocks) for k in ticks]
    axis.set_xticks(ticks, [str(k) for k in at])
    axis.set_yticks([0, *(ticks + 1)], ["outside", *(str(k) for k in at)])
    axis.axhline(0.5, color=FAINT, linewidth=0.8)
    _chip_lines(axis, placement, blocks)
    label_axes(axis, f"{placement.profile_id}: messages a step", "to core", "from core")
    figure.colorbar(image, ax=axis, pad=0.02).set_label("messages a step", fontsize=8)
    rates = "spikes of the run" if traffic.rates == "given" else "one spike a neuron and step, as no rates were given"
    together = f" {-(-cores // blocks)} cores are one field." if blocks < cores else ""
    return picture_of(
        figure,
        "traffic",
        "Messages between cores",
        f"Messages a step by the core that they leave (rows; the first is input from outside) and the core that they reach; "
        f"lines part chips. Weighed by {rates}.{together}",
        f"Matrix of messages between {cores} cores: {traffic.from_host:.4g} a step from outside, "
        f"{traffic.within_core:.4g} within cores, {traffic.between_cores:.4g} between cores of a chip, "
        f"{traffic.between_chips:.4g} between chips.",
    )


def _core_ticks(axis: Axes, cores: int) -> None:
    axis.set_xticks(np.unique(np.linspace(0, cores - 1, min(cores, 16)).astype(int)))


def _write_shares(axis: Axes, shares: NDArray[np.float64]) -> None:
    for (row, core), share in np.ndenumerate(shares):
        text = "?" if np.isnan(share) else f"{share:.0%}"
        axis.text(core, row, text, ha="center", va="center", fontsize=7, color="white" if share > 0.6 else INK)


def _chip_lines(axis: Axes, placement: Placement, blocks: int) -> None:
    chips = np.array([core.chip for core in placement.cores])
    for first in np.flatnonzero(np.diff(chips)) + 1:
        place = first * blocks / chips.size - 0.5
        axis.axvline(place, color=FAINT, linewidth=0.8)
        axis.axhline(place + 1, color=FAINT, linewidth=0.8)
