"""How well estimated weights match the true ones, and what an experiment asks of whatever runs the learning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.network import Network
from neuroalign.recording import Stimulus

FloatArray = NDArray[np.float64]

Learner = Callable[[Network, Stimulus, Sequence[int]], FloatArray]
"""Runs a network with one plastic connection on a stimulus of one sample, and returns that connection's weights in the
model's unit after the given steps of the model (from 1): (reads, N_target, N_source)."""


def pearson_r(true: FloatArray, estimate: FloatArray) -> float:
    """Pearson correlation over all weights; 0 where either is constant, which tells nothing."""
    a, b = _centred(true, estimate)
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms > 0 else 0.0


def sign_accuracy(true: FloatArray, estimate: FloatArray) -> float:
    """Fraction of weights with the same flag ``w >= 0``.

    0 counts as positive, so a constant guess scores the share of positive weights; see :func:`sign_chance`.
    """
    a, b = _flat(true, estimate)
    return float(np.mean((a >= 0) == (b >= 0)))


def centred_sign_accuracy(true: FloatArray, estimate: FloatArray) -> float:
    """:func:`sign_accuracy` after both means were subtracted: what is right beyond a common offset."""
    a, b = _centred(true, estimate)
    return float(np.mean((a >= 0) == (b >= 0)))


def sign_chance(true: FloatArray) -> float:
    """What the better constant guess scores in :func:`sign_accuracy`."""
    positive = float(np.mean(true >= 0))
    return max(positive, 1 - positive)


def angle_degrees(true: FloatArray, estimate: FloatArray) -> float:
    """Angle between the two weight vectors, in degrees; 90 where either is zero."""
    a, b = _flat(true, estimate)
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.degrees(np.arccos(np.clip(float(a @ b) / norms, -1.0, 1.0)))) if norms > 0 else 90.0


def _flat(true: FloatArray, estimate: FloatArray) -> tuple[FloatArray, FloatArray]:
    if np.shape(true) != np.shape(estimate) or np.size(true) == 0:
        raise InputError(f"weights of shape {np.shape(true)} against {np.shape(estimate)}; equal, not empty is needed")
    return np.ravel(true), np.ravel(estimate)


def _centred(true: FloatArray, estimate: FloatArray) -> tuple[FloatArray, FloatArray]:
    a, b = _flat(true, estimate)
    # a mean of equal numbers may differ from them in the last bit, which must not count as variation
    a = np.zeros_like(a) if np.ptp(a) == 0 else a - a.mean()
    b = np.zeros_like(b) if np.ptp(b) == 0 else b - b.mean()
    return a, b
