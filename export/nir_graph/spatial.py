"""Convolutions and pooling: fields of the file, and the linear map that they mean once the shape before them is known.

Sums and means over windows are convolutions of each channel with itself::

    SumPool2d:  kernel of 1            AvgPool2d:  kernel of 1 / (rows columns), padding counted as 0

One-dimensional convolutions are two-dimensional ones of a single row. The shape rule is NIR's equation, not the
reference reader's inference, which is wrong for kernels that are not square and for groups (nir 1.0.8).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from neuroalign.errors import NetworkError
from neuroalign.export.nir_graph.flatten import FlatNode
from neuroalign.export.nir_graph.parameters import SPATIAL, LinearNode, Shape, note_extra, numbers
from neuroalign.export.nir_graph.tree import Note
from neuroalign.network import FloatArray
from neuroalign.pattern import Convolution, pattern_problem

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class SpatialNode:
    """A convolution or pooling node.

    Parameters
    ----------
    dimensions
        1 or 2, without the channels.
    weight : (C_out, C_in / groups, rows, columns), or None for pooling
    bias : (C_out,) or None
    kernel, stride, dilation : (rows, columns)
    padding : (rows, columns), or "same"
        "same" pads so that the result has the size of the source; where the padding is odd, the end gets one more.
    stated
        The node's ``input_shape``, without channels, or None.
    """

    name: str
    kind: str
    dimensions: int
    weight: FloatArray | None
    bias: FloatArray | None
    kernel: Pair
    stride: Pair
    padding: Pair | str
    dilation: Pair = (1, 1)
    groups: int = 1
    stated: Shape | None = None

    @property
    def own_shape(self) -> Shape | None:
        """Shape of the source as the node itself states it, or None."""
        if self.stated is None or self.weight is None:
            return None
        return (self.weight.shape[1] * self.groups, *self.stated)

    def source_shape(self, given: Shape) -> Shape:
        """``given`` without leading dimensions of 1 beyond those that the node takes.

        Raises
        ------
        NetworkError
            If what is left has not the node's dimensions, channels or stated size.
        """
        wanted = self.dimensions + 1
        shape = given
        while len(shape) > wanted and shape[0] == 1:
            shape = shape[1:]
        label = f"node {self.name!r}"
        if len(shape) != wanted:
            raise NetworkError(
                f"{label}: {self.kind} takes {wanted} dimensions (channels first), but shape {given} reaches it; put a node "
                "that states the shape before it, or correct the file"
            )
        if self.weight is not None and shape[0] != self.weight.shape[1] * self.groups:
            raise NetworkError(
                f"{label}: {shape[0]} channels reach it, its weight of shape {self.weight.shape} in {self.groups} group(s) takes "
                f"{self.weight.shape[1] * self.groups}; correct the file"
            )
        if self.stated is not None and self.stated != shape[1:]:
            raise NetworkError(
                f"{label}: input_shape states {self.stated}, but {shape[1:]} reaches it; correct the file"
            )
        return shape

    def convolution(self, given: Shape) -> tuple[Convolution, FloatArray]:
        """The convolution of a source of shape ``given``, and its kernel."""
        shape = self.source_shape(given)
        image = (shape[0], 1, shape[1]) if self.dimensions == 1 else (shape[0], shape[1], shape[2])
        weight, groups = self.weight, self.groups
        if weight is None:
            share = 1.0 / prod(self.kernel) if self.kind == "AvgPool2d" else 1.0
            weight, groups = np.full((shape[0], 1, *self.kernel), share), shape[0]
        padding, dilation = self.padding, self.dilation
        if isinstance(padding, str):
            padding, dilation, weight = _same(self, weight)
        rows, columns = weight.shape[2:]
        pattern = Convolution(image, len(weight), (rows, columns), self.stride, padding, dilation, groups)
        problem = pattern_problem(pattern)
        if problem is not None:
            raise NetworkError(f"node {self.name!r}: {problem.replace('pattern', 'it', 1)}; correct the file")
        return pattern, weight

    def result_shape(self, given: Shape) -> Shape:
        """Shape after the node."""
        channels, rows, columns = self.convolution(given)[0].target_shape
        return (channels, columns) if self.dimensions == 1 else (channels, rows, columns)

    def linear(self, given: Shape) -> LinearNode:
        """The node as a map of values in row-major order."""
        pattern, weight = self.convolution(given)
        bias = None if self.bias is None else np.repeat(self.bias, prod(pattern.target_shape[1:]))
        return LinearNode(self.name, weight=weight, bias=bias, pattern=pattern)


def spatial_node(node: FlatNode, note: Note) -> SpatialNode:
    """Fields of a convolution or pooling node, checked.

    Raises
    ------
    FileFormatError, NetworkError
        If a field is missing, of another shape, or out of range.
    """
    note_extra(node, SPATIAL[node.type], note)
    if node.type in ("SumPool2d", "AvgPool2d"):
        kernel = _pair(node, "kernel_size", 2, None)
        return SpatialNode(
            node.name, node.type, 2, None, None, kernel, _pair(node, "stride", 2, kernel), _padding(node, 2)
        )
    dimensions = 1 if node.type == "Conv1d" else 2
    weight = numbers(node, "weight")
    if weight.ndim != dimensions + 2:
        raise NetworkError(
            f"node {node.name!r}: weight has shape {weight.shape}; {node.type} needs {dimensions + 2} dimensions "
            "(channels out, channels in, kernel)"
        )
    if dimensions == 1:
        weight = weight[:, :, None, :]
    groups = _whole(node, "groups", (1,))[0] if node.fields.get("groups") is not None else 1
    return SpatialNode(
        node.name,
        node.type,
        dimensions,
        weight,
        _bias(node, len(weight), note),
        (weight.shape[2], weight.shape[3]),
        _pair(node, "stride", dimensions, (1, 1)),
        _padding(node, dimensions),
        _pair(node, "dilation", dimensions, (1, 1)),
        groups,
        _stated(node, dimensions),
    )


def _same(node: SpatialNode, weight: FloatArray) -> tuple[Pair, Pair, FloatArray]:
    """Padding, dilation and kernel of "same": odd padding by a tap of 0 before the kernel, written out undilated."""
    if node.stride != (1, 1):
        raise NetworkError(f"node {node.name!r}: padding 'same' needs stride 1, it has {node.stride}; correct the file")
    total = [d * (k - 1) for d, k in zip(node.dilation, weight.shape[2:], strict=True)]
    if not any(t % 2 for t in total):
        return (total[0] // 2, total[1] // 2), node.dilation, weight
    before = [t % 2 for t in total]
    full = np.zeros((*weight.shape[:2], *(t + 1 + b for t, b in zip(total, before, strict=True))))
    full[:, :, before[0] :: node.dilation[0], before[1] :: node.dilation[1]] = weight
    return ((total[0] + before[0]) // 2, (total[1] + before[1]) // 2), (1, 1), full


def _bias(node: FlatNode, channels: int, note: Note) -> FloatArray | None:
    if node.fields.get("bias") is None:
        note(f"node {node.name!r}: the {node.type} has no bias: taken as 0")
        return None
    bias = numbers(node, "bias")
    if bias.size not in (1, channels):
        raise NetworkError(f"node {node.name!r}: bias has shape {bias.shape}, but there are {channels} channels")
    if bias.shape != (channels,):
        note(f"node {node.name!r}: bias has shape {bias.shape}: taken as ({channels},)")
    return np.broadcast_to(bias.ravel(), (channels,)).copy()


def _stated(node: FlatNode, dimensions: int) -> Shape | None:
    stored = node.fields.get("input_shape")
    if stored is None:
        return None
    shape = _whole(node, "input_shape", (dimensions, dimensions + 1), least=1)
    return shape[-dimensions:]


def _pair(node: FlatNode, field: str, dimensions: int, default: Pair | None) -> Pair:
    """A field of one number or one a dimension as (rows, columns)."""
    if node.fields.get(field) is None and default is not None:
        return default
    values = _whole(node, field, (1, dimensions), least=1)
    return _rows_and_columns(values, dimensions, 1)


def _padding(node: FlatNode, dimensions: int) -> Pair | str:
    stored = node.fields.get("padding")
    if stored is None or (isinstance(stored, str) and stored == "valid"):
        return (0, 0)
    if isinstance(stored, str):
        if stored != "same":
            raise NetworkError(f"node {node.name!r}: padding is {stored!r}; numbers, 'valid' or 'same' are needed")
        return "same"
    return _rows_and_columns(_whole(node, "padding", (1, dimensions), least=0), dimensions, 0)


def _rows_and_columns(values: Shape, dimensions: int, row: int) -> Pair:
    """(rows, columns) of one value or one a dimension; ``row`` is that of the single row of one-dimensional images."""
    full = values * dimensions if len(values) == 1 else values
    return (full[0], full[1]) if dimensions == 2 else (row, full[0])


def _whole(node: FlatNode, field: str, sizes: tuple[int, ...], least: int = 1) -> Shape:
    """Whole numbers of a field: as many as one of ``sizes``."""
    values = numbers(node, field).ravel()
    if values.size not in sizes or (values < least).any() or (values != np.floor(values)).any() or values.max() > 2**31:
        needed = " or ".join(map(str, dict.fromkeys(sizes)))
        raise NetworkError(
            f"node {node.name!r}: {field} is {values[:4].tolist()}; {needed} whole number(s) of at least {least} are needed"
        )
    return tuple(int(k) for k in values)
