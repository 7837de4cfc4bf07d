"""The exact gradient less something: with nothing lost it is the gradient, and each loss is the one that is said."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.errors import InputError
from neuroalign.exact_spikes import Layer, Response, network_gradient, run_layer, spike_jacobians, trains_of
from neuroalign.experiments.spike_train_lost import HORIZON, LOST, Lost, one_scale_gradient, reduced_gradient

INSTANTS = np.arange(40.0, 161.0, 10.0)
SOURCE = trains_of([np.sort(np.random.default_rng(n).uniform(0, 150, 6)) for n in range(8)])
LAYER = Layer(
    np.random.default_rng(9).uniform(2, 4, (1, 8)), np.array([1] * 6 + [-1] * 2), np.array([1.2]),
    np.random.default_rng(10).uniform(0, 3, (1, 8)),
)  # fmt: skip
DESIRED = trains_of([np.array([35.0, 80.0, 121.0])])


def gradient(lost: Lost, response: Response) -> np.ndarray:
    spikes = run_layer(LAYER, SOURCE, 160.0, response)
    assert spikes.times.size > 2
    return reduced_gradient(LAYER, SOURCE, spikes, DESIRED, INSTANTS, response, lost).weights[0]


def test_with_nothing_lost_it_is_the_gradient() -> None:
    response = Response()
    spikes = run_layer(LAYER, SOURCE, 160.0, response)
    exact = network_gradient([LAYER], SOURCE, [spikes], DESIRED, INSTANTS, response).weights[0]
    np.testing.assert_allclose(gradient("nothing", response), exact, rtol=1e-10)
    assert all(not np.allclose(gradient(lost, Response(ahp=-2.0, gamma=8.0)), exact) for lost in LOST)


def test_the_chain_is_all_that_an_ahp_adds() -> None:
    without = Response(ahp=0.0)
    np.testing.assert_allclose(gradient("no chain", without), gradient("nothing", without), rtol=1e-10)
    lasting = Response(ahp=-2.0, gamma=8.0)
    assert not np.allclose(gradient("no chain", lasting), gradient("nothing", lasting))
    spikes = run_layer(LAYER, SOURCE, 160.0, lasting)
    first = spike_jacobians(LAYER, 0, SOURCE, spikes, lasting)[0][0]
    assert (first[SOURCE.neurons < 6] <= 0).all()


def test_one_time_scale_is_the_slope_of_its_error() -> None:
    actual, wanted = np.array([33.0, 66.0, 113.0]), DESIRED.of(0)

    def error(times: np.ndarray) -> float:
        def r(spikes: np.ndarray) -> np.ndarray:
            return np.array([np.exp(-(t - spikes[spikes < t]) / HORIZON).sum() for t in INSTANTS])

        return float(((r(wanted) - r(times)) ** 2).sum())

    found = one_scale_gradient(wanted, actual, INSTANTS)
    for k in range(3):
        step = np.eye(3)[k] * 1e-5
        assert found[k] == pytest.approx((error(actual + step) - error(actual - step)) / 2e-5, rel=1e-6)


def test_more_neurons_are_refused() -> None:
    two = Layer(np.ones((2, 8)), LAYER.sign, np.ones(2))
    spikes = run_layer(two, SOURCE, 50.0, Response())
    with pytest.raises(InputError, match="the layer has 2"):
        reduced_gradient(two, SOURCE, spikes, DESIRED, INSTANTS, Response(), "all three")
