"""How well backward weights and error signals point where backpropagation's would."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuroalign.feedback.network import Array, Layers, direct_products, gradients, transposed
from neuroalign.fidelity.learning import angle_degrees


def weight_angles(layers: Layers, back: Sequence[Array], *, direct: bool) -> list[float]:
    """Angle in degrees between each backward matrix and what it stands for; 90 where one of them is 0."""
    true = direct_products(layers) if direct else transposed(layers)
    found = []
    for matrix, stands_for in zip(back, true, strict=True):
        angle = angle_degrees(np.asarray(stands_for, np.float64), np.asarray(matrix, np.float64))
        found.append(90.0 if angle is None else angle)
    return found


def error_angles(
    layers: Layers, back: Sequence[Array], images: Array, labels: NDArray[np.int64], *, direct: bool
) -> list[float]:
    """Angle in degrees between a hidden layer's error and backpropagation's, mean over images, by layer from below.

    Images whose error is 0 in either count as 90.
    """
    made = gradients(layers, images, labels, back, direct=direct).errors[:-1]
    true = gradients(layers, images, labels, transposed(layers)).errors[:-1]
    return [_mean_angle(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in zip(made, true, strict=True)]


def _mean_angle(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.divide(np.sum(a * b, axis=1), lengths, out=np.zeros(len(a)), where=lengths > 0)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean())
