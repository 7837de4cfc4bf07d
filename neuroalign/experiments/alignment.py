"""How well estimated weights match the true ones, and what an experiment asks of whatever runs the learning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.fidelity.learning import sign_agreement
from neuroalign.network import Network
from neuroalign.recording import Stimulus

FloatArray = NDArray[np.float64]

Learner = Callable[[Network, Stimulus, Sequence[int]], FloatArray]
"""Runs a network with one plastic connection on a stimulus of one sample, and returns that connection's weights in the
model's unit after the given steps of the model (from 1): (reads, N_target, N_source)."""


def centred_sign_agreement(true: FloatArray, estimate: FloatArray) -> float:
    """Share of weights with the same flag ``>= 0`` after both means were subtracted: right beyond a common offset."""
    return sign_agreement(true - true.mean(), estimate - estimate.mean())


def sign_chance(true: FloatArray) -> float:
    """Share of equal signs that the better constant guess reaches; it is above 0.5 where one sign prevails."""
    positive = float(np.mean(true >= 0))
    return max(positive, 1 - positive)


def checked_estimates(estimates: FloatArray, reads: int, true: FloatArray) -> FloatArray:
    """What a learner returned for feedback weights (reads, inputs, outputs), as (reads, outputs, inputs) like ``true``.

    Raises
    ------
    InputError
        If the shape is another: equal sizes would hide a missing transposition.
    """
    outputs, inputs = true.shape
    if estimates.shape != (reads, inputs, outputs):
        raise InputError(
            f"the learner returned weights of shape {estimates.shape}; {(reads, inputs, outputs)} is needed"
        )
    return np.swapaxes(estimates, 1, 2)
