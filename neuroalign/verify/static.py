"""Static ChipNetworks in Loihi's formats: one draw from a numpy Generator, shaped by a few plain options.

The networks are meant to be lively: thresholds follow the input that a population can expect, so that most of them
spike. Fields stay within what Lava 0.10 accepts (12-bit decays, 13-bit biases, 17-bit thresholds, delays up to 63).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Fixed, Numbers, SignMode
from neuroalign.fixed_point import lava_weights
from neuroalign.recording import Stimulus

U24 = Fixed(24, 0, "toward-zero", "wrap")
V24 = Fixed(24, 0, "toward-zero", "saturate")
SIGN_MODES: tuple[SignMode, ...] = ("mixed", "excitatory", "inhibitory")


@dataclass(frozen=True)
class Options:
    """What a drawn network may contain.

    Parameters
    ----------
    sizes
        Neurons of each population; the first receives the input.
    channels
        Channels of the input.
    skips, loops, self_recurrence
        Whether connections may jump over populations, lead back, and start where they end.
    more_edges
        Chance of each edge that the last three allow.
    max_delay
        Largest extra delay of a synapse.
    exponents
        Smallest and largest weight_exp.
    graded
        Whether the input may carry integers instead of spikes.
    extreme
        Weights, payloads and biases up to the provocation of every wrap and saturation.
    silent
        Whether a population may be one that is not meant to spike.
    subtract
        Whether a spike may subtract the threshold (no Loihi does; Lava refuses such a network).
    """

    sizes: tuple[int, ...] = (5, 4, 3)
    channels: int = 4
    skips: bool = True
    loops: bool = True
    self_recurrence: bool = True
    more_edges: float = 0.4
    max_delay: int = 3
    exponents: tuple[int, int] = (-3, 3)
    graded: bool = False
    extreme: bool = False
    silent: bool = False
    subtract: bool = False


def draw_fixed(rng: Generator, options: Options) -> ChipNetwork:
    """A network in Loihi's formats."""
    graded = options.graded and bool(rng.integers(2))
    inputs = (ChipInput("in", options.channels, message_bits=16 if graded else 0),)
    names = [f"p{k}" for k in range(len(options.sizes))]
    sizes = dict(zip(names, options.sizes, strict=True)) | {"in": options.channels}
    connections = tuple(
        draw_connection(rng, options, source, target, (sizes[target], sizes[source]), graded)
        for source, target in draw_edges(rng, options, names)
    )
    populations = tuple(
        draw_population(rng, options, name, size, [c for c in connections if c.target == name])
        for name, size in zip(names, options.sizes, strict=True)
    )
    return ChipNetwork("random", 1e-3, "random", inputs, populations, connections, ((names[-1], names[-1]),))


def draw_stimulus(rng: Generator, network: ChipNetwork, samples: int = 1, steps: int = 40) -> Stimulus:
    """Bernoulli spikes at a drawn rate, or integers for a graded input."""
    inputs: dict[str, Numbers] = {}
    for port in network.inputs:
        spikes = rng.random((samples, steps, port.size)) < rng.uniform(0.1, 0.6)
        largest = 1 << max(port.message_bits - 1, 0)
        payload = rng.integers(-largest, largest, spikes.shape) if port.message_bits else 1
        inputs[port.name] = spikes * payload
    return Stimulus(inputs, description="random")


def draw_edges(rng: Generator, options: Options, names: list[str]) -> list[tuple[str, str]]:
    """A chain from the input through all populations, and what the options add."""
    chain = ["in", *names]
    edges = list(pairwise(chain))
    for a in range(len(chain)):
        for b in range(1, len(chain)):
            allowed = options.skips if b > a + 1 else options.self_recurrence if a == b else options.loops and b < a
            if (b != a + 1) and allowed and rng.random() < options.more_edges:
                edges.append((chain[a], chain[b]))
    if rng.random() < 0.2:  # two connections in parallel
        edges.append(edges[int(rng.integers(len(edges)))])
    return edges


def draw_connection(
    rng: Generator, options: Options, source: str, target: str, shape: tuple[int, int], graded_input: bool
) -> ChipConnection:
    mode = SIGN_MODES[int(rng.choice(3, p=[0.6, 0.25, 0.15]))]
    if source == "in":
        mode = "excitatory" if mode == "inhibitory" else mode
    bits = int(rng.integers(5, 9))
    weight = lava_weights(
        rng.integers(-256, 256, shape) if mode == "mixed" else rng.integers(0, 256, shape), mode, bits
    )
    if mode == "inhibitory":
        weight = lava_weights(-rng.integers(0, 256, shape), mode, bits)
    low, high = options.exponents
    exponent = int(rng.integers(low, high + 1))
    if options.extreme and rng.random() < 0.5:
        exponent = int(rng.integers(8, 25))
    return ChipConnection(
        name=f"{source}->{target}.{rng.integers(1 << 40):x}",
        source=source,
        target=target,
        weight=weight,
        weight_format=Fixed(bits),
        weight_exp=exponent,
        sign_mode=mode,
        delays=draw_delays(rng, options.max_delay, shape, lowest=0),
        message_bits=16 if graded_input and source == "in" else int(rng.integers(2)) * 8 if options.graded else 0,
    )


def draw_delays(rng: Generator, largest: int, shape: tuple[int, int], lowest: int) -> Numbers | None:
    """None, one delay for all synapses, or one each; None only where ``lowest`` is 0."""
    kind = rng.integers(3)
    if kind == 0 and lowest == 0:
        return None
    drawn = rng.integers(lowest, max(largest, lowest) + 1, shape)
    return np.full(shape, drawn.flat[0]) if kind == 1 else drawn


def draw_population(
    rng: Generator, options: Options, name: str, size: int, incoming: list[ChipConnection]
) -> ChipPopulation:
    du = rng.integers(0, 4096, size) if rng.random() < 0.7 else np.full(size, 4095)
    dv = rng.integers(0, 4096, size) if rng.random() < 0.3 else rng.integers(0, 400, size)
    # the strongest single spike of each neuron, in units of v; a third to three of them reach the threshold
    strength = np.ones(size)
    for c in incoming:
        strength = np.maximum(strength, np.abs(c.weight).max(axis=1, initial=1) * 2.0**c.weight_exp)
    threshold = np.clip(strength * rng.uniform(0.3, 3.0, size), 1, (1 << 17) - 1).astype(np.int64)
    spiking = not (options.silent and rng.random() < 0.4)
    largest_bias = 4095 if options.extreme else 1500
    return ChipPopulation(
        name=name,
        shape=(size,),
        du=du,
        dv=dv,
        threshold=threshold if spiking else np.full(size, (1 << 17) - 1),
        bias_mant=rng.integers(-largest_bias // 2, largest_bias + 1, size) * int(rng.random() < 0.8),
        bias_exp=rng.integers(-2, 8, size) if options.extreme else rng.integers(-1, 4, size),
        u0=rng.integers(-(1 << 12), 1 << 12, size) * int(rng.integers(2)),
        v0=rng.integers(-(1 << 12), 1 << 12, size) * int(rng.integers(2)),
        u_format=U24,
        v_format=V24,
        decay_bits=12,
        u_offset=1,
        v_offset=0,
        threshold_shift=6,
        weight_shift=6,
        spiking=spiking,
        latency_steps=int(rng.integers(3)),
        volts_per_unit=np.ones(size),
        volts_offset=np.zeros(size),
        reset="subtract" if options.subtract and rng.random() < 0.5 else "zero",
    )
