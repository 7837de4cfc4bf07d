"""The random streams of a plastic connection, identical to Lava's, drawn in chunks and reachable by index.

Lava draws one number at a time; numpy's generators give the same numbers many at a time, and can skip ahead. So every
draw has an index, and nothing has to be stored to go on from a checkpoint. With ``seed = Program.rng_seed``:

==========  =================  ==========================  =========================================
stream      numpy default_rng  kind                        index used
==========  =================  ==========================  =========================================
decay_x     seed               uniform [0, 1)              ``2 t`` in step t
impulse_x   seed + 1           whole number 0..127         ``2 t``
decay_y     seed + 2           uniform                     ``2 t``
impulse_y   seed + 3           whole number                ``2 t``; ``2 t - 1`` for repeated spikes
rounding    2, always          uniform                     n in the n-th learning epoch
==========  =================  ==========================  =========================================

One draw serves all neurons, both (all three) traces and all steps of the epoch; one rounding draw all synapses and all
three synaptic variables. Source: Lava 0.10 (``magma/core/learning/random.py``, ``magma/core/model/py/connection.py``).

Beyond Lava: :func:`synapse_draws` gives every synapse, variable and epoch a rounding draw of its own. Nothing is stored
and nothing is drawn in order: the number of a synapse is a hash of what it is, so that any subset of the synapses can be
computed in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK = 4096
LAVA_ROUNDING_SEED = 2
IMPULSE_BITS = 7
ROUNDING_BITS = 7
DRAW_SHIFT = np.uint64(64 - ROUNDING_BITS)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31 = np.uint64(30), np.uint64(27), np.uint64(31)


def uniform(seed: int, first: int, count: int) -> NDArray[np.float64]:
    """Draws ``first`` to ``first + count - 1`` (from 0) of ``default_rng(seed).random()``."""
    return _generator(seed, first).random(count)


def whole(seed: int, first: int, count: int) -> NDArray[np.int64]:
    """Draws ``first`` to ``first + count - 1`` (from 0) of ``default_rng(seed).integers(0, 128)``.

    Two of them come out of each 64-bit word of the generator.
    """
    extra = first % 2
    return _generator(seed, first // 2).integers(0, 1 << IMPULSE_BITS, size=count + extra)[extra:]


def absorb(state: Any, number: Any) -> Any:
    """The hash of a sequence that goes on with ``number``, ``state`` being the hash of what came before (uint64).

    Equation
        ``z := (state ^ number) + 0x9E3779B97F4A7C15``, then the output function of splitmix64:
        ``z ^= z >> 30; z *= 0xBF58476D1CE4E5B9; z ^= z >> 27; z *= 0x94D049BB133111EB; z ^= z >> 31``, modulo 2**64.

    Source: S. Vigna's splitmix64.c, public domain. Numba compiles the expression as it is.
    """
    z = (state ^ number) + _GOLDEN
    z = (z ^ (z >> _SHIFT_30)) * _FIRST
    z = (z ^ (z >> _SHIFT_27)) * _SECOND
    return z ^ (z >> _SHIFT_31)


def synapse_draws(
    seed: int, variable: int, epoch: int, source: NDArray[np.int64], target: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A rounding draw of 7 bits for each synapse: independent over seeds, variables, epochs, sources and targets.

    Equation
        ``h := 0;  for n in (seed, variable, epoch, source, target):  h := absorb(h, n)``; the draw is ``h >> 57``.
        An accumulator is rounded up where draw < its 7 bits of fraction.

    Parameters
    ----------
    seed
        ``Plasticity.rounding_seed``.
    variable
        0, 1, 2 for w, d, t.
    epoch
        Number of the epoch, from 1.
    source, target
        Numbers of the neurons, in arrays that broadcast: a sparse connection has the draws of a dense one.

    Returns
    -------
    Whole numbers 0..127.
    """
    state = np.zeros((1,) * max(np.ndim(source), np.ndim(target), 1), dtype=np.uint64)
    for number in (seed, variable, epoch, source, target):
        state = absorb(state, np.asarray(number).astype(np.uint64))
    return np.asarray((state >> DRAW_SHIFT).astype(np.int64))


def _generator(seed: int, words: int) -> np.random.Generator:
    bits = np.random.PCG64(seed)  # what default_rng is, named so that it stays the same
    bits.advance(words)
    return np.random.Generator(bits)


class Stream:
    """``stream[n]`` is draw n of a generator; a chunk at a time is kept."""

    def __init__(self, draw: Callable[[int, int, int], NDArray[Any]], seed: int) -> None:
        self.draw, self.seed = draw, seed
        self._number = -1
        self._chunk: NDArray[Any] = np.empty(0)

    def __getitem__(self, index: int) -> Any:
        number, place = divmod(index, CHUNK)
        if number != self._number:
            self._number, self._chunk = number, self.draw(self.seed, number * CHUNK, CHUNK)
        return self._chunk[place]

    def block(self, first: int, count: int) -> NDArray[Any]:
        """Draws ``first`` to ``first + count - 1``."""
        return self.draw(self.seed, first, count)


class LearningStreams:
    """The five streams of one plastic connection.

    Parameters
    ----------
    seed
        ``Program.rng_seed``.
    rounding_seed
        Seed of the synaptic rounding; Lava's is 2 in every connection.
    """

    def __init__(self, seed: int, rounding_seed: int = LAVA_ROUNDING_SEED) -> None:
        self.decay_x = Stream(uniform, seed)
        self.impulse_x = Stream(whole, seed + 1)
        self.decay_y = Stream(uniform, seed + 2)
        self.impulse_y = Stream(whole, seed + 3)
        self.rounding = Stream(uniform, rounding_seed)
