"""The closed form of the error against the integral it stands for, and its gradient against differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from neuroalign.errors import InputError
from neuroalign.exact_spikes.error import kernel, train_error, train_gradient

HORIZON = 100.0
DESIRED, ACTUAL = np.array([20.0, 47.0, 81.0]), np.array([23.5, 40.0, 85.0, 96.0])
INSTANTS = np.array([60.0, 99.0, 120.0])


def response(age: float, beta: float, tau: float) -> float:
    """What one spike does to the virtual neuron."""
    return float(np.exp(-beta / age - age / tau) / tau)


def integrated(desired: list[float], actual: list[float]) -> float:
    """The squared difference of the two virtual potentials over all beta and all tau up to the horizon."""

    def squared(beta: float, tau: float) -> float:
        apart = sum(response(a, beta, tau) for a in desired) - sum(response(a, beta, tau) for a in actual)
        return apart * apart

    def over_beta(tau: float) -> float:
        # beta = 10 u / (1 - u): the integral over all beta, on an interval
        return float(quad(lambda u: squared(10 * u / (1 - u), tau) * 10 / (1 - u) ** 2, 0, 1, epsrel=1e-10)[0])

    return float(quad(over_beta, 0, HORIZON, epsrel=1e-9, limit=200)[0])


def test_kernel_is_the_integral_of_two_responses() -> None:
    found = (integrated([13.0], [27.0]) - integrated([13.0], []) - integrated([], [27.0])) / -2
    assert kernel(13.0, 27.0, HORIZON) == pytest.approx(found, rel=1e-6)
    assert kernel(13.0, 27.0, HORIZON) == pytest.approx(0.1470515, abs=5e-8)


def test_error_of_whole_trains_is_the_integral() -> None:
    now = 99.0
    found = integrated([now - t for t in DESIRED], [now - t for t in ACTUAL])
    assert train_error(DESIRED, ACTUAL, np.array([now]), HORIZON) == pytest.approx(found, rel=1e-6)


def test_gradient_equals_differences() -> None:
    step = 1e-4
    slope = train_gradient(DESIRED, ACTUAL, INSTANTS, HORIZON)
    for k in range(ACTUAL.size):
        ends = []
        for shift in (-2, -1, 1, 2):
            moved = ACTUAL.copy()
            moved[k] += shift * step
            ends.append(train_error(DESIRED, moved, INSTANTS, HORIZON))
        difference = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * step)  # fifth-order
        assert slope[k] == pytest.approx(difference, rel=1e-7)


def test_spikes_to_come_do_not_count() -> None:
    early = np.array([60.0])
    assert train_error(DESIRED, ACTUAL, early) == train_error(DESIRED[:2], ACTUAL[:2], early)
    assert not train_gradient(DESIRED, ACTUAL, early)[2:].any()


trains = st.lists(st.floats(0, 90), min_size=1, max_size=6, unique=True).map(lambda t: np.sort(np.array(t)))


@settings(max_examples=60, deadline=None)
@given(trains, trains)
def test_error_is_a_distance_squared(first: np.ndarray, second: np.ndarray) -> None:
    now = np.array([100.0])
    assert train_error(first, first, now) == pytest.approx(0, abs=1e-12)
    assert train_error(first, second, now) == pytest.approx(train_error(second, first, now), rel=1e-12, abs=1e-13)
    assert train_error(first, second, now) >= -1e-12
    if first.size != second.size:
        assert train_error(first, second, now) > 0


def test_a_horizon_must_be_positive() -> None:
    with pytest.raises(InputError, match="horizon is 0"):
        train_error(DESIRED, ACTUAL, INSTANTS, 0.0)
