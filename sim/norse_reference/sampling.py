"""Neurons with rectangular synapses, refractory time or chance spikes, on Norse's membranes.

One step t, with the membrane ``v'`` that Norse's step gives for the input x of the last ``window`` steps::

    free = no spike in the last ``refractory`` steps;      v := v' where free, else as it was
    s = free and draw < P(v - v_threshold)                 (without an escape function: v > v_threshold)
    v := v_reset where s   (reset "subtract": v - v_threshold)

Draws are those of :class:`neuroalign.network.Escape`; all samples of a run see the same.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from neuroalign.network import Escape, Population, whole_steps
from neuroalign.sim.norse_reference.neurons import Parameters, State, Step

if TYPE_CHECKING:
    from torch import Tensor

CHUNK_STEPS = 1024


def sampling_step(population: Population, membrane: Step, p: Parameters) -> Step:
    """The step of such a population; ``membrane`` is that of the same neurons without spikes. It keeps state of its own.

    Parameters
    ----------
    membrane
        From :func:`~neuroalign.sim.norse_reference.neurons.step_function`.
    """
    import torch

    window = max(1, whole_steps(population, "window", p.dt))
    refractory = whole_steps(population, "refractory", p.dt)
    escape = population.escape
    given: deque[Tensor] = deque(maxlen=window)
    draws = None if escape is None else _Draws(escape, population.size)
    left: Tensor | None = None

    def step(state: State, x: Tensor) -> State:
        nonlocal left
        left = torch.zeros_like(x) if left is None else left
        given.append(x)
        new = membrane(state, torch.stack(tuple(given)).sum(dim=0))
        free = left == 0
        v = torch.where(free, new.v, state.v)
        above = v > p.v_th if escape is None or draws is None else draws.step() < _chance(escape, v - p.v_th)
        s = (free & above).to(v.dtype)
        left = torch.where(s > 0, float(refractory), (left - 1).clamp(min=0))
        return State(torch.where(s > 0, v - p.v_th if p.subtract else p.v_reset, v), new.i_norse, new.i_jump, s)

    return step


def _chance(escape: Escape, distance: Tensor) -> Tensor:
    import torch

    scaled = distance / torch.from_numpy(np.array(escape.width))
    if escape.kind == "logistic":
        return 1 / (1 + torch.exp(-scaled))
    return -torch.expm1(-torch.exp(scaled))


class _Draws:
    """The draws of one population, a step at a time."""

    def __init__(self, escape: Escape, size: int) -> None:
        self.generator, self.size, self.t = np.random.default_rng(escape.seed), size, 0

    def step(self) -> Tensor:
        import torch

        place = self.t % CHUNK_STEPS
        if place == 0:
            self.chunk = torch.from_numpy(self.generator.random((CHUNK_STEPS, self.size)))
        self.t += 1
        return self.chunk[place]
