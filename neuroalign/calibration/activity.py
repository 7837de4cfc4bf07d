"""What the synapses of a population see on given input: the matrices that weigh their rounding errors.

One unit of a synapse contributes to the membrane its source's spikes, filtered by the current's and the membrane's decay::

    phi_j[t] = (1 - d) phi_j[t-1] + u_j[t]        u_j[t] = (1 - decay_u) u_j[t-1] + s_j[t]        H = mean of phi phi'

A spike of the target clears its membrane, so ``d = 1 - (1 - decay_v)(1 - p)`` with ``p`` its mean spikes a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.network import Connection
from neuroalign.pattern import Convolution, source_places
from neuroalign.quantise.normal_form import NormalPopulation

FloatArray = NDArray[np.float64]

ROWS = 4096
"""Moments (sample and step) that matrices are taken from."""
PLACES = 48
"""Places of an image that a kernel's matrix is taken from, at each moment."""
LARGEST = 1024
"""Synapses a neuron up to which the whole matrix is used; beyond, its diagonal."""


@dataclass(frozen=True, eq=False)
class Activity:
    """Of one connection: ``phi`` (moments, N_source); for a convolution ``kernel``, (groups, entries, entries)."""

    phi: FloatArray
    kernel: FloatArray | None = None

    @property
    def power(self) -> FloatArray:
        """Mean square of ``phi``, (N_source,)."""
        return np.asarray(np.square(self.phi).mean(axis=0))


def activity(c: Connection, form: NormalPopulation, given: NDArray[np.uint8], rate: float, seed: int) -> Activity:
    """Activity of a connection.

    Parameters
    ----------
    given : (samples, steps, N_source)
        What the source gave.
    rate
        Mean spikes of a target neuron in a step.
    seed
        Of the choice of moments and places.
    """
    from scipy.signal import lfilter

    decay_u = float(form.decay_u.mean())
    decay = 1.0 - (1.0 - float(form.decay_v.mean())) * (1.0 - rate)
    generator = np.random.default_rng([seed, 1])
    samples, steps = given.shape[:2]
    taken = max(1, min(steps, ROWS // max(samples, 1)))
    rows = []
    for sample in given:
        late = np.zeros(sample.shape)
        late[c.delay_steps :] = sample[: steps - c.delay_steps]
        current = lfilter([1.0], [1.0, decay_u - 1.0], late, axis=0)
        membrane = lfilter([1.0], [1.0, decay - 1.0], current, axis=0)
        rows.append(membrane[np.sort(generator.choice(steps, taken, replace=False))])
    phi = np.concatenate(rows)
    if isinstance(c.pattern, Convolution):
        return Activity(phi, _kernel_matrix(c.pattern, phi, generator))
    return Activity(phi)


def _kernel_matrix(pattern: Convolution, phi: FloatArray, generator: np.random.Generator) -> FloatArray:
    """H of the kernel's entries, each group by itself, over moments and places."""
    places = source_places(pattern)
    chosen = places[generator.permutation(len(places))[:PLACES]]
    moments = phi[generator.permutation(len(phi))[: max(1, ROWS // len(chosen) * 8)]]
    image = moments.reshape(len(moments), pattern.source_shape[0], -1)
    seen = np.where(chosen < 0, 0.0, image[:, :, chosen])  # moments, channels, places, entries
    seen = seen.transpose(0, 2, 1, 3).reshape(len(moments) * len(chosen), pattern.groups, -1)
    return np.asarray(np.einsum("rgj,rgk->gjk", seen, seen, optimize=True) / len(seen))
