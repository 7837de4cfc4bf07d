"""Steps down the exact gradient: signs are kept, and no step is longer than a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuroalign.exact_spikes.gradient import Gradient
from neuroalign.exact_spikes.model import Layer

FloatArray = NDArray[np.float64]


def step(layers: Sequence[Layer], gradient: Gradient, rate: float, cap: float) -> tuple[Layer, ...]:
    """Layers after ``w := max(0, w - rate dE/dw)``.

    Parameters
    ----------
    rate
        mu of the paper, whose value is unverified.
    cap
        Largest length of a layer's step: at a crossing with hardly any slope the gradient has no bound. Its form and
        value in the paper are unverified.
    """
    found = []
    for layer, slope in zip(layers, gradient.weights, strict=True):
        change = -rate * slope
        length = float(np.linalg.norm(change))
        if length > cap:
            change *= cap / length
        found.append(replace(layer, weight=np.maximum(layer.weight + change, 0.0)))
    return tuple(found)
