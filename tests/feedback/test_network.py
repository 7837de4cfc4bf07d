"""The network's gradients against finite differences and against loops written from the definitions."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.errors import InputError
from neuroalign.feedback.alignment import error_angles, weight_angles
from neuroalign.feedback.network import Layers, direct_products, draw_layers, forward, gradients, loss, transposed

SIZES = (5, 7, 6, 4, 3)


def made(seed: int = 0) -> tuple[Layers, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    layers = draw_layers(SIZES, rng, np.float64)
    layers = Layers(layers.weights, tuple(rng.standard_normal(b.shape) for b in layers.biases))
    return layers, rng.standard_normal((9, 5)), rng.integers(0, 3, 9)


def test_backpropagation_is_the_gradient_of_the_loss() -> None:
    layers, images, labels = made()
    found = gradients(layers, images, labels, transposed(layers))
    step = 1e-6
    for kind, arrays in (("weights", layers.weights), ("biases", layers.biases)):
        for layer, array in enumerate(arrays):
            for index in np.ndindex(array.shape):
                losses = []
                for sign in (1, -1):
                    changed = [a.copy() for a in arrays]
                    changed[layer][index] += sign * step
                    losses.append(loss(Layers(**(vars(layers) | {kind: tuple(changed)})), images, labels))
                slope = (losses[0] - losses[1]) / (2 * step)
                assert getattr(found, kind)[layer][index] == pytest.approx(slope, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("direct", [False, True])
def test_other_backward_weights_are_used_as_defined(direct: bool) -> None:
    layers, images, labels = made(1)
    rng = np.random.default_rng(2)
    hidden, last = SIZES[1:-1], SIZES[-1]
    above = [last] * len(hidden) if direct else list(SIZES[2:])
    back = [rng.standard_normal((n, m)) for n, m in zip(hidden, above, strict=True)]
    found = gradients(layers, images, labels, back, direct=direct)
    expected = [np.zeros(w.shape) for w in layers.weights]
    for image, label in zip(images, labels, strict=True):  # one image and one neuron at a time
        x = [image]
        for weight, bias in zip(layers.weights, layers.biases, strict=True):
            total = np.array(
                [bias[i] + sum(weight[i, j] * x[-1][j] for j in range(len(x[-1]))) for i in range(len(bias))]
            )
            x.append(np.tanh(total) if len(x) < len(layers.weights) else total)
        p = np.exp(x[-1]) / np.exp(x[-1]).sum()
        top = (p - np.eye(last)[label]) / len(images)
        errors = {len(hidden): top}
        for k in reversed(range(len(hidden))):
            source = top if direct else errors[k + 1]
            errors[k] = (back[k] @ source) * (1 - x[k + 1] ** 2)
        for k in range(len(layers.weights)):
            expected[k] += np.outer(errors[k], x[k])
    for a, b in zip(found.weights, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_angles_are_zero_for_backpropagation_and_a_right_one_for_orthogonal_weights() -> None:
    layers, images, labels = made(3)
    assert weight_angles(layers, transposed(layers), direct=False) == pytest.approx([0, 0, 0], abs=1e-5)
    assert weight_angles(layers, direct_products(layers), direct=True) == pytest.approx([0, 0, 0], abs=1e-5)
    assert error_angles(layers, transposed(layers), images, labels, direct=False) == pytest.approx([0] * 3, abs=1e-5)
    opposite = [-b for b in transposed(layers)]
    assert weight_angles(layers, opposite, direct=False) == pytest.approx([180] * 3)
    # one change of sign turns the errors of the layer below round, two turn them back
    assert error_angles(layers, opposite, images, labels, direct=False) == pytest.approx([180, 0, 180], abs=1e-5)


def test_direct_products_are_what_a_linear_network_has() -> None:
    layers, _, _ = made(4)
    small = Layers(layers.weights, tuple(np.zeros_like(b) for b in layers.biases))
    vector = np.random.default_rng(5).standard_normal((1, 5)) * 1e-5
    activities, outputs = forward(small, vector)
    for x, product in zip(activities[1:], direct_products(small), strict=True):
        np.testing.assert_allclose(x @ product, outputs, rtol=1e-6)


def test_a_network_without_neurons_is_refused() -> None:
    with pytest.raises(InputError, match="layer sizes"):
        draw_layers((4, 0, 2), np.random.default_rng(0))
