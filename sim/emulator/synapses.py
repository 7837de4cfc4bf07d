"""What sources deliver through synapses, whatever their pattern: readable numpy, the definition of it.

==============  ======================================================  ============================
pattern         ``sum[i]``                                              weights, delays
==============  ======================================================  ============================
None            ``sum over j of w[i, j] x[j]``                          (N_target, N_source)
SparsePattern   ``sum over the synapses k with target[k] = i of         (synapses,)
                w[k] x[source[k]]``
Convolution     as :class:`~neuroalign.chip.Convolution` states         ``Convolution.weight_shape``
==============  ======================================================  ============================

Symbols: ``x`` payload of each source (1 where spikes are not graded), ``w`` weight as held. Under Fixed each product
wraps to int32 where the payloads are graded; without delays, and for the patterns, the sum does, too. Synapses of each
delay are summed by themselves: the exponent then shifts that sum, and a convolution wraps it to 24 bits.

Source: Lava 0.10, ``lava/proc/dense/models.py``, ``lava/proc/sparse/models.py`` and ``lava/proc/conv``.
"""

from __future__ import annotations

import numpy as np

from neuroalign.chip import ChipConnection, Convolution, Fixed, Numbers
from neuroalign.fixed_point import shift, wrap, wrap_int32

CONVOLUTION_BITS = 24
"""What the sum of a convolution wraps to, sign included."""


def delivered(connection: ChipConnection, weight: Numbers, payload: Numbers) -> Numbers:
    """What each target gets from synapses of one delay: (N_target,), int32 in int64 under Fixed.

    Parameters
    ----------
    weight
        Of the connection's own shape, 0 where a synapse has another delay.
    payload : (N_source,)
        Integers under Fixed.
    """
    exponent = connection.weight_exp
    if not isinstance(connection.weight_format, Fixed):
        return np.asarray(2.0**exponent * _sum(connection, weight, payload))
    total = _sum(connection, weight, payload)
    if wraps_sum(connection):
        total = np.asarray(wrap_int32(total))
    total = np.asarray(wrap_int32(shift(total, min(max(exponent, -63), 63))))
    return np.asarray(wrap(total, CONVOLUTION_BITS)) if isinstance(connection.pattern, Convolution) else total


def wraps_sum(connection: ChipConnection) -> bool:
    """Whether the sum wraps to int32 before the exponent acts: in Lava not that of spikes, nor DelayDense's."""
    if connection.pattern is not None:
        return True
    return connection.message_bits > 0 and connection.delays is None


def _sum(connection: ChipConnection, weight: Numbers, payload: Numbers) -> Numbers:
    pattern = connection.pattern
    if isinstance(pattern, Convolution):
        return convolved(pattern, weight, payload)
    if pattern is not None:
        total = np.zeros(pattern.shape[0], dtype=np.result_type(weight, payload))
        np.add.at(total, pattern.target, weight * payload[pattern.source])
        return total
    if wraps_sum(connection) or not connection.message_bits or not isinstance(connection.weight_format, Fixed):
        return np.asarray(weight @ payload)
    return np.asarray(wrap_int32(weight * payload).sum(axis=1))


def convolved(pattern: Convolution, weight: Numbers, payload: Numbers) -> Numbers:
    """The convolution of (N_source,) payloads: (N_target,), both numbered (channel, row, column)."""
    (pad_y, pad_x), (step_y, step_x), (reach_y, reach_x) = pattern.padding, pattern.stride, pattern.dilation
    inputs, height, width = pattern.source_shape
    image = np.zeros((inputs, height + 2 * pad_y, width + 2 * pad_x), payload.dtype)
    image[:, pad_y : pad_y + height, pad_x : pad_x + width] = payload.reshape(pattern.source_shape)
    channels, rows, columns = pattern.target_shape
    total = np.zeros((pattern.groups, channels // pattern.groups, rows, columns), np.result_type(weight, payload))
    kernel = weight.reshape(pattern.groups, channels // pattern.groups, *pattern.weight_shape[1:])
    grouped = image.reshape(pattern.groups, -1, *image.shape[1:])
    for y in range(pattern.kernel[0]):
        for x in range(pattern.kernel[1]):
            top, left = y * reach_y, x * reach_x
            seen = grouped[:, :, top : top + step_y * rows : step_y, left : left + step_x * columns : step_x]
            total += np.einsum("goi,girc->gorc", kernel[..., y, x], seen)
    return total.reshape(-1)
