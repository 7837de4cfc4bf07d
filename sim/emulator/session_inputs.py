"""What a session is given, checked at a cost that is small against a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from neuroalign.chip import ChipInput, ChipNetwork, Numbers
from neuroalign.errors import InputError
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator.checks import check_stimulus

Inputs = Mapping[str, Any] | Any | None
"""Input name to values; the values alone where the network has one input; None: nothing arrives."""

NARROW = ("b1", "i1", "u1", "i2", "u2", "i4")
"""Types whose every value 32-bit integers hold."""


class _Place(NamedTuple):
    port: ChipInput
    values: Numbers  # its part of the row


class SessionInputs:
    """The inputs of one step side by side.

    Parameters
    ----------
    network
        A checked network.
    dtype
        Of the kernels.
    """

    def __init__(self, network: ChipNetwork, dtype: np.dtype[Any]) -> None:
        from neuroalign.sim.emulator.input_kernels import first_not_binary

        self.network = network
        self.row = np.zeros((1, sum(port.size for port in network.inputs)), dtype=dtype)
        self._first_not_binary = first_not_binary
        self._binary = np.array(
            [port.message_bits == 0 for port in network.inputs for _ in range(port.size)], dtype=bool
        )
        self._places = _places(network.inputs, self.row[0])

    def fill(self, inputs: Inputs) -> None:
        """Take in the inputs of a step: (channels,) each.

        Raises
        ------
        InputError
            If one has another size, or values that it does not take.
        """
        if inputs is None:
            self.row[:] = 0
            return
        by_name = inputs if isinstance(inputs, Mapping) else self._single(inputs)
        if by_name.keys() != self._places.keys():
            wanted = ", ".join(map(repr, self._places)) or "none"
            given = ", ".join(map(repr, by_name)) or "none"
            raise InputError(f"inputs {given}; network {self.network.name!r} has {wanted}: give all")
        for name, values in by_name.items():
            self._put(self._places[name], np.asarray(values))
        bad = self._first_not_binary(self.row[0], self._binary)
        if bad >= 0:
            raise InputError(f"a binary input is {self.row[0, bad]} at channel {bad}; it takes 0 or 1; encode it first")

    def stimulus(self, inputs: Inputs, steps: int | None) -> tuple[Stimulus, int]:
        """The inputs of several steps, (steps, channels) each, checked; and how many steps there are."""
        if inputs is None:
            inputs = {port.name: np.zeros((0, port.size), dtype=np.uint8) for port in self.network.inputs}
        by_name = inputs if isinstance(inputs, Mapping) else self._single(inputs)
        arrays = {name: np.asarray(values)[np.newaxis] for name, values in by_name.items()}
        stimulus = Stimulus(arrays)
        if arrays or self.network.inputs:
            check_stimulus(self.network, stimulus)
        count = stimulus.steps if steps is None else steps
        if count < stimulus.steps:
            raise InputError(f"advance: {stimulus.steps} rows of input for {count} steps; give no more rows than steps")
        return stimulus, count

    def _single(self, inputs: Any) -> dict[str, Any]:
        ports = self.network.inputs
        if len(ports) != 1:
            raise InputError(
                f"network {self.network.name!r} has {len(ports)} inputs; give a mapping from their names to values"
            )
        return {ports[0].name: inputs}

    def _put(self, place: _Place, array: Numbers) -> None:
        """Copy what an input gets; whatever the row's type may not hold goes through the check of a whole stimulus."""
        port, values = place
        if array.shape != values.shape:
            raise InputError(f"input {port.name!r} has shape {array.shape} in one step; {values.shape} is needed")
        fixed = values.dtype.kind == "i"
        if array.dtype.str[1:] in NARROW:
            values[:] = array
        elif array.dtype.kind in "iu" or (array.dtype.kind == "f" and not fixed):
            values[:] = array
            if not (np.array_equal(values, array) if fixed else np.isfinite(values).all()):
                self._check(port, array, fixed)
        else:
            self._check(port, array, fixed)
            values[:] = array

    def _check(self, port: ChipInput, array: Numbers, fixed: bool) -> None:
        asked: Any = SimpleNamespace(name=self.network.name, inputs=(port,), is_fixed=fixed)
        check_stimulus(asked, Stimulus({port.name: array[np.newaxis, np.newaxis]}))


def _places(ports: Sequence[ChipInput], row: Numbers) -> dict[str, _Place]:
    places = {}
    first = 0
    for port in ports:
        places[port.name] = _Place(port, row[first : first + port.size])
        first += port.size
    return places
