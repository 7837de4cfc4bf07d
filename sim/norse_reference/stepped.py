"""Norse's neurons one step at a time, for whoever closes a loop around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import BackendMissing, InputError
from neuroalign.network import Population, ResetMode
from neuroalign.sim.norse_reference.neurons import initial_state, parameters, step_function
from neuroalign.sim.norse_reference.norse_functional import missing_packages

FloatArray = NDArray[np.float64]


class SteppedNeurons:
    """One population on Norse, one sample.

    Raises
    ------
    BackendMissing
        If torch or Norse is not installed.
    """

    def __init__(self, population: Population, dt: float, reset: ResetMode = "zero") -> None:
        line = missing_packages("torch", "norse")
        if line is not None:
            raise BackendMissing(line)
        held = parameters(population, dt, reset)
        self.size = population.size
        self._advance = step_function(population, held)
        self._state = initial_state(population, held, dt, 1)

    def step(self, given: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Spikes (0 or 1) and membranes after reset, each (N,), for the weighted input ``given`` (N,) of this step."""
        import torch

        if given.shape != (self.size,):
            raise InputError(f"stepped neurons: input of shape {given.shape}; ({self.size},) is needed")
        with torch.no_grad():
            self._state = self._advance(self._state, torch.from_numpy(np.asarray(given, dtype=np.float64)[None]))
        return self._state.s[0].numpy().astype(np.float64), self._state.v[0].numpy().copy()
