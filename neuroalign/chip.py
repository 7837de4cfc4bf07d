"""What a chip holds: populations and connections whose every number carries its format.

One step of a population on chip (``Fixed``: integers; ``Float64``: the same without rounding or limits)::

    u[t] = decay(u[t-1], du) + a[t]          a[t] = sum over connections of (W s[t - 1 - delay]), aligned
    v[t] = decay(v[t-1], dv) + u[t] + bias
    s[t] = v[t] > threshold;   v[t] := 0 where s[t]

Missing against hardware: refractory periods, noise, dendritic trees, multi-chip routing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.microcode import Program

Rounding = Literal["toward-zero", "floor", "nearest"]
Excess = Literal["wrap", "saturate"]
SignMode = Literal["mixed", "excitatory", "inhibitory"]
Numbers = NDArray[Any]  # int64 under Fixed, float64 under Float64


@dataclass(frozen=True)
class Fixed:
    """A signed integer of ``bits`` bits (sign included) standing for ``value * 2**shift``."""

    bits: int
    shift: int = 0
    rounding: Rounding = "nearest"
    on_excess: Excess = "saturate"


@dataclass(frozen=True)
class Float64:
    """IEEE double precision: no rounding worth a name, no limits."""


NumberFormat = Fixed | Float64


@dataclass(frozen=True, eq=False)
class ChipInput:
    """Spikes (``message_bits`` 0) or graded integers entering the chip; one unit stands for ``value_per_unit``.

    Model step t is presented at chip step ``t + latency_steps``: where a plastic connection must see its source and
    target at the model's times, the input waits for the target.
    """

    name: str
    size: int
    message_bits: int = 0
    value_per_unit: float = 1.0
    latency_steps: int = 0


@dataclass(frozen=True, eq=False)
class ChipPopulation:
    """Current-based leaky integrate-and-fire neurons as the chip holds them.

    Parameters
    ----------
    du, dv : (N,)
        Decay fields. Fixed: 12-bit integers; the current decays by ``(du + u_offset) / 4096``, the membrane by
        ``(dv + v_offset) / 4096`` a step, truncated towards zero. Float64: the fractions themselves (offsets are 0).
    threshold : (N,)
        Fixed: 17-bit mantissa, compared as ``v > threshold << threshold_format.shift``. Float64: compared as it is.
    bias_mant, bias_exp : (N,)
        The bias is ``bias_mant << bias_exp`` (Float64: ``bias_mant``).
    u0, v0 : (N,)
        States before chip step 1.
    spiking : bool
        Whether the population is meant to spike; others hold the largest threshold.
    latency_steps : int
        Chip steps by which the population lags the model: model step t is chip step ``t + latency_steps``.
    volts_per_unit, volts_offset : (N,)
        ``v_volts = v * volts_per_unit + volts_offset``.
    reset : "zero" or "subtract"
        ``v := 0`` or ``v := v - threshold`` where the neuron spiked; no Loihi profile offers "subtract".
    """

    name: str
    shape: tuple[int, ...]
    du: Numbers
    dv: Numbers
    threshold: Numbers
    bias_mant: Numbers
    bias_exp: NDArray[np.int64]
    u0: Numbers
    v0: Numbers
    u_format: NumberFormat
    v_format: NumberFormat
    decay_bits: int
    u_offset: int
    v_offset: int
    threshold_shift: int
    weight_shift: int
    spiking: bool
    latency_steps: int
    volts_per_unit: NDArray[np.float64]
    volts_offset: NDArray[np.float64]
    reset: Literal["zero", "subtract"] = "zero"

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(np.prod(self.shape, dtype=np.int64))

    def volts(self, v: Numbers) -> NDArray[np.float64]:
        """Membrane values ``v`` (..., N) in the model's volts."""
        return np.asarray(v * self.volts_per_unit + self.volts_offset, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Plasticity:
    """What makes a connection learn.

    Parameters
    ----------
    program
        The microcode; its traces see the source's spikes as they enter the connection, and the target's spikes of the
        same chip step.
    tag : (N_target, N_source)
        Initial tags; learned delays (``d``) start from 0.
    weight_unit : float
        What one unit of the held weight means in the model's unit.
    phases : pairs of chip steps
        Weight, delay and tag change in steps start <= t < stop only; empty: in all. Traces and random streams run on.
    rounding_seed : int
        Seed of the draws that round the synaptic variables; Lava gives every connection 2.
    """

    program: Program
    tag: Numbers
    weight_unit: float
    phases: tuple[tuple[int, int], ...] = ()
    rounding_seed: int = 2

    def learns_at(self, step: int) -> bool:
        """Whether synapses may change in chip step ``step`` (from 1)."""
        return not self.phases or any(start <= step < stop for start, stop in self.phases)


@dataclass(frozen=True, eq=False)
class ChipConnection:
    """Synapses as the chip holds them.

    Parameters
    ----------
    weight : (N_target, N_source)
        Fixed: the integers as held (8-bit mixed weights are even, -256..254). Float64: the weights.
    weight_exp : int
        The accumulated sum is shifted left by it (right, rounding down, where it is negative).
    delays : (N_target, N_source) or None
        Extra steps per synapse beyond ``ChipNetwork.connection_delay_steps``; None stands for 0 everywhere.
    message_bits : int
        0: a source's spike counts 1; otherwise its integer payload multiplies the weight.
    plasticity : Plasticity or None
        How the weights learn. Plastic weights use every unit (mixed: -256..255) once they have changed.
    drives : bool
        Whether the sums reach the target; an estimating connection only learns.
    """

    name: str
    source: str
    target: str
    weight: Numbers
    weight_format: NumberFormat
    weight_exp: int
    sign_mode: SignMode
    delays: NDArray[np.int64] | None = None
    message_bits: int = 0
    plasticity: Plasticity | None = None
    drives: bool = True

    @property
    def max_delay(self) -> int:
        """The largest extra delay, in steps."""
        return 0 if self.delays is None or self.delays.size == 0 else int(self.delays.max())


@dataclass(frozen=True, eq=False)
class ChipNetwork:
    """Everything a backend needs; no backend sees a Profile.

    Parameters
    ----------
    connection_delay_steps : int
        Steps that every connection takes before its own delays: 1 on chips; 0 only in the float model, where
        populations are updated in topological order within the step.
    """

    name: str
    dt: float
    profile_id: str
    inputs: tuple[ChipInput, ...]
    populations: tuple[ChipPopulation, ...]
    connections: tuple[ChipConnection, ...]
    outputs: tuple[tuple[str, str], ...]
    connection_delay_steps: int = 1

    @property
    def is_fixed(self) -> bool:
        """Whether the network is held in integers."""
        return all(isinstance(p.v_format, Fixed) for p in self.populations)

    @property
    def latency_steps(self) -> int:
        """The largest declared latency: run this many steps longer than the stimulus."""
        lags = [*(p.latency_steps for p in self.populations), *(i.latency_steps for i in self.inputs)]
        return max(lags, default=0)

    def population(self, name: str) -> ChipPopulation:
        """The population called ``name`` (KeyError if there is none)."""
        return {p.name: p for p in self.populations}[name]


def first_difference(left: Any, right: Any, path: str = "network") -> str | None:
    """Path of the first field in which two chip objects differ (arrays by dtype, shape and value), or None."""
    if type(left) is not type(right):
        return f"{path}: {type(left).__name__} against {type(right).__name__}"
    if isinstance(left, np.ndarray):
        same = left.dtype == right.dtype and left.shape == right.shape and np.array_equal(left, right)
        return None if same else path
    if hasattr(left, "__dataclass_fields__"):
        pairs = [(f.name, getattr(left, f.name), getattr(right, f.name)) for f in fields(left)]
    elif isinstance(left, tuple):
        if len(left) != len(right):
            return f"{path}: {len(left)} against {len(right)} entries"
        pairs = [(str(k), a, b) for k, (a, b) in enumerate(zip(left, right, strict=True))]
    else:
        return None if left == right else f"{path}: {left!r} against {right!r}"
    for name, a, b in pairs:
        difference = first_difference(a, b, f"{path}.{name}")
        if difference:
            return difference
    return None
