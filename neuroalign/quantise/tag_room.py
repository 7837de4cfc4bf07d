"""How a tag fills between two transfers: its distribution under Poisson spikes, and what is lost at its limits.

Within one time constant of the fastest trace all spikes of a neuron see about the same trace, so the change of such a
block is (number of spikes) x (change of one spike); blocks are independent. The tag then is a Markov chain::

    t := transfer(limit(t + change between two transfers))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.microcode import Dependency, Product, Program
from neuroalign.quantise.spike_statistics import FRACTION, FloatArray, Spiking, change, drawn, lattice

LOW, HIGH = -256, 255
GRID = 2048
"""Changes between two transfers are held on a circle of this many tag units; larger ones are lost anyway."""
SIGNED = (np.arange(GRID) + GRID // 2) % GRID - GRID // 2
"""Places on the circle as numbers with a sign."""
INSIDE = np.clip(SIGNED, LOW, HIGH)
ROUNDS = 40
MOST_SPIKES = 24


@dataclass(frozen=True, eq=False)
class TagRoom:
    """``distribution`` (512,) of the tag just before a transfer, from -256; and the share of all change that is lost."""

    distribution: FloatArray
    lost: float


def tag_room(spiking: Spiking) -> TagRoom:
    """The tag of a program that transfers every ``2**k`` epochs."""
    arriving = arrivals(spiking)
    after = _transferred(spiking.program)
    spectrum = np.fft.rfft(arriving)
    kept = np.flatnonzero(of_tag(spiking.program.tag_update) // FRACTION == 0) + LOW
    state: FloatArray = np.zeros(GRID)
    before, lost = state[: HIGH - LOW + 1], 0.0
    state[kept] = 1 / kept.size  # tags that a transfer leaves alone
    for _ in range(ROUNDS):
        full = np.fft.irfft(np.fft.rfft(state) * spectrum, GRID).clip(0)
        before, lost = _limited(full)
        moved = np.bincount(after, before, GRID).astype(np.float64)
        if np.abs(moved - state).sum() < 1e-4:
            break
        state = moved
    values = SIGNED
    flow = float(np.abs(values) @ arriving)
    return TagRoom(before / before.sum(), lost / flow if flow else 0.0)


def arrivals(spiking: Spiking) -> FloatArray:
    """Distribution on the circle of what all gates together add to the tag between two transfers, in tag units."""
    program = spiking.program
    spectrum = np.ones(GRID // 2 + 1, dtype=np.complex128)
    epochs = 2 ** (program.k or 0)
    gates: tuple[Dependency, ...] = ("u", "x0", "y0")
    for gate in gates:
        products = [p for p in program.tag_update if p.dependency == gate and all(f.variable != "t" for f in p.factors)]
        if not products:
            continue
        values = spiking.values(gate)
        once = change(products, values) / FRACTION
        if gate == "u":  # once for each transfer, in the same step
            spectrum *= np.fft.rfft(_histogram(once))
            continue
        taus = [program.trace(f.variable).tau for p in products for f in p.factors if f.variable[0] in "xy"]
        blocks = max(1, round(epochs * program.t_epoch / max(min([t for t in taus if t > 0], default=1.0), 1.0)))
        expected = spiking.rate(gate) * epochs / blocks * program.t_epoch * spiking.dt
        counts = drawn(_poisson(expected), lattice("n"))
        spectrum *= np.fft.rfft(_histogram(once * counts)) ** blocks
    return np.fft.irfft(spectrum, GRID).clip(0)


def _histogram(changes: FloatArray) -> FloatArray:
    """Changes as a distribution on the circle."""
    total = np.rint(changes).astype(np.int64).clip(-GRID // 2, GRID // 2 - 1) % GRID
    return np.asarray(np.bincount(total, minlength=GRID) / total.size)


def _poisson(expected: float) -> FloatArray:
    counts = np.arange(MOST_SPIKES)
    logs = counts * np.log(max(expected, 1e-12)) - expected - np.cumsum(np.log(np.maximum(counts, 1)))
    found = np.exp(logs)
    return np.asarray(found / found.sum())


def _limited(full: FloatArray) -> tuple[FloatArray, float]:
    """The tag within its limits, and the expected change beyond them."""
    return np.bincount(INSIDE - LOW, full, HIGH - LOW + 1).astype(np.float64), float(np.abs(SIGNED - INSIDE) @ full)


def _transferred(program: Program) -> NDArray[np.int64]:
    """Where on the circle each tag from -256 to 255 goes by a transfer."""
    tags = np.arange(LOW, HIGH + 1)
    return (tags + of_tag(program.tag_update) // FRACTION).clip(LOW, HIGH) % GRID


def of_tag(products: Sequence[Product]) -> NDArray[np.int64]:
    """Change by the transfer products among these, in 128ths, for each tag from -256 to 255; idle traces are 0."""
    tags = np.arange(LOW, HIGH + 1)
    total = np.zeros(tags.size, dtype=np.int64)
    for p in products:
        if not (p.dependency == "u" and any(f.variable == "t" for f in p.factors)):
            continue
        result = np.full(tags.size, int(p.mantissa), dtype=np.int64)
        for f in p.factors:
            value = (tags if f.variable == "t" else np.zeros_like(tags)) + int(f.constant)
            result = result * (np.sign(value) if f.sign else value)
        total += np.clip((result >> p.shift) << (p.exponent + 7), -(2**15) - 1, 2**15 - 1)
    return total
