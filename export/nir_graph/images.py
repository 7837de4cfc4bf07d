"""Which populations and inputs a NIR file can hold as images, so that their convolutions stay convolutions.

NIR has no node that turns a row of values into an image. A population is written with its image's shape only if every
connection into it is a convolution onto that shape from sources that are images themselves; everything else is written
flat, and convolutions into it as matrices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.export.nir_graph.meaning import Part
from neuroalign.export.nir_graph.nodes import Target
from neuroalign.network import FloatArray
from neuroalign.pattern import Convolution, shares_kernel

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Images:
    """Shape in which each input and population is written; flat ones are not listed."""

    shapes: Mapping[str, Shape]

    def shape(self, name: str, size: int) -> Shape:
        """Shape in which ``name`` is written."""
        return self.shapes.get(name, (size,))

    def holds(self, part: Part) -> bool:
        """Whether the part is written as a convolution."""
        return (
            isinstance(part.pattern, Convolution)
            and part.connection.target in self.shapes
            and part.connection.source in self.shapes
        )


def find_images(chip: ChipNetwork, targets: Mapping[str, Target], flat: frozenset[str]) -> Images:
    """The largest set of images that agree with each other.

    Parameters
    ----------
    flat
        Populations that have to be written flat.
    """
    shapes: dict[str, Shape] = {}
    for name, target in targets.items():
        shape = target.meaning.population.shape
        if name not in flat and target.parts and all(_fits(p, shape, target) for p in target.parts):
            shapes[name] = shape
    for port in chip.inputs:
        seen = {_image(p.pattern) for t in targets.values() for p in t.parts if p.connection.source == port.name}
        seen.discard(None)
        if len(seen) == 1 and (only := seen.pop()) is not None:
            shapes[port.name] = only
    while True:
        broken = [
            name
            for name, target in targets.items()
            if name in shapes and not all(_sees(p, shapes) for p in target.parts)
        ]
        if not broken:
            used = {p.connection.source for n, t in targets.items() if n in shapes for p in t.parts}
            ports = {port.name for port in chip.inputs}
            return Images({k: s for k, s in shapes.items() if k not in ports or k in used})
        for name in broken:
            del shapes[name]


def _fits(part: Part, shape: Shape, target: Target) -> bool:
    """Whether a part is a convolution onto ``shape`` whose weights and bias neurons of a channel share."""
    pattern = part.pattern
    if not isinstance(pattern, Convolution) or _trimmed(pattern, pattern.target_shape) != shape:
        return False
    if not single_row(pattern) and readable(pattern) is None:
        return False
    return shares_kernel(target.unit(part, 1.0), pattern) and shares_kernel(target.bias, pattern)


def _sees(part: Part, shapes: Mapping[str, Shape]) -> bool:
    return part.connection.source in shapes and _image(part.pattern) == shapes[part.connection.source]


def _image(pattern: object) -> Shape | None:
    """Shape of the source that a convolution sees."""
    return _trimmed(pattern, pattern.source_shape) if isinstance(pattern, Convolution) else None


def _trimmed(pattern: Convolution, shape: Shape) -> Shape:
    return (shape[0], shape[2]) if single_row(pattern) else shape


def readable(pattern: Convolution) -> Convolution | None:
    """The same convolution as the reference reader takes it: one group and a square kernel; None where there is none.

    nir 1.0.8 infers the shape of the source from the weights whatever the groups, and that of the result from the rows of
    the kernel alone. Rows and columns of 0 on both sides, with as much more padding, leave the result as it is.
    """
    rows, columns = pattern.kernel
    if single_row(pattern):
        return replace(pattern, groups=1)
    if (rows - columns) % 2:
        return None
    side = max(rows, columns)
    more = ((side - rows) // 2 * pattern.dilation[0], (side - columns) // 2 * pattern.dilation[1])
    padding = (pattern.padding[0] + more[0], pattern.padding[1] + more[1])
    return replace(pattern, groups=1, kernel=(side, side), padding=padding)


def to_readable(pattern: Convolution, kernel: FloatArray) -> tuple[FloatArray, Convolution]:
    """Kernel and convolution in the readable form; unchanged where there is none."""
    wide = readable(pattern)
    if wide is None or wide == pattern:
        return kernel, pattern
    full = np.zeros(wide.weight_shape)
    _inner(full, pattern)[...] = kernel.reshape(pattern.groups, -1, *pattern.weight_shape[1:])
    return full, wide


def from_readable(pattern: Convolution, full: FloatArray) -> FloatArray:
    """The kernel that :func:`to_readable` put into ``full``."""
    kernel = _inner(full, pattern)
    return np.array(kernel.reshape(pattern.weight_shape), dtype=np.float64)


def _inner(full: FloatArray, pattern: Convolution) -> Any:
    """The entries of a readable kernel that are the pattern's own: (groups, channels out and in of one, rows, columns)."""
    (rows, columns), groups = pattern.kernel, pattern.groups
    first = [(have - own) // 2 for have, own in zip(full.shape[2:], (rows, columns), strict=True)]
    inner = full[:, :, first[0] : first[0] + rows, first[1] : first[1] + columns]
    blocks = inner.reshape(groups, pattern.channels // groups, groups, -1, rows, columns)
    return np.einsum("gogirc->goirc", blocks)


def single_row(pattern: Convolution) -> bool:
    """Whether a convolution works on a single row, as Conv1d does."""
    return pattern.source_shape[1] == 1 and pattern.kernel[0] == 1 and pattern.padding[0] == 0


def convolution_fields(pattern: Convolution, kernel: FloatArray, bias: FloatArray) -> tuple[str, dict[str, Any]]:
    """NIR type and fields of a convolution; ``bias`` (N_target,)."""
    row = single_row(pattern)
    kernel, pattern = to_readable(pattern, kernel)

    def pair(values: tuple[int, int]) -> NDArray[np.int64]:
        return np.array(values[1] if row else values, dtype=np.int64)

    return ("Conv1d" if row else "Conv2d"), {
        "input_shape": pair(pattern.source_shape[1:]),
        "weight": kernel[:, :, 0] if row else kernel,
        "stride": pair(pattern.stride),
        "padding": pair(pattern.padding),
        "dilation": pair(pattern.dilation),
        "groups": np.array(pattern.groups, dtype=np.int64),
        "bias": bias.reshape(pattern.channels, -1)[:, 0].copy(),
    }
