"""Random neurons beyond plain LIF: every kind, every combination, in both number formats."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.random import Generator

from neuroalign.chip import ChipNetwork, ChipPopulation, EscapeNoise, Fixed

KINDS = ("ternary", "reset", "refractory", "escape", "window")
COMBINATIONS = tuple(
    c for count in range(len(KINDS) + 1) for c in combinations(KINDS, count) if not {"reset", "window"} <= set(c)
)


def with_kinds(rng: Generator, network: ChipNetwork, kinds: tuple[str, ...] | None = None) -> ChipNetwork:
    """The network with neurons of ``kinds`` in every population, or of drawn ones."""
    populations = tuple(
        changed(rng, p, COMBINATIONS[rng.integers(len(COMBINATIONS))] if kinds is None else kinds)
        for p in network.populations
    )
    return replace(network, populations=populations)


def changed(rng: Generator, p: ChipPopulation, kinds: tuple[str, ...]) -> ChipPopulation:
    """A population of neurons of all ``kinds`` at once."""
    fixed = isinstance(p.v_format, Fixed)
    if "ternary" in kinds:
        low = -(p.threshold * rng.uniform(0.1, 1.5, p.size))
        p = replace(p, threshold_low=low.astype(np.int64) if fixed else low)
    if "reset" in kinds:
        p = replace(p, reset_interval=int(rng.integers(1, 12)), reset_offset=int(rng.integers(0, 20)))
    if "refractory" in kinds:
        p = replace(p, refractory_steps=int(rng.integers(1, 6)))
    if "window" in kinds:
        p = replace(p, window_steps=int(rng.integers(2, 9)))
    if "escape" in kinds and p.spiking:
        p = replace(p, escape=noise(rng, p))
    return p


def noise(rng: Generator, p: ChipPopulation) -> EscapeNoise:
    """Chances that matter: the table (or width) spans about the threshold's size."""
    entries = 2 * int(rng.integers(1, 40))
    span = int(np.abs(p.threshold).max()) << p.threshold_shift if isinstance(p.v_format, Fixed) else 0
    shift = max(int(np.log2(max(span, 1) / entries)) + int(rng.integers(-1, 3)), 0)
    return EscapeNoise(
        kind="logistic" if rng.random() < 0.5 else "exponential",
        width=rng.uniform(0.05, 1.0, p.size),
        table=np.sort(rng.integers(0, 65537, entries)),
        table_shift=shift,
        seed=int(rng.integers(1000)),
    )
