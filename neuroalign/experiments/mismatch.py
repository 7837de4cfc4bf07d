r"""Mismatch: what analogue variability does to STDWI and SAL, which digital chips do not have.

**Synaptic**: every synapse's learning rate has a factor of its own, ``1 + N(0, sigma)``.
**Trace**: every neuron's trace time constant has such a factor. Factors are cut at 0.1 from below.

Rules and networks are those of :mod:`~neuroalign.experiments.stdwi_activity` (100 s of recorded activity) and
:mod:`~neuroalign.experiments.sal_layers` (50 x 50, one network), in float.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.sal_layers import LAYER_TAU
from neuroalign.experiments.stdwi_activity import Activity
from neuroalign.rules.sal import sal

FloatArray = NDArray[np.float64]
Kind = Literal["none", "synaptic", "trace"]
LEAST_FACTOR = 0.1
STDWI_TAUS, STDWI_RATE, STDWI_DECAY = (0.020, 0.200), 1e-4, 0.1


def factors(kind: Kind, wanted: Kind, sigma: float, shape: Sequence[int], rng: np.random.Generator) -> FloatArray:
    """Factors of the given shape: 1 where ``kind`` is not the ``wanted`` one."""
    drawn = np.maximum(1 + sigma * rng.standard_normal(tuple(shape)), LEAST_FACTOR)
    return drawn if kind == wanted else np.ones(tuple(shape))


def stdwi_with_mismatch(activity: Activity, seed: int, kind: Kind, sigma: float) -> FloatArray:
    """Weights (outputs, inputs) that STDWI infers from the activity."""
    from neuroalign.experiments.mismatch_steps import infer_stdwi

    rng = np.random.default_rng([seed, 12])
    outputs, inputs = activity.weight.shape
    rates = STDWI_RATE * factors(kind, "synaptic", sigma, (outputs, inputs), rng)
    taus = np.array(STDWI_TAUS)[:, None] * factors(kind, "trace", sigma, (2, inputs), rng)
    impulses = np.array([1.0, STDWI_TAUS[0] / STDWI_TAUS[1]])
    return np.asarray(
        infer_stdwi(
            activity.input_spikes, activity.output_spikes, np.exp(-activity.dt / taus), impulses, rates, STDWI_DECAY
        )
    )


def sal_with_mismatch(
    seed: int, kind: Kind, sigma: float, steps: int, *, eta: float = 0.08, size: int = 50
) -> tuple[FloatArray, FloatArray]:
    """Forward and learnt feedback weights of SAL's layer after ``steps``."""
    from neuroalign.experiments.mismatch_steps import align_layer

    rng = np.random.default_rng([seed, 8])
    limit, bias_limit = np.sqrt(3 / size), 1 / np.sqrt(size)
    forward, feedback = rng.uniform(-limit, limit, (2, size, size))
    lower, upper = rng.uniform(-bias_limit, bias_limit, (2, size))
    noise = np.random.default_rng([seed, 13])
    amplitude = abs(sal(eta=eta).weight[0].coefficient)
    amplitudes = amplitude * factors(kind, "synaptic", sigma, (size, size), noise)
    keeps = np.exp(-1 / (LAYER_TAU * factors(kind, "trace", sigma, (2, size), noise)))
    learnt = feedback.copy()
    align_layer(
        np.random.default_rng([seed, 14]),
        forward,
        learnt,
        np.stack([lower, upper]),
        amplitudes,
        keeps,
        LAYER_TAU,
        steps,
    )
    return forward, learnt
