r"""A multilayer perceptron in numpy whose errors come back through weights of their own.

Forward, for layers l = 1..L with ``x_0`` the image, one image a row::

    a_l = x_{l-1} W_l^T + b_l;     x_l = tanh(a_l) for l < L;     p = softmax(a_L)

Back, with the loss ``-mean log p[label]`` over the batch::

    d_L = (p - onehot) / batch;    d_{l-1} = (d_l B_l^T) (1 - x_{l-1}^2)    B_l (N_{l-1}, N_l)
    direct:                        d_l     = (d_L D_l^T) (1 - x_l^2)        D_l (N_l, N_L)
    dW_l = d_l^T x_{l-1};          db_l = sum of d_l over the batch

``B_l = W_l^T`` is backpropagation. ``B_1`` does not exist: nothing is below the first layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroalign.errors import InputError

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Layers:
    """Forward weights (N_l, N_{l-1}) and biases (N_l,), from the first layer to the last."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons of every layer, the input first."""
        return (self.weights[0].shape[1], *(w.shape[0] for w in self.weights))


@dataclass(frozen=True, eq=False)
class Gradients:
    """Of the loss, by layer, as ``errors`` (batch, N_l) are that they come from."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    errors: tuple[Array, ...]


def draw_layers(sizes: Sequence[int], rng: np.random.Generator, dtype: type = np.float32) -> Layers:
    """Weights ``N(0, 1 / N_{l-1})``, biases 0."""
    if len(sizes) < 2 or min(sizes) < 1:
        raise InputError(f"layer sizes {list(sizes)}: at least an input and an output of one neuron each are needed")
    weights = tuple(
        (rng.standard_normal((after, before)) / np.sqrt(before)).astype(dtype) for before, after in pairwise(sizes)
    )
    return Layers(weights, tuple(np.zeros(after, dtype=dtype) for after in sizes[1:]))


def forward(layers: Layers, images: Array) -> tuple[list[Array], Array]:
    """``x_0 .. x_{L-1}`` and the outputs ``a_L``."""
    activities = [images]
    for weight, bias in zip(layers.weights[:-1], layers.biases[:-1], strict=True):
        activities.append(np.tanh(activities[-1] @ weight.T + bias))
    return activities, activities[-1] @ layers.weights[-1].T + layers.biases[-1]


def softmax(outputs: Array) -> Array:
    """By row."""
    risen = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(risen / risen.sum(axis=1, keepdims=True))


def loss(layers: Layers, images: Array, labels: NDArray[np.int64]) -> float:
    """Mean cross entropy."""
    _, outputs = forward(layers, images)
    return float(-np.mean(np.log(softmax(outputs)[np.arange(len(labels)), labels])))


def accuracy(layers: Layers, images: Array, labels: NDArray[np.int64]) -> float:
    """Share of images whose largest output is their label."""
    _, outputs = forward(layers, images)
    return float(np.mean(outputs.argmax(axis=1) == labels))


def errors_by_layer(activities: Sequence[Array], top: Array, back: Sequence[Array], *, direct: bool) -> list[Array]:
    """``d_1 .. d_L`` from the error ``top`` of the outputs.

    Parameters
    ----------
    activities
        As :func:`forward` has them.
    back
        ``B_2 .. B_L``, or with ``direct`` ``D_1 .. D_{L-1}``.
    """
    errors = [top]
    for below, weight in zip(reversed(activities[1:]), reversed(list(back)), strict=True):
        errors.append(((top if direct else errors[-1]) @ weight.T) * (1 - below * below))
    return errors[::-1]


def gradients(
    layers: Layers, images: Array, labels: NDArray[np.int64], back: Sequence[Array], *, direct: bool = False
) -> Gradients:
    """Gradients of a batch as the backward weights make them; the true ones where ``back`` are the transposed weights."""
    activities, outputs = forward(layers, images)
    top = softmax(outputs)
    top[np.arange(len(labels)), labels] -= 1
    top /= top.dtype.type(len(labels))
    errors = errors_by_layer(activities, top, back, direct=direct)
    return Gradients(
        tuple(e.T @ x for e, x in zip(errors, activities, strict=True)),
        tuple(e.sum(axis=0) for e in errors),
        tuple(errors),
    )


def transposed(layers: Layers) -> tuple[Array, ...]:
    """``W_2^T .. W_L^T``: backpropagation's backward weights."""
    return tuple(w.T for w in layers.weights[1:])


def direct_products(layers: Layers) -> tuple[Array, ...]:
    """``(W_L .. W_{l+1})^T`` for l = 1..L-1: what direct feedback weights stand for."""
    found = [layers.weights[-1].T]
    for weight in reversed(layers.weights[1:-1]):
        found.append(weight.T @ found[-1])
    return tuple(found[::-1])
