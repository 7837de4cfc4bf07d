"""Single settings of a network: whole numbers within their limits, and words that mean something.

Type hints do not stop a misspelt word, which would then quietly mean something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

import numpy as np

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, ChipPopulation, Fixed, Float64, GradedMode, SignMode
from neuroalign.chip.formats import Excess
from neuroalign.errors import InputError, NetworkError

MOST_STEPS = 2**31 - 1
MOST_BITS = 64
LARGEST_SHIFT = 31
LARGEST_EXPONENT = 1000
Limits = tuple[str, int, int]

INPUT: tuple[Limits, ...] = (("size", 0, MOST_STEPS), ("message_bits", 0, MOST_BITS))
POPULATION: tuple[Limits, ...] = (
    ("decay_bits", 0, MOST_BITS),
    ("u_offset", 0, MOST_STEPS),
    ("v_offset", 0, MOST_STEPS),
    ("threshold_shift", 0, LARGEST_SHIFT),
    ("weight_shift", 0, LARGEST_SHIFT),
    ("latency_steps", 0, MOST_STEPS),
)
CONNECTION: tuple[Limits, ...] = (
    ("weight_exp", -LARGEST_EXPONENT, LARGEST_EXPONENT),
    ("message_bits", 0, MOST_BITS),
)


def check_settings(network: ChipNetwork) -> None:
    """Refuse a setting that is no whole number within its limits, or a word that is none (NetworkError)."""
    _whole(f"network {network.name!r}", "connection_delay_steps", network.connection_delay_steps, 0, MOST_STEPS)
    for what, thing, limits in _things(network):
        for name, low, high in limits:
            _whole(what, name, getattr(thing, name), low, high)
    for p in network.populations:
        where = f"population {p.name!r}"
        check_word(where, "reset", p.reset, ("zero", "subtract"))
        for label, number_format in (("u_format", p.u_format), ("v_format", p.v_format)):
            if isinstance(number_format, Fixed):
                check_word(where, f"{label}.on_excess", number_format.on_excess, get_args(Excess))
    for c in network.connections:
        _check_connection(f"connection {c.name!r}", c)


def _things(network: ChipNetwork) -> Iterator[tuple[str, ChipInput | ChipPopulation | ChipConnection, Any]]:
    for port in network.inputs:
        yield f"input {port.name!r}", port, INPUT
    for p in network.populations:
        yield f"population {p.name!r}", p, POPULATION
    for c in network.connections:
        yield f"connection {c.name!r}", c, CONNECTION


def _check_connection(where: str, c: ChipConnection) -> None:
    check_word(where, "sign_mode", c.sign_mode, get_args(SignMode))
    if not isinstance(c.weight_format, Fixed | Float64):
        raise NetworkError(f"{where}: weight_format is {c.weight_format!r}; Fixed or Float64 is needed")
    if c.plasticity is None:
        return
    check_word(where, "graded", c.plasticity.graded, get_args(GradedMode))
    check_word(where, "rounding_draws", c.plasticity.rounding_draws, ("shared", "synapse"))
    _whole(where, "rounding_seed", c.plasticity.rounding_seed, 0, 2**63 - 1)
    for phase in c.plasticity.phases:
        for step in phase:
            _whole(where, "a step of a learning phase", step, -(2**63), 2**63 - 1)


def check_word(
    where: str, name: str, word: object, known: Sequence[str], error: type[InputError] = NetworkError
) -> None:
    """Refuse a word that is none of ``known``."""
    if word not in known:
        raise error(f"{where}: {name} is {word!r}; one of {', '.join(known)} is needed")


def _whole(where: str, name: str, number: object, low: int, high: int) -> None:
    whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    if not whole or not low <= number <= high:  # type: ignore[operator]
        raise NetworkError(f"{where}: {name} is {number!r}; a whole number, {low} to {high}, is needed")
