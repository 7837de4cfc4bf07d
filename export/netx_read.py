"""Layers of lava-dl's .net as a ChipNetwork: the integers with which lava-dl 0.6.0's netx builds Lava processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Fixed, Numbers
from neuroalign.conversion import ConversionRow
from neuroalign.errors import ConversionRefused, FileFormatError
from neuroalign.export.hdf5 import Tree
from neuroalign.export.netx_values import group, integers, number, pair, per_neuron, shape_of, text
from neuroalign.export.netx_weights import Integers, held_weights
from neuroalign.pattern import Convolution, SparsePattern
from neuroalign.quantise.rows import array_row, note_row

LARGEST_THRESHOLD = (1 << 17) - 1
LARGEST_DELAY = 62
INPUT = "input"
STATE_SCALE = 64 * 64
"""SLAYER divides the states of CUBA neurons by 64 times the scale of its weights, which is 64 unless told otherwise."""
NO_NEURON: Mapping[str, int] = {"iDecay": 0, "vDecay": 4096, "vThMant": 1 << 17}
"""What lava-dl takes where a dense layer names no neuron."""
PAYLOAD_BITS = 16
_CUBA = ("CUBA", "LOIHI")
_NO_SUCH = "this reader takes what lava-dl 0.6.0 builds of CUBA neurons: input, flatten, dense, dense_rec, conv"


@dataclass
class _Chain:
    """The network as it grows, layer by layer."""

    profile_id: str
    inputs: list[ChipInput] = field(default_factory=list)
    populations: list[ChipPopulation] = field(default_factory=list)
    connections: list[ChipConnection] = field(default_factory=list)
    rows: list[ConversionRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    shape: tuple[int, ...] | None = None
    """(channels, rows, columns) or (neurons,) of what the next layer sees; None where the file does not say."""

    @property
    def source(self) -> str:
        return self.populations[-1].name if self.populations else INPUT


def layers_of(tree: Tree) -> list[tuple[str, Tree]]:
    """Names and layers in the order of their numbers."""
    layers = tree.get("layer")
    if not isinstance(layers, dict) or not layers or not all(k.isdecimal() for k in layers):
        raise FileFormatError("there is no group 'layer' with layers 0, 1, ...; this is no .net of lava-dl")
    found = [(f"layer {number}", layers[str(number)]) for number in range(len(layers)) if str(number) in layers]
    if len(found) != len(layers) or not all(isinstance(layer, dict) for _, layer in found):
        raise FileFormatError(f"layers are numbered {', '.join(sorted(layers)[:9])}; 0, 1, ... without gaps are needed")
    return found


def chip_of_layers(
    tree: Tree, name: str, profile_id: str
) -> tuple[ChipNetwork, tuple[ConversionRow, ...], tuple[str, ...]]:
    """The network, rows for what differs from the file's numbers, and notes on what the file leaves open.

    Raises
    ------
    FileFormatError
        If a layer is malformed.
    ConversionRefused
        If lava-dl's reader does not build a layer, or a chip does not hold it.
    """
    chain = _Chain(profile_id)
    for where, layer in layers_of(tree):
        _LAYERS.get(text(where, layer, "type"), _unknown)(chain, where, layer)
    if not chain.populations:
        raise FileFormatError("no layer holds neurons; there is nothing to run")
    dt = _time_step(tree, chain)
    chain.notes.append("potentials are given in SLAYER's own unit, for weights scaled by 64: threshold = vThMant / 64")
    network = ChipNetwork(
        name,
        dt,
        profile_id,
        tuple(chain.inputs),
        tuple(chain.populations),
        tuple(chain.connections),
        (("output", chain.source),),
    )
    return network, tuple(chain.rows), tuple(chain.notes)


def _time_step(tree: Tree, chain: _Chain) -> float:
    simulation = tree.get("simulation")
    if isinstance(simulation, dict) and "Ts" in simulation:
        step = float(number("simulation", simulation, "Ts"))
        if step > 0 and np.isfinite(step):
            chain.notes.append(f"dt = {step:g} ms from simulation/Ts")
            return step * 1e-3
    chain.notes.append("the file does not say how long a step is; 1 ms is assumed")
    return 1e-3


def _input(chain: _Chain, where: str, layer: Tree) -> None:
    shape = shape_of(where, layer)
    chain.shape = shape
    if "neuron" not in layer:
        return
    size = int(np.prod(shape))
    weight, bias = (
        int(number(where, layer, key)) if key in layer else other for key, other in (("weight", 64), ("bias", 0))
    )
    chain.inputs.append(ChipInput(INPUT, size, PAYLOAD_BITS))
    chain.notes.append(
        f"{where} takes numbers as a bias: send {weight} x + {bias}, rounded, as graded spikes; it lags lava-dl's by one step"
    )
    neuron = group(where, layer, "neuron")
    population = _population(chain, where, neuron, shape, None)
    cleared = np.full(size, 4095, dtype=np.int64)  # the bias enters as current, which must not linger
    places = np.arange(size, dtype=np.int64)
    chain.connections.append(
        ChipConnection(
            f"{INPUT}->{_called(where)}",
            INPUT,
            _called(where),
            np.ones(size, dtype=np.int64),
            Fixed(8),
            0,
            "excitatory",
            message_bits=PAYLOAD_BITS,
            pattern=SparsePattern(places, places, (size, size)),
        )
    )
    chain.populations.append(replace(population, du=cleared, u_offset=1))


def _dense(chain: _Chain, where: str, layer: Tree) -> None:
    kind = text(where, layer, "type")
    size = int(np.prod(shape_of(where, layer)))
    weight = _matrix(where, layer, "weight", size)
    _begin(chain, where, weight.shape[1])
    parts = [weight]
    if kind == "dense_rec":
        if "delay" in layer:
            raise ConversionRefused(
                f"{where}: lava-dl 0.6.0 builds recurrent layers with delays wrongly; leave the delays out"
            )
        parts.append(_matrix(where, layer, "weight_rec", size))
        if parts[1].shape != (size, size):
            raise FileFormatError(f"{where}: weight_rec has shape {parts[1].shape}; ({size}, {size}) is needed")
    delays = _delays(chain, where, layer, weight) if "delay" in layer else None
    neuron = group(where, layer, "neuron") if "neuron" in layer else dict(NO_NEURON)
    bias = _bias(where, layer, (size,)) if "bias" in layer else None
    name, source = _called(where), chain.source
    population = _population(chain, where, neuron, (size,), bias)
    held = held_weights(np.hstack(parts), weight.shape[1])
    for k, (given, found) in enumerate(zip(parts, held, strict=False)):
        begin = name if k else source
        chain.connections.append(
            ChipConnection(
                f"{begin}->{name}",
                begin,
                name,
                found.weight,
                Fixed(found.bits),
                found.exponent,
                found.sign_mode,
                delays=delays,
            )
        )
        note = "as lava-dl's reader and Lava hold it"
        chain.rows.append(
            array_row(
                f"{begin}->{name}", "weight", given, found.weight, found.effective, "", note, shift=found.exponent
            )
        )
    chain.populations.append(population)
    chain.shape = (size,)


def _conv(chain: _Chain, where: str, layer: Tree) -> None:
    kernel = integers(where, layer, "weight")
    if kernel.ndim == 5 and kernel.shape[4] == 1:
        kernel = kernel[..., 0]
    if kernel.ndim != 4 or chain.shape is None or len(chain.shape) != 3:
        raise FileFormatError(
            f"{where}: a kernel of shape {kernel.shape} on an image of shape {chain.shape}; (out, in, rows, columns) and "
            "(channels, rows, columns) are needed"
        )
    stride, padding, dilation = (pair(where, layer, key) for key in ("stride", "padding", "dilation"))
    image = (chain.shape[0], chain.shape[1], chain.shape[2])
    groups = int(number(where, layer, "groups"))
    rows, columns = int(kernel.shape[2]), int(kernel.shape[3])
    if min(stride + dilation) < 1 or min(padding) < 0 or groups < 1 or kernel.shape[1] * groups != image[0]:
        raise FileFormatError(f"{where}: stride, padding, dilation or groups do not fit an image of shape {image}")
    pattern = Convolution(image, int(kernel.shape[0]), (rows, columns), stride, padding, dilation, groups)
    shape = shape_of(where, layer)
    if pattern.target_shape != shape:
        raise FileFormatError(f"{where} states shape {shape}, but its kernel gives {pattern.target_shape}")
    _begin(chain, where, int(np.prod(image)))
    if "delay" in layer:
        chain.notes.append(f"{where}: its delays are left out, as lava-dl's reader does")
    bias = _bias(where, layer, shape) if "bias" in layer else None
    name, source = _called(where), chain.source
    population = _population(chain, where, group(where, layer, "neuron"), shape, bias)
    bits = 8 if np.abs(kernel).max(initial=0) <= 254 else 24
    chain.connections.append(
        ChipConnection(f"{source}->{name}", source, name, kernel, Fixed(bits), 0, "mixed", pattern=pattern)
    )
    chain.populations.append(population)
    chain.shape = shape


def _flatten(chain: _Chain, where: str, layer: Tree) -> None:
    """Values are in row-major order anyway."""


def _average(chain: _Chain, where: str, layer: Tree) -> None:
    chain.notes.append(f"{where} averages spikes of groups of neurons on the host; it is left out")


def _unknown(chain: _Chain, where: str, layer: Tree) -> None:
    raise ConversionRefused(f"{where} is of type {text(where, layer, 'type')!r:.40}; {_NO_SUCH}")


_LAYERS = {
    "input": _input,
    "dense": _dense,
    "dense_rec": _dense,
    "conv": _conv,
    "flatten": _flatten,
    "average": _average,
}


def _begin(chain: _Chain, where: str, sources: int) -> None:
    """The input, where this layer is the first that takes any; its size against what came before."""
    before = None if chain.shape is None else int(np.prod(chain.shape))
    if before is not None and before != sources:
        raise FileFormatError(f"{where} takes {sources} inputs, but {before} come from the layer before it")
    if not chain.inputs:
        chain.inputs.append(ChipInput(INPUT, sources))


def _population(
    chain: _Chain, where: str, neuron: Mapping[str, Any], shape: tuple[int, ...], bias: Integers | None
) -> ChipPopulation:
    kind = neuron.get("type", "CUBA")
    if not isinstance(kind, str) or kind not in _CUBA:
        raise ConversionRefused(f"{where} has neurons of type {kind!s:.40}; {_NO_SUCH}")
    size = int(np.prod(shape))
    decay, leak, threshold = (per_neuron(where, neuron, key, size) for key in ("iDecay", "vDecay", "vThMant"))
    for key, values, limit in (("iDecay", decay, 4096), ("vDecay", leak, 4096), ("vThMant", threshold, 1 << 17)):
        if ((values < 0) | (values > limit)).any():
            raise FileFormatError(
                f"{where}: {key} is {values[(values < 0) | (values > limit)][0]}; 0 to {limit} is possible"
            )
    refractory = int(number(where, dict(neuron), "refDelay")) if "refDelay" in neuron else 1
    if refractory != 1:
        chain.notes.append(f"{where}: refDelay = {refractory} is left out, as lava-dl's reader does")
    keeps = bool((decay == 0).any())  # lava-dl gives Lava du = -1, which is no decay
    if keeps and decay.any():
        raise ConversionRefused(f"{where}: iDecay is 0 for some neurons only; no chip field says that")
    zero = np.zeros(size, dtype=np.int64)
    return ChipPopulation(
        name=_called(where),
        shape=shape,
        du=decay if keeps else decay - 1,
        dv=leak,
        threshold=threshold,
        bias_mant=zero if bias is None else bias,
        bias_exp=zero + 6,
        u0=zero,
        v0=zero,
        u_format=Fixed(24, 0, "toward-zero", "wrap"),
        v_format=Fixed(24, 0, "toward-zero", "saturate"),
        decay_bits=12,
        u_offset=0 if keeps else 1,
        v_offset=0,
        threshold_shift=6,
        weight_shift=6,
        spiking=bool((threshold < LARGEST_THRESHOLD).any()),
        latency_steps=1 + (chain.populations[-1].latency_steps if chain.populations else 0),
        volts_per_unit=np.full(size, 1 / STATE_SCALE),
        volts_offset=np.zeros(size),
    )


def _delays(chain: _Chain, where: str, layer: Tree, weight: Integers) -> Numbers | None:
    delay = integers(where, layer, "delay")
    if (delay < 0).any():
        raise FileFormatError(f"{where}: a delay is {delay.min()}; 0 to {LARGEST_DELAY} steps are possible")
    if (delay > LARGEST_DELAY).any():
        count = int((delay > LARGEST_DELAY).sum())
        chain.rows.append(
            note_row(
                _called(where),
                "delay",
                f"beyond {LARGEST_DELAY} steps, cut there as lava-dl's reader does",
                "saturated",
                count,
            )
        )
        delay = np.minimum(delay, LARGEST_DELAY)
    if delay.ndim == 0 or delay.size == 1:
        return np.full(weight.shape, int(delay.ravel()[0]), dtype=np.int64)
    if delay.ndim == 1 and delay.size == weight.shape[0]:
        return np.repeat(delay[:, None], weight.shape[1], axis=1)
    if delay.ndim == 1 and delay.size == weight.shape[1]:
        return np.repeat(delay[None], weight.shape[0], axis=0)
    if delay.shape == weight.shape:
        return delay
    raise FileFormatError(f"{where}: delay has shape {delay.shape}, the weights {weight.shape}; one a neuron is needed")


def _bias(where: str, layer: Tree, shape: tuple[int, ...]) -> Integers:
    bias = integers(where, layer, "bias")
    if (np.abs(bias) >= 1 << 15).any():
        raise ConversionRefused(f"{where}: a bias of {np.abs(bias).max()} is beyond the 16 bits in which Lava holds it")
    size = int(np.prod(shape))
    if bias.size == size:
        flat = bias.ravel() if bias.ndim < 3 else bias.transpose(2, 1, 0).ravel()  # lava-dl has (column, row, channel)
        return np.ascontiguousarray(flat)
    if len(shape) == 3 and bias.shape == (shape[0],):
        return np.repeat(bias, shape[1] * shape[2])
    if bias.size == 1:
        return np.full(size, int(bias.ravel()[0]), dtype=np.int64)
    raise FileFormatError(f"{where}: bias has shape {bias.shape}; one value for each neuron or channel is needed")


def _matrix(where: str, layer: Tree, key: str, targets: int) -> Integers:
    weight = integers(where, layer, key)
    if weight.size == 0 or weight.size % max(targets, 1):
        raise FileFormatError(f"{where}: {key} has shape {weight.shape}; a row for each of {targets} neurons is needed")
    return weight.reshape(targets, -1)


def _called(where: str) -> str:
    return where.replace(" ", "")
