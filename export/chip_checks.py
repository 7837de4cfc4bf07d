"""What must agree between the parts of a ChipNetwork that comes from a file: names and sizes."""

from __future__ import annotations

import numpy as np

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Numbers, pattern_problem, weight_shape
from neuroalign.errors import FileFormatError

MAX_NEURONS = 2**31
"""Limit on the neurons of a population and the channels of an input."""
_PER_NEURON = ("du", "dv", "threshold", "bias_mant", "bias_exp", "u0", "v0", "volts_per_unit", "volts_offset")


def check_sizes(chip: ChipNetwork) -> None:
    """Refuse names that are doubled or lead nowhere, and arrays that do not fit their neurons.

    Raises
    ------
    FileFormatError
        With the first thing that does not fit.
    """
    sizes = {i.name: i.size for i in chip.inputs} | {p.name: p.size for p in chip.populations}
    if len(sizes) != len(chip.inputs) + len(chip.populations):
        raise FileFormatError("the chip network: two nodes share a name; the file is damaged")
    if not (np.isfinite(chip.dt) and chip.dt > 0):
        raise FileFormatError(f"the chip network: dt is {chip.dt} s; the file is damaged")
    for i in chip.inputs:
        if not 0 < i.size < MAX_NEURONS:
            raise FileFormatError(f"the chip network: input {i.name!r} has {i.size} channels; the file is damaged")
    targets = {p.name for p in chip.populations}
    for p in chip.populations:
        _check_population(p)
    for c in chip.connections:
        if c.source not in sizes or c.target not in targets:
            raise FileFormatError(
                f"the chip network: connection {c.name!r} joins {c.source!r} to {c.target!r}, which is not there"
            )
        _check_connection(c, (sizes[c.target], sizes[c.source]))
    for name, source in chip.outputs:
        if source not in targets:
            raise FileFormatError(f"the chip network: output {name!r} reads {source!r}, which is not there")


def _check_population(p: ChipPopulation) -> None:
    if any(n < 1 for n in p.shape) or not 0 < p.size < MAX_NEURONS:
        raise FileFormatError(f"the chip network: population {p.name!r} has shape {p.shape}; the file is damaged")
    for label in _PER_NEURON:
        _check_shape(f"population {p.name!r}: {label}", getattr(p, label), (p.size,))


def _check_connection(c: ChipConnection, joined: tuple[int, int]) -> None:
    if c.pattern is not None:
        problem = pattern_problem(c.pattern)
        if problem:
            raise FileFormatError(f"the chip network: connection {c.name!r}: {problem}; the file is damaged")
        if c.pattern.shape != joined:
            raise FileFormatError(
                f"the chip network: connection {c.name!r}: pattern has shape {c.pattern.shape}, its neurons need {joined}; "
                "the file is damaged"
            )
    shape = weight_shape(c.pattern, joined)
    _check_shape(f"connection {c.name!r}: weight", c.weight, shape)
    if c.delays is not None:
        _check_shape(f"connection {c.name!r}: delays", c.delays, shape)
    if c.plasticity is not None:
        _check_shape(f"connection {c.name!r}: tag", c.plasticity.tag, shape)


def _check_shape(what: str, array: Numbers, shape: tuple[int, ...]) -> None:
    found = array.shape
    if found != shape:
        raise FileFormatError(
            f"the chip network: {what} has shape {found}, its neurons need {shape}; the file is damaged"
        )
