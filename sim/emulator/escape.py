"""Escape noise: the chance of a spike, and the draws that decide, the same for reference and kernels.

Draw ``t N + i`` of the population's stream belongs to neuron i in step t (from 0), whether it is used or not. Every
sample starts from draw 0 again, so samples share their noise; give the network another seed for other noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipPopulation, EscapeNoise, Fixed, Numbers
from neuroalign.sim.emulator.streams import uniform

SHAPES = {"logistic": 1, "exponential": 2}
"""Kinds of noise as the kernels number them; 0 stands for none."""

TABLE_UNIT = 1 << 16
"""An entry of this size in the table of a Fixed population is certainty."""

BLOCK_NUMBERS = 1 << 17
"""Draws kept at a time: many against the cost of finding the place in a stream, few against memory."""


def chance_fixed(noise: EscapeNoise, excess: NDArray[np.int64]) -> NDArray[np.int64]:
    """Chance of a spike in units of 1 / 65536, for membranes ``excess`` above the threshold.

    Equation
        ``table[clip((excess >> table_shift) + K / 2, 0, K - 1)]`` for a table of K entries.
    """
    entries = noise.table.size
    return np.asarray(noise.table[np.clip((excess >> noise.table_shift) + entries // 2, 0, entries - 1)])


def chance_float(noise: EscapeNoise, excess: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chance of a spike, for membranes ``excess`` above the threshold.

    Equation
        logistic ``1 / (1 + exp(-excess / width))``; exponential ``1 - exp(-exp(excess / width))``.
    """
    with np.errstate(over="ignore"):  # exp of a large number is infinite, which gives the right chance
        if noise.kind == "logistic":
            return np.asarray(1.0 / (1.0 + np.exp(-excess / noise.width)))
        return np.asarray(-np.expm1(-np.exp(excess / noise.width)))


def draws_of_step(population: ChipPopulation, noise: EscapeNoise, t: int) -> Numbers:
    """What the chances of step t (from 0) are compared with: in 0..65535 under Fixed, else in [0, 1)."""
    return _compared(population, uniform(noise.seed, t * population.size, population.size))


def _compared(population: ChipPopulation, draws: NDArray[np.float64]) -> Numbers:
    if isinstance(population.v_format, Fixed):
        return np.asarray(np.floor(draws * TABLE_UNIT), dtype=np.int64)
    return draws


class EscapeDraws:
    """Draws of all stochastic neurons for the kernels: a row a step, populations side by side, a block kept at a time."""

    def __init__(self, populations: Sequence[ChipPopulation]) -> None:
        self.noisy = [(p, p.escape) for p in populations if p.escape is not None]
        self.neurons = sum(p.size for p, _ in self.noisy)
        fixed = any(isinstance(p.v_format, Fixed) for p in populations)
        self.dtype = np.dtype(np.uint16 if fixed else np.float64)
        self._first = 0
        self._block: Numbers = np.zeros((0, self.neurons), dtype=self.dtype)

    def rows(self, first: int, count: int) -> Numbers:
        """Draws of the steps ``first`` to ``first + count - 1`` (from 0), (count, neurons); no rows without noise."""
        if not self.neurons:
            return self._block
        if not self._first <= first <= first + count <= self._first + len(self._block):
            self._first = first
            self._block = self._drawn(first, max(count, BLOCK_NUMBERS // self.neurons))
        return self._block[first - self._first : first - self._first + count]

    def _drawn(self, first: int, count: int) -> Numbers:
        block = np.empty((count, self.neurons), dtype=self.dtype)
        column = 0
        for p, noise in self.noisy:
            drawn = uniform(noise.seed, first * p.size, count * p.size).reshape(count, p.size)
            block[:, column : column + p.size] = _compared(p, drawn)
            column += p.size
        return block
