"""What a search for scales and integers tried, and what each population costs before and after it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerError:
    """Errors of one population on input.

    Spike counts over the float model's spikes, ``sum |n - n*| / sum n*``; of neurons that never spike, the RMS error of v
    over the model's RMS.

    Parameters
    ----------
    alone
        Only this population is on chip, its input is the float model's: what is made in it.
    together
        The whole network is on chip.
    finer
        ``alone`` in the plain scheme with one more bit a weight.
    """

    population: str
    alone: float
    together: float
    finer: float


@dataclass(frozen=True)
class Tried:
    """One way of holding the network: its error on the samples that choose, and how many synapses it takes."""

    way: str
    error: float
    synapses: int


@dataclass(frozen=True)
class Width:
    """Bits that the weights of one connection got.

    Parameters
    ----------
    errors
        Pairs of a width and the network's error where this connection alone has it: what a bit more or less buys.
    """

    connection: str
    synapses: int
    bits: int
    errors: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Cause:
    """Error of the network in floats, but for one kind of numbers that is as on chip."""

    what: str
    error: float


@dataclass(frozen=True)
class Searched:
    """A search on calibration input.

    Parameters
    ----------
    calibration
        The input, in words.
    way
        The one taken.
    tried
        All, in the order in which they were tried.
    layers, plain
        Errors of each population with the way taken, and with the plain one.
    widths
        Bits of each connection, where they were chosen.
    causes
        What each kind of rounding costs as found, by itself.
    """

    calibration: str
    way: str
    tried: tuple[Tried, ...]
    layers: tuple[LayerError, ...]
    plain: tuple[LayerError, ...]
    widths: tuple[Width, ...] = ()
    causes: tuple[Cause, ...] = ()
