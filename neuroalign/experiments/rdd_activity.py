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
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.experiments.stdwi_activity import Protocol, Spikes, poisson_sources

FloatArray = NDArray[np.float64]
Found = tuple[NDArray[np.int64], NDArray[np.bool_], FloatArray, FloatArray, FloatArray, NDArray[np.int64]]
"""Windows that ended: the fields of :class:`Windows`, in order."""
Phase = Callable[[Spikes], tuple[Found, Spikes, Spikes]]
"""Takes the sources' spikes of a stretch (steps, driven); windows that end, and the spikes of both layers. Keeps its state."""

DT = 1e-3
TAU_SLOW, TAU_FAST = 10.0, 3.0
"""Of the kernel, in steps."""
MEMORY = 30
"""Steps that the kernel lasts."""
LEAK, GAIN = 0.1, 0.6
"""``v += LEAK (0 - v) + GAIN (B - v)``: conductances of 100 and 600 /s times the step."""
THRESHOLD, RESET = 1.0, -1.0


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


class PhaseState(NamedTuple):
    """Everything that a step leaves to the next; n driven neurons, m of the next layer. Changed in place."""

    step: NDArray[np.int64]  # (1,)
    v: FloatArray  # (n,), as are the next four
    u: FloatArray
    largest: FloatArray
    left: NDArray[np.int64]  # steps that the window still lasts
    spiked: NDArray[np.int64]  # in the window
    resting: NDArray[np.int64]
    v_next: FloatArray  # (m,)
    resting_next: NDArray[np.int64]
    source_past: NDArray[np.uint8]  # (MEMORY, n): spikes of the last steps
    past: NDArray[np.uint8]  # (MEMORY, n)
    past_next: NDArray[np.uint8]  # (MEMORY, m)
    drive: FloatArray  # (2, n): slow and fast sums of the sources' spikes
    drive_next: FloatArray  # (2, m): of the driven neurons' spikes, weighted
    sent: FloatArray  # (2, m): of the next layer's spikes
    total: FloatArray  # (m,): sum of q over all steps
    total_open: FloatArray  # (n, m): that sum where the window opened
    before: FloatArray  # (n, m)


@dataclass(frozen=True, eq=False)
class Stretch:
    """Spikes (steps, neurons) of a stretch of the phase, for whoever looks at them: sources, driven and next layer."""

    sources: Spikes
    driven: Spikes
    next: Spikes


def initial_state(driven: int, above: int) -> PhaseState:
    """The state before the first step: membranes at reset, nothing sent."""
    whole = np.int64
    return PhaseState(
        np.zeros(1, whole),
        np.full(driven, RESET),
        np.full(driven, RESET),
        np.zeros(driven),
        np.zeros(driven, whole),
        np.zeros(driven, whole),
        np.zeros(driven, whole),
        np.full(above, RESET),
        np.zeros(above, whole),
        np.zeros((MEMORY, driven), np.uint8),
        np.zeros((MEMORY, driven), np.uint8),
        np.zeros((MEMORY, above), np.uint8),
        np.zeros((2, driven)),
        np.zeros((2, above)),
        np.zeros((2, above)),
        np.zeros(above),
        np.zeros((driven, above)),
        np.zeros((driven, above)),
    )


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
    """The phase of :func:`phase_steps`, from its first step on; ``weight`` (next, driven) as the phase uses it."""
    above, driven = weight.shape
    state = initial_state(driven, above)

    def run(sources: Spikes) -> tuple[Found, Spikes, Spikes]:
        room = driven * (len(sources) // protocol.window + 2)
        neuron, spiked, drive = np.zeros(room, np.int64), np.zeros(room, np.bool_), np.zeros(room)
        response, before = np.empty((2, room, above))
        ended = np.zeros(room, np.int64)
        spikes, spikes_next = np.zeros_like(sources), np.zeros((len(sources), above), np.uint8)
        count = _compiled()(
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


def kernel() -> FloatArray:
    """``kappa(1..30)``."""
    n = np.arange(1, MEMORY + 1)
    return np.asarray((np.exp(-n / TAU_SLOW) - np.exp(-n / TAU_FAST)) / (TAU_SLOW - TAU_FAST))


def phase_steps(  # noqa: C901 - one loop, compiled as it stands
    sources: Spikes, weight: FloatArray, scale: float, window: int, near: float, refractory: int, p: PhaseState,
    neuron: NDArray[np.int64], above: NDArray[np.bool_], drive: FloatArray, response: FloatArray, before: FloatArray,
    ended: NDArray[np.int64], spikes: Spikes, spikes_next: Spikes,
) -> int:  # fmt: skip
    """The steps of ``sources``; fills in the windows that end and the spikes, and returns how many windows did.

    The kernel's sums run recursively: ``slow := k (slow + S[t]) - k^31 S[t - 30]``.
    """
    steps, n = sources.shape
    m = weight.shape[0]
    keep = np.array((np.exp(-1 / TAU_SLOW), np.exp(-1 / TAU_FAST)))
    lost = keep ** (MEMORY + 1)
    unit = 1 / (TAU_SLOW - TAU_FAST)
    retain = 1 - LEAK - GAIN
    count = 0
    q = np.zeros(m)
    for t in range(steps):
        row = p.step[0] % MEMORY
        p.step[0] += 1
        for j in range(m):
            q[j] = unit * (p.sent[0, j] - p.sent[1, j])
            p.total[j] += q[j]
            for k in range(2):
                p.drive_next[k, j] *= keep[k]
        for i in range(n):
            open_now = p.left[i] > 0
            if open_now:
                p.largest[i] = max(p.largest[i], p.u[i])
            for k in range(2):
                p.drive[k, i] = keep[k] * (p.drive[k, i] + sources[t, i]) - lost[k] * p.source_past[row, i]
            p.source_past[row, i] = sources[t, i]
            given = GAIN * scale * unit * (p.drive[0, i] - p.drive[1, i])
            if p.past[row, i]:
                for j in range(m):
                    for k in range(2):
                        p.drive_next[k, j] -= lost[k] * weight[j, i]
            p.v[i] = retain * p.v[i] + given
            p.u[i] = retain * p.u[i] + given
            fires = p.v[i] >= THRESHOLD and p.resting[i] == 0
            p.resting[i] = refractory if fires else max(p.resting[i] - 1, 0)
            p.past[row, i] = fires
            if fires:
                p.v[i] = RESET
                spikes[t, i] = 1
                for j in range(m):
                    for k in range(2):
                        p.drive_next[k, j] += keep[k] * weight[j, i]
            if open_now:
                p.spiked[i] |= fires
                p.left[i] -= 1
                if p.left[i] == 0:
                    neuron[count], above[count], drive[count] = i, p.spiked[i] > 0, p.largest[i]
                    ended[count] = p.step[0]
                    for j in range(m):
                        response[count, j] = (p.total[j] - p.total_open[i, j]) / window
                        before[count, j] = p.before[i, j]
                    count += 1
            else:
                p.u[i] = p.v[i]
            if p.left[i] == 0 and abs(THRESHOLD - p.u[i]) <= near:
                p.left[i], p.spiked[i], p.largest[i] = window, 0, 0.0
                for j in range(m):
                    p.before[i, j], p.total_open[i, j] = q[j], p.total[j]
        for j in range(m):
            given = GAIN * unit * (p.drive_next[0, j] - p.drive_next[1, j])
            p.v_next[j] = retain * p.v_next[j] + given
            fires = p.v_next[j] >= THRESHOLD and p.resting_next[j] == 0
            p.resting_next[j] = refractory if fires else max(p.resting_next[j] - 1, 0)
            if fires:
                p.v_next[j] = RESET
                spikes_next[t, j] = 1
            for k in range(2):
                p.sent[k, j] = keep[k] * (p.sent[k, j] + fires) - lost[k] * p.past_next[row, j]
            p.past_next[row, j] = fires
    return count


@cache
def _compiled() -> Any:
    from numba import njit

    return njit(phase_steps)
