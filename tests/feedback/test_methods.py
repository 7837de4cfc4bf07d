"""What each method does to its backward weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neuroalign.datasets.digits import load_digits
from neuroalign.datasets.images import Images
from neuroalign.errors import InputError
from neuroalign.feedback.methods import (
    Back,
    Update,
    method_named,
    methods,
    mirrored,
    moved_alike,
    random_back,
    sign_copied,
)
from neuroalign.feedback.network import Layers, draw_layers, transposed
from neuroalign.feedback.protocols import DIGITS, FASHION
from neuroalign.feedback.training import Settings, batches, train
from neuroalign.fidelity.learning import angle_degrees


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def few_digits(images: int = 160) -> Images:
    data = load_digits()
    return Images("few", data.train[:images], data.train_labels[:images], data.test[:50], data.test_labels[:50])


def test_kolen_pollack_closes_in_by_the_decay_of_every_step() -> None:
    layers = draw_layers((4, 6, 5), rng(), np.float64)
    back = random_back(layers, rng(1))
    before = back.weights[0] - layers.weights[1].T
    decay, weight = 0.03, layers.weights[1]
    for step in range(40):
        move = rng(step).standard_normal(weight.shape)
        weight = (1 - decay) * weight + move
        back = moved_alike(back, layers, Update((move,), decay), rng())
    np.testing.assert_allclose(back.weights[0] - weight.T, before * (1 - decay) ** 40, atol=1e-12)


def test_sign_symmetry_has_the_signs_and_its_own_magnitudes() -> None:
    layers = draw_layers((4, 6, 5), rng(), np.float64)
    drawn = random_back(layers, rng(1))
    back = sign_copied(drawn, layers, None, rng())
    np.testing.assert_array_equal(np.sign(back.weights[0]), np.sign(layers.weights[1].T))
    np.testing.assert_array_equal(np.abs(back.weights[0]), np.abs(drawn.weights[0]))


def test_the_weight_mirror_finds_the_weights_and_a_wrong_orientation_would_not() -> None:
    layers = draw_layers((4, 30, 30), rng(), np.float64)
    back = mirrored(random_back(layers, rng(1)), layers, rng(2), batches=300)
    weight, found = (np.asarray(a, np.float64) for a in (layers.weights[1], back.weights[0]))
    right, wrong = angle_degrees(weight.T, found), angle_degrees(weight, found)
    assert right is not None
    assert wrong is not None
    assert right < 10 < 60 < wrong


def test_the_weight_mirror_follows_the_moving_average_of_its_noise() -> None:
    layers = draw_layers((3, 4, 5), rng(), np.float64)
    start = random_back(layers, rng(1))
    noise = rng(9).standard_normal((128, 4))
    seen = np.zeros((4, 5))
    for x in noise:
        seen += np.outer(x, layers.weights[1] @ x) / 128
    expected = 0.98 * start.weights[0] + 0.02 * seen
    np.testing.assert_allclose(mirrored(start, layers, rng(9)).weights[0], expected, rtol=1e-10)


@pytest.mark.parametrize("name", ["fa", "dfa"])
def test_fixed_feedback_stays(name: str) -> None:
    method = method_named(name)
    settings = Settings((12, 11), 2, 0.1)
    first, last = (train(few_digits(), method, settings, 3), train(few_digits(), method, settings, 3))
    layers = draw_layers((64, 12, 11, 10), np.random.default_rng([3, 0]))
    for a, b, c in zip(
        method.start(layers, np.random.default_rng([3, 2])).weights, first.back.weights, last.back.weights, strict=True
    ):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(b, c)


def test_methods_start_alike_and_see_the_same_images() -> None:
    """At a rate next to nothing all methods stay at the same network."""
    settings = Settings((12, 11), 1, 1e-12, decay=0.0)
    found = [train(few_digits(), method_named(name), settings, 5).layers for name in ("bp", "fa", "dfa", "kp")]
    for layers in found[1:]:
        for a, b in zip(found[0].weights, layers.weights, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-9)


def test_backpropagation_equals_plain_steps_by_hand() -> None:
    data = few_digits(96)
    settings = Settings((9,), 2, 0.2, momentum=0.5, decay=0.01)
    found = train(data, method_named("bp"), settings, 1).layers
    layers = draw_layers((64, 9, 10), np.random.default_rng([1, 0]))
    w = [a.astype(np.float64) for a in layers.weights]
    b = [a.astype(np.float64) for a in layers.biases]
    speed = [np.zeros_like(a) for a in (*w, *b)]
    order = np.random.default_rng([1, 1])
    for epoch in range(2):
        for k, rows in enumerate(batches(96, 32, order)):
            rate = 0.2 * (1 - (epoch + k / 3) / 2)
            x, label = data.train[rows].astype(np.float64), np.eye(10)[data.train_labels[rows]]
            h = np.tanh(x @ w[0].T + b[0])
            out = np.exp(h @ w[1].T + b[1])
            top = (out / out.sum(1, keepdims=True) - label) / 32
            low = (top @ w[1]) * (1 - h**2)
            slopes = (low.T @ x, top.T @ h, low.sum(0), top.sum(0))
            speed = [0.5 * v - rate * s for v, s in zip(speed, slopes, strict=True)]
            w = [0.99 * a + v for a, v in zip(w, speed[:2], strict=True)]
            b = [a + v for a, v in zip(b, speed[2:], strict=True)]
    for mine, theirs in zip((*found.weights, *found.biases), (*w, *b), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", [name for name, method in methods().items() if not method.spiking])
def test_every_method_trains(name: str) -> None:
    result = train(few_digits(), method_named(name), Settings((12, 11), 2, 0.1), 1)
    assert len(result.accuracy) == 2
    assert np.array(result.error_angles).shape == (2, 2)
    assert all(np.isfinite(w).all() for w in result.layers.weights)


def test_phases_are_spread_over_an_epoch() -> None:
    seen: list[tuple[int, float]] = []

    def align(back: Back, layers: Layers, number: int, own: np.random.Generator) -> Back:
        seen.append((number, float(layers.weights[0][0, 0])))
        return back

    method = replace(method_named("fa"), align=align, phases=2)
    train(few_digits(), method, Settings((8,), 2, 0.1), 1)
    assert [number for number, _ in seen] == [0, 1, 2, 3]
    assert len({weight for _, weight in seen}) == 4  # what is aligned with has changed each time


def test_unknown_methods_are_named() -> None:
    with pytest.raises(InputError, match="'magic' is unknown; one of bp, fa"):
        method_named("magic")


def test_back_of_backpropagation_is_the_transposed_network() -> None:
    result = train(few_digits(), method_named("bp"), Settings((12,), 1, 0.1), 1)
    assert isinstance(result.back, Back)
    assert isinstance(result.layers, Layers)
    for a, b in zip(result.back.weights, transposed(result.layers), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"hidden": ()}, "at least one layer"), ({"epochs": 0}, "must be 1 or more"), ({"rate": -1.0}, "positive rate")],
)
def test_impossible_settings_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings(**({"hidden": (3,), "epochs": 1, "rate": 0.1} | changes))  # type: ignore[arg-type]


def test_a_data_set_may_have_a_method_of_its_own() -> None:
    assert (DIGITS.method("sal").phases, FASHION.method("sal").phases) == (1, 4)
    assert FASHION.method("stdwi").title == method_named("stdwi").title
    with pytest.raises(InputError, match="'bptt' is unknown"):
        FASHION.method("bptt")
