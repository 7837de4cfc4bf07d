"""A chip's own arithmetic in torch: every rounding in the forward pass, none of them in the backward pass.

One step of a population, in whole numbers held as float64 (exact below 2**53)::

    a  = sum over connections of floor(W s 2**exp)          W = rounded and clipped latent weights
    u  = trunc(u (4096 - du) / 4096) + a 2**align           folded once beyond 24 bits, as the chip's current
    v  = trunc(v (4096 - dv) / 4096) + u + b                limited to 24 bits;  b = rounded latent bias
    s  = v > threshold;   v := 0 (or v - threshold) where s

Where something is rounded, wrapped or truncated, the gradient passes as if it were not (straight through, Bengio,
Leonard, Courville 2013, arXiv 1308.3432); where it spikes, it is that of Norse's SuperSpike, of ``v`` in thresholds. Without
rounding (``Float64``) the steps are Norse's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipConnection, ChipNetwork, ChipPopulation, Convolution, Fixed
from neuroalign.errors import InputError
from neuroalign.pattern import SparsePattern
from neuroalign.sim.norse_reference.norse_functional import norse_functional

if TYPE_CHECKING:
    from torch import Tensor

FloatArray = NDArray[np.float64]
STEEPNESS = 20.0
"""SuperSpike's alpha, for a membrane in thresholds."""
EXACT = 2**24
"""Whole numbers up to here are exact in float32."""


@dataclass(frozen=True, eq=False)
class Latent:
    """Weights before rounding, in units of the held integers, and the integers there are: multiples of ``step``, low to high.

    ``step`` 0: nothing is rounded.
    """

    weight: FloatArray
    step: int
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class LatentBias:
    """``b = mean + slope * bias`` in units of the membrane, ``bias`` (N,) as the model has it; a mantissa's limit."""

    bias: FloatArray
    mean: FloatArray
    slope: FloatArray
    limit: int


def unsupported(chip: ChipNetwork) -> str | None:
    """What of a chip network has no trainable form, in words, or None."""
    for p in chip.populations:
        if p.window_steps > 1 or p.refractory_steps or p.escape or p.threshold_low is not None or p.reset_interval:
            return f"population {p.name!r} has windows, refractory steps, chance spikes, two thresholds or timed resets"
    for c in chip.connections:
        if c.plasticity is not None or c.message_bits:
            return f"connection {c.name!r} learns or takes graded spikes"
        if c.delays is not None and c.delays.size and (c.delays != c.delays.flat[0]).any():
            return f"connection {c.name!r} has synapses of different delay"
    if chip.connection_delay_steps < 1:
        return "the float model acts within a step; the ideal profile has the chip's order of steps"
    return None


class ChipForm:
    """A chip network whose weights and biases are trained.

    Parameters
    ----------
    chip
        Everything that is not trained; may be replaced (:meth:`refresh`) as start states and exponents follow the biases.
    latents, biases
        By connection and by population; those not named stay as they are on chip.

    Raises
    ------
    InputError
        If the chip network has no such form.
    """

    def __init__(
        self, chip: ChipNetwork, latents: Mapping[str, Latent], biases: Mapping[str, LatentBias] | None = None
    ) -> None:
        import torch

        reason = unsupported(chip)
        if reason is not None:
            raise InputError(f"fine-tuning: {reason}, which it has no form for")
        self.chip, self.latents, self.biases = chip, dict(latents), dict(biases or {})
        # Parameters are in units of their own size, so that one rate of Adam serves all.
        self.units = {name: float(np.sqrt(np.square(k.weight).mean())) or 1.0 for name, k in self.latents.items()}
        self.weights = {
            name: torch.tensor(k.weight / self.units[name], dtype=torch.float64, requires_grad=True)
            for name, k in self.latents.items()
        }
        self.bias_units = {name: _bias_unit(chip, name, k, self.latents) for name, k in self.biases.items()}
        self.bias_values = {
            name: torch.tensor(k.bias / self.bias_units[name], dtype=torch.float64, requires_grad=True)
            for name, k in self.biases.items()
        }
        self.refresh(chip)

    def refresh(self, chip: ChipNetwork) -> None:
        """Take start states and exponents of biases from ``chip``."""
        self.chip = chip
        self.populations = {p.name: p for p in chip.populations}

    def parameters(self) -> list[Tensor]:
        """All that is trained."""
        return [*self.weights.values(), *self.bias_values.values()]

    def limit(self) -> None:
        """Keep latent weights where integers are."""
        import torch

        with torch.no_grad():
            for name, value in self.weights.items():
                latent, unit = self.latents[name], self.units[name]
                if latent.step:
                    value.clamp_(latent.low / unit, latent.high / unit)

    def latent_weight(self, name: str) -> FloatArray:
        """Latent weights now, in units of the held integers."""
        return np.asarray(self.weights[name].detach().numpy() * self.units[name])

    def model_bias(self, name: str) -> FloatArray:
        """The bias now, as the model has it."""
        return np.asarray(self.bias_values[name].detach().numpy() * self.bias_units[name])

    def held_weight(self, c: ChipConnection) -> Tensor:
        """Integers of a connection as held, float64."""
        import torch

        if c.name not in self.weights:
            return torch.from_numpy(np.asarray(c.weight, dtype=np.float64))
        latent = self.latents[c.name]
        exact = self.weights[c.name] * self.units[c.name]
        if not latent.step:
            return exact
        rounded = torch.clamp(torch.round(exact / latent.step) * latent.step, latent.low, latent.high)
        return _straight(exact, rounded)

    def held_bias(self, p: ChipPopulation) -> Tensor:
        """Bias of a population in units of its membrane."""
        import torch

        if p.name not in self.bias_values:
            return torch.from_numpy(np.asarray(p.bias_mant * 2.0**p.bias_exp, dtype=np.float64))
        latent = self.biases[p.name]
        exact = torch.from_numpy(latent.mean) + torch.from_numpy(latent.slope) * (
            self.bias_values[p.name] * self.bias_units[p.name]
        )
        if not isinstance(p.v_format, Fixed):
            return exact
        unit = torch.from_numpy(2.0**p.bias_exp)
        return _straight(exact, torch.clamp(torch.round(exact / unit), -latent.limit, latent.limit) * unit)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
        """What each population gives at the model's steps, (samples, steps, N): spikes, or v in volts of those that never spike.

        Parameters
        ----------
        inputs
            Input to 0/1 spikes (samples, steps, channels).
        """
        import torch

        given = {name: torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)) for name, a in inputs.items()}
        samples, steps = next(iter(given.values())).shape[:2]
        wires = [_Wire(c, self.held_weight(c), self.chip, given.get(c.source)) for c in self.chip.connections]
        states = {p.name: _State(p, self.held_bias(p), samples) for p in self.chip.populations}
        for _ in range(steps + self.chip.latency_steps):
            arriving = {name: [w.arriving() for w in wires if w.target == name] for name in states}
            for name, state in states.items():
                state.step([a for a in arriving[name] if a is not None])
            for wire in wires:
                wire.send(None if wire.source in given else states[wire.source].s)
        return {
            name: torch.stack(state.told[p.latency_steps : p.latency_steps + steps], dim=1)
            for (name, state), p in zip(states.items(), self.chip.populations, strict=True)
        }


class _Wire:
    """One connection: what it delivers in each step."""

    def __init__(self, c: ChipConnection, weight: Tensor, chip: ChipNetwork, given: Tensor | None) -> None:
        self.source, self.target = c.source, c.target
        self.exponent, self.rounds, self.pattern = 0, False, c.pattern
        if isinstance(c.weight_format, Fixed):
            self.exponent, self.rounds = c.weight_exp, True
            if c.shape[1] * 2**c.weight_format.bits < EXACT:
                weight = weight.float()
        self.weight = _operand(weight, c)
        delay = chip.connection_delay_steps + c.max_delay
        self.waiting: list[Tensor | None] = [None] * delay
        # What an input sends is known before the run: all steps at once.
        self.ahead = None if given is None else list(self._delivered(given).unbind(1))

    def arriving(self) -> Tensor | None:
        return self.waiting.pop(0)

    def send(self, spikes: Tensor | None) -> None:
        if self.ahead is not None:
            self.waiting.append(self.ahead.pop(0) if self.ahead else None)
        else:
            self.waiting.append(None if spikes is None else self._delivered(spikes))

    def _delivered(self, spikes: Tensor) -> Tensor:
        import torch

        total = _product(self.weight, spikes.to(self.weight.dtype), self.pattern).double()
        if not self.rounds or not self.exponent:
            return total
        scaled = total * 2.0**self.exponent
        return scaled if self.exponent > 0 else _straight(scaled, torch.floor(scaled))


class _State:
    """One population's states, and what it gave so far."""

    def __init__(self, p: ChipPopulation, bias: Tensor, samples: int) -> None:
        import torch

        def row(values: Any) -> Tensor:
            return torch.from_numpy(np.asarray(values, dtype=np.float64))

        self.fixed = isinstance(p.v_format, Fixed)
        unity = 2.0**p.decay_bits if self.fixed else 1.0
        self.keep_u = 1.0 - row(p.du + p.u_offset) / unity
        self.keep_v = 1.0 - row(p.dv + p.v_offset) / unity
        self.align = 2.0**p.weight_shift if self.fixed else 1.0
        self.threshold = row(p.threshold) * (2.0**p.threshold_shift if self.fixed else 1.0)
        self.u = row(p.u0).expand(samples, -1)
        self.v = row(p.v0).expand(samples, -1)
        self.s: Tensor = torch.zeros(samples, p.size, dtype=torch.float64)
        self.population, self.bias = p, bias
        self.volts, self.offset = row(p.volts_per_unit), row(p.volts_offset)
        self.told: list[Tensor] = []
        self.spike = norse_functional("threshold").threshold

    def step(self, arriving: list[Tensor]) -> None:
        import torch

        p = self.population
        self.u = self._truncated(self.u * self.keep_u)
        for a in arriving:
            self.u = self.u + a * self.align
        if self.fixed:
            self.u = _folded(self.u, 2.0 ** (p.u_format.bits - 1))  # type: ignore[union-attr]
        self.v = self._truncated(self.v * self.keep_v) + self.u + self.bias
        if self.fixed:
            limit = 2.0 ** (p.v_format.bits - 1) - 1  # type: ignore[union-attr]
            self.v = torch.clamp(self.v, -limit, limit)
        if p.spiking:
            self.s = self.spike((self.v - self.threshold) / self.threshold, "super", STEEPNESS)
        elif self.fixed:
            self.s = (self.v > self.threshold).double()
        spiked = self.s.detach()
        after = self.v - self.threshold if p.reset == "subtract" else torch.zeros_like(self.v)
        self.v = torch.where(spiked > 0, after, self.v)
        self.told.append(self.s if p.spiking else self.v * self.volts + self.offset)

    def _truncated(self, x: Tensor) -> Tensor:
        import torch

        return _straight(x, torch.trunc(x)) if self.fixed else x


def _straight(exact: Tensor, rounded: Tensor) -> Tensor:
    """``rounded`` forward, ``exact`` backward."""
    return exact + (rounded - exact).detach()


def _folded(u: Tensor, limit: float) -> Tensor:
    import torch

    beyond = torch.where(u > limit, -2 * limit, torch.where(u <= -limit, 2 * limit, 0.0))
    return u + beyond.detach()


def _operand(weight: Tensor, c: ChipConnection) -> Tensor:
    """The weights as a matrix (N_target, N_source), or the kernel of a convolution."""
    import torch

    if not isinstance(c.pattern, SparsePattern):
        return weight
    target, source = torch.from_numpy(c.pattern.target), torch.from_numpy(c.pattern.source)
    return torch.zeros(c.shape, dtype=weight.dtype).index_put((target, source), weight)


def _product(weight: Tensor, spikes: Tensor, pattern: Any) -> Tensor:
    import torch

    if not isinstance(pattern, Convolution):
        return torch.nn.functional.linear(spikes, weight)
    images = spikes.reshape(-1, *pattern.source_shape)
    found = torch.nn.functional.conv2d(
        images,
        weight,
        stride=pattern.stride,
        padding=pattern.padding,
        dilation=pattern.dilation,
        groups=pattern.groups,
    )
    return found.reshape(*spikes.shape[:-1], -1)


def _bias_unit(chip: ChipNetwork, name: str, bias: LatentBias, latents: Mapping[str, Latent]) -> float:
    """A typical weight into the population, in the model's unit of a bias; a typical bias where there is none."""
    align = 2.0 ** chip.population(name).weight_shift
    slope = float(np.abs(bias.slope).mean())
    sizes = [
        float(np.sqrt(np.square(latents[c.name].weight).mean())) * 2.0**c.weight_exp * align
        for c in chip.connections
        if c.target == name and c.name in latents
    ]
    if not chip.is_fixed:
        sizes = [float(np.sqrt(np.square(latents[c.name].weight).mean())) for c in chip.connections if c.target == name]
    return (max(sizes, default=0.0) / slope if slope else 0.0) or float(np.abs(bias.bias).mean()) or 1.0
