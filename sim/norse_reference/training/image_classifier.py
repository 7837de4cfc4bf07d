"""Trains a spiking classifier of images, and goes on where it was interrupted.

Network (Norse's own steps)::

    pixels -> Affine -> hidden CubaLIF -> Affine -> LI, one for each class     class = argmax over sum over steps of v

Encoding
    A pixel of value p, 0 to 1, spikes in each step with probability p; training draws fresh spikes for every batch.
Training
    Cross entropy on the mean readout, a small cost on hidden membranes far below rest, SuperSpike, Adam with its rate
    falling along half a cosine, batches and spikes drawn from the seed and the epoch, one thread.

Weights are limited to a multiple of their root mean square, because few large weights set a chip's step for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.network import Connection, InputPort, Network, Population
from neuroalign.sim.norse_reference.norse_functional import norse_functional
from neuroalign.sim.norse_reference.training.checkpoint import Checkpoint

if TYPE_CHECKING:
    from torch import Tensor

Pixels = NDArray[np.float32]
Labels = NDArray[np.int64]
Progress = Callable[[str, int, int], None]

DT = 1e-3  # s
TAU_SYN, TAU_MEM, TAU_OUT = 5e-3, 10e-3, 20e-3  # s
V_THRESHOLD = 1.0  # V
BATCH = 100
LARGEST_OVER_RMS = 6.0
UNDERSHOOT_COST = 3e-4


@dataclass(frozen=True)
class Training:
    """How a classifier is trained: size of the hidden layer, steps an image is shown, passes over all images, Adam's rate."""

    seed: int
    hidden: int = 256
    steps: int = 20
    epochs: int = 10
    rate: float = 5e-4


def bernoulli(pixels: NDArray[Any], steps: int, seed: list[int]) -> NDArray[np.uint8]:
    """Spikes (images, steps, pixels) of ``pixels`` (images, pixels), 0 to 1: the same for the same seed."""
    draws = np.random.default_rng(seed).random((len(pixels), steps, pixels.shape[1]), dtype=np.float32)
    return (draws < pixels[:, np.newaxis, :]).astype(np.uint8)


def train_classifier(
    pixels: Pixels,
    labels: Labels,
    classes: int,
    training: Training,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Network:
    """Train, and give the network in SI units.

    Parameters
    ----------
    pixels : (images, pixels)
        0 to 1.
    checkpoint
        A file that holds the state after every epoch; training goes on from it.
    progress
        Called with (what, epochs done, epochs).

    Raises
    ------
    FileFormatError, InputError
        If the checkpoint is none, or of another training.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the order of summation, hence every bit, depends on it
    try:
        parameters = _start(pixels.shape[1], classes, training)
        optimiser = torch.optim.Adam(parameters, lr=training.rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, training.epochs)
        run = Checkpoint(checkpoint, asdict(training), parameters, (optimiser, schedule))
        stored = run.load()
        for epoch in range(stored["epochs"] if stored else 0, training.epochs):
            loss = _epoch(pixels, labels, training, epoch, parameters, optimiser)
            schedule.step()
            run.save({"epochs": epoch + 1, "loss": loss})
            if progress is not None:
                progress(f"training, seed {training.seed}", epoch + 1, training.epochs)
    finally:
        torch.set_num_threads(threads)
    return _network([p.detach().numpy().astype(np.float64) for p in parameters])


def _start(pixels: int, classes: int, training: Training) -> list[Tensor]:
    """Weight and bias of both layers, so that an image drives the hidden membranes to about threshold."""
    import torch

    generator = torch.Generator().manual_seed(training.seed)
    return [
        (torch.randn(training.hidden, pixels, generator=generator) * (0.16 / pixels**0.5)).requires_grad_(),
        torch.full((training.hidden,), 0.005, requires_grad=True),
        (torch.randn(classes, training.hidden, generator=generator) * 0.05).requires_grad_(),
        torch.zeros(classes, requires_grad=True),
    ]


def _epoch(
    pixels: Pixels, labels: Labels, training: Training, epoch: int, parameters: list[Tensor], optimiser: Any
) -> float:
    import torch

    order = np.random.default_rng([training.seed, epoch]).permutation(len(labels))
    total = 0.0
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        spikes = torch.from_numpy(bernoulli(pixels[rows], training.steps, [training.seed, epoch, start]))
        mean_v, undershoot = _run(parameters, spikes.float())
        loss = torch.nn.functional.cross_entropy(mean_v, torch.from_numpy(labels[rows])) + UNDERSHOOT_COST * undershoot
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            for weight in (parameters[0], parameters[2]):
                bound = LARGEST_OVER_RMS * float(weight.square().mean().sqrt())
                weight.clamp_(-bound, bound)
        total += float(loss.detach()) * len(rows)
    return total / len(order)


def _run(parameters: list[Tensor], spikes: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of the readout's membrane (images, classes), and the mean squared undershoot below ``-V_THRESHOLD``."""
    import torch

    lif, box = norse_functional("lif"), norse_functional("leaky_integrator_box")
    w_hidden, b_hidden, w_out, b_out = parameters
    samples, steps, _ = spikes.shape
    hidden_p = lif.LIFParameters(
        tau_syn_inv=torch.tensor(1 / TAU_SYN),
        tau_mem_inv=torch.tensor(1 / TAU_MEM),
        v_th=torch.tensor(V_THRESHOLD),
        method="super",
        alpha=torch.tensor(20.0),
    )
    out_p = box.LIBoxParameters(tau_mem_inv=torch.tensor(1 / TAU_OUT))
    zeros = torch.zeros(samples, len(w_hidden))
    hidden, out = lif.LIFFeedForwardState(v=zeros, i=zeros), box.LIBoxState(v=torch.zeros(samples, len(w_out)))
    drive = torch.nn.functional.linear(spikes, w_hidden, b_hidden) * (TAU_MEM / DT)
    total, undershoot = torch.zeros(samples, len(w_out)), torch.zeros(())
    for step in range(steps):
        fired, hidden = lif.lif_feed_forward_step(drive[:, step], hidden, hidden_p, dt=DT)
        inward = torch.nn.functional.linear(fired, w_out, b_out) * (TAU_OUT / DT)
        v, out = box.li_box_feed_forward_step(inward, out, out_p, dt=DT)
        total = total + v
        undershoot = undershoot + torch.relu(-V_THRESHOLD - hidden.v).square().mean()
    return total / steps, undershoot / steps


def _network(parameters: list[NDArray[np.float64]]) -> Network:
    w_hidden, b_hidden, w_out, b_out = parameters
    pixels, hidden, classes = w_hidden.shape[1], len(w_hidden), len(w_out)
    zeros, tens = np.zeros(hidden), np.zeros(classes)
    populations = (
        Population(
            name="hidden",
            kind="CubaLIF",
            shape=(hidden,),
            tau_mem=zeros + TAU_MEM,
            tau_syn=zeros + TAU_SYN,
            r=zeros + TAU_MEM / DT,
            w_in=zeros + TAU_SYN / DT,
            v_leak=zeros,
            v_threshold=zeros + V_THRESHOLD,
            v_reset=zeros,
            bias=b_hidden,
            v0=zeros,
            i0=zeros,
        ),
        Population(
            name="readout",
            kind="LI",
            shape=(classes,),
            tau_mem=tens + TAU_OUT,
            tau_syn=tens,
            r=tens + TAU_OUT / DT,
            w_in=tens + 1.0,
            v_leak=tens,
            v_threshold=tens + np.inf,
            v_reset=tens,
            bias=b_out,
            v0=tens,
            i0=tens,
        ),
    )
    connections = (
        Connection("fc_hidden", "input", "hidden", w_hidden),
        Connection("fc_readout", "hidden", "readout", w_out),
    )
    return Network(
        "image classifier", DT, (InputPort("input", (pixels,)),), populations, connections, (("output", "readout"),)
    )
