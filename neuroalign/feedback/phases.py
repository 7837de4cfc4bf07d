r"""Alignment phases: a layer's weights are copied into a spiking network, whose feedback connection learns by a local rule.

STDWI   the network of :mod:`neuroalign.experiments.stdwi_activity` at 1 ms with the layer's weights, scaled to the
        standard deviation and raised to the mean that the published ones have, so that output neurons spike.
RDD     the driven layer and the next of :mod:`neuroalign.experiments.rdd_activity`.
SAL     two layers of sampling neurons (:mod:`neuroalign.experiments.sal_layers`), the layer's weights scaled to a
        standard deviation of 0.14 as the published ones have; feedback is in the loop.

What a phase learns is kept from one to the next, so that later phases only follow what training changed. Backward weights
are the estimates scaled to the length of the forward weights; STDWI's mean is taken off, since all its estimates share an
offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from neuroalign.experiments.rdd import RddFeedback, learn_feedback, start_feedback
from neuroalign.experiments.stdwi_activity import TAU_FAST, TAU_MEM, TAU_SLOW, Protocol, poisson_sources

FloatArray = NDArray[np.float64]


class Phase(Interface):
    """A source of backward weights of one layer: (N_below, N_above) for forward weights (N_above, N_below).

    What it keeps from one phase to the next (the estimate) is its own affair.
    """

    def start(self, shape: tuple[int, int], rng: np.random.Generator) -> Any:
        """The estimate before the first phase, for backward weights of that shape."""

    def __call__(self, estimate: Any, weight: FloatArray, number: int, rng: np.random.Generator) -> Any:
        """The estimate after phase ``number`` (from 0) with the forward weights ``weight``."""

    def used(self, estimate: Any) -> FloatArray:
        """What of the estimate is backward weight, up to its length."""


DT = 1e-3
SAL_TAU = 10
SAL_DEVIATION = 0.14
"""That of weights uniform within +-sqrt(3/50)."""


@dataclass(frozen=True)
class StdwiPhase:
    """STDWI in float.

    Parameters
    ----------
    first, later : s
        How long the first phase of a layer lasts, and the others.
    rate, decay
        ``eta`` and ``lambda``; 1 / (eta lambda) is how many spikes of an output neuron are averaged.
    """

    first: float = 60.0
    later: float = 30.0
    rate: float = 2e-3
    decay: float = 0.1

    def __call__(self, estimate: FloatArray, weight: FloatArray, number: int, rng: np.random.Generator) -> FloatArray:
        """See :class:`Phase`."""
        from neuroalign.feedback.phase_steps import infer_weights

        inputs, outputs = stdwi_activity(weight, self.first if number == 0 else self.later, rng)
        found = estimate.T.copy()
        keep = np.exp(-DT / np.array([0.020, 0.200]))
        infer_weights(inputs, outputs, found, keep, 0.1, self.rate, self.decay)
        return np.asarray(found.T)

    def start(self, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
        """See :class:`Phase`."""
        return np.asarray(rng.uniform(-5e-4, 5e-4, shape))

    def used(self, estimate: FloatArray) -> FloatArray:
        """Without its mean: all estimates share an offset."""
        return np.asarray(estimate - estimate.mean())


@dataclass(frozen=True)
class SalPhase:
    """SAL in float.

    Parameters
    ----------
    first, later : steps
        How long the first phase of a layer lasts, and the others.
    eta
        Of the first phase; as the 50 x 50 layers have it for a single network.
    later_eta
        Of the others. Noise that stays in the estimate grows with it, the share of the weights' change that a phase
        follows with ``later`` times it: longer phases want a smaller one.
    """

    first: int = 300_000
    later: int = 50_000
    eta: float = 0.03
    later_eta: float = 0.03

    def __call__(self, estimate: FloatArray, weight: FloatArray, number: int, rng: np.random.Generator) -> FloatArray:
        """See :class:`Phase`."""
        from neuroalign.feedback.phase_steps import sampling_activity

        learnt = estimate.copy()
        steps, eta = (self.first, self.eta) if number == 0 else (self.later, self.later_eta)
        amplitude, keep = eta / (2 * SAL_TAU), float(np.exp(-1 / SAL_TAU))
        sampling_activity(rng, sal_forward(weight), learnt, amplitude, keep, SAL_TAU, steps)
        return learnt

    def start(self, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
        """Random feedback as large as the forward weights; see :class:`Phase`."""
        return np.asarray(rng.normal(0, SAL_DEVIATION, shape))

    def used(self, estimate: FloatArray) -> FloatArray:
        """The estimate itself."""
        return estimate


@dataclass(frozen=True)
class RddPhase:
    """Regression discontinuity in float.

    Parameters
    ----------
    first, later : s
        As in :class:`StdwiPhase`.
    keep
        Share of the coefficients with which a phase starts; published is 1, by which the estimate trails the weights.
    """

    first: float = 60.0
    later: float = 60.0
    keep: float = 0.7

    def __call__(self, estimate: FloatArray, weight: FloatArray, number: int, rng: np.random.Generator) -> FloatArray:
        """See :class:`Phase`; the estimate is (4, N_below, N_above)."""
        before = RddFeedback(self.keep * estimate, estimate[0])
        seconds = self.first if number == 0 else self.later
        return learn_feedback(before, weight, seconds, int(rng.integers(2**31))).coefficients

    def start(self, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
        """See :class:`Phase`."""
        return start_feedback(np.zeros(shape)).coefficients

    def used(self, estimate: FloatArray) -> FloatArray:
        """The jump at the threshold."""
        return RddFeedback(estimate, estimate[0]).beta


def stdwi_protocol(inputs: int, outputs: int) -> Protocol:
    """The published protocol for a layer, at 1 ms."""
    return Protocol(inputs, outputs, DT, active_share=max(0.2, 1 / inputs))


def stdwi_weights(weight: FloatArray, protocol: Protocol) -> FloatArray:
    """The layer's weights with the mean and standard deviation of the published ones."""
    active = protocol.inputs * protocol.active_share
    scale = 7.5 * protocol.scale
    return np.asarray(scale * (0.5 / np.sqrt(active) * _standard(weight) + 1 / active))


def stdwi_activity(
    weight: FloatArray, seconds: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Spikes of input and output neurons of a layer (steps, neurons)."""
    from neuroalign.feedback.phase_steps import lif_activity

    protocol = stdwi_protocol(weight.shape[1], weight.shape[0])
    sources = poisson_sources(protocol, round(seconds / DT), rng)
    kernel = np.array([TAU_SLOW, TAU_FAST])
    inputs, outputs = lif_activity(sources, stdwi_weights(weight, protocol), 0.0, protocol.scale, DT, TAU_MEM, kernel)
    return inputs, outputs


def sal_forward(weight: FloatArray) -> FloatArray:
    """The layer's weights as the sampling neurons have them, in logits."""
    return SAL_DEVIATION * _standard(weight)


def _standard(weight: FloatArray) -> FloatArray:
    """Of standard deviation 1; weights that are all equal stay as they are."""
    deviation = float(weight.std())
    return np.asarray(weight, dtype=np.float64) / (deviation if deviation > 0 else 1.0)
