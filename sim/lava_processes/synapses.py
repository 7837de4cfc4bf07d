"""Lava's own processes for synapses that do not learn: Dense, DelayDense, Sparse, DelaySparse, Conv; and their wiring.

Lava numbers the places of an image (column, row, channel) and turns the kernel round before it multiplies; a
:class:`~neuroalign.chip.Convolution` has (channel, row, column) and no turn. The two meet here, at the ports.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, Convolution, Fixed, SparsePattern
from neuroalign.fixed_point import WEIGHT_BITS
from neuroalign.sim.lava_processes import lava_compat

lava_compat.install()

from lava.proc.dense.process import DelayDense, Dense  # noqa: E402
from lava.proc.sparse.process import DelaySparse, Sparse  # noqa: E402
from lava.utils.weightutils import SignMode  # noqa: E402
from scipy.sparse import csr_matrix  # noqa: E402

SIGN_MODES = {"mixed": SignMode.MIXED, "excitatory": SignMode.EXCITATORY, "inhibitory": SignMode.INHIBITORY}


def weight_options(connection: ChipConnection, recorder: Any) -> dict[str, Any]:
    """Keywords that all of Lava's connections but Conv take, without the weights."""
    bits = connection.weight_format.bits if isinstance(connection.weight_format, Fixed) else WEIGHT_BITS
    return {
        "weight_exp": connection.weight_exp,
        "num_weight_bits": min(bits, WEIGHT_BITS),
        "sign_mode": SIGN_MODES[connection.sign_mode],
        "num_message_bits": connection.message_bits,
        "name": connection.name,
        "recorder": recorder,
    }


def static_process(connection: ChipConnection, recorder: Any) -> Any:
    """The process of a checked connection without plasticity."""
    pattern = connection.pattern
    if isinstance(pattern, Convolution):
        return _conv(connection, pattern, recorder)
    options = weight_options(connection, recorder)
    if pattern is not None:
        weights = csr(pattern, connection.weight, np.int32)
        if connection.delays is None:
            return Sparse(weights=weights, **options)
        return DelaySparse(weights=weights, delays=csr(pattern, connection.delays, int), **options)
    weights = connection.weight.astype(np.int32)
    if connection.delays is None:
        return Dense(weights=weights, **options)
    return DelayDense(weights=weights, delays=connection.delays.astype(int), **options)


def csr(pattern: SparsePattern, values: NDArray[Any], dtype: Any) -> Any:
    """Lava's form of synaptic values; zeros are entries, too."""
    starts = np.searchsorted(pattern.target, np.arange(pattern.shape[0] + 1))
    return csr_matrix((values.astype(dtype), pattern.source, starts), shape=pattern.shape)


def _conv(connection: ChipConnection, pattern: Convolution, recorder: Any) -> Any:
    from lava.proc.conv.process import Conv  # takes longer to import than all else of Lava

    process = Conv(
        weight=np.ascontiguousarray(connection.weight[:, :, ::-1, ::-1].transpose(0, 3, 2, 1).astype(np.int32)),
        input_shape=pattern.source_shape[::-1],
        padding=pattern.padding[::-1],
        stride=pattern.stride[::-1],
        dilation=pattern.dilation[::-1],
        groups=pattern.groups,
        num_message_bits=connection.message_bits,
        name=connection.name,
    )
    process.proc_params["recorder"] = recorder  # Conv passes no keywords on
    return process


def connect(connection: ChipConnection, source: Any, synapse: Any, target: Any) -> None:
    """Wire a connection's process between those of its source and target."""
    pattern = connection.pattern
    if isinstance(pattern, Convolution):
        source.s_out.reshape(pattern.source_shape).transpose((2, 1, 0)).connect(synapse.s_in)
        synapse.a_out.transpose((2, 1, 0)).reshape((pattern.shape[0],)).connect(target.a_in)
        return
    source.s_out.connect(synapse.s_in)
    if connection.drives:
        synapse.a_out.connect(target.a_in)
