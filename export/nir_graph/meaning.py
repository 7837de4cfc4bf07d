"""What a ChipNetwork's numbers mean in volts and seconds: the float network that its NIR graph describes.

With ``q`` volts per unit and ``o`` the offset, the step of :mod:`neuroalign.chip` is, for ``V = q v + o``::

    V[t] = (1 - d_v) V[t-1] + d_v o + q b + q u[t]       u[t] = (1 - d_u) u[t-1] + W 2**(exp + shift) s

which is the Euler step of :mod:`neuroalign.network` for ``tau_mem = dt/d_v``, ``tau_syn = dt/d_u`` and, ``g`` being the
volts that one unit of the file's weights adds, ::

    weight = W 2**(exp + shift) q / g       r = g/d_v       w_in = 1/d_u
    bias = (q b - d_v (v_leak - o)) d_u / g

whatever ``v_leak`` is: the chip holds leak and bias as one constant. Rounding of products, shifts to the right and
limits have no float meaning and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Fixed, Numbers, SparsePattern, expanded
from neuroalign.errors import NetworkError
from neuroalign.export.cycles import closing_edges
from neuroalign.fixed_point import shift
from neuroalign.network import FloatArray
from neuroalign.pattern import Pattern

SLOWEST = 2.0**-60
"""Stands for a decay of 0 where NIR needs a finite time constant: 1 - 2**-60 is 1 in double precision."""

LARGEST_MATRIX = 1 << 27
"""Entries of a matrix that sparse or shared weights may become."""


@dataclass(frozen=True, eq=False)
class NeuronMeaning:
    """One population; arrays (N,).

    Parameters
    ----------
    decay_u, decay_v
        Fractions per step; may be 0.
    volts, offset
        ``V = volts * v + offset``.
    threshold : V
    drive : V per step
        The constant ``q b``.
    """

    population: ChipPopulation
    decay_u: FloatArray
    decay_v: FloatArray
    volts: FloatArray
    offset: FloatArray
    threshold: FloatArray
    drive: FloatArray

    @property
    def filtered(self) -> bool:
        """Whether the current outlasts a step in some neuron."""
        return bool((self.decay_u < 1).any())

    @property
    def integrates(self) -> bool:
        """Whether no neuron leaks."""
        return not self.decay_v.any()

    @property
    def memoryless(self) -> bool:
        """Whether the membrane is the input of the step."""
        return bool((self.decay_u == 1).all() and (self.decay_v == 1).all())


def neuron_meaning(p: ChipPopulation) -> NeuronMeaning:
    """Decays, volts, threshold and drive of one population."""
    fixed = isinstance(p.v_format, Fixed)
    scale = 2.0**p.decay_bits if fixed else 1.0
    volts = np.asarray(p.volts_per_unit, dtype=np.float64)
    # What a spike leaves behind is 0 V under subtraction; a population that never spikes keeps its own zero.
    shifted = p.reset == "zero" or not p.spiking
    offset = np.asarray(p.volts_offset if shifted else 0.0 * p.volts_offset, dtype=np.float64)
    return NeuronMeaning(
        population=p,
        decay_u=(p.du + float(p.u_offset)) / scale,
        decay_v=(p.dv + float(p.v_offset)) / scale,
        volts=volts,
        offset=offset,
        threshold=p.threshold * (2.0**p.threshold_shift if fixed else 1.0) * volts + offset,
        drive=(shift(p.bias_mant, p.bias_exp) if fixed else p.bias_mant) * volts,
    )


def synapse_volts(c: ChipConnection, target: NeuronMeaning) -> FloatArray:
    """Volts that one held unit of weight adds to each target neuron for one unit of payload, (N_target,)."""
    fixed = isinstance(c.weight_format, Fixed)
    unit = 2.0 ** (c.weight_exp + target.population.weight_shift) if fixed else 1.0
    return unit * target.volts


@dataclass(frozen=True, eq=False)
class Part:
    """Synapses of one delay: ``delay_steps`` in the frame's steps, ``held`` the weights as ``pattern`` lays them out.

    ``ahead`` is by how many steps the frame moves the source against the target.
    """

    name: str
    connection: ChipConnection
    held: FloatArray
    delay_steps: int
    ahead: int
    pattern: Pattern | None = None

    def matrix(self) -> FloatArray:
        """The held weights (N_target, N_source), 0 where there is no synapse.

        Raises
        ------
        NetworkError
            If the matrix would be too large.
        """
        return self.held if self.pattern is None else _matrix(self.connection, self.pattern, self.held)


@dataclass(frozen=True, eq=False)
class Frame:
    """The time axis of the float network.

    Parameters
    ----------
    name
        "model": latencies are subtracted, so that signals take the steps they take in the model; "chip": populations
        keep the chip's steps, where subtraction would leave an effect before its cause.
    lag
        Steps subtracted, by population.
    start
        (u, v) before the first step, in volts per step and in volts, by population.
    """

    name: str
    lag: Mapping[str, int]
    parts: tuple[Part, ...]
    start: Mapping[str, tuple[FloatArray, FloatArray]]


def choose_frame(chip: ChipNetwork, meanings: Mapping[str, NeuronMeaning]) -> Frame:
    """The model's time axis if the float network can have it, else the chip's."""
    lag = {p.name: p.latency_steps for p in chip.populations}
    parts = tuple(_parts(chip, lag))
    start = {name: _start(m, lag[name]) for name, m in meanings.items()}
    reached = {name: state for name, state in start.items() if state is not None}
    if len(reached) == len(start) and _causal(chip, parts):
        return Frame("model", lag, parts, reached)
    still = dict.fromkeys(lag, 0)
    held = {name: (m.population.u0 * m.volts, m.population.v0 * m.volts + m.offset) for name, m in meanings.items()}
    return Frame("chip", still, tuple(_parts(chip, still)), held)


def _parts(chip: ChipNetwork, lag: Mapping[str, int]) -> Iterator[Part]:
    """Every connection, split where its synapses differ in delay."""
    enters = {i.name: i.latency_steps for i in chip.inputs}
    for c in chip.connections:
        ahead = enters.get(c.source, lag.get(c.source, 0)) - lag[c.target]
        base = chip.connection_delay_steps + ahead
        extra = [0] if c.delays is None or not c.delays.size else sorted({int(d) for d in np.unique(c.delays)})
        if len(extra) == 1 or c.delays is None or c.plasticity is not None:
            yield Part(c.name, c, c.weight.astype(np.float64), base + extra[0], ahead, c.pattern)
            continue
        for d in extra:
            held, pattern = _of_delay(c, c.delays == d)
            yield Part(f"{c.name}#{d}", c, held, base + d, ahead, pattern)


def _of_delay(c: ChipConnection, alike: Numbers) -> tuple[FloatArray, Pattern | None]:
    """The weights of the synapses where ``alike`` is true, and their pattern."""
    if isinstance(c.pattern, SparsePattern):
        pattern = SparsePattern(c.pattern.target[alike], c.pattern.source[alike], c.pattern.shape)
        return c.weight[alike].astype(np.float64), pattern
    return np.where(alike, c.weight, 0).astype(np.float64), c.pattern


def _matrix(c: ChipConnection, pattern: Pattern, weight: FloatArray) -> FloatArray:
    if math.prod(c.shape) > LARGEST_MATRIX:
        raise NetworkError(
            f"connection {c.name!r}: a NIR file would hold its {c.weight.size} weights as a matrix of "
            f"{c.shape[0]} x {c.shape[1]}; at most {LARGEST_MATRIX} entries are written; keep the chip network elsewhere"
        )
    return np.asarray(expanded(pattern, weight))


def _causal(chip: ChipNetwork, parts: tuple[Part, ...]) -> bool:
    """Whether no effect comes before its cause, and every cycle takes time."""
    for part in parts:
        least = 0 if part.connection.plasticity is None else max(1, chip.connection_delay_steps)
        if part.delay_steps < least or (least and part.ahead):
            return False
    at_once = {(p.connection.source, p.connection.target) for p in parts if p.delay_steps == 0}
    return not closing_edges([i.name for i in chip.inputs], at_once)


def _start(m: NeuronMeaning, steps: int) -> tuple[FloatArray, FloatArray] | None:
    """States after ``steps`` steps without input; None where a neuron would spike on the way."""
    u, v = m.population.u0 * m.volts, m.population.v0 * m.volts + m.offset
    for _ in range(steps):
        u = (1 - m.decay_u) * u
        v = (1 - m.decay_v) * v + m.decay_v * m.offset + m.drive + u
        if m.population.spiking and (v > m.threshold).any():
            return None
    return u, v
