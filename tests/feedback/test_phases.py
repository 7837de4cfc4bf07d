"""Alignment phases: the compiled loops against the published experiments' own code."""

from __future__ import annotations

import numpy as np
import pytest

from neuroalign.experiments.mismatch_steps import align_layer, infer_stdwi
from neuroalign.experiments.stdwi_activity import Protocol, network_steps, poisson_sources
from neuroalign.feedback.methods import with_phase
from neuroalign.feedback.network import draw_layers
from neuroalign.feedback.phase_steps import infer_weights, lif_activity, sampling_activity
from neuroalign.feedback.phases import SalPhase, StdwiPhase
from neuroalign.fidelity.learning import angle_degrees


def test_event_driven_activity_is_that_of_the_published_network() -> None:
    protocol = Protocol(inputs=20, outputs=6, dt=1e-3)
    rng = np.random.default_rng(0)
    sources, weight = poisson_sources(protocol, 1500, rng), 40 * rng.standard_normal((6, 20)) + 20
    expected = network_steps(sources, weight, protocol.scale, protocol.dt)
    found = lif_activity(sources, weight, 0.0, protocol.scale, protocol.dt, 0.020, np.array([0.010, 0.003]))
    assert expected[1].sum() > 50
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


def test_inference_goes_on_where_it_was_and_equals_the_other_loop() -> None:
    rng = np.random.default_rng(1)
    inputs, outputs = ((rng.random((800, n)) < 0.03).astype(np.uint8) for n in (7, 4))
    keep = np.exp(-1e-3 / np.array([0.020, 0.200]))
    found = np.zeros((4, 7))
    infer_weights(inputs, outputs, found, keep, 0.1, 1e-3, 0.1)
    kept = np.repeat(keep[:, None], 7, axis=1)
    expected = infer_stdwi(inputs, outputs, kept, np.array([1.0, 0.1]), np.full((4, 7), 1e-3), 0.1)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    again = found.copy()
    infer_weights(inputs, outputs, again, keep, 0.1, 1e-3, 0.1)
    decayed = found * (1 - 1e-4) ** outputs.sum(axis=0)[:, None]
    np.testing.assert_allclose(again - decayed, found, rtol=1e-9)


def test_sampling_layers_equal_the_other_loop_draw_by_draw() -> None:
    """Draws are for neurons that may spike only, and u is summed in another order: same spikes, nearly the same sums."""
    size, tau = 6, 10
    rng = np.random.default_rng(2)
    forward, feedback = rng.normal(0, 0.4, (2, size, size))
    expected, found = feedback.copy(), feedback.copy()
    amplitude = np.full((size, size), 0.003)
    keep = np.exp(-1 / tau)
    align_layer(
        np.random.default_rng(3), forward, expected, np.zeros((2, size)), amplitude, np.full((2, size), keep), tau, 3000
    )
    sampling_activity(np.random.default_rng(3), forward, found, 0.003, keep, tau, 3000)
    assert np.abs(expected - feedback).max() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("phase", "most"), [(StdwiPhase(first=20.0, later=20.0), 45), (SalPhase(first=150_000, later=50_000), 60)]
)
def test_phases_align_layers_of_any_shape(phase: StdwiPhase | SalPhase, most: float) -> None:
    layers = draw_layers((5, 30, 20, 10), np.random.default_rng(4))
    method = with_phase("test", "test", phase)
    start = method.start(layers, np.random.default_rng(5))
    back = method.align(start, layers, 0, np.random.default_rng(6))
    for matrix, weight in zip(back.weights, layers.weights[1:], strict=True):
        assert matrix.dtype == weight.dtype
        assert np.linalg.norm(matrix) == pytest.approx(np.linalg.norm(weight), rel=1e-5)
        angle = angle_degrees(weight.T.astype(np.float64), matrix.astype(np.float64))
        assert angle is not None
        assert angle < most


def test_sal_has_a_rate_of_its_own_for_later_phases() -> None:
    weight = np.random.default_rng(1).standard_normal((6, 8))
    phase, slow = SalPhase(2000, 3000, 0.03, 0.01), SalPhase(3000, eta=0.01)
    start = phase.start((8, 6), np.random.default_rng(2))
    later = phase(start, weight, 1, np.random.default_rng(3))
    assert (later == slow(start, weight, 0, np.random.default_rng(3))).all()
    assert (later != phase(start, weight, 0, np.random.default_rng(3))).any()
