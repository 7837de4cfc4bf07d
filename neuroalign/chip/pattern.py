"""Which synapses a connection has, where it is not all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SparsePattern:
    """Which synapses exist: synapse k leads from source ``source[k]`` to target ``target[k]``.

    Parameters
    ----------
    target, source : (synapses,)
        Sorted by target, then source; no pair twice.
    shape : (N_target, N_source)
    """

    target: NDArray[np.int64]
    source: NDArray[np.int64]
    shape: tuple[int, int]


@dataclass(frozen=True)
class Convolution:
    """A kernel shared by all places of an image; weights are (C_out, C_in / groups, kernel height, kernel width).

    ``out[o, y, x] = sum over i, ky, kx of W[o, i, ky, kx] in[i, y sy - py + ky dy, x sx - px + kx dx]``

    Neurons are numbered (channel, row, column), the last fastest. No flip of the kernel, as NIR and PyTorch have it.

    Parameters
    ----------
    source_shape : (C_in, height, width)
    channels : int
        C_out.
    kernel, stride, padding, dilation : (rows, columns)
    groups : int
    """

    source_shape: tuple[int, int, int]
    channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def target_shape(self) -> tuple[int, int, int]:
        """(C_out, height, width) of the result."""
        rows, columns = (
            (size + 2 * p - d * (k - 1) - 1) // s + 1
            for size, k, s, p, d in zip(
                self.source_shape[1:], self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        return self.channels, rows, columns

    @property
    def shape(self) -> tuple[int, int]:
        """(N_target, N_source)."""
        return math.prod(self.target_shape), math.prod(self.source_shape)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """Shape of the weights."""
        return self.channels, self.source_shape[0] // self.groups, *self.kernel
