"""Seeded random Networks for differential tests: chains, skips, self-recurrence, every parameter drawn per neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.network import Connection, InputPort, Network, NeuronKind, Population, ResetMode
from neuroalign.recording import Stimulus

FloatArray = NDArray[np.float64]
RATE = 0.15  # spikes per step and channel of the stimulus


@dataclass(frozen=True)
class Choices:
    """What a random network may contain; populations of ``readouts`` end the network and feed nothing."""

    hidden: tuple[NeuronKind, ...] = ("LIF", "CubaLIF")
    readouts: tuple[NeuronKind, ...] = ("LI", "CubaLI")
    reset: ResetMode = "zero"
    depth: tuple[int, int] = (2, 4)
    size: tuple[int, int] = (2, 6)
    most_delay: int = 0
    dt: float = 1e-3


def random_network(seed: int, choices: Choices = Choices()) -> Network:
    """A network of ``seed`` whose populations are driven to about one spike in ten steps.

    The first two spiking populations differ in kind where two kinds are allowed.
    """
    rng = np.random.default_rng(seed)
    port = InputPort("input", (int(rng.integers(4, 10)),))
    depth = int(rng.integers(*choices.depth, endpoint=True))
    first = int(rng.integers(len(choices.hidden)))
    kinds = [choices.hidden[(first + k) % len(choices.hidden)] for k in range(depth)]
    if choices.readouts:
        kinds.append(choices.readouts[int(rng.integers(len(choices.readouts)))])
    names = [f"p{k}" for k in range(len(kinds))]
    sizes = [int(rng.integers(*choices.size, endpoint=True)) for _ in kinds]
    populations = [_population(rng, n, k, s, choices) for n, k, s in zip(names, kinds, sizes, strict=True)]
    nodes: list[InputPort | Population] = [port, *populations]
    connections = []
    for target in range(1, len(nodes)):
        sources = {target - 1} | {s for s in range(target - 1) if rng.random() < 0.4}
        closes = isinstance(nodes[target], Population) and populations[target - 1].spiking and rng.random() < 0.5
        for source in sorted(sources | ({target} if closes else set())):
            connections.append(_connection(rng, nodes[source], populations[target - 1], len(sources), choices))
    return Network(
        f"random-{seed}",
        choices.dt,
        (port,),
        tuple(populations),
        tuple(connections),
        (("output", names[-1]),),
        choices.reset,
    )


def random_stimulus(network: Network, seed: int, samples: int, steps: int, *, graded: bool = False) -> Stimulus:
    """Bernoulli spikes for every input, or numbers of either sign where ``graded``."""
    rng = np.random.default_rng([seed, 1])
    inputs: dict[str, NDArray[Any]] = {}
    for port in network.inputs:
        shape = (samples, steps, port.size)
        inputs[port.name] = rng.normal(RATE, RATE, shape) if graded else (rng.random(shape) < RATE).astype(np.uint8)
    return Stimulus(inputs)


def _population(rng: np.random.Generator, name: str, kind: NeuronKind, size: int, choices: Choices) -> Population:
    """Thresholds near 1 V above reset; bias and leak stay below it, so that the input decides the spikes."""

    def draw(low: float, high: float) -> FloatArray:
        return rng.uniform(low, high, size)

    zero = np.zeros(size)
    spiking, filtered = kind in ("LIF", "CubaLIF", "IF", "Threshold"), kind in ("CubaLIF", "CubaLI")
    tau_mem = {"IF": np.full(size, np.inf), "I": np.full(size, np.inf), "Threshold": zero, "Linear": zero}.get(
        kind, draw(4, 30) * choices.dt
    )
    tau_syn = draw(2, 12) * choices.dt if filtered else zero
    # Integrators take r in 1/s; one step of unit input then adds about as much as in the others.
    r = draw(0.5, 2.0) / (10 * choices.dt) if kind in ("IF", "I") else draw(0.5, 2.0)
    memoryless = kind in ("Threshold", "Linear")
    v_leak = zero if kind in ("IF", "I", "Threshold", "Linear") else draw(-0.3, 0.3)
    v_reset = zero if kind == "Threshold" or choices.reset == "subtract" else draw(-0.4, 0.2)
    v_threshold = v_reset + draw(0.8, 1.2) if spiking else np.full(size, np.inf)
    w_in = draw(0.5, 2.0) if filtered else np.ones(size)
    return Population(
        name=name,
        kind=kind,
        shape=(size,),
        tau_mem=tau_mem,
        tau_syn=tau_syn,
        r=r,
        w_in=w_in,
        v_leak=v_leak,
        v_threshold=v_threshold,
        v_reset=v_reset if spiking else zero,
        bias=draw(-0.2, 0.2),
        v0=zero if memoryless else draw(-0.1, 0.1),
        i0=draw(-0.1, 0.1) if filtered else zero,
    )


def _connection(
    rng: np.random.Generator, source: InputPort | Population, target: Population, fan_in: int, choices: Choices
) -> Connection:
    """Weights of either sign, 4 in 5 excitatory, scaled so that all sources together drive the target past 1 V."""
    recurrent = source.name == target.name
    shape = (target.size, source.size)
    sign = np.where(rng.random(shape) < 0.8, 1.0, -1.0)
    mean_drive = (0.3 if recurrent else 3.0 / fan_in) / (0.6 * RATE * source.size)
    weight = sign * rng.uniform(0.4, 1.6, shape) * mean_drive / (target.w_in * np.abs(_steady_gain(target)))[:, None]
    delay = int(rng.integers(0, choices.most_delay, endpoint=True)) + int(recurrent)
    return Connection(f"{source.name}_to_{target.name}", source.name, target.name, weight, delay)


def _steady_gain(population: Population) -> FloatArray:
    """Volts at rest per unit of current; for integrators, whose rest does not exist, what ten steps add."""
    return np.where(np.isinf(population.tau_mem), population.r * 1e-2, population.r)
