"""The connections that drive their targets as flat arrays for the kernels: two bytes a weight where they suffice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, Convolution, Fixed, Numbers, SparsePattern
from neuroalign.fixed_point import shift, wrap_int32
from neuroalign.sim.emulator.blocks import extent, narrowed
from neuroalign.sim.emulator.learning_reference import LARGEST_INITIAL
from neuroalign.sim.emulator.plastic_layout import PlasticLayout
from neuroalign.sim.emulator.synapses import CONVOLUTION_BITS, wraps_sum
from neuroalign.sim.emulator.wire_shapes import CONVOLUTION, CONVOLUTIONS, DENSE, EXACT_SUMS, SPARSE, SUMS, WIRE, Static

INT16 = np.iinfo(np.int16)
INT32 = np.iinfo(np.int32)
LARGEST_EXPONENT = 63


@dataclass
class _Pool:
    """Parts of one flat array, in the order in which they will lie."""

    parts: list[Numbers] = field(default_factory=list)
    size: int = 0

    def add(self, part: Numbers) -> int:
        """Append ``part``; returns where it begins."""
        first = self.size
        self.parts.append(part)
        self.size += part.size
        return first

    def joined(self, dtype: Any) -> Numbers:
        """The array, each part converted by itself."""
        array = np.empty(self.size, dtype=dtype)
        first = 0
        for part in self.parts:
            array[first : first + part.size].reshape(part.shape)[...] = part
            first += part.size
        return array


@dataclass
class _Pools:
    weights: _Pool = field(default_factory=_Pool)
    delays: _Pool = field(default_factory=_Pool)
    first: _Pool = field(default_factory=_Pool)
    target: _Pool = field(default_factory=_Pool)
    convolutions: list[tuple[int, ...]] = field(default_factory=list)


def lay_out_wires(
    network: ChipNetwork,
    connections: Sequence[ChipConnection],
    targets: Mapping[str, Any],
    senders: Mapping[str, tuple[int, int]],
    plastic: PlasticLayout,
) -> tuple[NDArray[Any], Numbers, Static]:
    """Table, scales (by what weights are multiplied as they are added) and synapses of ``connections``.

    Parameters
    ----------
    connections
        Those that drive, in the order of the table.
    targets
        Name of a population to its row of the populations' table.
    senders
        Name of an input or population to its first entry and size in what is sent.
    """
    table = np.zeros(len(connections), dtype=WIRE)
    scales = np.ones(len(connections), dtype=np.int32 if network.is_fixed else np.float64)
    pools = _Pools()
    largest_payload = {port.name: INT32.max + 1 for port in network.inputs}
    for k, (row, c) in enumerate(zip(table, connections, strict=True)):
        target = targets[c.target]
        row["source"], row["source_size"] = senders[c.source]
        row["target_size"], row["ring"], row["slots"] = target["size"], target["ring"], target["slots"]
        row["graded"] = c.message_bits > 0
        _fill_pattern(row, c, pools)
        _fill_delays(row, c, network.connection_delay_steps, pools)
        if c.plasticity is not None:
            row["plastic"] = True
            row["weight"], row["pitch"] = plastic.place(c.name, 0)
            scales[k] = _scale(c)
        else:
            scales[k] = _fill_weights(row, c, pools)
        if isinstance(c.weight_format, Fixed):
            _fill_sums(row, c, largest_payload.get(c.source, 1) if c.message_bits else 1)
    return table, scales, _static(pools, network.is_fixed)


def _static(pools: _Pools, fixed: bool) -> Static:
    longest = max((int(part.max(initial=0)) for part in pools.delays.parts), default=0)
    return Static(
        weights=pools.weights.joined((np.int16 if _fit(pools.weights.parts) else np.int32) if fixed else np.float64),
        delays=pools.delays.joined(np.uint8 if longest <= np.iinfo(np.uint8).max else np.int32),
        first=pools.first.joined(np.int64),
        target=pools.target.joined(np.int32),
        convolutions=np.array(pools.convolutions, dtype=CONVOLUTIONS),
    )


def _fit(weights: Sequence[Numbers]) -> bool:
    """Whether 16 bits hold all of them."""
    return all(part.dtype == np.int16 for part in weights)


def source_order(pattern: SparsePattern) -> NDArray[np.int64]:
    """The synapses in the order in which the kernels hold them: by source, then target."""
    return np.argsort(pattern.source, kind="stable")


def _fill_pattern(row: Any, c: ChipConnection, pools: _Pools) -> None:
    pattern = c.pattern
    if isinstance(pattern, Convolution):
        row["pattern"], row["convolution"] = CONVOLUTION, len(pools.convolutions)
        pools.convolutions.append(
            (
                *(pattern.source_shape[0] // pattern.groups, pattern.channels // pattern.groups),
                *(*pattern.source_shape[1:], *pattern.target_shape[1:], *pattern.kernel),
                *(*pattern.stride, *pattern.padding, *pattern.dilation),
            )
        )
    elif pattern is not None:
        row["pattern"] = SPARSE
        counts = np.bincount(pattern.source, minlength=pattern.shape[1])
        row["rows"] = pools.first.add(np.concatenate([[0], np.cumsum(counts)]))
        row["synapses"] = pools.target.add(pattern.target[source_order(pattern)].astype(np.int32))
    else:
        row["pattern"] = DENSE


def _kernel_order(c: ChipConnection, values: Numbers) -> Numbers:
    """Weights or delays of a connection as the kernels hold them."""
    if isinstance(c.pattern, Convolution):  # (group, target channel, source channel, ...): source channel first
        return values.reshape(c.pattern.groups, -1, *c.pattern.weight_shape[1:]).swapaxes(1, 2)
    return values.T if c.pattern is None else values[source_order(c.pattern)]


def _fill_delays(row: Any, c: ChipConnection, steps: int, pools: _Pools) -> None:
    delays = np.zeros(1, dtype=np.int64) if c.delays is None or c.delays.size == 0 else c.delays
    lowest, highest = int(delays.min()), int(delays.max())
    row["first_bin"], row["bins"] = steps + lowest, highest - lowest + 1
    row["delay"] = steps + lowest if lowest == highest else -1
    if lowest != highest:
        row["delays"] = pools.delays.add(_kernel_order(c, delays).astype(np.int32) + steps)


def _fill_weights(row: Any, c: ChipConnection, pools: _Pools) -> float:
    """Put static weights where they fit; returns what they are multiplied by as they are added.

    They are shifted beforehand where that equals shifting their sum modulo 2**32 and they stay as narrow.
    """
    row["pitch"], weight = row["target_size"], narrowed(c.weight)
    if not isinstance(c.weight_format, Fixed):
        row["weight"] = pools.weights.add(_kernel_order(c, weight * 2.0**c.weight_exp))
        return 1.0
    low, high = (int(bound) for bound in extent(weight))
    exponent = min(max(c.weight_exp, 0), LARGEST_EXPONENT)
    if INT16.min <= low << exponent and high << exponent <= INT16.max:
        row["weight"] = pools.weights.add(_kernel_order(c, weight.astype(np.int16) << exponent))
        return 1
    if INT16.min <= low and high <= INT16.max:
        row["weight"] = pools.weights.add(_kernel_order(c, weight.astype(np.int16)))
        return _scale(c)
    row["weight"] = pools.weights.add(_kernel_order(c, wrap_int32(shift(weight.astype(np.int64), exponent))))
    return 1


def _scale(c: ChipConnection) -> float:
    """What the exponent makes of a weight: 1 where the sum is shifted right afterwards."""
    if not isinstance(c.weight_format, Fixed):
        return float(2.0**c.weight_exp)
    return int(wrap_int32(1 << min(max(c.weight_exp, 0), LARGEST_EXPONENT)))


def _fill_sums(row: Any, c: ChipConnection, largest_payload: int) -> None:
    """Whether sums are formed before they enter the ring: rounded ones, and convolutions that might leave their bits."""
    row["right_shift"] = min(max(-c.weight_exp, 0), LARGEST_EXPONENT)
    row["wrap_bits"] = 32
    largest = _largest_sum(c) * largest_payload
    if isinstance(c.pattern, Convolution):
        row["wrap_bits"] = CONVOLUTION_BITS
        left = min(max(c.weight_exp, 0), LARGEST_EXPONENT)
        row["sums"] = SUMS * (row["right_shift"] > 0 or largest << left >= 1 << (CONVOLUTION_BITS - 1))
    elif row["right_shift"]:
        row["sums"] = EXACT_SUMS if largest > INT32.max and not wraps_sum(c) else SUMS


def _largest_sum(c: ChipConnection) -> int:
    """No target can get more than this from spikes; plastic weights stay within what they may start from."""
    if c.plasticity is not None:
        return LARGEST_INITIAL * c.shape[1]
    if isinstance(c.pattern, Convolution):
        magnitude = np.abs(np.asarray(c.weight, dtype=np.int64))
        return int(magnitude.reshape(c.pattern.channels, -1).sum(axis=1).max(initial=0))
    return max(abs(int(end)) for end in extent(c.weight)) * c.shape[1]
