"""Networks to measure on: leaky neurons driven by their bias at a rate that is set, static or plastic synapses on all pairs.

No input is needed, so that nothing but neurons and synapses is measured, in Lava too. The neurons start in different
phases, so that the spikes are spread evenly from the first step on::

    without leak of the current and without input:  v[k] = v_inf (1 - (1 - dv/4096)^k),   v_inf = 4096 bias / dv

which reaches the threshold after the period that the rate asks for.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Fixed, Float64, Numbers, Plasticity
from neuroalign.microcode import Program, Trace
from neuroalign.microcode.text import parse
from neuroalign.recording import Stimulus

RATE = 0.02
DU, DV = 2048, 41
BIAS_EXP = 6
SPREAD = 0.25
"""What the recurrent input adds to the membrane, standard deviation over a period, in thresholds."""

STDP = "2^-4*x1*y0-2^-4*y1*x0"
"""Pair STDP. Equal amplitudes keep the weights, and so the rates, where they are over long runs."""

STATE = Fixed(24, on_excess="wrap")
VOLTAGE = Fixed(24, on_excess="saturate")
WEIGHT = Fixed(8)


def static_network(size: int, seed: int, rate: float = RATE) -> ChipNetwork:
    """LIF neurons with recurrent Dense synapses on all pairs."""
    rng = np.random.default_rng(seed)
    threshold = 8000
    neurons = population("neurons", size, rate, rng, threshold)
    # a period sees size * rate / rate spikes, each adding weight * 4096 / DU to v over time
    weight = _even(rng.normal(0.0, SPREAD * threshold * DU / 4096 / math.sqrt(size), (size, size)))
    recurrent = ChipConnection("recurrent", "neurons", "neurons", weight, WEIGHT, 0, "mixed")
    return _network(f"static-{size}", (neurons,), (recurrent,))


def plastic_network(
    size: int, seed: int, rate: float = RATE, rule: str = STDP, *, fixed: bool = True, t_epoch: int = 1
) -> ChipNetwork:
    """LIF neurons, LearningDense synapses on all pairs to as many LIF neurons; pair STDP at every step.

    The threshold of the targets is so high that their rate stays what their bias makes it while weights change.
    """
    rng = np.random.default_rng(seed)
    sources, targets = plastic_populations(size, rng, rate, fixed)
    weight: Numbers = _even(rng.integers(-100, 101, (size, size)))
    trace = Trace(impulse=16.0, tau=20.0)
    products = parse(rule, "dw")
    program = Program(dw=products, x1=trace, y1=trace, t_epoch=t_epoch, rng_seed=seed)
    if not fixed:
        weight = weight * 64.0
    plasticity = Plasticity(program, np.zeros_like(weight), 1.0)
    number = WEIGHT if fixed else Float64()
    learning = ChipConnection("learning", "sources", "targets", weight, number, 0, "mixed", plasticity=plasticity)
    return _network(f"plastic-{size}", (sources, targets), (learning,))


def plastic_populations(
    size: int, rng: np.random.Generator, rate: float = RATE, fixed: bool = True
) -> tuple[ChipPopulation, ChipPopulation]:
    """Sources and targets of a plastic network."""
    return (
        population("sources", size, rate, rng, 8000, fixed),
        population("targets", size, rate, rng, 60000, fixed),
    )


def population(
    name: str, size: int, rate: float, rng: np.random.Generator, threshold: int, fixed: bool = True
) -> ChipPopulation:
    """Neurons that spike by their bias in a share ``rate`` of all steps, in random phases."""
    keep = 1 - DV / 4096
    periods = rng.uniform(0.8, 1.2, size) / rate
    limit = threshold << 6
    bias = limit * DV / 4096 / (1 - keep**periods)
    mantissa = np.maximum(np.round(bias / 2**BIAS_EXP), 1).astype(np.int64)
    v0 = np.floor(limit * (1 - keep ** (rng.uniform(0, 1, size) * periods)) / (1 - keep**periods)).astype(np.int64)
    number = np.dtype(np.int64 if fixed else np.float64)
    ones = np.ones(size)
    return ChipPopulation(
        name=name,
        shape=(size,),
        du=_filled(size, DU if fixed else DU / 4096),
        dv=_filled(size, DV if fixed else DV / 4096),
        threshold=_filled(size, threshold if fixed else float(limit)),
        bias_mant=mantissa if fixed else mantissa * 2.0**BIAS_EXP,
        bias_exp=np.full(size, BIAS_EXP if fixed else 0, dtype=np.int64),
        u0=np.zeros(size, dtype=number),
        v0=v0.astype(number),
        u_format=STATE if fixed else Float64(),
        v_format=VOLTAGE if fixed else Float64(),
        decay_bits=12 if fixed else 0,
        u_offset=1 if fixed else 0,
        v_offset=0,
        threshold_shift=6 if fixed else 0,
        weight_shift=6 if fixed else 0,
        spiking=True,
        latency_steps=0,
        volts_per_unit=ones,
        volts_offset=0 * ones,
    )


def silence(steps: int) -> Stimulus:
    """A stimulus for networks without inputs: it says how many steps to run."""
    return Stimulus({"none": np.zeros((1, steps, 0), dtype=np.int64)})


def synapses(network: ChipNetwork) -> int:
    """Number of synapses."""
    return sum(int(np.prod(c.shape)) for c in network.connections)


def _network(
    name: str, populations: tuple[ChipPopulation, ...], connections: tuple[ChipConnection, ...]
) -> ChipNetwork:
    outputs = ((populations[-1].name, populations[-1].name),)
    return ChipNetwork(name, 1e-3, "bench", (), populations, connections, outputs)


def _filled(size: int, value: int | float) -> Numbers:
    return np.full(size, value)


def _even(values: Numbers) -> NDArray[np.int64]:
    """Weights as an 8-bit mixed connection holds them."""
    return np.clip(2 * np.round(np.asarray(values) / 2), -256, 254).astype(np.int64)
