"""One step of each kind of population through Norse's own functional steps, in float64.

Symbols are those of :mod:`neuroalign.network`; ``x`` is the weighted input of the step, ``g_i``, ``d_i``, ``d_v`` the
Euler coefficients of :func:`neuroalign.network.euler`. The mapping's derivation is in
:mod:`neuroalign.sim.norse_reference.backend`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import NetworkError
from neuroalign.network import Population, ResetMode, euler
from neuroalign.sim.norse_reference.norse_functional import norse_functional

if TYPE_CHECKING:
    from torch import Tensor


class State(NamedTuple):
    """State of a population after a step, each (samples, N).

    ``v`` in volts after reset; ``i_norse`` is Norse's current (in volts, after its decay); ``i_jump`` the current that
    entered the membrane in this step (in volts); ``s`` the spikes as 0 or 1.
    """

    v: Tensor
    i_norse: Tensor
    i_jump: Tensor
    s: Tensor


Step = Callable[[State, "Tensor"], State]


@dataclass(frozen=True, eq=False)
class Parameters:
    """Parameters of one population as float64 tensors (N,).

    ``scale`` turns the model's current into Norse's (``r``; ``r dt`` for integrators, whose Norse step adds its input
    as it is), ``gain`` the model's input into Norse's (``scale g_i``).
    """

    dt: float
    tau_mem_inv: Tensor
    tau_syn_inv: Tensor
    v_leak: Tensor
    v_th: Tensor
    v_reset: Tensor
    scale: Tensor
    gain: Tensor
    bias: Tensor
    subtract: bool


def parameters(population: Population, dt: float, reset: ResetMode) -> Parameters:
    """Norse's parameters of ``population``; see :class:`Parameters`."""
    coefficients = euler(population, dt)
    scale = population.r * np.where(np.isinf(population.tau_mem), dt, 1.0)
    return Parameters(
        dt=dt,
        tau_mem_inv=_tensor(_inverse(population.tau_mem, dt)),
        tau_syn_inv=_tensor(_inverse(population.tau_syn, dt)),
        v_leak=_tensor(population.v_leak),
        # Norse resets by (1 - z) v + z (...): an infinite threshold would turn the unused term into NaN.
        v_th=_tensor(np.minimum(population.v_threshold, np.finfo(np.float64).max)),
        v_reset=_tensor(population.v_reset),
        scale=_tensor(scale),
        gain=_tensor(scale * coefficients.gain_i),
        bias=_tensor(population.bias),
        subtract=reset == "subtract",
    )


def initial_state(population: Population, p: Parameters, dt: float, samples: int) -> State:
    """State before the first step: ``v0``, and ``i0`` as Norse holds it, after its decay."""
    zero = _tensor(np.zeros((samples, population.size)))
    i_norse = (1.0 - euler(population, dt).decay_i) * population.i0
    return State(v=zero + _tensor(population.v0), i_norse=zero + p.scale * _tensor(i_norse), i_jump=zero, s=zero)


def step_function(population: Population, p: Parameters) -> Step:
    """The step of ``population``, chosen by its time constants and whether it spikes.

    Raises
    ------
    NetworkError
        If some neurons leak and others only integrate: no Norse step holds both.
    """
    if population.refractory or population.window or population.escape is not None:
        from neuroalign.sim.norse_reference.sampling import sampling_step

        below = replace(population, kind="LI", refractory=0.0, window=0.0, escape=None)
        return sampling_step(population, step_function(below, p), p)
    integrates = np.isinf(population.tau_mem)
    if integrates.any() and not integrates.all():
        index = int(np.flatnonzero(integrates)[0])
        raise NetworkError(
            f"population {population.name!r}: tau_mem[{index}] is infinite while others are finite; Norse has no step "
            "for a mixed population; split it into two"
        )
    spiking, filtered = population.spiking, bool((population.tau_syn > 0).any())
    if integrates.all():
        return _integrating(p, spiking, filtered)
    if (population.tau_mem == 0).all():
        return _memoryless(p, spiking, filtered)
    return _leaky_filtered(p, spiking) if filtered else _leaky_box(p, spiking)


def _leaky_filtered(p: Parameters, spiking: bool) -> Step:
    """CubaLIF and CubaLI: ``lif_feed_forward_step`` and ``li_feed_forward_step``."""
    lif, li = norse_functional("lif"), norse_functional("leaky_integrator")
    lif_p = lif.LIFParameters(p.tau_syn_inv, p.tau_mem_inv, p.v_leak, p.v_th, p.v_reset, "heaviside")
    li_p = li.LIParameters(p.tau_syn_inv, p.tau_mem_inv, p.v_leak)
    spike = _spike_function(p)

    def step(state: State, x: Tensor) -> State:
        drive = p.gain * (x + p.bias)
        i_jump = state.i_norse + drive
        if spiking and not p.subtract:
            s, new = lif.lif_feed_forward_step(drive, lif.LIFFeedForwardState(state.v, state.i_norse), lif_p, p.dt)
            return State(new.v, new.i, i_jump, s)
        # The same lines of arithmetic as the LIF step, which has no choice of reset; threshold and reset follow.
        v, new = li.li_feed_forward_step(drive, li.LIState(state.v, state.i_norse), li_p, p.dt)
        v, s = spike(v) if spiking else (v, state.s)
        return State(v, new.i, i_jump, s)

    return step


def _leaky_box(p: Parameters, spiking: bool) -> Step:
    """LIF and LI: ``lif_box_feed_forward_step`` and ``li_box_feed_forward_step``."""
    lif, li = norse_functional("lif_box"), norse_functional("leaky_integrator_box")
    reset = _reset_method(p)
    lif_p = lif.LIFBoxParameters(p.tau_mem_inv, p.v_leak, p.v_th, p.v_reset, "heaviside", reset_method=reset)
    li_p = li.LIBoxParameters(p.tau_mem_inv, p.v_leak)

    def step(state: State, x: Tensor) -> State:
        drive = p.gain * (x + p.bias)
        if spiking:
            s, new = lif.lif_box_feed_forward_step(drive, lif.LIFBoxFeedForwardState(state.v), lif_p, p.dt)
            return State(new.v, state.i_norse, drive, s)
        v, _ = li.li_box_feed_forward_step(drive, li.LIBoxState(state.v), li_p, p.dt)
        return State(v, state.i_norse, drive, state.s)

    return step


def _integrating(p: Parameters, spiking: bool, filtered: bool) -> Step:
    """IF: ``iaf_feed_forward_step``; I, and IF with subtractive reset, which Norse's step lacks: the sum itself."""
    iaf = norse_functional("iaf")
    iaf_p = iaf.IAFParameters(p.v_th, p.v_reset, "heaviside")
    spike = _spike_function(p)

    def step(state: State, x: Tensor) -> State:
        i_jump, i_norse = _current(p, state, x, filtered)
        if spiking and not p.subtract:
            s, new = iaf.iaf_feed_forward_step(i_jump, iaf.IAFFeedForwardState(state.v), iaf_p, p.dt)
            return State(new.v, i_norse, i_jump, s)
        v = state.v + i_jump
        v, s = spike(v) if spiking else (v, state.s)
        return State(v, i_norse, i_jump, s)

    return step


def _memoryless(p: Parameters, spiking: bool, filtered: bool) -> Step:
    """Threshold: Norse's ``threshold`` of the input; Linear: the input itself."""
    spike = _spike_function(p)

    def step(state: State, x: Tensor) -> State:
        i_jump, i_norse = _current(p, state, x, filtered)
        v = p.v_leak + i_jump
        v, s = spike(v) if spiking else (v, state.s)
        return State(v, i_norse, i_jump, s)

    return step


def _current(p: Parameters, state: State, x: Tensor, filtered: bool) -> tuple[Tensor, Tensor]:
    """Current entering the membrane and current kept, as the first and last lines of Norse's LIF step have them."""
    drive = p.gain * (x + p.bias)
    if not filtered:
        return drive, state.i_norse
    i_jump = state.i_norse + drive
    return i_jump, i_jump - p.dt * p.tau_syn_inv * i_jump


def _spike_function(p: Parameters) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Norse's threshold (1 where ``v > v_th``, strictly) and reset: membrane to (membrane after reset, spikes)."""
    threshold, reset = norse_functional("threshold").threshold, _reset_method(p)

    def spike(v: Tensor) -> tuple[Tensor, Tensor]:
        s = threshold(v - p.v_th, "heaviside", 0.0)
        return reset(s, v, p.v_reset, p.v_th), s

    return spike


def _reset_method(p: Parameters) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Norse's own reset: to ``v_reset``, or by ``v_threshold``."""
    reset = norse_functional("reset")
    method: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    method = reset.reset_subtract if p.subtract else reset.reset_value
    return method


def _inverse(tau: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
    """``1 / tau``; ``1 / dt``, a decay of 1 a step, where there is no filter (``tau`` 0)."""
    return np.asarray(1.0 / np.where(tau > 0, tau, dt))


def _tensor(values: NDArray[np.float64]) -> Tensor:
    """A float64 tensor with its own memory."""
    import torch

    return torch.from_numpy(np.array(values, dtype=np.float64))
