"""Draws of what a population can be beyond Lava's LIF: each takes a network and changes one of its populations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from neuroalign.chip import ChipNetwork, ChipPopulation, EscapeNoise

LARGEST_THRESHOLD = (1 << 17) - 1


def ternary(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """A population that also sends -1, below a second threshold."""
    return _changed(rng, network, _with_low_threshold)


def resetting(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """A population whose states are cleared at regular steps."""
    return _changed(rng, network, _with_resets)


def ternary_resetting(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """A population that is both."""
    return _changed(rng, network, lambda rng, p: _with_resets(rng, _with_low_threshold(rng, p)))


def refractory(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """A population that rests after its spikes."""
    return _changed(rng, network, _with_rest)


def escaping(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """A population that spikes by chance."""
    return _changed(rng, network, _with_noise)


def escaping_refractory(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """A population that spikes by chance and then rests, cleared at regular steps."""
    return _changed(rng, network, lambda rng, p: _with_resets(rng, _with_noise(rng, _with_rest(rng, p))))


def windowed(rng: Generator, network: ChipNetwork) -> ChipNetwork:
    """A population with rectangular synapses, now and then with rest or chance as well."""

    def change(rng: Generator, population: ChipPopulation) -> ChipPopulation:
        changed = replace(population, window_steps=int(rng.integers(2, 20)))
        changed = _with_rest(rng, changed) if rng.random() < 0.4 else changed
        return _with_noise(rng, changed) if rng.random() < 0.4 else changed

    return _changed(rng, network, change)


def _changed(
    rng: Generator, network: ChipNetwork, change: Callable[[Generator, ChipPopulation], ChipPopulation]
) -> ChipNetwork:
    """The network with ``change`` made to one of its populations of plain LIF neurons, if it has any."""
    plain = [k for k, p in enumerate(network.populations) if is_plain(p)]
    if not plain:
        return network
    chosen = int(rng.choice(plain))
    populations = [change(rng, p) if k == chosen else p for k, p in enumerate(network.populations)]
    return replace(network, populations=tuple(populations))


def is_plain(population: ChipPopulation) -> bool:
    """Whether the population spikes and Lava's LIF is all that it needs."""
    special = (population.threshold_low is not None, population.escape is not None)
    return population.spiking and not (
        any(special) or population.reset_interval or population.refractory_steps or population.window_steps
    )


def _with_low_threshold(rng: Generator, population: ChipPopulation) -> ChipPopulation:
    low = -np.maximum(population.threshold * rng.uniform(0.05, 1.0, population.size), 1).astype(np.int64)
    if rng.random() < 0.2:  # the two need not lie on either side of 0
        low = np.minimum(population.threshold - 1, -low // 2)
    return replace(population, threshold_low=low)


def _with_resets(rng: Generator, population: ChipPopulation) -> ChipPopulation:
    interval = int(rng.integers(1, 30)) if rng.random() < 0.8 else int(rng.integers(30, 200))
    return replace(population, reset_interval=interval, reset_offset=int(rng.integers(0, 2 * interval)))


def _with_rest(rng: Generator, population: ChipPopulation) -> ChipPopulation:
    return replace(population, refractory_steps=int(rng.integers(1, 8)))


def _with_noise(rng: Generator, population: ChipPopulation) -> ChipPopulation:
    """A table that rises over about twice the distance to the threshold, now and then with any numbers at all."""
    entries = 2 * int(rng.choice([1, 2, 5, 16, 64]))
    scale = max(int(np.median(population.threshold)) << population.threshold_shift, 1)
    table_shift = max(int(np.log2(4 * scale / entries)), 0) if scale * 4 > entries else 0
    distance = np.arange(entries) - entries / 2 + 0.5
    table = np.floor(65536 / (1 + np.exp(-distance / (entries * rng.uniform(0.02, 0.3))))).astype(np.int64)
    if rng.random() < 0.2:
        table = rng.choice([0, 1, 655, 6554, 65535, 65536], entries, p=(0.3, 0.1, 0.2, 0.2, 0.1, 0.1))
    noise = EscapeNoise(
        kind="logistic" if rng.random() < 0.5 else "exponential",
        width=np.ones(population.size),
        table=table,
        table_shift=table_shift,
        seed=int(rng.integers(1000)),
    )
    return replace(population, escape=noise)
