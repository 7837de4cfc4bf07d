"""Targets whose cores each hold one layer (Speck): which core takes which layer, and what memory binds.

A layer is a population with the one connection into it, a full matrix counting as a convolution of 1 x 1 pixel::

    kernel entries = c 2**(ceil(log2(kx ky)) + ceil(log2 f))        c input channels, f output channels
    neuron entries = f 2**(ceil(log2 fy) + ceil(log2 fx))           of the feature map, fx by fy pixels

Source: sinabs dynapcnn_layer.memory_summary, and its matching of layers and cores by a bipartite graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Convolution
from neuroalign.placement.capacity import Capacity
from neuroalign.placement.limits import limit
from neuroalign.placement.types import Limit
from neuroalign.profile import Limit as Figure
from neuroalign.profile import Memory, Profile, provenance_of


@dataclass(frozen=True)
class Layer:
    """What one layer takes of a core's memories, and how it convolves."""

    name: str
    kernel: int
    neurons: int
    biases: int
    incoming: int
    targets: int
    largest_kernel: int
    padding: int
    side: int
    channels: int


def layers_of(chip: ChipNetwork) -> tuple[Layer, ...]:
    """The populations as layers."""
    return tuple(_layer(p, chip) for p in chip.populations)


def is_layered(profile: Profile) -> bool:
    """Whether a core of the profile holds one layer."""
    return isinstance(profile.core.memory, Memory) and profile.core.memory.model == "banks"


def layer_limits(chip: ChipNetwork, profile: Profile) -> list[Limit]:
    """Limits of layers, each at the layer that uses most; empty where cores hold no layers."""
    memory = profile.core.memory
    if not isinstance(memory, Memory) or memory.model != "banks" or not chip.populations:
        return []
    layers = layers_of(chip)
    banks = {"kernel": memory.kernel_entries, "neuron": memory.neuron_entries, "bias": memory.bias_entries}
    sizes = {
        "kernel": [x.kernel for x in layers],
        "neuron": [x.neurons for x in layers],
        "bias": [x.biases for x in layers],
    }
    found = []
    for kind, entries in banks.items():
        most: Figure | None = max(entries, default=0) if isinstance(entries, tuple) else entries
        path = f"core.memory.{kind}_entries"
        found.append(_worst(f"{kind} entries of a layer", layers, sizes[kind], profile, most, path))
    found.append(_matching(layers, memory, profile))
    return found + _shapes(layers, profile)


def _layer(p: ChipPopulation, chip: ChipNetwork) -> Layer:
    into = [c for c in chip.connections if c.target == p.name]
    kernels = [_kernel(c, p) for c in into]
    features, height, width = p.shape if len(p.shape) == 3 else (p.size, 1, 1)
    convolutions = [c.pattern for c in into if isinstance(c.pattern, Convolution)]
    return Layer(
        p.name,
        sum(kernels),
        features << (_log2(height) + _log2(width)),
        features if np.any(np.asarray(p.bias_mant) != 0) else 0,
        len(into),
        len({c.target for c in chip.connections if c.source == p.name}),
        max((max(c.kernel) for c in convolutions), default=1),
        max((max(c.padding) for c in convolutions), default=0),
        max(height, width),
        features,
    )


def _kernel(c: ChipConnection, p: ChipPopulation) -> int:
    if isinstance(c.pattern, Convolution):
        rows, columns = c.pattern.kernel
        return c.pattern.source_shape[0] << (_log2(rows * columns) + _log2(c.pattern.channels))
    return c.shape[1] << _log2(p.size)


def _log2(number: int) -> int:
    return max(number - 1, 0).bit_length()


def _matching(layers: tuple[Layer, ...], memory: Memory, profile: Profile) -> Limit:
    """Layers of which each needs a core of its own, against how many find one that is large enough."""
    banks = (memory.kernel_entries, memory.neuron_entries, memory.bias_entries)
    cores = min((len(b) for b in banks if isinstance(b, tuple)), default=0)
    needs = [(x.kernel, x.neurons, x.biases) for x in layers]
    fits = [[all(_room(b, k) >= n for b, n in zip(banks, need, strict=True)) for k in range(cores)] for need in needs]
    from scipy.sparse import csr_matrix  # both take longer to load than all that this package does
    from scipy.sparse.csgraph import maximum_bipartite_matching

    graph = csr_matrix(np.array(fits, dtype=np.int8).reshape(len(layers), cores))
    chosen = maximum_bipartite_matching(graph, perm_type="column") if cores else np.full(len(layers), -1)
    without = [x.name for x, core in zip(layers, chosen, strict=True) if core < 0]
    where = f"no core is left for {', '.join(without)}" if without else "every layer has a core"
    placed = int((chosen >= 0).sum())
    number = placed if without else cores
    return limit(
        "layers with a core of their own", len(layers), Capacity(number, _status(profile, "core.memory")), "chip", where
    )


def _room(entries: tuple[int, ...] | str | None, core: int) -> float:
    return float(entries[core]) if isinstance(entries, tuple) else np.inf


def _shapes(layers: tuple[Layer, ...], profile: Profile) -> list[Limit]:
    rows: list[tuple[str, list[int], Figure | None, str]] = []
    if any(x.incoming > 1 for x in layers):  # met or not: a core has one kernel
        rows.append(("connections into a layer", [x.incoming for x in layers], 1, "core.memory"))
    fan, convolution = profile.core.fan, profile.core.convolution
    if fan is not None:
        rows.append(("layers that a layer drives", [x.targets for x in layers], fan.cores_max, "core.fan.cores_max"))
    if convolution is not None:
        rows += [
            (
                "side of a kernel",
                [x.largest_kernel for x in layers],
                convolution.kernel_max,
                "core.convolution.kernel_max",
            ),
            ("padding", [x.padding for x in layers], convolution.padding_max, "core.convolution.padding_max"),
            (
                "side of a feature map",
                [x.side for x in layers],
                convolution.output_side_max,
                "core.convolution.output_side_max",
            ),
            (
                "channels of a layer",
                [x.channels for x in layers],
                convolution.channels_max,
                "core.convolution.channels_max",
            ),
        ]
    return [_worst(name, layers, used, profile, value, path) for name, used, value, path in rows]


def _worst(
    name: str, layers: tuple[Layer, ...], used: list[int], profile: Profile, value: Figure | None, path: str
) -> Limit:
    k = int(np.argmax(used))
    capacity = Capacity(None, "unknown") if value is None else Capacity(value, _status(profile, path))
    return limit(name, used[k], capacity, "chip", layers[k].name, (layers[k].name,))


def _status(profile: Profile, path: str) -> str:
    source = provenance_of(profile, path)
    return source.status if source else "unknown"
