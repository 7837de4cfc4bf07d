"""Trains a :class:`~neuroalign.sim.norse_reference.training.chip_form.ChipForm`: quantisation-aware fine-tuning.

Towards labels, the loss is the cross entropy of the output with most neurons: its spikes in a sample, or the mean of v, times
a factor that suits the network as it is. Towards the float model, it is how far all outputs are from what that gives on the
same input: spikes of a neuron in a sample, or mean v, the squared difference as a share of their mean square. Every ``HELD_OUT``-th sample is not trained on; what is
returned is the epoch, the start among them, that does best on those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.chip import ChipNetwork
from neuroalign.errors import InputError
from neuroalign.sim.norse_reference.training.checkpoint import Checkpoint
from neuroalign.sim.norse_reference.training.chip_form import ChipForm

if TYPE_CHECKING:
    from torch import Tensor

Spikes = Mapping[str, NDArray[Any]]
Draw = Callable[[NDArray[np.int64], int], Spikes]
"""(samples by number, epoch) to their input; a data set that is drawn anew may look at the epoch."""
Progress = Callable[[str, int, int], None]
HELD_OUT = 10
SCALES = np.geomspace(0.05, 4.0, 20)
"""Spreads of the logits to choose from: much larger ones leave nothing to learn from what is right already."""


@dataclass(frozen=True)
class TuningOptions:
    """How to fine-tune.

    Parameters
    ----------
    epochs, batch
        Passes over the samples; samples a step.
    rate
        Adam's, in shares of a typical weight; it falls along half a cosine.
    seed
        Of the order of the samples.
    checkpoint
        A file that holds the state after every epoch; the same call goes on from it.
    progress
        Called with (what, steps done, steps).
    """

    epochs: int = 3
    batch: int = 100
    rate: float = 2e-3
    seed: int = 0
    checkpoint: Path | None = None
    progress: Progress | None = None


@dataclass(frozen=True, eq=False)
class Samples:
    """What is trained on.

    Parameters
    ----------
    draw
        Gives the input of some of the ``count`` samples.
    labels : (count,) or None
        Classes.
    wanted
        From samples by number, and their input, to what each output population should give, (samples, N): spikes of a
        neuron, or mean v. Where it is given, labels only tell the accuracy.
    """

    count: int
    draw: Draw
    labels: NDArray[np.int64] | None = None
    wanted: Callable[[NDArray[np.int64], Spikes], Mapping[str, NDArray[np.float64]]] | None = None


@dataclass(frozen=True)
class Epoch:
    """Loss on held-out samples, and their accuracy where there are labels."""

    loss: float
    accuracy: float | None


@dataclass(frozen=True, eq=False)
class Tuned:
    """Latent weights and biases of the best epoch (0: the start), and what every epoch reached."""

    weights: Mapping[str, NDArray[np.float64]]
    biases: Mapping[str, NDArray[np.float64]]
    best: int
    epochs: tuple[Epoch, ...]


def tune(
    form: ChipForm, samples: Samples, options: TuningOptions, again: Callable[[ChipForm], ChipNetwork] | None = None
) -> Tuned:
    """Fine-tune ``form``.

    Parameters
    ----------
    again
        From the form to the chip network that its latent numbers compile to, for exponents and start states.

    Raises
    ------
    InputError
        If there are too few samples, or nothing to compare with.
    """
    import torch

    train, held = _split(samples)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the order of summation, hence every bit, depends on it
    try:
        optimiser = torch.optim.Adam(form.parameters(), lr=options.rate)
        steps = options.epochs * -(-len(train) // options.batch)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1))
        loss = _loss(form, samples, held[: 10 * options.batch], options.batch)
        epochs = [_judge(form, samples, held, options, loss)]
        best, kept = 0, _numbers(form)
        run = Checkpoint(options.checkpoint, _said(form, samples, options), form.parameters(), (optimiser, schedule))
        stored = run.load()
        if stored is not None:
            epochs, best, kept = [Epoch(*e) for e in stored["epochs"]], stored["best"], _arrays(stored["kept"])
            form.refresh(again(form) if again is not None else form.chip)
        for epoch in range(len(epochs) - 1, options.epochs):
            _pass(form, samples, train, options, epoch, optimiser, schedule, loss)
            if again is not None:
                form.refresh(again(form))
            epochs.append(_judge(form, samples, held, options, loss))
            if _better(epochs[-1], epochs[best], samples):
                best, kept = epoch + 1, _numbers(form)
            run.save({"epochs": [astuple(e) for e in epochs], "best": best, "kept": _tensors(kept)})
    finally:
        torch.set_num_threads(threads)
    return Tuned(kept[0], kept[1], best, tuple(epochs))


Numbers = tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]
Loss = Callable[[Mapping[str, "Tensor"], NDArray[np.int64], Spikes], "Tensor"]


def _split(samples: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if samples.count < 2:
        raise InputError(
            f"fine-tuning needs at least 2 samples, there are {samples.count}; some are held out to judge by"
        )
    rows = np.arange(samples.count)
    held = rows % min(HELD_OUT, samples.count) == 0
    return rows[~held], rows[held]


def _pass(
    form: ChipForm,
    samples: Samples,
    train: NDArray[np.int64],
    options: TuningOptions,
    epoch: int,
    optimiser: Any,
    schedule: Any,
    loss: Loss,
) -> None:
    order = np.random.default_rng([options.seed, epoch]).permutation(train)
    starts = range(0, len(order), options.batch)
    for done, start in enumerate(starts):
        rows = order[start : start + options.batch]
        given = samples.draw(rows, epoch + 1)
        value = loss(form.run(given), rows, given)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        schedule.step()
        form.limit()
        if options.progress is not None:
            options.progress("fine-tuning", epoch * len(starts) + done + 1, options.epochs * len(starts))


def _judge(form: ChipForm, samples: Samples, held: NDArray[np.int64], options: TuningOptions, loss: Loss) -> Epoch:
    """Loss and accuracy on samples that are not trained on, drawn as for epoch 0."""
    import torch

    total, right = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(held), options.batch):
            rows = held[start : start + options.batch]
            given = samples.draw(rows, 0)
            found = form.run(given)
            total += float(loss(found, rows, given)) * len(rows)
            if samples.labels is not None:
                right += int((_sums(form, found).argmax(1).numpy() == samples.labels[rows]).sum())
    return Epoch(total / len(held), None if samples.labels is None else right / len(held))


def _better(new: Epoch, old: Epoch, samples: Samples) -> bool:
    if samples.wanted is not None:
        return new.loss < old.loss
    return (-(new.accuracy or 0.0), new.loss) < (-(old.accuracy or 0.0), old.loss)


def _loss(form: ChipForm, samples: Samples, rows: NDArray[np.int64], batch: int) -> Loss:
    """The loss, its scale chosen for the network as it is."""
    import torch

    if samples.wanted is not None:
        return _distance(form, samples.wanted)
    if samples.labels is None:
        raise InputError("fine-tuning needs labels, or outputs of the float model, to train towards")
    labels = torch.from_numpy(np.asarray(samples.labels))
    entropy = torch.nn.functional.cross_entropy
    with torch.no_grad():
        found = torch.cat(
            [_sums(form, form.run(samples.draw(rows[k : k + batch], 0))) for k in range(0, len(rows), batch)]
        )
        scale = min(SCALES, key=lambda s: float(entropy(found * s / _spread(found), labels[rows])))
        factor = float(scale / _spread(found))
    return lambda found, rows, given: entropy(_sums(form, found) * factor, labels[rows])


def _spread(found: Tensor) -> float:
    """Root mean square over the classes, about the mean of each sample."""
    return float((found - found.mean(1, keepdim=True)).square().mean().sqrt()) or 1.0


def _distance(form: ChipForm, wanted: Callable[[NDArray[np.int64], Spikes], Mapping[str, NDArray[np.float64]]]) -> Loss:
    import torch

    def loss(found: Mapping[str, Tensor], rows: NDArray[np.int64], given: Spikes) -> Tensor:
        parts = []
        for name, array in wanted(rows, given).items():
            goal = torch.from_numpy(np.asarray(array, dtype=np.float64))
            size = float(goal.square().mean()) or 1.0
            parts.append((_over_time(form, found, name) - goal).square().mean() / size)
        return torch.stack(parts).mean()

    return loss


def _over_time(form: ChipForm, found: Mapping[str, Tensor], name: str) -> Tensor:
    """Spikes of each neuron in a sample, or its mean v."""
    return found[name].sum(1) if form.populations[name].spiking else found[name].mean(1)


def _sums(form: ChipForm, found: Mapping[str, Tensor]) -> Tensor:
    """What decides: of the output with most neurons."""
    _, name = max((form.populations[target].size, target) for _, target in form.chip.outputs)
    return _over_time(form, found, name)


def _numbers(form: ChipForm) -> Numbers:
    return (
        {name: form.latent_weight(name) for name in form.latents},
        {name: form.model_bias(name) for name in form.biases},
    )


def _tensors(numbers: Numbers) -> list[dict[str, Any]]:
    import torch

    return [{name: torch.from_numpy(a) for name, a in part.items()} for part in numbers]


def _arrays(stored: list[dict[str, Any]]) -> Numbers:
    weights, biases = ({name: np.asarray(a.numpy()) for name, a in part.items()} for part in stored)
    return weights, biases


def _said(form: ChipForm, samples: Samples, options: TuningOptions) -> dict[str, Any]:
    """What a checkpoint must be of to go on from it."""
    start = hashlib.sha256()
    for _, value in sorted({**form.weights, **form.bias_values}.items()):
        start.update(value.detach().numpy().tobytes())
    said = asdict(replace(options, checkpoint=None, progress=None))
    return {"start": start.hexdigest(), "samples": samples.count, **said}
