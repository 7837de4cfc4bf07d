"""A ChipNetwork as layers of lava-dl's .net, as lava-dl 0.6.0 reads them: integers, one scale for each layer.

A layer has no weight exponent. Where a connection has one, and the weights with it go beyond 8 bits, the whole layer (weights,
threshold, bias) is held smaller by a power of two: the same neurons, whose states round differently. That is a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Convolution, Fixed, SparsePattern
from neuroalign.conversion import ConversionRow
from neuroalign.errors import ConversionRefused
from neuroalign.export.hdf5 import Tree
from neuroalign.export.netx_read import LARGEST_DELAY, LARGEST_THRESHOLD
from neuroalign.export.netx_weights import Integers, held_weights
from neuroalign.quantise.rows import array_row, note_row

LARGEST_MATRIX = 1 << 27
"""Entries of a matrix that stands for sparse synapses."""
_SHIFTS = sorted(range(-15, 16), key=abs)
_PLAIN = {"decay_bits": 12, "v_offset": 0, "threshold_shift": 6, "weight_shift": 6, "reset": "zero", "reset_interval": 0, "refractory_steps": 0, "escape": None, "threshold_low": None}  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Layer:
    """A population with what leads to it: from the layer before, and from itself."""

    population: ChipPopulation
    forward: ChipConnection
    own: ChipConnection | None


@dataclass(frozen=True, eq=False)
class _Scaled:
    """A layer's integers, all divided by ``2**shift``; the weights are those of the forward and of the own connection."""

    shift: int
    weights: tuple[Integers, ...]
    threshold: Integers
    bias: Integers
    exact: bool


def chip_layers(chip: ChipNetwork) -> tuple[list[Tree], tuple[ConversionRow, ...]]:
    """The layers in order, and a row for all that lava-dl's reader takes differently.

    Raises
    ------
    ConversionRefused
        If the network is no chain, or something in it has no place in a layer.
    """
    layers = _chain(chip)
    rows: list[ConversionRow] = []
    found, layers, image = _first(chip, layers, rows)
    for number, layer in enumerate(layers, start=len(found[0]) > 2):
        convolved = isinstance(layer.forward.pattern, Convolution)
        if convolved and not image:
            raise _refused(layer.population.name, "a convolution behind a dense layer", "convolutions of images")
        if image and not convolved and number:
            found.append({"type": "flatten", "shape": np.array([layer.forward.shape[1], 1, 1])})
        found.append(_layer(layer, rows))
        image = convolved
    return found, tuple(rows)


def _first(chip: ChipNetwork, layers: list[_Layer], rows: list[ConversionRow]) -> tuple[list[Tree], list[_Layer], bool]:
    """The input layer, the layers behind it, and whether the first of these sees an image."""
    port, first = chip.inputs[0], layers[0]
    if _takes_bias(port, first):
        note = "lava-dl takes numbers as the bias of its input layer, a step earlier than graded spikes arrive here"
        rows.append(note_row(port.name, "payload", note, "approximate", port.size))
        p = first.population
        layer: Tree = {"type": "input", "shape": np.array(p.shape), "weight": 1, "bias": 0}
        return [layer | {"neuron": _neuron(first, _unscaled(first.population))}], layers[1:], len(p.shape) == 3
    pattern = first.forward.pattern
    shape = pattern.source_shape if isinstance(pattern, Convolution) else (port.size,)
    if port.message_bits:
        note = f"graded spikes: give lava-dl's reader input_message_bits={port.message_bits}"
        rows.append(note_row(port.name, "payload", note, "substituted", port.size))
    return [{"type": "input", "shape": np.array(shape)}], layers, isinstance(pattern, Convolution)


def _takes_bias(port: ChipInput, layer: _Layer) -> bool:
    """Whether graded input goes to one neuron each, with weight 1 and no memory but the membrane's."""
    c, p = layer.forward, layer.population
    alone = port.message_bits > 0 and layer.own is None and c.delays is None and c.weight_exp == 0
    if not alone or not isinstance(c.pattern, SparsePattern) or c.shape[0] != c.shape[1] or not (c.weight == 1).all():
        return False
    places = np.arange(c.shape[0])
    direct = np.array_equal(c.pattern.target, places) and np.array_equal(c.pattern.source, places)
    return direct and bool((p.du + p.u_offset == 4096).all()) and not p.bias_mant.any()


def _refused(where: str, what: str, held: str) -> ConversionRefused:
    return ConversionRefused(
        f".net: {where!r} has {what}, but layers of lava-dl hold {held}; use .nir, or .py for Lava itself"
    )


def _chain(chip: ChipNetwork) -> list[_Layer]:
    """Populations in the order of the layers."""
    if len(chip.inputs) != 1 or chip.connection_delay_steps != 1:
        raise _refused(chip.name, f"{len(chip.inputs)} inputs", "chains from one input, a step for each connection")
    left = {p.name: p for p in chip.populations}
    layers, source = [], chip.inputs[0].name
    while True:
        onward = [c for c in chip.connections if c.source == source and c.target != source]
        if len(onward) > 1:
            raise _refused(source, f"{len(onward)} connections to others", "chains")
        if not onward:
            break
        population = left.pop(onward[0].target, None)
        if population is None:
            raise _refused(
                onward[0].target, "a connection that closes a cycle", "chains, and layers that feed themselves"
            )
        incoming = [c for c in chip.connections if c.target == population.name]
        own = [c for c in incoming if c.source == population.name]
        if len(own) > 1 or len(incoming) > 1 + len(own):
            raise _refused(
                population.name, f"{len(incoming)} incoming connections", "one, and one of the layer to itself"
            )
        layers.append(_Layer(population, onward[0], own[0] if own else None))
        source = population.name
    if left:
        raise _refused(next(iter(left)), "no place in the chain from the input", "chains")
    for layer in layers:
        _check(layer, chip)
    return layers


def _check(layer: _Layer, chip: ChipNetwork) -> None:
    p = layer.population
    for name, value in _PLAIN.items():
        if getattr(p, name) != value:
            raise _refused(p.name, f"{name} {getattr(p, name)}", str(value))
    if (
        p.window_steps > 1
        or not isinstance(p.v_format, Fixed)
        or p.u_offset not in (0, 1)
        or (not p.u_offset and p.du.any())
    ):
        raise _refused(p.name, "neurons that are not Lava's LIF", "Lava's LIF in integers")
    for c in (layer.forward, layer.own):
        if c is None:
            continue
        if c.plasticity is not None:
            raise _refused(c.name, "a learning rule", "weights that stay")
        if not c.drives or (c.message_bits and c.source != chip.inputs[0].name):
            raise _refused(c.name, "graded spikes between layers, or no effect", "spikes")
        if c.max_delay > LARGEST_DELAY:
            raise _refused(c.name, f"a delay of {c.max_delay} steps", f"delays up to {LARGEST_DELAY}")
    own = layer.own
    if own is not None and (own.delays is not None or layer.forward.delays is not None or _is_image(layer)):
        raise _refused(own.name, "recurrence with delays or convolutions", "recurrence in plain dense layers")


def _is_image(layer: _Layer) -> bool:
    return isinstance(layer.forward.pattern, Convolution)


def _layer(layer: _Layer, rows: list[ConversionRow]) -> Tree:
    p, forward = layer.population, layer.forward
    scaled = _scaled(layer)
    _rows(layer, scaled, rows)
    found: Tree = {"neuron": _neuron(layer, scaled), "weight": scaled.weights[0]}
    pattern = forward.pattern
    if isinstance(pattern, Convolution):
        found |= {"type": "conv", "shape": np.array(pattern.target_shape), "groups": pattern.groups}
        found |= {key: np.array(getattr(pattern, key)) for key in ("stride", "padding", "dilation")}
        found |= {
            "inChannels": pattern.source_shape[0],
            "outChannels": pattern.channels,
            "kernelSize": np.array(pattern.kernel),
        }
    else:
        found |= {"type": "dense" if layer.own is None else "dense_rec", "shape": np.array([p.size, 1, 1])}
        found |= {"inFeatures": forward.shape[1], "outFeatures": p.size}
    if len(scaled.weights) > 1:
        found["weight_rec"] = scaled.weights[1]
    if forward.delays is not None:
        found["delay"] = _matrix(forward, forward.delays)
    if scaled.bias.any():
        found["bias"] = _bias(layer, scaled.bias)
    return found


def _neuron(layer: _Layer, scaled: _Scaled) -> Tree:
    p = layer.population
    return {
        "type": "CUBA",
        "iDecay": _one(layer, "iDecay", p.du + p.u_offset),
        "vDecay": _one(layer, "vDecay", p.dv),
        "vThMant": _one(layer, "vThMant", scaled.threshold),
        "refDelay": 1,
        "gradedSpike": False,
    }


def _one(layer: _Layer, key: str, values: NDArray[Any]) -> Any:
    """One number for the layer; where neurons differ an array, which Lava's arithmetic takes in dense layers."""
    if (values == values[0]).all():
        return int(values[0])
    if _is_image(layer):
        raise _refused(layer.population.name, f"{key} that differs among neurons", f"one {key} for a convolution")
    return values.astype(np.int64)


def _bias(layer: _Layer, bias: Integers) -> Integers:
    pattern = layer.forward.pattern
    if not isinstance(pattern, Convolution):
        return bias
    places = bias.reshape(pattern.target_shape)
    if (places == places[:, :1, :1]).all():
        return np.ascontiguousarray(places[:, 0, 0])
    return np.ascontiguousarray(places.transpose(2, 1, 0))  # lava-dl has (column, row, channel)


def _matrix(c: ChipConnection, values: NDArray[Any]) -> Integers:
    if not isinstance(c.pattern, SparsePattern):
        return values.astype(np.int64)
    if c.shape[0] * c.shape[1] > LARGEST_MATRIX:
        raise _refused(c.name, f"{values.size} synapses among {c.shape[0]} x {c.shape[1]}", "full matrices")
    matrix = np.zeros(c.shape, dtype=np.int64)
    matrix[c.pattern.target, c.pattern.source] = values
    return matrix


def _unscaled(p: ChipPopulation) -> _Scaled:
    return _Scaled(0, (), p.threshold, p.bias_mant, True)


def _scaled(layer: _Layer) -> _Scaled:
    """The layer's integers without exponents: as they are where that fits, else the nearest power of two that does."""
    found = [s for shift in _SHIFTS if (s := _shifted(layer, shift)) is not None]
    best = next((s for s in found if s.exact), found[0] if found else None)
    if best is None:
        raise _refused(layer.population.name, "weights or a threshold that no power of two brings into range", "8 bits")
    return best


def _shifted(layer: _Layer, shift: int) -> _Scaled | None:
    """All integers divided by ``2**shift``; None where weights would change or something leaves its range."""
    p = layer.population
    connections = [c for c in (layer.forward, layer.own) if c is not None]
    wanted = [np.ldexp(_weights(c).astype(np.float64), c.weight_exp - shift) for c in connections]
    if any((w != np.rint(w)).any() or np.abs(w).max(initial=0) > 256 for w in wanted):
        return None
    weights = tuple(w.astype(np.int64) for w in wanted)
    if not _is_image(layer) and not _reproduced(weights):
        return None
    threshold = np.ldexp(p.threshold.astype(np.float64), -shift)
    bias = np.ldexp(p.bias_mant.astype(np.float64), p.bias_exp - 6 - shift)
    if threshold.max() > LARGEST_THRESHOLD and p.spiking:
        return None
    rounded = np.minimum(np.rint(threshold), LARGEST_THRESHOLD + 1)
    if np.abs(bias).max(initial=0) > (1 << 15) - 1 or (rounded < 1).any() != (threshold <= 0).any():
        return None
    same = (rounded == threshold).all() and (bias == np.rint(bias)).all() and shift == 0
    return _Scaled(shift, weights, rounded.astype(np.int64), np.rint(bias).astype(np.int64), bool(same))


def _weights(c: ChipConnection) -> NDArray[Any]:
    return c.weight if isinstance(c.pattern, Convolution) else _matrix(c, c.weight)


def _reproduced(weights: Sequence[Integers]) -> bool:
    """Whether lava-dl and Lava hold these weights as they are."""
    try:
        held = held_weights(np.hstack(weights), weights[0].shape[1])
    except ConversionRefused:
        return False
    return all((h.effective == w).all() for h, w in zip(held, weights, strict=False))


def _rows(layer: _Layer, scaled: _Scaled, rows: list[ConversionRow]) -> None:
    p = layer.population
    if scaled.shift:
        note = f"the layer is held in units of 2^{scaled.shift}: lava-dl's states round differently"
        rows.append(note_row(p.name, "scale", note, "rounded", p.size))
    back = np.ldexp(scaled.threshold.astype(np.float64), scaled.shift)
    rows.append(array_row(p.name, "threshold", p.threshold, scaled.threshold, back, "", shift=scaled.shift))
    bias = np.ldexp(p.bias_mant.astype(np.float64), p.bias_exp)
    if bias.any():
        held = np.ldexp(scaled.bias.astype(np.float64), 6 + scaled.shift)
        rows.append(array_row(p.name, "bias", bias, scaled.bias, held, "", shift=6 + scaled.shift))
    for name, start in (("u0", p.u0), ("v0", p.v0)):
        if start.any():
            rows.append(
                note_row(p.name, name, "lava-dl's neurons start from 0", "approximate", int((start != 0).sum()))
            )
