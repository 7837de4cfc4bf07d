"""What spikes bring through a connection's weights, in torch: dense, convolutional and sparse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from neuroalign.network import Connection
from neuroalign.pattern import Convolution, SparsePattern

if TYPE_CHECKING:
    from torch import Tensor

Weighing = Callable[["Tensor"], "Tensor"]
"""From what sources gave, (samples, N_source), to their weighted sum, (samples, N_target)."""


def weighing(c: Connection) -> Weighing:
    """The weighted sum of a connection without a rule, in double precision."""
    import torch

    weight = torch.from_numpy(c.weight.copy())
    if isinstance(c.pattern, Convolution):
        return _convolving(c.pattern, weight)
    if isinstance(c.pattern, SparsePattern):
        places = torch.stack([torch.from_numpy(c.pattern.target.copy()), torch.from_numpy(c.pattern.source.copy())])
        matrix: Any = torch.sparse_coo_tensor(places, weight, c.pattern.shape, check_invariants=False).coalesce()
        return lambda given: torch.sparse.mm(matrix, given.T.contiguous()).T
    return lambda given: torch.nn.functional.linear(given, weight)


def _convolving(pattern: Convolution, weight: Tensor) -> Weighing:
    import torch

    def convolve(given: Tensor) -> Tensor:
        image = given.reshape(-1, *pattern.source_shape)
        result = torch.nn.functional.conv2d(
            image, weight, None, pattern.stride, pattern.padding, pattern.dilation, pattern.groups
        )
        return result.reshape(len(given), -1)

    return convolve
