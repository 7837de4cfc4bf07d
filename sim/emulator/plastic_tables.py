"""Plastic connections as flat arrays for the kernels: Programs as tables, and what changes while they run.

A table is one array for all connections. Synapses lie in rows of one source each: all targets side by side, or, of a
sparse connection, those that there are. Every number that enters the arithmetic lies in an array of the network's
number format (int32 or float64), so that one source compiles to both.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import GradedMode, Numbers

GRADED_MODES: tuple[GradedMode, ...] = ("impulse", "overwrite", "add-saturate", "add-carry")

AT_SOURCE, AT_TARGET, AT_END = 0, 1, 2
"""When a product reads its traces: at the source's last spike (x0), the target's (y0), or the epoch's end (u)."""

SOURCE_TRACE, TARGET_TRACE, SYNAPSE, SPIKE = 0, 1, 2, 3
"""Kinds of factors."""

VALUES, ALONG, ACROSS, TOTAL, TERM, GATHERED, OFFSETS, LINES = 0, 3, 6, 8, 9, 10, 11, 12
"""The interpreter's scratch lines: w, d, t before the update; traces along and across a row at the target's last spikes;
accumulator, product; values gathered for a sparse line, rounding offsets of each synapse.
LINES is how many there are."""


CONNECTION = np.dtype(
    [
        (name, np.int64)
        for name in (
            "source",  # first of its entries in what all inputs and neurons send
            "sources",
            "target",
            "targets",
            "pitch",  # entries from one source's synapses to the next one's; 0 where sparse
            "x",  # first entry in the source traces: (t_epoch + 1, 2, sources), entry 0 the start of the epoch
            "y",  # first entry in the target traces: (t_epoch + 1, 3, targets)
            "source_spikes",  # first entry in the steps of the last spikes
            "target_spikes",
            "t_epoch",
            "period",  # epochs from one action of u to the next, 0 without
            "gated",  # whether some product acts only where the source spiked
            "columns",  # ... acts for all sources where the target spiked
            "everywhere",  # ... acts on all synapses, in the epochs of u
            "reads_synapse",  # whether some product has a factor of w, d or t
            "graded",  # what payloads do to x1: index among GRADED_MODES
            "modulated",  # whether the target traces are received, not computed
            "y1_sender",  # first entry of what is sent that y1 is, -1 without; the next ones belong to the next targets
            "y2_sender",
            "y3_sender",
            "y1_stride",  # 1, or 0 where one value serves all targets
            "y2_stride",
            "y3_stride",
            "own_draws",  # whether each synapse has a rounding draw of its own
            "rounding_seed",  # ... and their seed
            "synapses",  # their number, where sparse
            "sparse",  # whether the synapses are listed in ``lists``; the next entries are places in it
            "rows",  # sources + 1: first synapse of each source, in the order in which they are held, and their number
            "row_targets",  # target of each synapse
            "column_starts",  # targets + 1: the same of the order by target, which is the pattern's
            "column_sources",  # source of each synapse in that order
            "column_places",  # where each of them is held
        )
    ]
)
VARIABLE = np.dtype(
    [
        (name, np.int64)
        for name in (
            # entry of source 0 and target 0 in the synaptic variables, (sources, pitch), or of the first synapse held of
            # a sparse connection; -1 where not held
            "first",
            "product",  # its products
            "product_end",
            "sign",  # 1: never negative, -1: never positive, 0: either
            "low",  # range under Fixed
            "high",
            "restless",  # the value that is limited to another one even where no product acts
        )
    ]
)
PRODUCT = np.dtype(
    [
        (name, np.int64)
        for name in (
            "at",
            "needs_source",  # whether it is 0 where the source did not spike
            "needs_target",
            "factor",
            "factor_end",
            "right",  # shifts of the product under Fixed
            "left",
            "bound",  # magnitude from which on the product, shifted left, is limited
        )
    ]
)
FACTOR = np.dtype(
    [
        ("kind", np.int64),
        ("index", np.int64),  # among its kind
        ("sign", np.int64),
        ("partial", np.int64),  # whether the constant has a fraction beyond the whole number in the table (Fixed)
    ]
)


class Tables(NamedTuple):
    """Programs of all plastic connections; three variables (w, d, t) and five traces (x1 x2 y1 y2 y3) each."""

    connections: NDArray[Any]
    variables: NDArray[Any]
    products: NDArray[Any]
    factors: NDArray[Any]
    coefficients: Numbers  # per product: the mantissa under Fixed
    constants: Numbers  # per factor: constant, lowest, highest
    decay: NDArray[np.float64]  # per trace
    impulse: Numbers  # per trace: whole part, fraction in 256ths; all of it and 0 in Float64
    trace_limit: Numbers  # highest and lowest value that an impulse leaves
    driven: NDArray[np.bool_]  # per trace: whether it is ever other than 0
    lists: NDArray[np.int32]  # synapses of sparse connections


class Synapses(NamedTuple):
    """What changes in a run, for all plastic connections."""

    values: Numbers  # w, d, t as held: int16 or float64
    x: Numbers
    y: Numbers
    spiked_at: NDArray[np.int32]  # step in the epoch of the last spike, 0 for none
    status: NDArray[np.int64]  # per connection: has learnt once; holds tags that move by themselves
    limited: NDArray[np.int64]  # per connection and variable: updates that ran out of a range
    lines: Numbers  # scratch, as the names above say
    flags: Numbers  # scratch: 1 for each target that spiked
    column: Numbers  # scratch: w, d, t of a column, as held
    marks: NDArray[np.int32]  # scratch: which synapses of a line were limited
