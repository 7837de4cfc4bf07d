"""Spike times: on the threshold, from below, all of them, and as a fine grid finds them."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.errors import InputError, NetworkError
from neuroalign.exact_spikes import Layer, Response, Trains, potential_at, run_layer, trains_of
from neuroalign.exact_spikes.model import FloatArray

STOP = 200.0


def written_out(layer: Layer, source: Trains, own: FloatArray, t: FloatArray, response: Response) -> FloatArray:
    """P at times ``t`` as the model states it, over all spikes."""
    value = np.zeros(t.size)
    for time, neuron in zip(source.times, source.neurons, strict=True):
        excites = layer.sign[neuron] > 0
        alpha = response.alpha_exc if excites else response.alpha_inh
        tau = response.tau_exc if excites else response.tau_inh
        s = t - time - (0 if layer.delay is None else layer.delay[0, neuron])
        on = np.where(s > 0, s, 1.0)
        xi = np.exp(-response.beta * alpha**2 / on) * np.exp(-on / tau) / (alpha * np.sqrt(on))
        value += layer.sign[neuron] * layer.weight[0, neuron] * np.where(s > 0, xi, 0)
    for time in own:
        s = t - time
        value += np.where(s > 0, response.ahp * np.exp(-np.maximum(s, 0) / response.gamma), 0)
    return value


def random_case(seed: int, delayed: bool) -> tuple[Layer, Trains]:
    rng = np.random.default_rng(seed)
    sign = np.where(np.arange(10) < 7, 1, -1)
    delay = rng.uniform(0, 6, (1, 10)) if delayed else None
    source = trains_of([np.sort(rng.uniform(0, STOP, rng.poisson(8))) for _ in range(10)])
    return Layer(rng.uniform(1.0, 4.0, (1, 10)), sign, np.array([1.5]), delay), source


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("response", [Response(), Response(ahp=-3.0, gamma=4.0)])
def test_spikes_are_where_the_written_out_potential_passes_the_threshold(response: Response, delayed: bool) -> None:
    met = 0
    for seed in range(8):
        layer, source = random_case(seed, delayed)
        spikes = run_layer(layer, source, STOP, response).times
        met += spikes.size
        for k, time in enumerate(spikes):
            value, slope = potential_at(layer, 0, source, spikes, time, response)
            assert value == pytest.approx(1.5, abs=1e-12 * max(1, slope) * STOP)
            assert slope > 0
            assert written_out(layer, source, spikes[:k], np.array([time]), response)[0] == pytest.approx(
                value, abs=1e-11
            )
        # nowhere else: between spikes (the AHP's rise included) the potential stays below
        fine = np.arange(0, STOP, 0.01)
        after = np.full(fine.size, np.inf)
        for time in spikes:
            after = np.where(fine > time, fine - time, after)
        near = np.abs(fine[:, None] - spikes[None]).min(axis=1, initial=np.inf) < 0.011
        everywhere = written_out(layer, source, spikes, fine, response)
        assert (everywhere[~near] < 1.5).all()
    assert met > 20


def test_a_fast_maximum_between_two_looks_is_found() -> None:
    """Excitation that inhibition cuts off at once: the potential is above for less than a step of the grid."""
    weight, sign = np.array([[10.0, 100.0]]), np.array([1, -1])
    unreached = Layer(weight, sign, np.array([1e6]))
    source = trains_of([np.array([10.0]), np.array([10.25])])
    looks = np.arange(10.0, 13.0, 0.001)
    potential = np.array([potential_at(unreached, 0, source, np.zeros(0), t, Response())[0] for t in looks])
    layer = Layer(weight, sign, np.array([0.95 * potential.max()]))
    assert 0 < np.sum(potential > layer.threshold[0]) * 0.001 < 0.25
    for shift in np.arange(0.0, 0.5, 0.06):
        moved = trains_of([np.array([10.0 + shift]), np.array([10.25 + shift])])
        coarse = run_layer(layer, moved, 40.0, Response()).times
        fine = run_layer(layer, moved, 40.0, Response(), grid=0.003).times
        assert fine.size == 1
        np.testing.assert_allclose(coarse, fine, rtol=1e-13)


def test_memory_forgets() -> None:
    layer = Layer(np.array([[20.0]]), np.array([1]), np.array([1.0]))
    source = trains_of([np.array([0.0])])
    assert run_layer(layer, source, STOP, Response(memory=0.5)).times.size == 0
    assert run_layer(layer, source, STOP, Response()).times.size > 0


def test_a_spike_needs_a_rise_from_below() -> None:
    """Without AHP the potential stays above after a spike, which makes no second one."""
    layer = Layer(np.array([[20.0]]), np.array([1]), np.array([1.0]))
    source = trains_of([np.array([0.0, 3.0, 60.0])])
    assert run_layer(layer, source, STOP, Response(ahp=0.0)).times.size == 2


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Response(beta=0.0), "beta is 0"),
        (lambda: Response(ahp=1.0), "ahp is 1"),
        (lambda: Trains(np.array([2.0, 1.0]), np.array([0, 0]), 1), "sort the spikes"),
        (lambda: Trains(np.array([1.0]), np.array([3]), 2), "0..1 exist"),
    ],
)
def test_bad_parts_are_refused(make: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()  # type: ignore[operator]


def test_bad_layers_are_refused() -> None:
    one = np.ones((1, 1))
    with pytest.raises(NetworkError, match="signs"):
        Layer(one, np.array([0]), np.ones(1))
    with pytest.raises(NetworkError, match="negative"):
        Layer(-one, np.array([1]), np.ones(1))
    with pytest.raises(NetworkError, match="thresholds"):
        Layer(one, np.array([1]), np.zeros(1))
    with pytest.raises(NetworkError, match="sources spike"):
        run_layer(Layer(one, np.array([1]), np.ones(1)), trains_of([np.zeros(0)] * 2), 10.0, Response())
