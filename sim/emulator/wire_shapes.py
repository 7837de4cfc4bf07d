"""Tables of the connections that drive their targets, as the kernels read them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import Numbers

DENSE, SPARSE, CONVOLUTION = range(3)
SUMS, EXACT_SUMS = 1, 2
"""Sums of each delay in 32 bits, and in 64."""

WIRE = np.dtype(
    [
        ("source", np.int64),  # first of its entries in what all inputs and neurons send
        ("source_size", np.int64),
        ("target_size", np.int64),
        ("ring", np.int64),
        ("slots", np.int64),
        ("pattern", np.int64),  # DENSE, SPARSE or CONVOLUTION
        ("rows", np.int64),  # sparse: first of its source_size + 1 entries in ``first``
        ("synapses", np.int64),  # sparse: its first entry in ``target``
        ("convolution", np.int64),  # its row in ``convolutions``
        ("weight", np.int64),  # first entry in the weights; dense: rows of one source each
        ("pitch", np.int64),  # dense: from one row to the next
        ("plastic", np.int64),  # whether they lie in w, d, t instead
        ("delay", np.int64),  # the delay of all synapses, -1 where each has its own
        ("delays", np.int64),  # first entry in the delays, where each has its own
        ("sums", np.int64),  # 0; SUMS where the sum of each delay is formed before it enters the ring; EXACT_SUMS
        ("bins", np.int64),  # delays from first_bin on, for which there are sums
        ("first_bin", np.int64),
        ("right_shift", np.int64),
        ("wrap_bits", np.int64),  # what they wrap to after it
        ("graded", np.int64),
    ]
)
CONVOLUTIONS = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("sources", "targets"),  # channels of a group
            *("rows", "columns", "target_rows", "target_columns", "kernel_rows", "kernel_columns"),
            *("step_rows", "step_columns", "pad_rows", "pad_columns", "reach_rows", "reach_columns"),
        )
    ]
)


class Static(NamedTuple):
    """All that the connections are and that no step changes."""

    weights: Numbers  # Fixed: int16 where they suffice, else int32
    delays: Numbers  # of synapses, connection_delay_steps included: bytes where they suffice
    first: NDArray[np.int64]  # of sparse connections: the first synapse of each source
    target: NDArray[np.int32]  # and the target of each synapse
    convolutions: NDArray[Any]


class Transit(NamedTuple):
    """What is under way, and room to work in."""

    ring: Numbers  # per population ``slots`` rows; row t % slots arrives at step t
    sums: NDArray[np.int32]  # 0 between two connections
    exact_sums: NDArray[np.int64]
    events: NDArray[np.int64]  # which entries of a source are not 0
    taps: NDArray[np.int64]  # which entries of a kernel an event passes through, and where to
