"""The emulator in readable numpy: what one step of a ChipNetwork *is*, in both number formats.

The compiled kernels are tested against this file, and this file against Lava (Fixed) and Norse (Float64).

One step t of the whole network, populations in :func:`~neuroalign.sim.emulator.order.update_order`::

    u = v = 0  where t = reset_offset modulo reset_interval
    a    = what the connections into the population deliver at t              (Fixed: int32, wraps)
    a'   = a of this and the last window_steps - 1 steps                      (Fixed: int32, wraps; else a' = a)
    u    = decay(u, du) + (a' << weight_shift)                                (Fixed: int32, then u_format)
    where r > 0:  r = r - 1, v stays, s = 0;  elsewhere
        v    = decay(v, dv) + u + (bias_mant << bias_exp)                     (Fixed: int32, then v_format)
        s    = v > threshold << threshold_shift                               (escape noise: draw < P(v - threshold))
        s    = -1 where s = 0 and v < threshold_low << threshold_shift        (ternary neurons)
        v = 0 where s != 0                                                    (reset "subtract": v - threshold crossed)
        r = refractory_steps where s != 0
    s arrives through each connection at t + connection_delay_steps + delays, weighted as the weights are in step t

When all populations are done, every plastic connection takes in the spikes of its source and target in step t and, at
the end of an epoch, learns (:mod:`~neuroalign.sim.emulator.learning_reference`).

Symbols: ``u`` current, ``v`` membrane, ``s`` spikes, ``a`` summed input, ``r`` refractory steps left. Float64 has the
same without shifts, with ``decay(x, d) = x (1 - d)``, and neurons that are not spiking never spike. Fixed leaves them
their threshold, which saturation can reach: counted as ``nonspiking_spikes``.

Source: Lava 0.10, ``lava/proc/lif/models.py`` and ``lava/proc/dense/models.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from neuroalign.chip import ChipNetwork, ChipPopulation, Fixed, Numbers
from neuroalign.fixed_point import decay_towards_zero, fold_once, saturate, shift, wrap_int32
from neuroalign.recording import Probe
from neuroalign.sim.emulator.changes import ProgramChange
from neuroalign.sim.emulator.escape import chance_fixed, chance_float, draws_of_step
from neuroalign.sim.emulator.events import EventCounter
from neuroalign.sim.emulator.learning_reference import PlasticState
from neuroalign.sim.emulator.order import update_order
from neuroalign.sim.emulator.plastic_connection import PLASTIC_STATES, learn, learners, read
from neuroalign.sim.emulator.wire import Wire


@dataclass
class NeuronState:
    """States of one population after a step, and how often they ran out of their format so far."""

    u: Numbers
    v: Numbers
    s: Numbers
    a: Numbers
    r: Numbers
    counts: dict[str, int] = field(default_factory=dict)
    window: Numbers | None = None  # past inputs, and in the last row their sum

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
    changes: Sequence[ProgramChange] = (),
    events: EventCounter | None = None,
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
    changes
        Programs of plastic connections from a step on.
    events
        Told of everything that is sent, updated and learnt.
    """
    states = {p.name: initial_state(p) for p in network.populations}
    plastic = learners(network)
    driving = [c for c in network.connections if c.drives]
    wires = {c.name: Wire(c, network.connection_delay_steps, plastic.get(c.name)) for c in driving}
    into = {p.name: [wires[c.name] for c in driving if c.target == p.name] for p in network.populations}
    out_of = {
        name: [wires[c.name] for c in driving if c.source == name]
        for name in [port.name for port in network.inputs] + [p.name for p in network.populations]
    }
    order = [network.populations[k] for k in update_order(network)]
    reads = {step: row for row, step in enumerate(read_steps)}
    for t in range(steps):
        for change in (c for c in changes if c.step == t + 1):
            plastic[change.connection].reprogram(change.program)
        sent = {port.name: _given(inputs[port.name], t) for port in network.inputs}
        for port in network.inputs:
            for wire in out_of[port.name]:
                wire.send(t, sent[port.name])
        for population in order:
            state = states[population.name]
            before = state.u, state.v
            state.a = _received(population, [wire.take(t) for wire in into[population.name]])
            update(population, state, t)
            sent[population.name] = state.s
            if events is not None:
                events.updated(population, before, state.u, state.a, state.s, t)
            for wire in out_of[population.name]:
                wire.send(t, state.s)
        learn(network, plastic, t + 1, sent)
        if events is not None:
            events.stepped(t + 1, sent)
        _record(record, t, reads.get(t + 1), states, plastic)
        if progress is not None:
            progress(t + 1)
    counts = {f"{name}.{counter}": n for name, state in states.items() for counter, n in state.counts.items()}
    return counts | {f"{name}.{counter}": n for name, state in plastic.items() for counter, n in state.counts.items()}


def _record(
    record: Mapping[Probe, Numbers],
    t: int,
    row: int | None,
    states: Mapping[str, NeuronState],
    plastic: Mapping[str, PlasticState],
) -> None:
    """Fill in step t of neurons, and ``row`` of plastic connections if they are read now."""
    for (name, what), out in record.items():
        if what not in PLASTIC_STATES:
            out[t] = getattr(states[name], what)
        elif row is not None:
            out[row] = read(plastic[name], what)


def _given(array: Numbers, t: int) -> Numbers:
    """What an input sends at step t: nothing after its stimulus has ended."""
    return np.asarray(array[t] if t < len(array) else np.zeros(array.shape[1], dtype=array.dtype))


def initial_state(population: ChipPopulation) -> NeuronState:
    """The states before step 1."""
    dtype = np.int64 if isinstance(population.v_format, Fixed) else np.float64
    zero = np.zeros(population.size, dtype=dtype)
    return NeuronState(
        population.u0.astype(dtype), population.v0.astype(dtype), zero, zero, np.zeros(population.size, np.int64)
    )


def update(population: ChipPopulation, state: NeuronState, t: int) -> None:
    """Step t (from 0) of a population's neurons; ``state.a`` is the input, the other states are replaced."""
    if population.reset_interval and (t + 1 - population.reset_offset) % population.reset_interval == 0:
        state.u, state.v = np.zeros_like(state.u), np.zeros_like(state.v)
    if isinstance(population.u_format, Fixed) and isinstance(population.v_format, Fixed):
        _update_fixed(population, state, population.u_format, population.v_format, t)
    else:
        _update_float(population, state, t)


def _update_fixed(p: ChipPopulation, state: NeuronState, u_format: Fixed, v_format: Fixed, t: int) -> None:
    unity = 1 << p.decay_bits
    given = _windowed(p, state, t)
    exact_u = decay_towards_zero(state.u, unity - (p.du + p.u_offset), p.decay_bits) + (given << p.weight_shift)
    state.u = limit(wrap_int32(exact_u), u_format)
    state.count(excess_counter("u", u_format), state.u != exact_u)

    free = state.r == 0
    bias = wrap_int32(shift(p.bias_mant, p.bias_exp))
    exact_v = decay_towards_zero(state.v, unity - (p.dv + p.v_offset), p.decay_bits) + state.u + bias
    new_v = limit(wrap_int32(exact_v), v_format)
    state.v = np.where(free, new_v, state.v)
    state.count(excess_counter("v", v_format), free & (new_v != exact_v))

    threshold = p.threshold << p.threshold_shift
    low = None if p.threshold_low is None else p.threshold_low << p.threshold_shift
    up = state.v > threshold
    if p.escape is not None:
        up = draws_of_step(p, p.escape, t) < chance_fixed(p.escape, state.v - threshold)
    _spike(p, state, free, up, threshold, low)
    state.v = np.asarray(wrap_int32(state.v))
    if not p.spiking:
        state.count("nonspiking_spikes", state.s)


def _update_float(p: ChipPopulation, state: NeuronState, t: int) -> None:
    free = state.r == 0
    state.u = state.u * (1 - p.du) + _windowed(p, state, t)
    state.v = np.where(free, state.v * (1 - p.dv) + state.u + p.bias_mant, state.v)
    up = state.v > p.threshold
    if p.escape is not None:
        up = draws_of_step(p, p.escape, t) < chance_float(p.escape, state.v - p.threshold)
    _spike(p, state, free & p.spiking, up, p.threshold, p.threshold_low)


def _windowed(p: ChipPopulation, state: NeuronState, t: int) -> Numbers:
    """The input of this step and of the window's others, kept as a running sum (Fixed: int32, wraps)."""
    if p.window_steps <= 1:
        return state.a
    if state.window is None:
        state.window = np.zeros((p.window_steps + 1, p.size), dtype=state.a.dtype)
    *past, total = state.window
    total = total + state.a - past[t % p.window_steps]
    state.window[-1] = wrap_int32(total) if isinstance(p.v_format, Fixed) else total
    state.window[t % p.window_steps] = state.a
    return np.asarray(state.window[-1].copy())


def _spike(
    p: ChipPopulation, state: NeuronState, free: Numbers, up: Numbers, threshold: Numbers, low: Numbers | None
) -> None:
    """Spikes (+1 where ``up``, else -1 below ``low``) of the ``free`` neurons, their reset and refractory steps."""
    up = free & up
    down = np.zeros_like(up) if low is None else free & ~up & (state.v < low)
    state.s = up.astype(state.v.dtype) - down
    crossed = np.where(down, threshold if low is None else low, threshold)
    spiked = up | down
    state.v = np.where(spiked, state.v - crossed if p.reset == "subtract" else 0, state.v)
    state.r = np.where(spiked, p.refractory_steps, np.maximum(state.r - 1, 0))


def limit(x: Numbers, number_format: Fixed) -> Numbers:
    """``x`` (int32) brought into its format: one fold where it wraps, else saturated."""
    if number_format.on_excess == "wrap":
        return np.asarray(wrap_int32(fold_once(x, number_format.bits)))
    return np.asarray(saturate(x, number_format.bits))


def excess_counter(state: str, number_format: Fixed) -> str:
    """Name of the counter of a state that ran out of its format, such as "u_wrapped"."""
    return f"{state}_{'wrapped' if number_format.on_excess == 'wrap' else 'saturated'}"


def _received(population: ChipPopulation, arrived: Sequence[Numbers]) -> Numbers:
    """Sum of what all connections deliver in this step."""
    if not isinstance(population.v_format, Fixed):
        return np.asarray(sum(arrived, np.zeros(population.size)))
    return np.asarray(wrap_int32(sum(arrived, np.zeros(population.size, dtype=np.int64))))
