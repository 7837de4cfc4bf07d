"""Neurons as a chip holds them, and what enters a chip.

One step of a population on chip (``Fixed``: integers; ``Float64``: the same without rounding or limits)::

    u[t] = decay(u[t-1], du) + a[t]          a[t] = sum over connections of (W s[t - 1 - delay]), aligned
    v[t] = decay(v[t-1], dv) + u[t] + bias
    s[t] = v[t] > threshold;   v[t] := 0 where s[t]

Missing against hardware: dendritic trees, axonal delays, noise inside u and v.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip.formats import NumberFormat, Numbers


@dataclass(frozen=True, eq=False)
class ChipInput:
    """Spikes (``message_bits`` 0) or graded integers entering the chip; one unit stands for ``value_per_unit``.

    ``zero`` is the payload that stands for 0: third factors, which traces of 7 bits take in, are sent from 0 to 127.

    Model step t is presented at chip step ``t + latency_steps``: where a plastic connection must see its source and
    target at the model's times, the input waits for the target.
    """

    name: str
    size: int
    message_bits: int = 0
    value_per_unit: float = 1.0
    latency_steps: int = 0
    zero: int = 0


@dataclass(frozen=True, eq=False)
class EscapeNoise:
    """Stochastic spiking: the chance of a spike in a step grows with the distance of v from the threshold.

    Float64::

        logistic:     P = 1 / (1 + exp(-(v - threshold) / width))
        exponential:  P = 1 - exp(-exp((v - threshold) / width))

    Fixed: ``P = table[clip(((v - (threshold << threshold_shift)) >> table_shift) + K / 2, 0, K - 1)] / 65536``, the
    difference and the shift (rounding down) in 64-bit integers.

    The neuron spikes where ``draw < P``; Fixed compares ``floor(65536 draw) < table[...]``. Draw number ``t N + i`` of
    ``default_rng(seed).random()`` belongs to neuron i in step t (from 0), whether it is used or not. Loihi 2 would need
    neuron microcode for it; Lava has no such neuron.

    Parameters
    ----------
    kind
        Shape of the escape function.
    width : (N,)
        In units of v; used by Float64.
    table : (K,)
        Whole numbers 0..65536, K even; used by Fixed.
    table_shift : int
        Bits of v that one entry of the table spans.
    seed : int
        Of the draws.
    """

    kind: Literal["logistic", "exponential"]
    width: Numbers
    table: Numbers
    table_shift: int = 0
    seed: int = 0


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
    threshold_low : (N,) or None
        Ternary neurons: they send -1 where ``v < threshold_low << threshold_shift`` (and +1 as others send 1).
    reset_interval, reset_offset : steps
        ``u = v = 0`` at the start of every chip step t (from 1) with t = reset_offset modulo reset_interval; 0: never.
    refractory_steps : int
        Steps after a spike in which v stays where the reset left it and the neuron cannot spike; u runs on.
    escape : EscapeNoise or None
        Spikes by chance instead of by comparison.
    window_steps : int
        Rectangular synapses: u gets what arrived in this and the last ``window_steps - 1`` steps, not only in this one;
        0 and 1: only in this one. Loihi 2 would need neuron microcode for it; Lava has no such neuron.
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
    threshold_low: Numbers | None = None
    reset_interval: int = 0
    reset_offset: int = 0
    refractory_steps: int = 0
    escape: EscapeNoise | None = None
    window_steps: int = 0

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(np.prod(self.shape, dtype=np.int64))

    def volts(self, v: Numbers) -> NDArray[np.float64]:
        """Membrane values ``v`` (..., N) in the model's volts."""
        return np.asarray(v * self.volts_per_unit + self.volts_offset, dtype=np.float64)
