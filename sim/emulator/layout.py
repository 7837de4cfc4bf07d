"""A ChipNetwork as flat arrays for the kernels: one signature serves every network of a number format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork, ChipPopulation, Fixed, Numbers
from neuroalign.fixed_point import shift, wrap_int32
from neuroalign.recording import Probe
from neuroalign.sim.emulator.changes import ProgramChange
from neuroalign.sim.emulator.escape import SHAPES
from neuroalign.sim.emulator.neuron_shapes import CALM_BITS, LOIHI, LOIHI_STATE_BITS
from neuroalign.sim.emulator.order import update_order
from neuroalign.sim.emulator.plastic_layout import PlasticLayout, lay_out_plastic
from neuroalign.sim.emulator.wire_layout import lay_out_wires
from neuroalign.sim.emulator.wire_shapes import Static

POPULATION = np.dtype(
    [
        ("first", np.int64),  # of its neurons, in the arrays of all neurons
        ("size", np.int64),
        ("ring", np.int64),  # first entry in the ring buffer
        ("slots", np.int64),  # rows of the ring buffer: row t % slots arrives at step t
        ("wires", np.int64),  # first outgoing connection
        ("wires_end", np.int64),
        ("decay_bits", np.int64),
        ("weight_shift", np.int64),
        ("u_bits", np.int64),
        ("u_wraps", np.int64),
        ("v_bits", np.int64),
        ("v_wraps", np.int64),
        ("subtracts", np.int64),  # whether a spike subtracts the threshold instead of setting v to 0
        ("column_a", np.int64),  # first column in the record, -1 where not recorded
        ("column_u", np.int64),
        ("column_v", np.int64),
        ("column_s", np.int64),
        ("column_r", np.int64),
        ("loihi", np.int64),  # whether they are plain, all is as on Loihi, and v and bias within CALM_BITS
        ("plain", np.int64),  # whether the neurons are LIF and no more; the fields below are for others
        ("reset_interval", np.int64),  # 0: never
        ("reset_phase", np.int64),  # u = v = 0 at the start of steps (from 1) of this remainder
        ("refractory_steps", np.int64),
        ("ternary", np.int64),
        ("escape", np.int64),  # 0: no noise; else the shape of it
        ("table", np.int64),  # first entry in the tables of all noise
        ("table_size", np.int64),
        ("table_shift", np.int64),
        ("draw", np.int64),  # first column in a step's draws, and first entry in the widths
        ("window_steps", np.int64),  # steps whose input u gets at once
        ("window", np.int64),  # first entry in the past inputs of all windows: row t % window_steps is of step t
    ]
)


@dataclass(frozen=True, eq=False)
class Layout:
    """Arrays of the kernels; ``keep_u`` and ``keep_v`` are what a step leaves of a state (``1 - du``, in its units)."""

    order: tuple[ChipPopulation, ...]
    populations: NDArray[Any]
    input_wires: int
    wires: NDArray[Any]
    scales: Numbers  # per connection: by what weights are multiplied as they are added
    static: Static
    keep_u: Numbers
    keep_v: Numbers
    threshold: Numbers
    threshold_low: Numbers
    escape_shapes: Numbers  # Fixed: the tables of all noise; Float64: the widths
    bias: Numbers
    u0: Numbers
    v0: Numbers
    channels: int
    noisy: int  # neurons with escape noise
    ring_size: int
    sums_sizes: tuple[int, int]
    columns: int
    dtype: np.dtype[Any]
    plastic: PlasticLayout


def lay_out(network: ChipNetwork, probes: Sequence[Probe], changes: Sequence[ProgramChange] = ()) -> Layout:
    """Flatten a checked network; populations are in update order, connections that drive by their source."""
    fixed = network.is_fixed
    order = [network.populations[k] for k in update_order(network)]
    dtype = np.dtype(np.int32 if fixed else np.float64)
    populations = _population_table(network, order, probes)
    senders = _senders(network, order)
    plastic = lay_out_plastic(network, senders, changes)
    connections = sorted((c for c in network.connections if c.drives), key=lambda c: senders[c.source])
    channels = sum(port.size for port in network.inputs)
    targets = {p.name: row for p, row in zip(order, populations, strict=True)}
    wires, scales, static = lay_out_wires(network, connections, targets, senders, plastic)
    input_wires = sum(c.source in [port.name for port in network.inputs] for c in connections)
    for row, population in zip(populations, order, strict=True):
        own = [k for k, c in enumerate(connections) if c.source == population.name]
        row["wires"], row["wires_end"] = (own[0], own[-1] + 1) if own else (0, 0)
    sums = [max((int(w["bins"] * w["target_size"]) for w in wires if w["sums"] == k), default=0) for k in (1, 2)]
    return Layout(
        order=tuple(order),
        populations=populations,
        input_wires=input_wires,
        wires=wires,
        scales=scales,
        static=static,
        keep_u=_joined([_keep(p, p.du, p.u_offset) for p in order], dtype),
        keep_v=_joined([_keep(p, p.dv, p.v_offset) for p in order], dtype),
        threshold=_narrow(_joined([_threshold(p) for p in order], np.dtype(np.int64 if fixed else np.float64))),
        threshold_low=_joined([_low_threshold(p) for p in order], np.dtype(np.int64 if fixed else np.float64)),
        escape_shapes=_escape_shapes(order, fixed),
        bias=_joined([_bias(p) for p in order], dtype),
        u0=_joined([p.u0 for p in order], dtype),
        v0=_joined([p.v0 for p in order], dtype),
        channels=channels,
        noisy=sum(p.size for p in order if p.escape is not None),
        ring_size=int(sum(p["slots"] * p["size"] for p in populations)),
        sums_sizes=(sums[0], sums[1]),
        columns=sum(network.population(name).size for name, _ in dict.fromkeys(probes)),
        dtype=dtype,
        plastic=plastic,
    )


def _senders(network: ChipNetwork, order: Sequence[ChipPopulation]) -> dict[str, tuple[int, int]]:
    """Name of an input or population to its first entry in what is sent, and its size."""
    senders: dict[str, tuple[int, int]] = {}
    first = 0
    for name, size in [(port.name, port.size) for port in network.inputs] + [(p.name, p.size) for p in order]:
        senders[name] = (first, size)
        first += size
    return senders


def _population_table(network: ChipNetwork, order: Sequence[ChipPopulation], probes: Sequence[Probe]) -> NDArray[Any]:
    table = np.zeros(len(order), dtype=POPULATION)
    columns = probe_columns(network, probes)
    first = ring = entry = draw = window = 0
    for row, p in zip(table, order, strict=True):
        longest = max((c.max_delay for c in network.connections if c.target == p.name), default=0)
        slots = network.connection_delay_steps + longest + 1
        row["first"], row["size"], row["ring"], row["slots"] = first, p.size, ring, slots
        row["decay_bits"], row["weight_shift"], row["subtracts"] = p.decay_bits, p.weight_shift, p.reset == "subtract"
        for state, number_format in (("u", p.u_format), ("v", p.v_format)):
            if isinstance(number_format, Fixed):
                row[f"{state}_bits"] = number_format.bits
                row[f"{state}_wraps"] = number_format.on_excess == "wrap"
        _fill_beyond_lif(row, p)
        if p.escape is not None:
            row["table"], row["draw"] = entry, draw
            entry, draw = entry + p.escape.table.size, draw + p.size
        if p.window_steps > 1:
            row["window_steps"], row["window"] = p.window_steps, window
            window += p.window_steps * p.size
        for state in ("a", "u", "v", "s", "r"):
            row[f"column_{state}"] = columns.get((p.name, state), -1)
        first += p.size
        ring += slots * p.size
    return table


def _fill_beyond_lif(row: Any, p: ChipPopulation) -> None:
    row["reset_interval"], row["refractory_steps"] = p.reset_interval, p.refractory_steps
    row["reset_phase"] = p.reset_offset % p.reset_interval if p.reset_interval else 0
    row["ternary"] = p.threshold_low is not None
    if p.escape is not None:
        row["escape"] = SHAPES[p.escape.kind]
        row["table_size"], row["table_shift"] = p.escape.table.size, p.escape.table_shift
    beyond = p.reset_interval or p.refractory_steps or row["ternary"] or row["escape"] or p.window_steps > 1
    row["plain"] = not beyond
    formats = (p.u_format, p.v_format)
    if row["plain"] and all(isinstance(f, Fixed) and f.bits == LOIHI_STATE_BITS for f in formats):
        alike = (p.decay_bits, p.weight_shift, p.reset, row["u_wraps"], row["v_wraps"]) == LOIHI
        row["loihi"] = alike and max(_largest(_bias(p)), _largest(p.v0)) < 1 << CALM_BITS


def probe_columns(network: ChipNetwork, probes: Sequence[Probe]) -> dict[Probe, int]:
    """First column of each probe in the kernels' record."""
    columns: dict[Probe, int] = {}
    column = 0
    for probe in dict.fromkeys(probes):
        columns[probe] = column
        column += network.population(probe[0]).size
    return columns


def _keep(p: ChipPopulation, decay: Numbers, offset: int) -> Numbers:
    if isinstance(p.v_format, Fixed):
        return (1 << p.decay_bits) - (decay + offset)
    return 1 - decay


def _threshold(p: ChipPopulation) -> Numbers:
    if isinstance(p.v_format, Fixed):
        return np.asarray(p.threshold.astype(np.int64) << p.threshold_shift)
    return p.threshold if p.spiking else np.full(p.size, np.inf)


def _largest(values: Numbers) -> int:
    return int(np.abs(values.astype(np.int64)).max(initial=0))


def _narrow(values: Numbers) -> Numbers:
    """In 32 bits where they suffice, which kernels compare twice as fast."""
    fits = values.dtype.kind == "i" and values.size and np.abs(values).max() <= np.iinfo(np.int32).max
    return values.astype(np.int32) if fits else values


def _low_threshold(p: ChipPopulation) -> Numbers:
    if p.threshold_low is None:
        return np.zeros(p.size, dtype=np.int64)  # never compared with
    if isinstance(p.v_format, Fixed):
        return np.asarray(p.threshold_low.astype(np.int64) << p.threshold_shift)
    return p.threshold_low if p.spiking else np.full(p.size, -np.inf)


def _escape_shapes(order: Sequence[ChipPopulation], fixed: bool) -> Numbers:
    noises = [p.escape for p in order if p.escape is not None]
    if fixed:
        return _joined([noise.table for noise in noises], np.dtype(np.int32))
    return _joined([noise.width for noise in noises], np.dtype(np.float64))


def _bias(p: ChipPopulation) -> Numbers:
    return np.asarray(wrap_int32(shift(p.bias_mant, p.bias_exp))) if isinstance(p.v_format, Fixed) else p.bias_mant


def _joined(parts: Sequence[Numbers], dtype: np.dtype[Any]) -> Numbers:
    return np.concatenate([np.zeros(0, dtype=dtype), *(np.asarray(part).astype(dtype) for part in parts)])
