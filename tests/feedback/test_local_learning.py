"""The network that learns on chip by itself: its rule by hand, and that it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuroalign.chip import first_difference
from neuroalign.datasets.digits import load_digits
from neuroalign.datasets.images import Images
from neuroalign.feedback.local_learning import (
    ERROR,
    FIRST,
    HIDDEN,
    HIDDEN_ERROR,
    OUTPUT,
    PIXELS,
    SECOND,
    TEACHER,
    LocalSettings,
    judged,
    learn_locally,
    local_network,
    with_weights,
    without_learning,
)
from neuroalign.sim.emulator import Emulator

SMALL = LocalSettings(hidden=12, steps=20, epochs=1, thresholds=(40, 40, 1, 100))


def advanced(steps: int = 200, *, deep: bool = True) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Spikes of every population, and weights, after a while of random input."""
    rng = np.random.default_rng(0)
    network = local_network(8, 3, replace(SMALL, deep=deep), 1)
    names = (HIDDEN, OUTPUT, ERROR, HIDDEN_ERROR)
    session = Emulator().start(network, probes=[(name, "s") for name in names])
    given = {PIXELS: rng.random((steps, 8)) < 0.5, TEACHER: rng.random((steps, 3)) < 0.3}
    found = session.advance({name: spikes.astype(np.uint8) for name, spikes in given.items()})
    return {name: found[name, "s"] for name in names}, {n: session.read(n, "w") for n in (FIRST, SECOND)}


def test_error_neurons_send_missing_and_superfluous_spikes_with_their_sign() -> None:
    spikes, _ = advanced()
    assert set(np.unique(spikes[ERROR])) == {-1, 0, 1}
    assert set(np.unique(spikes[OUTPUT])) == {0, 1}


def test_weights_move_by_the_error_of_their_own_target() -> None:
    """A teacher that is always silent can only lower the weights of outputs; one that always spikes only raises them."""
    for taught, sign in ((0, -1), (1, 1)):
        network = local_network(8, 3, replace(SMALL, thresholds=(20, 60, 0, 10**5)), 1)
        session = Emulator().start(network, probes=[(ERROR, "s"), (OUTPUT, "s")])
        rng = np.random.default_rng(1)
        pixels = (rng.random((400, 8)) < 0.5).astype(np.uint8)
        teacher = np.zeros((400, 3), np.uint8)
        teacher[:, 1] = taught
        found = session.advance({PIXELS: pixels, TEACHER: teacher})
        change = session.read(SECOND, "w") - next(c.weight for c in network.connections if c.name == SECOND)
        assert np.sign(found[ERROR, "s"][:, 1].sum()) == sign
        assert (sign * change[1] >= -1).all()  # stochastic rounding of nothing is nothing; one unit at most otherwise
        assert sign * change[1].sum() > 0
        assert change[[0, 2]].sum() < 0  # they spike unasked


def test_hidden_weights_stay_where_only_the_output_layer_learns() -> None:
    _, weights = advanced(deep=False)
    start = {c.name: c.weight for c in local_network(8, 3, SMALL, 1).connections}
    np.testing.assert_array_equal(weights[FIRST], start[FIRST])
    assert (weights[SECOND] != start[SECOND]).any()


def test_without_learning_nothing_changes_and_weights_are_even() -> None:
    network = local_network(8, 3, SMALL, 2)
    odd = {SECOND: next(c.weight for c in network.connections if c.name == SECOND) + 1}
    held = with_weights(network, odd)
    weight = next(c.weight for c in held.connections if c.name == SECOND)
    assert (weight % 2 == 0).all()
    assert (np.abs(weight) <= np.abs(odd[SECOND])).all()
    session = Emulator().start(without_learning(held))
    rng = np.random.default_rng(3)
    session.advance({PIXELS: (rng.random((100, 8)) < 0.5).astype(np.uint8), TEACHER: np.ones((100, 3), np.uint8)})
    np.testing.assert_array_equal(session.read(SECOND, "w"), weight)


def test_it_learns_the_digits_better_than_chance_and_the_same_again() -> None:
    data = load_digits()
    few = Images("few", data.train[:250], data.train_labels[:250], data.test[:100], data.test_labels[:100])
    settings = LocalSettings(hidden=60, epochs=2)
    found = learn_locally(few, settings, 1)
    assert found.accuracy[-1] > 0.4
    assert found.accuracy[-1] > judged(local_network(64, 10, settings, 1), few, settings, 1) + 0.2
    assert first_difference(found.network, learn_locally(few, settings, 1).network) is None
