"""RDD's spiking phase on Norse's neurons: two layers, kernels as sums over the last spikes, windows as they are stated.

The membrane is Norse's ``lif_box_feed_forward_step``, and the drive that is never reset its ``li_box_feed_forward_step``.
A refractory neuron has a threshold out of reach: its membrane runs on. Everything else is as in
:mod:`neuroalign.experiments.rdd_activity`, whose compiled steps this is compared with; here each sum over past spikes is
formed anew in every step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.sim.norse_reference.norse_functional import norse_functional

if TYPE_CHECKING:
    from torch import Tensor

FloatArray = NDArray[np.float64]
Spikes = NDArray[np.uint8]
Found = tuple[NDArray[np.int64], NDArray[np.bool_], FloatArray, FloatArray, FloatArray, NDArray[np.int64]]
"""Windows that ended: neuron, whether it spiked, largest drive, mean of q within, q before, step (from 1)."""

DT = 1e-3
OUT_OF_REACH = 1e30


class NorseWindowNeurons:
    """A driven layer and the one above it.

    Parameters
    ----------
    weight : (next, driven)
        Weights from driven to next layer, as the spiking phase uses them.
    scale
        Weight from each source to its neuron.
    kernel : (memory,)
        What a spike of this step, of the last one, ... gives.
    window, refractory : steps
    near
        Distance of the drive from threshold within which a window opens.
    leak, gain
        Membrane: ``v += leak (0 - v) + gain (B - v)`` a step.
    threshold, reset
        Of all neurons.
    """

    def __init__(
        self,
        weight: FloatArray,
        *,
        scale: float,
        kernel: FloatArray,
        window: int,
        near: float,
        refractory: int,
        leak: float,
        gain: float,
        threshold: float,
        reset: float,
    ) -> None:
        import torch

        above, driven = weight.shape
        self.weight, self.kernel = torch.from_numpy(weight.copy()), torch.from_numpy(kernel.copy())
        self.scale, self.window, self.near = scale, window, near
        self.threshold = threshold
        self.layers = tuple(_Layer(size, refractory, leak, gain, threshold, reset) for size in (driven, above))
        memory = kernel.size
        self.past = [torch.zeros(memory, size, dtype=torch.float64) for size in (driven, driven, above)]
        self.free = torch.full((driven,), reset, dtype=torch.float64)
        self.steps = 0
        self.left = np.zeros(driven, np.int64)
        self.spiked = np.zeros(driven, np.bool_)
        self.largest = np.zeros(driven)
        self.total, self.before = np.zeros((2, driven, above))

    def run(self, sources: Spikes) -> tuple[Found, Spikes, Spikes]:
        """The steps of ``sources`` (steps, driven): windows that end, and the spikes of both layers."""
        import torch

        ended: list[Any] = []
        spikes: list[tuple[Spikes, Spikes]] = []
        with torch.no_grad():
            for row in sources:
                spikes.append(self._step(torch.from_numpy(row.astype(np.float64)), ended))
        above = self.weight.shape[0]
        first_three = [np.array([window[k] for window in ended]) for k in range(3)]
        response, before = (np.array([w[k] for w in ended], np.float64).reshape(len(ended), above) for k in (3, 4))
        neuron, spiked, drive = (a.astype(t) for a, t in zip(first_three, (np.int64, bool, float), strict=True))
        first, second = (np.array(layer, np.uint8) for layer in zip(*spikes, strict=True))
        steps = np.array([window[5] for window in ended], np.int64)
        return (neuron, spiked, drive, response, before, steps), first, second

    def _step(self, source: Tensor, ended: list[Any]) -> tuple[Spikes, Spikes]:
        """One step: windows that end are added to ``ended``; the spikes of both layers."""
        import torch

        self.steps += 1
        q = (self.kernel @ self.past[2]).numpy()
        inside = self.left > 0
        self.largest = np.where(inside, np.maximum(self.largest, self.free.numpy()), self.largest)
        self.total[inside] += q
        drive = self.scale * self._filtered(0, source)
        spikes = self.layers[0].step(drive)
        self.free = self.layers[0].without_reset(self.free, drive)
        self.spiked |= inside & (spikes.numpy() > 0)
        self.left[inside] -= 1
        for i in np.flatnonzero(inside & (self.left == 0)):
            ended.append(
                (i, self.spiked[i], self.largest[i], self.total[i] / self.window, self.before[i].copy(), self.steps)
            )
        self.free = torch.where(torch.from_numpy(inside), self.free, self.layers[0].v)
        opens = (self.left == 0) & (np.abs(self.threshold - self.free.numpy()) <= self.near)
        self.left[opens], self.spiked[opens], self.largest[opens] = self.window, False, 0.0
        self.total[opens], self.before[opens] = 0.0, q
        spikes_next = self.layers[1].step(self.weight @ self._filtered(1, spikes))
        self._filtered(2, spikes_next)
        return spikes.numpy().astype(np.uint8), spikes_next.numpy().astype(np.uint8)

    def _filtered(self, which: int, spikes: Tensor) -> Tensor:
        """Take ``spikes`` into a history, the newest first, and weigh it by the kernel."""
        import torch

        self.past[which] = torch.cat((spikes[None], self.past[which][:-1]))
        return self.kernel @ self.past[which]


class _Layer:
    """Norse membranes with refractory steps in which they run on."""

    def __init__(self, size: int, refractory: int, leak: float, gain: float, threshold: float, reset: float) -> None:
        import torch

        self.lif, self.li = norse_functional("lif_box"), norse_functional("leaky_integrator_box")
        self.rate = torch.tensor((leak + gain) / DT, dtype=torch.float64)
        self.share = gain / (leak + gain)
        self.zero, self.reset = torch.zeros(size, dtype=torch.float64), torch.tensor(reset, dtype=torch.float64)
        self.threshold, self.refractory = threshold, refractory
        self.v = torch.full((size,), reset, dtype=torch.float64)
        self.resting = torch.zeros(size, dtype=torch.int64)

    def step(self, drive: Tensor) -> Tensor:
        """Spikes of this step."""
        import torch

        threshold = torch.where(self.resting > 0, OUT_OF_REACH, self.threshold).to(torch.float64)
        p = self.lif.LIFBoxParameters(self.rate, self.zero, threshold, self.reset, "heaviside")
        spikes, state = self.lif.lif_box_feed_forward_step(
            self.share * drive, self.lif.LIFBoxFeedForwardState(self.v), p, DT
        )
        self.v = state.v
        self.resting = torch.where(spikes > 0, self.refractory, (self.resting - 1).clamp(min=0))
        return torch.as_tensor(spikes)

    def without_reset(self, v: Tensor, drive: Tensor) -> Tensor:
        """The membrane ``v`` one step on, whatever it reaches."""
        import torch

        p = self.li.LIBoxParameters(self.rate, self.zero)
        found, _ = self.li.li_box_feed_forward_step(self.share * drive, self.li.LIBoxState(v), p, DT)
        return torch.as_tensor(found)
