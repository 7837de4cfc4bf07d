"""The emulator in readable numpy: what one step of a ChipNetwork *is*, in both number formats.

The compiled kernels are tested against this file, and this file against Lava (Fixed) and Norse (Float64).

One step t of the whole network, populations in :func:`~neuroalign.sim.emulator.order.update_order`::

    a    = what the connections into the population deliver at t              (Fixed: int32, wraps)
    u    = decay(u, du) + (a << weight_shift)                                 (Fixed: int32, then u_format)
    v    = decay(v, dv) + u + (bias_mant << bias_exp)                         (Fixed: int32, then v_format)
    s    = v > threshold << threshold_shift;  v = 0 where s                   (reset "subtract": v - threshold)
    s arrives through each connection at t + connection_delay_steps + delays, weighted as the weights are in step t

When all populations are done, every plastic connection takes in the spikes of its source and target in step t and, at
the end of an epoch, learns (:mod:`~neuroalign.sim.emulator.learning_reference`).

Symbols: ``u`` current, ``v`` membrane, ``s`` spikes, ``a`` summed input. Float64 has the same without shifts, with
``decay(x, d) = x (1 - d)``, and neurons that are not spiking never spike. Fixed leaves them their threshold, which
saturation can reach: counted as ``nonspiking_spikes``.

Source: Lava 0.10, ``lava/proc/lif/models.py`` and ``lava/proc/dense/models.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Fixed, Numbers
from neuroalign.fixed_point import decay_towards_zero, fold_once, saturate, shift, wrap_int32
from neuroalign.recording import Probe
from neuroalign.sim.emulator.learning_reference import PlasticState
from neuroalign.sim.emulator.order import update_order
from neuroalign.sim.emulator.plastic_connection import PLASTIC_STATES, learn, learners, read


@dataclass
class NeuronState:
    """States of one population after a step, and how often they ran out of their format so far."""

    u: Numbers
    v: Numbers
    s: Numbers
    a: Numbers
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, where: Numbers) -> None:
        """Add the number of true entries of ``where`` to the counter ``name``."""
        self.counts[name] = self.counts.get(name, 0) + int(np.count_nonzero(where))


def run_sample(
    network: ChipNetwork,
    inputs: Mapping[str, Numbers],
    steps: int,
    record: Mapping[Probe, Numbers],
    read_steps: Sequence[int] = (),
    progress: Callable[[int], None] | None = None,
) -> dict[str, int]:
    """Run one sample of ``steps`` steps and return the counters.

    Parameters
    ----------
    inputs
        Input name to array (steps or fewer, channels); 0 afterwards.
    record
        Probe to array, filled in place: (steps, neurons), or (reads, ...) of a plastic connection.
    read_steps
        Steps, from 1 and ascending, at whose end plastic connections are read.
    progress
        Called with the number of steps done.
    """
    states = {p.name: initial_state(p) for p in network.populations}
    plastic = learners(network)
    driving = [c for c in network.connections if c.drives]
    wires = {c.name: _Wire(c, network.connection_delay_steps, plastic.get(c.name)) for c in driving}
    into = {p.name: [wires[c.name] for c in driving if c.target == p.name] for p in network.populations}
    out_of = {
        name: [wires[c.name] for c in driving if c.source == name]
        for name in [port.name for port in network.inputs] + [p.name for p in network.populations]
    }
    order = [network.populations[k] for k in update_order(network)]
    reads = {step: row for row, step in enumerate(read_steps)}
    for t in range(steps):
        sent = {port.name: _given(inputs[port.name], t) for port in network.inputs}
        for port in network.inputs:
            for wire in out_of[port.name]:
                wire.send(t, sent[port.name])
        for population in order:
            state = states[population.name]
            state.a = _received(population, [wire.take(t) for wire in into[population.name]])
            update(population, state)
            sent[population.name] = state.s
            for wire in out_of[population.name]:
                wire.send(t, state.s)
        learn(network, plastic, t + 1, sent)
        for (name, what), out in record.items():
            if what not in PLASTIC_STATES:
                out[t] = getattr(states[name], what)
            elif t + 1 in reads:
                out[reads[t + 1]] = read(plastic[name], what)
        if progress is not None:
            progress(t + 1)
    counts = {f"{name}.{counter}": n for name, state in states.items() for counter, n in state.counts.items()}
    return counts | {f"{name}.{counter}": n for name, state in plastic.items() for counter, n in state.counts.items()}


def _given(array: Numbers, t: int) -> Numbers:
    """What an input sends at step t: nothing after its stimulus has ended."""
    return np.asarray(array[t] if t < len(array) else np.zeros(array.shape[1], dtype=array.dtype))


def initial_state(population: ChipPopulation) -> NeuronState:
    """The states before step 1."""
    dtype = np.int64 if isinstance(population.v_format, Fixed) else np.float64
    zero = np.zeros(population.size, dtype=dtype)
    return NeuronState(population.u0.astype(dtype), population.v0.astype(dtype), zero, zero)


def update(population: ChipPopulation, state: NeuronState) -> None:
    """One step of a population's neurons; ``state.a`` is the input, the other states are replaced."""
    if isinstance(population.u_format, Fixed) and isinstance(population.v_format, Fixed):
        _update_fixed(population, state, population.u_format, population.v_format)
    else:
        _update_float(population, state)


def _update_fixed(p: ChipPopulation, state: NeuronState, u_format: Fixed, v_format: Fixed) -> None:
    unity = 1 << p.decay_bits
    exact_u = decay_towards_zero(state.u, unity - (p.du + p.u_offset), p.decay_bits) + (state.a << p.weight_shift)
    state.u = limit(wrap_int32(exact_u), u_format)
    state.count(excess_counter("u", u_format), state.u != exact_u)

    bias = wrap_int32(shift(p.bias_mant, p.bias_exp))
    exact_v = decay_towards_zero(state.v, unity - (p.dv + p.v_offset), p.decay_bits) + state.u + bias
    state.v = limit(wrap_int32(exact_v), v_format)
    state.count(excess_counter("v", v_format), state.v != exact_v)

    threshold = p.threshold << p.threshold_shift
    spikes = state.v > threshold
    if not p.spiking:
        state.count("nonspiking_spikes", spikes)
    after = wrap_int32(state.v - threshold) if p.reset == "subtract" else 0
    state.v = np.where(spikes, after, state.v)
    state.s = spikes.astype(np.int64)


def _update_float(p: ChipPopulation, state: NeuronState) -> None:
    state.u = state.u * (1 - p.du) + state.a
    state.v = state.v * (1 - p.dv) + state.u + p.bias_mant
    spikes = (state.v > p.threshold) & p.spiking
    state.v = np.where(spikes, state.v - p.threshold if p.reset == "subtract" else 0.0, state.v)
    state.s = spikes.astype(np.float64)


def limit(x: Numbers, number_format: Fixed) -> Numbers:
    """``x`` (int32) brought into its format: one fold where it wraps, else saturated."""
    if number_format.on_excess == "wrap":
        return np.asarray(wrap_int32(fold_once(x, number_format.bits)))
    return np.asarray(saturate(x, number_format.bits))


def excess_counter(state: str, number_format: Fixed) -> str:
    """Name of the counter of a state that ran out of its format, such as "u_wrapped"."""
    return f"{state}_{'wrapped' if number_format.on_excess == 'wrap' else 'saturated'}"


class _Wire:
    """One connection with what is under way in it: row ``t % slots`` of ``buffer`` arrives at step t."""

    def __init__(
        self, connection: ChipConnection, connection_delay_steps: int, learner: PlasticState | None = None
    ) -> None:
        self.connection, self.learner = connection, learner
        self.first_delay = connection_delay_steps
        delays = range(connection.max_delay + 1)
        self.static_weights = self._by_delay(connection.weight)
        self.fixed = isinstance(connection.weight_format, Fixed)
        self.slots = connection_delay_steps + len(delays)
        self.buffer = np.zeros((self.slots, connection.weight.shape[0]), dtype=np.int64 if self.fixed else np.float64)

    def _by_delay(self, weight: Numbers) -> list[Numbers]:
        """One weight matrix per delay, since a negative exponent rounds the sum of each delay by itself."""
        delays = self.connection.delays
        if delays is None:
            return [weight]
        return [np.where(delays == delay, weight, 0) for delay in range(self.connection.max_delay + 1)]

    def send(self, t: int, sent: Numbers) -> None:
        """Put what is sent at step t into the buffer."""
        payload = sent if self.connection.message_bits else (sent != 0).astype(sent.dtype)
        weights = self.static_weights if self.learner is None else self._by_delay(self.learner.weight)
        for delay, weight in enumerate(weights):
            slot = (t + self.first_delay + delay) % self.slots
            if self.fixed:
                total = shift(self._sum(weight, payload), np.clip(self.connection.weight_exp, -63, 63))
                self.buffer[slot] = wrap_int32(self.buffer[slot] + total)
            else:
                self.buffer[slot] += 2.0**self.connection.weight_exp * (weight @ payload)

    def _sum(self, weight: Numbers, payload: Numbers) -> Numbers:
        """Weighted sum over the sources; Lava wraps the products of graded spikes, or their sum, to int32."""
        if not self.connection.message_bits:
            return np.asarray(weight @ payload)
        if self.connection.delays is None:
            return np.asarray(wrap_int32(weight @ payload))
        return np.asarray(wrap_int32(weight * payload).sum(axis=1))

    def take(self, t: int) -> Numbers:
        """What arrives at step t; its place in the buffer is free afterwards."""
        arrived = self.buffer[t % self.slots].copy()
        self.buffer[t % self.slots] = 0
        return np.asarray(arrived)


def _received(population: ChipPopulation, arrived: Sequence[Numbers]) -> Numbers:
    """Sum of what all connections deliver in this step."""
    if not isinstance(population.v_format, Fixed):
        return np.asarray(sum(arrived, np.zeros(population.size)))
    return np.asarray(wrap_int32(sum(arrived, np.zeros(population.size, dtype=np.int64))))
