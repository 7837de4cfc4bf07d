r"""Neurons whose spike times are found to machine precision: what they are made of.

A neuron has no reset; each of its spikes leaves an after-hyperpolarisation (AHP)::

    P(t) = sum over synapses i and their spikes j of  sign_i w_i xi_i(t - t_ij - d_i)  +  sum over own t_k < t of eta(t - t_k)
    xi(s)  = exp(-beta alpha^2 / s) exp(-s / tau) / (alpha sqrt(s))       s > 0, else 0
    eta(s) = R exp(-s / gamma)                                            s > 0, else 0

It spikes where P reaches the threshold from below. Times are in milliseconds throughout the package: ``1/sqrt(s)`` has a
unit of its own, and the constants belong to milliseconds. Weights are at least 0; the sign belongs to the source (Dale).

Source: Banerjee 2016, Neural Computation 28(5), 826-848. Its full text was not at hand: the shapes of xi and eta and all
default constants are **unverified** recollection, hence parameters, and nothing here is claimed to be the paper's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError, NetworkError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Response:
    """Constants of xi and eta; all of them unverified.

    Parameters
    ----------
    alpha_exc, alpha_inh : sqrt(ms)
        How late and how small the response to a spike is, of excitatory and inhibitory sources.
    beta
        Must be positive: xi has to start from 0.
    tau_exc, tau_inh : ms
        Decay of the response.
    ahp
        R, below 0 (0: no AHP).
    gamma : ms
        Decay of the AHP.
    memory : ms
        Spikes older than this have no effect.
    """

    alpha_exc: float = 1.5
    alpha_inh: float = 1.2
    beta: float = 1.0
    tau_exc: float = 20.0
    tau_inh: float = 10.0
    ahp: float = -1000.0
    gamma: float = 1.2
    memory: float = 500.0

    def __post_init__(self) -> None:
        for name in ("alpha_exc", "alpha_inh", "beta", "tau_exc", "tau_inh", "gamma", "memory"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise InputError(f"response: {name} is {getattr(self, name)}; a positive number is needed")
        if not (np.isfinite(self.ahp) and self.ahp <= 0):
            raise InputError(f"response: ahp is {self.ahp}; it must be 0 or less")

    @property
    def constants(self) -> FloatArray:
        """As the compiled loops take them: beta, R, gamma, memory."""
        return np.array([self.beta, self.ahp, self.gamma, self.memory])


@dataclass(frozen=True, eq=False)
class Trains:
    """Spikes of a group of neurons.

    Parameters
    ----------
    times : (M,), ms
        In rising order.
    neurons : (M,)
        Which neuron each spike belongs to.
    size : int
        Number of neurons, silent ones included.
    """

    times: FloatArray
    neurons: IntArray
    size: int

    def __post_init__(self) -> None:
        if self.times.shape != self.neurons.shape or self.times.ndim != 1:
            raise InputError(
                f"trains: {self.times.shape} times but {self.neurons.shape} neurons; one of each per spike"
            )
        if not np.isfinite(self.times).all() or (np.diff(self.times) < 0).any():
            raise InputError("trains: times must be finite and rise; sort the spikes by time")
        if self.neurons.size and not (self.neurons.min() >= 0 and self.neurons.max() < self.size):
            raise InputError(f"trains: neurons {self.neurons.min()}..{self.neurons.max()}; 0..{self.size - 1} exist")

    def of(self, neuron: int) -> FloatArray:
        """Times of one neuron."""
        return np.asarray(self.times[self.neurons == neuron])


def trains_of(each: Sequence[FloatArray]) -> Trains:
    """Trains from the times of every neuron."""
    times = np.concatenate([np.asarray(times, dtype=np.float64) for times in each]) if len(each) else np.zeros(0)
    neurons = np.repeat(np.arange(len(each)), [len(times) for times in each])
    order = np.argsort(times, kind="stable")
    return Trains(times[order], neurons[order].astype(np.int64), len(each))


@dataclass(frozen=True, eq=False)
class Layer:
    """Synapses into a group of neurons.

    Parameters
    ----------
    weight : (N_target, N_source)
        At least 0.
    sign : (N_source,)
        1 or -1 for each source.
    threshold : (N_target,)
        Above 0.
    delay : (N_target, N_source) or None, ms
        None: no delays.
    """

    weight: FloatArray
    sign: IntArray
    threshold: FloatArray
    delay: FloatArray | None = None

    def __post_init__(self) -> None:
        targets, sources = self.weight.shape
        if self.sign.shape != (sources,) or not np.isin(self.sign, (-1, 1)).all():
            raise NetworkError(f"layer: signs {self.sign!r}; a 1 or -1 is needed for each of {sources} sources")
        if not (np.isfinite(self.weight).all() and (self.weight >= 0).all()):
            raise NetworkError("layer: a weight is negative or not finite; signs belong to the sources")
        if self.threshold.shape != (targets,) or not (self.threshold > 0).all():
            raise NetworkError(f"layer: thresholds {self.threshold!r}; one above 0 for each of {targets} neurons")
        if self.delay is not None and (self.delay.shape != self.weight.shape or not (self.delay >= 0).all()):
            raise NetworkError(f"layer: delays of shape {self.delay.shape}; {self.weight.shape}, 0 or more, are needed")

    def delays(self) -> FloatArray:
        """(N_target, N_source), ms."""
        return np.zeros_like(self.weight) if self.delay is None else self.delay

    def shapes(self, response: Response) -> tuple[FloatArray, FloatArray]:
        """Alpha and tau of every source, each (N_source,)."""
        excites = self.sign > 0
        return (
            np.where(excites, response.alpha_exc, response.alpha_inh),
            np.where(excites, response.tau_exc, response.tau_inh),
        )
