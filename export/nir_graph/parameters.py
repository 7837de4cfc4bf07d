"""Parameters of NIR nodes as checked float64 arrays, still in the units of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import FileFormatError, NetworkError
from neuroalign.export.nir_graph.flatten import PASS, FlatGraph, FlatNode
from neuroalign.export.nir_graph.tree import Note
from neuroalign.network import FloatArray
from neuroalign.pattern import Pattern

Shape = tuple[int, ...]

NEURONS: Mapping[str, tuple[str, ...]] = {
    "I": ("r",),
    "IF": ("r", "v_threshold", "v_reset"),
    "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"),
    "Threshold": ("threshold",),
}
"""Parameters of each neuron primitive."""
OPTIONAL: Mapping[str, float] = {"v_reset": 0.0, "w_in": 1.0}
"""Parameters that NIR lets a file leave out, with what that means."""
GAINS: Mapping[str, str] = {"tau": "r", "tau_mem": "r", "tau_syn": "w_in"}
"""The gain of each filter; snnTorch writes both as inf where the decay per step is 0."""
LINEAR: Mapping[str, tuple[str, ...]] = {
    "Affine": ("weight", "bias"),
    "Linear": ("weight",),
    "Scale": ("scale",),
    "Flatten": ("input_type", "start_dim", "end_dim"),
    "Delay": ("delay",),
    PASS: ("shape",),
}
"""Fields of each primitive without memory."""
SPATIAL: Mapping[str, tuple[str, ...]] = {
    "Conv1d": ("input_shape", "weight", "stride", "padding", "dilation", "groups", "bias"),
    "Conv2d": ("input_shape", "weight", "stride", "padding", "dilation", "groups", "bias"),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
}
"""Fields of each primitive that works on images."""
PORTS: Mapping[str, tuple[str, ...]] = {"Input": ("shape",), "Output": ("shape",)}


@dataclass(frozen=True, eq=False)
class NeuronNode:
    """A neuron node: each value as stored (broadcast comes once its shape is known), and its own shape."""

    name: str
    kind: str
    shape: Shape
    values: Mapping[str, FloatArray]
    missing: frozenset[str]


@dataclass(frozen=True, eq=False)
class LinearNode:
    """A node between neurons: ``y = weight x + bias``, ``y = scale x``, ``y(t) = x(t - delay)``, or ``y = x``.

    ``weight`` is laid out as ``pattern`` says; ``delay`` is in the file's unit of time, one value or one a channel.
    """

    name: str
    weight: FloatArray | None = None
    scale: FloatArray | None = None
    bias: FloatArray | None = None
    pattern: Pattern | None = None
    delay: FloatArray | None = None


def unsupported(graph: FlatGraph) -> str | None:
    """One line naming the nodes of types that this version does not take, or None."""
    bad = [n for n in graph.nodes.values() if not is_taken(n)]
    if not bad:
        return None
    names = ", ".join(f"{n.name!r} ({n.type})" for n in bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
    taken = ", ".join(k for k in (*PORTS, *LINEAR, *SPATIAL, *NEURONS) if k != PASS)
    return f"node {names}: this version does not take {'/'.join(sorted({n.type for n in bad}))}; it takes {taken}"


def is_taken(node: FlatNode) -> bool:
    """Whether this version takes the node's type."""
    return node.type in NEURONS or node.type in LINEAR or node.type in PORTS or node.type in SPATIAL


def neuron_node(node: FlatNode, note: Note) -> NeuronNode:
    """Parameters of a neuron node, checked one by one; the shape is that of the largest."""
    names = NEURONS[node.type]
    note_extra(node, names, note)
    endless = {k for pair in GAINS.items() if pair[0] in names for k in pair}
    missing = frozenset(k for k in names if k in OPTIONAL and node.fields.get(k) is None)
    values = {k: np.asarray(OPTIONAL[k]) if k in missing else numbers(node, k, k in endless) for k in names}
    try:
        shape = np.broadcast_shapes(*(v.shape for v in values.values()))
    except ValueError:
        shapes = ", ".join(f"{k} {v.shape}" for k, v in values.items())
        raise NetworkError(
            f"node {node.name!r}: parameters differ in shape ({shapes}); one value a neuron is needed"
        ) from None
    _note_endless(node, values, note)
    return NeuronNode(node.name, node.type, shape, values, missing)


def _note_endless(node: FlatNode, values: Mapping[str, FloatArray], note: Note) -> None:
    """Note filters with ``tau = gain = inf``, and refuse one that is infinite without the other."""
    for tau, gain in GAINS.items():
        if tau not in values or gain not in values or not (np.isinf(values[tau]).any() or np.isinf(values[gain]).any()):
            continue
        if (np.isinf(values[tau]) != np.isinf(values[gain])).any():
            key = tau if np.isinf(values[tau]).any() else gain
            line = _not_finite(node, key, values[key], np.isinf(values[key]))
            raise NetworkError(f"{line}; only {tau} and {gain} both infinite have a meaning, snnTorch's beta = 1")
        note(
            f"node {node.name!r}: {tau} and {gain} are inf, as snnTorch writes a decay of 1: no leak, input enters unscaled"
        )


def _not_finite(node: FlatNode, name: str, values: FloatArray, bad: NDArray[np.bool_]) -> str:
    index = tuple(int(k) for k in np.argwhere(bad)[0])
    return (
        f"node {node.name!r}: {name}{list(index) or ''} is {values[index]}; a finite number is needed; repair the file"
    )


def linear_node(node: FlatNode, note: Note) -> LinearNode:
    """Weights, scale and bias of a node without memory."""
    note_extra(node, (*LINEAR[node.type], "bias") if node.type == "Linear" else LINEAR[node.type], note)
    if node.type == "Scale":
        return LinearNode(node.name, scale=numbers(node, "scale"))
    if node.type == "Delay":
        return LinearNode(node.name, delay=_delay(node))
    if node.type not in ("Affine", "Linear"):
        return LinearNode(node.name)
    weight = _matrix(node, note)
    bias = None if node.fields.get("bias") is None else numbers(node, "bias")
    if node.type == "Affine" and bias is None:
        note(f"node {node.name!r}: the Affine has no bias: taken as 0")
    if node.type == "Linear" and bias is not None:
        note(f"node {node.name!r}: the Linear has a bias: taken as an Affine")
    if bias is not None:
        bias = _bias(node.name, bias, weight.shape[0], note)
    return LinearNode(node.name, weight=weight, bias=bias)


def declared_shape(node: FlatNode, field: str = "shape") -> Shape | None:
    """The shape an Input or Output states, or a Flatten in its ``input_type``; None where it states none."""
    if node.fields.get(field) is None:
        return None
    shape = numbers(node, field).ravel()
    if shape.size == 0 or (shape < 1).any() or (shape != np.floor(shape)).any():
        raise FileFormatError(f"node {node.name!r}: {field} is {shape.tolist()}; whole numbers from 1 are needed")
    return tuple(int(k) for k in shape)


def numbers(node: FlatNode, name: str, endless: bool = False) -> FloatArray:
    """Field ``name`` as finite float64 numbers; ``endless``: inf is let through.

    Raises
    ------
    FileFormatError
        If it is missing, empty or no array of numbers.
    NetworkError
        If a number is NaN or infinite.
    """
    stored = node.fields.get(name)
    if stored is None:
        raise FileFormatError(f"node {node.name!r}: {node.type or 'node'} lacks its field {name!r}; export it again")
    if not isinstance(stored, np.ndarray) or stored.dtype.kind not in "iufb":
        found = stored.dtype if isinstance(stored, np.ndarray) else type(stored).__name__
        raise FileFormatError(f"node {node.name!r}: {name} is of type {found}; an array of numbers is needed")
    with np.errstate(invalid="ignore"):  # signalling NaNs, reported below
        values: NDArray[np.float64] = np.ascontiguousarray(stored, dtype=np.float64).reshape(stored.shape)
    if not values.size:
        raise FileFormatError(f"node {node.name!r}: {name} has shape {values.shape} and so no values; export it again")
    bad = ~(np.isfinite(values) | (values == np.inf)) if endless else ~np.isfinite(values)
    if bad.any():
        raise NetworkError(_not_finite(node, name, values, bad))
    return values


def _matrix(node: FlatNode, note: Note) -> FloatArray:
    weight = numbers(node, "weight")
    if weight.ndim > 2 and weight.shape[:-2] == (1,) * (weight.ndim - 2):
        note(f"node {node.name!r}: weight has shape {weight.shape}: leading dimensions dropped")
        weight = weight.reshape(weight.shape[-2:])
    if weight.ndim != 2:
        raise NetworkError(f"node {node.name!r}: weight has shape {weight.shape}; (out, in) is needed")
    return weight


def _delay(node: FlatNode) -> FloatArray:
    delay = numbers(node, "delay")
    if (delay < 0).any():
        raise NetworkError(
            f"node {node.name!r}: delay is {float(delay.min()):g}; no value can come early; correct the file"
        )
    return delay


def _bias(name: str, bias: FloatArray, size: int, note: Note) -> FloatArray:
    if bias.shape == (size,):
        return bias
    if bias.size not in (1, size):
        raise NetworkError(f"node {name!r}: bias has shape {bias.shape}, but the weight gives {size} values")
    note(f"node {name!r}: bias has shape {bias.shape}: taken as ({size},)")
    return np.broadcast_to(bias.ravel(), (size,)).copy()


def note_extra(node: FlatNode, known: tuple[str, ...], note: Note) -> None:
    """Note fields that are none of the primitive's."""
    extra = sorted(set(node.fields) - set(known) - {"metadata", "input_type", "output_type", "name"})
    if extra:
        note(f"node {node.name!r}: {', '.join(extra)} is no field of NIR's {node.type}: ignored")
