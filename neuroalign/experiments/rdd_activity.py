r"""The spiking phase of regression discontinuity design (RDD): a driven layer, the layer above it, and windows.

One step t of 1 ms, with ``(kappa * S)[t] = sum over n = 1..30 of kappa(n) S[t + 1 - n]`` and
``kappa(n) = (exp(-n/10) - exp(-n/3)) / 7`` per step; i are driven neurons, j those above them::

    q_j = (kappa * S_j)[t-1]                                        what the feedback synapses bring to i, unweighted
    in a window:  largest_i = max(largest_i, u_i),  total_ij += q_j
    B_i = 4 (kappa * source_i)[t],    B_j = sum over i of  W'_ji (kappa * S_i)[t],    W' = 0.2 inputs W / std(W)
    v := 0.3 v + 0.6 B;   u_i likewise in a window
    S = v >= 1 and no spike in the last 3 steps;   v := -1 where S       (v runs on in refractory steps)
    u_i := v_i outside a window
    30 steps after its opening a window ends:  R_ij = total_ij / 30,  spiked_i = any S_i within
    a window opens where |1 - u_i| <= 0.1 and none is open:  before_ij = q_j,  largest_i = 0,  total_ij = 0

Every 100 ms another fifth of the sources is active, each an independent Poisson process of 200 Hz.

Source: Guerguiev, Kording, Richards 2020 (arXiv 1910.01689), settings of the authors' code (github
jordan-g/RDD-Weight-Alignment). The random numbers are our own, and so is the order of the layers within a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.experiments.rdd_steps import DT, compiled_steps, initial_state
from neuroalign.experiments.stdwi_activity import Protocol, Spikes, poisson_sources

FloatArray = NDArray[np.float64]
Found = tuple[NDArray[np.int64], NDArray[np.bool_], FloatArray, FloatArray, FloatArray, NDArray[np.int64]]
"""Windows that ended: the fields of :class:`Windows`, in order."""
Phase = Callable[[Spikes], tuple[Found, Spikes, Spikes]]
"""Takes the sources' spikes of a stretch (steps, driven); windows that end, and the spikes of both layers. Keeps its state."""


@dataclass(frozen=True)
class RddProtocol:
    """The published setting.

    Parameters
    ----------
    window : steps
        How long a window lasts.
    near
        Distance of u from threshold within which a window opens.
    drive
        Weight from a source to its neuron, in units of the threshold times ms.
    spread
        What the forward weights' standard deviation times the number of inputs becomes: the layer above has to fire.
    active_share, source_rate, stimulus : 1, Hz, s
        Share of the sources that is active, their rate, and how long the same ones stay active.
    refractory : steps
        Without a spike after a spike.
    """

    window: int = 30
    near: float = 0.1
    drive: float = 4.0
    spread: float = 0.2
    active_share: float = 0.2
    source_rate: float = 200.0
    stimulus: float = 0.1
    refractory: int = 3

    def __post_init__(self) -> None:
        if self.window < 1 or self.near <= 0 or self.refractory < 0:
            raise InputError(
                f"window {self.window}, near {self.near:g}, refractory {self.refractory}: a window of at least one step, "
                "a distance above 0 and no negative refractory time are needed"
            )

    def scaled(self, weight: FloatArray) -> FloatArray:
        """``weight`` (next, driven) as the spiking phase uses it.

        Raises
        ------
        InputError
            If the weights are no finite matrix, or all the same.
        """
        if weight.ndim != 2 or not np.isfinite(weight).all() or not weight.std() > 0:
            raise InputError(
                f"forward weights of shape {weight.shape}: a matrix (next layer, driven layer) of finite weights that "
                "differ is needed"
            )
        return np.ascontiguousarray(self.spread * weight.shape[1] * weight / weight.std())


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows that ended, in the order in which they did.

    Parameters
    ----------
    neuron, above, drive : (windows,)
        Whose it was; whether the neuron spiked in it; the largest drive u in it.
    response, before : (windows, next)
        Mean of q within the window, and q at its opening.
    step : (windows,)
        The phase's step, from 1, in which it ended.
    """

    neuron: NDArray[np.int64]
    above: NDArray[np.bool_]
    drive: FloatArray
    response: FloatArray
    before: FloatArray
    step: NDArray[np.int64]

    @property
    def change(self) -> FloatArray:
        """What the regression explains: ``response - before``."""
        return self.response - self.before


@dataclass(frozen=True, eq=False)
class Stretch:
    """Spikes (steps, neurons) of a stretch of the phase, for whoever looks at them: sources, driven and next layer."""

    sources: Spikes
    driven: Spikes
    next: Spikes


def drive_layer(
    weight: FloatArray,
    seconds: float,
    seed: int,
    protocol: RddProtocol | None = None,
    watch: Callable[[Stretch], None] | None = None,
    phase: Callable[[FloatArray, RddProtocol], Phase] | None = None,
) -> Iterator[Windows]:
    """Drive a layer for a while: the windows that end, one stimulus after the other.

    Parameters
    ----------
    weight : (next, driven)
        Forward weights, of any scale.
    seconds : s
        Whole steps of 1 ms.
    seed
        Draws the sources.
    watch
        Called with the spikes of each stretch.
    phase
        What runs the steps: the compiled ones unless given, or the same on other neurons.

    Raises
    ------
    InputError
        If the weights or the time are of no use.
    """
    protocol = protocol or RddProtocol()
    scaled = protocol.scaled(np.asarray(weight, dtype=np.float64))
    run = (phase or compiled_phase)(scaled, protocol)
    for sources in source_stretches(protocol, scaled.shape[1], seconds, seed):
        found, spikes, spikes_next = run(sources)
        if watch is not None:
            watch(Stretch(sources, spikes, spikes_next))
        yield Windows(*found)


def compiled_phase(weight: FloatArray, protocol: RddProtocol) -> Phase:
    """The phase of :func:`~neuroalign.experiments.rdd_steps.phase_steps`, from its first step on; ``weight`` (next, driven) as the phase uses it."""
    above, driven = weight.shape
    state = initial_state(driven, above)

    def run(sources: Spikes) -> tuple[Found, Spikes, Spikes]:
        room = driven * (len(sources) // protocol.window + 2)
        neuron, spiked, drive = np.zeros(room, np.int64), np.zeros(room, np.bool_), np.zeros(room)
        response, before = np.empty((2, room, above))
        ended = np.zeros(room, np.int64)
        spikes, spikes_next = np.zeros_like(sources), np.zeros((len(sources), above), np.uint8)
        count = compiled_steps()(
            sources, weight, protocol.drive, protocol.window, protocol.near, protocol.refractory, state,
            neuron, spiked, drive, response, before, ended, spikes, spikes_next,
        )  # fmt: skip
        found = neuron[:count], spiked[:count], drive[:count], response[:count], before[:count], ended[:count]
        return found, spikes, spikes_next

    return run


def source_stretches(protocol: RddProtocol, driven: int, seconds: float, seed: int) -> Iterator[Spikes]:
    """Spikes of the sources (steps, driven), one stimulus after the other; the last one may be shorter.

    Raises
    ------
    InputError
        If there is no step to take.
    """
    steps = round(seconds / DT)
    if steps < 1:
        raise InputError(f"{seconds:g} s are no step of {DT:g} s; ask for more")
    sources = Protocol(
        inputs=driven,
        outputs=1,
        dt=DT,
        active_share=protocol.active_share,
        source_rate=protocol.source_rate,
        stimulus=protocol.stimulus,
    )
    length = max(1, round(protocol.stimulus / DT))
    rng = np.random.default_rng([seed, 1])
    for start in range(0, steps, length):
        yield poisson_sources(sources, min(length, steps - start), rng)
