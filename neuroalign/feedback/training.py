"""Training a network with any method: the same start, the same batches, and what is measured on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neuroalign.datasets.images import Images
from neuroalign.errors import InputError
from neuroalign.feedback.alignment import error_angles, weight_angles
from neuroalign.feedback.methods import Back, Method, Update
from neuroalign.feedback.network import Array, Layers, accuracy, draw_layers, gradients

PROBED_IMAGES = 256
"""Images of the training split on which error angles are measured."""


@dataclass(frozen=True)
class Settings:
    """How to train; everything but ``rate`` is the same for all methods.

    Parameters
    ----------
    hidden
        Neurons of the hidden layers.
    rate, momentum
        ``v := momentum v - r gradient;  w := (1 - decay) w + v``, where r falls from ``rate`` linearly to 0 over all
        batches.
    decay
        Of the weights, a step; biases have none.
    """

    hidden: tuple[int, ...]
    epochs: int
    rate: float
    batch: int = 32
    momentum: float = 0.9
    decay: float = 1e-3

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise InputError(f"hidden layers {list(self.hidden)}: at least one layer of one neuron is needed")
        if self.epochs < 1 or self.batch < 1:
            raise InputError(f"{self.epochs} epochs of batches of {self.batch}; both must be 1 or more")
        if not 0 < self.rate < float("inf") or not 0 <= self.momentum < 1 or not 0 <= self.decay < 1:
            raise InputError(
                f"rate {self.rate}, momentum {self.momentum}, decay {self.decay}: a positive rate and shares below 1 are needed"
            )


@dataclass(frozen=True, eq=False)
class Trained:
    """The network after training, and its course by epoch.

    Parameters
    ----------
    accuracy : (epochs,)
        On the test split, after each epoch.
    weight_angles, error_angles : (epochs, hidden layers)
        In degrees, as backward weights were in the last batch of the epoch; see :mod:`neuroalign.feedback.alignment`.
    seconds, phase_seconds
        Of wall time in all, and of it in phases.
    """

    layers: Layers
    back: Back
    accuracy: tuple[float, ...]
    weight_angles: tuple[tuple[float, ...], ...]
    error_angles: tuple[tuple[float, ...], ...]
    seconds: float
    phase_seconds: float


def train(
    data: Images, method: Method, settings: Settings, seed: int, tell: Callable[[int, float], None] | None = None
) -> Trained:
    """Train with ``method``. Weights at the start and the order of images depend on ``seed`` alone.

    ``tell`` is called after each epoch with its number (from 1) and the accuracy.
    """
    begun = time.perf_counter()
    sizes = (data.pixels, *settings.hidden, data.classes)
    layers = draw_layers(sizes, np.random.default_rng([seed, 0]), data.train.dtype.type)
    order, own = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    back = method.start(layers, own)
    velocity = (tuple(map(np.zeros_like, layers.weights)), tuple(map(np.zeros_like, layers.biases)))
    found: tuple[list[float], list[tuple[float, ...]], list[tuple[float, ...]]] = ([], [], [])
    in_phases = 0.0
    probe = slice(0, PROBED_IMAGES)
    for epoch in range(settings.epochs):
        chosen = batches(len(data.train), settings.batch, order)
        aligned_at = [len(chosen) * k // method.phases for k in range(method.phases)]
        for done, rows in enumerate(chosen):
            if done in aligned_at:
                before = time.perf_counter()
                back = method.align(back, layers, epoch * method.phases + aligned_at.index(done), own)
                in_phases += time.perf_counter() - before
            rate = settings.rate * (1 - (epoch + done / len(chosen)) / settings.epochs)
            made = gradients(layers, data.train[rows], data.train_labels[rows], back.weights, direct=method.direct)
            velocity = (
                _faster(velocity[0], made.weights, rate, settings.momentum),
                _faster(velocity[1], made.biases, rate, settings.momentum),
            )
            layers = moved(layers, velocity, settings.decay)
            back = method.follow(back, layers, Update(velocity[0][1:], settings.decay), own)
        found[0].append(accuracy(layers, data.test, data.test_labels))
        found[1].append(tuple(weight_angles(layers, back.weights, direct=method.direct)))
        found[2].append(
            tuple(error_angles(layers, back.weights, data.train[probe], data.train_labels[probe], direct=method.direct))
        )
        if tell is not None:
            tell(epoch + 1, found[0][-1])
    return Trained(
        layers, back, tuple(found[0]), tuple(found[1]), tuple(found[2]), time.perf_counter() - begun, in_phases
    )


def batches(images: int, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The images in random order, cut into batches; a last one that is not full is left out (unless it is the only one)."""
    order = rng.permutation(images)
    full = max(1, images // size)
    return [order[k * size : (k + 1) * size] for k in range(full)]


def moved(layers: Layers, velocity: tuple[tuple[Array, ...], tuple[Array, ...]], decay: float) -> Layers:
    """Weights and biases after one step."""
    return Layers(
        tuple(w * w.dtype.type(1 - decay) + v for w, v in zip(layers.weights, velocity[0], strict=True)),
        tuple(b + v for b, v in zip(layers.biases, velocity[1], strict=True)),
    )


def _faster(
    velocity: tuple[Array, ...], gradient: tuple[Array, ...], rate: float, momentum: float
) -> tuple[Array, ...]:
    return tuple(v * v.dtype.type(momentum) - v.dtype.type(rate) * g for v, g in zip(velocity, gradient, strict=True))
