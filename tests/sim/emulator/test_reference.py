"""What a step means: closed forms, arrival times, order within a step, limits and counters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_chips import chip, neurons, silence, spikes_at, state, wire

from neuroalign.chip import Fixed
from neuroalign.errors import NetworkError
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.driver import Implementation
from neuroalign.sim.emulator.order import update_order

BOTH = pytest.mark.parametrize("implementation", ["kernels", "reference"])


@BOTH
def test_float_decay_is_exponential(implementation: Implementation) -> None:
    """Without input u = u0 (1 - du)^t; v is the difference of two exponentials."""
    du, dv, u0, v0 = 0.2, 0.05, 3.0, 0.5
    network = chip([neurons("n", 1, fixed=False, du=du, dv=dv, u0=u0, v0=v0)], [])
    recording = Emulator().run(network, silence(60), [("n", "u"), ("n", "v")], implementation=implementation)
    a, b, t = 1 - du, 1 - dv, np.arange(1, 61)
    v = v0 * b**t + u0 * a * (a**t - b**t) / (a - b)
    np.testing.assert_allclose(state(recording, "n", "u")[:, 0], u0 * a**t, rtol=1e-12)
    np.testing.assert_allclose(state(recording, "n", "v")[:, 0], v, rtol=1e-11)


@BOTH
def test_float_bias_reaches_its_steady_state(implementation: Implementation) -> None:
    network = chip([neurons("n", 1, fixed=False, du=1.0, dv=0.25, bias_mant=0.5)], [])
    recording = Emulator().run(network, silence(30), [("n", "v")], implementation=implementation)
    np.testing.assert_allclose(state(recording, "n", "v")[:, 0], 2 * (1 - 0.75 ** np.arange(1, 31)), rtol=1e-12)


@BOTH
@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("steps", [0, 1, 3])
@pytest.mark.parametrize("delays", [None, [[4], [4]], [[0], [2]]])
def test_arrival_times(implementation: Implementation, fixed: bool, steps: int, delays: list[list[int]] | None) -> None:
    """A spike at step index 2 arrives ``connection_delay_steps + delays`` later, once."""
    extra = np.zeros((2, 1), dtype=np.int64) if delays is None else np.array(delays)
    connection = wire("in", "n", [[2], [6]], fixed=fixed, delays=None if delays is None else extra)
    network = chip([neurons("n", 2, fixed=fixed)], [connection], channels=1, connection_delay_steps=steps)
    recording = Emulator().run(network, spikes_at(12, {2: 1}), [("n", "a")], implementation=implementation)
    expected = np.zeros((12, 2))
    for neuron, weight in enumerate((2, 6)):
        expected[2 + steps + extra[neuron, 0], neuron] = weight
    np.testing.assert_array_equal(state(recording, "n", "a"), expected)


@BOTH
def test_spikes_pass_a_chain_within_one_step_where_connections_take_none(implementation: Implementation) -> None:
    """Populations are listed against the flow, so only the order of the edges can make this work."""
    names = ["c", "b", "a"]
    populations = [neurons(name, 1, fixed=False, du=1.0, threshold=0.5) for name in names]
    wires = [wire(s, t, [[1.0]], fixed=False) for s, t in (("b", "c"), ("in", "a"), ("a", "b"))]
    back = wire("c", "a", [[1.0]], fixed=False, delays=np.array([[2]]))
    network = chip(populations, [*wires, back], channels=1, connection_delay_steps=0)
    assert [names[k] for k in update_order(network)] == ["a", "b", "c"]
    recording = Emulator().run(network, spikes_at(8, {1: 1}), [(n, "s") for n in names], implementation=implementation)
    for name in names:
        assert np.flatnonzero(state(recording, name, "s")).tolist() == [1, 3, 5, 7]


def test_a_cycle_without_any_delay_is_refused_by_name() -> None:
    populations = [neurons(name, 1, fixed=False) for name in ("a", "b", "c")]
    wires = [wire(s, t, [[1.0]], fixed=False) for s, t in (("in", "a"), ("a", "b"), ("b", "c"), ("c", "b"))]
    network = chip(populations, wires, channels=1, connection_delay_steps=0)
    with pytest.raises(NetworkError, match=r"cycle (b -> c -> b|c -> b -> c) has a total delay of 0"):
        Emulator().run(network, spikes_at(3, {}), [])
    own = wire("a", "a", [[1.0]], fixed=False)
    with pytest.raises(NetworkError, match="cycle a -> a "):
        update_order(chip(populations[:1], [own], connection_delay_steps=0))


@BOTH
def test_negative_exponent_rounds_the_sum_of_each_delay_down(implementation: Implementation) -> None:
    """-6 - 6 = -12 of one delay gives floor(-12 / 8) = -2; -6 alone gives -1, and 6 alone 0."""
    weight = [[-6, -6], [-6, -6], [6, 6]]
    delays = np.array([[0, 0], [0, 1], [0, 1]])
    connection = wire("in", "n", weight, weight_exp=-3, delays=delays)
    network = chip([neurons("n", 3)], [connection], channels=2)
    stimulus = spikes_at(4, {0: 1}, channels=2)
    recording = Emulator().run(network, stimulus, [("n", "a")], implementation=implementation)
    assert state(recording, "n", "a").tolist() == [[0, 0, 0], [-2, -1, 0], [0, -1, 0], [0, 0, 0]]


@BOTH
def test_graded_payload_multiplies_and_binary_one_counts_once(implementation: Implementation) -> None:
    graded, binary = wire("in", "n", [[6]], message_bits=16), wire("in", "m", [[6]])
    network = chip([neurons("n", 1), neurons("m", 1)], [graded, binary], channels=1, message_bits=16)
    stimulus = spikes_at(4, {0: -7, 1: 3})
    recording = Emulator().run(network, stimulus, [("n", "a"), ("m", "a")], implementation=implementation)
    assert state(recording, "n", "a")[:, 0].tolist() == [0, -42, 18, 0]
    assert state(recording, "m", "a")[:, 0].tolist() == [0, 6, 6, 0]


@BOTH
def test_graded_sum_wraps_to_32_bits_before_it_is_shifted(implementation: Implementation) -> None:
    """Lava's Dense wraps the dot product, its DelayDense each product."""
    payload = 2**30
    weight = [[2, 2]]  # products 2**31 -> -2**31 each; their sum 2**32 -> 0
    expected = {None: 0, 0: 2 * -(2**31) >> 4}
    for delay, arrives in expected.items():
        delays = None if delay is None else np.full((1, 2), delay)
        connection = wire("in", "n", weight, message_bits=32, weight_exp=-4, delays=delays)
        network = chip([neurons("n", 1)], [connection], channels=2, message_bits=32)
        stimulus = spikes_at(2, {0: payload}, channels=2)
        recording = Emulator().run(network, stimulus, [("n", "a")], implementation=implementation)
        assert state(recording, "n", "a")[:, 0].tolist() == [0, arrives]


@BOTH
def test_current_folds_once_and_membrane_saturates(implementation: Implementation) -> None:
    """An input of 500000 folds to u = 15222784, outside 24 bits; both events are counted."""
    connection = wire("in", "n", [[2]], message_bits=32)
    network = chip([neurons("n", 1, du=4095, threshold=2**17)], [connection], channels=1, message_bits=32)
    stimulus = spikes_at(3, {0: 250_000})
    probes = [("n", "u"), ("n", "v"), ("n", "s")]
    recording = Emulator().run(network, stimulus, probes, implementation=implementation)
    assert state(recording, "n", "u")[:, 0].tolist() == [0, 15_222_784, 0]
    assert state(recording, "n", "s")[:, 0].tolist() == [0, 0, 0]
    assert state(recording, "n", "v")[:, 0].tolist() == [0, 2**23 - 1, 2**23 - 1]
    assert dict(recording.counts) == {"n.u_wrapped": 1, "n.v_saturated": 1}


@BOTH
def test_other_formats_saturate_the_current_and_fold_the_membrane(implementation: Implementation) -> None:
    formats: dict[str, Any] = {"u_format": Fixed(10, on_excess="saturate"), "v_format": Fixed(10, on_excess="wrap")}
    network = chip([neurons("n", 1, u_offset=0, threshold=600, u0=400, bias_mant=100, **formats)], [])
    recording = Emulator().run(network, silence(3), [("n", "u"), ("n", "v")], implementation=implementation)
    assert state(recording, "n", "v")[:, 0].tolist() == [500, 1000 - 1024, -24 + 500]
    assert dict(recording.counts) == {"n.u_saturated": 0, "n.v_wrapped": 1}
    network = chip([neurons("n", 1, u_offset=0, u0=700, **formats)], [])
    recording = Emulator().run(network, silence(2), [("n", "u")], implementation=implementation)
    assert state(recording, "n", "u")[:, 0].tolist() == [511, 511]


@BOTH
def test_neurons_that_should_not_spike(implementation: Implementation) -> None:
    """Float64: never. Fixed: they reach the largest threshold by saturating, as Lava has it, and it is counted."""
    held = neurons("n", 1, spiking=False, bias_mant=4095, bias_exp=10, threshold=2**17 - 1)
    recording = Emulator().run(chip([held], []), silence(6), [("n", "s")], implementation=implementation)
    assert state(recording, "n", "s")[:, 0].tolist() == [0, 0, 1, 0, 0, 1]
    assert recording.counts["n.nonspiking_spikes"] == 2
    free = neurons("n", 1, fixed=False, spiking=False, bias_mant=10.0, threshold=1.0)
    recording = Emulator().run(chip([free], []), silence(3), [("n", "v")], implementation=implementation)
    assert state(recording, "n", "v")[:, 0].tolist() == [10.0, 20.0, 30.0]


@BOTH
@pytest.mark.parametrize("fixed", [True, False])
def test_reset_by_subtraction_keeps_the_rest(implementation: Implementation, fixed: bool) -> None:
    """A bias of 3 against a threshold of 10 units (0 << 6 leaves no multiple, so the shift is 0 here)."""
    neuron = neurons("n", 1, fixed=fixed, bias_mant=3, threshold=10, threshold_shift=0, reset="subtract")
    recording = Emulator().run(chip([neuron], []), silence(8), [("n", "v"), ("n", "s")], implementation=implementation)
    assert state(recording, "n", "v")[:, 0].tolist() == [3, 6, 9, 2, 5, 8, 1, 4]
    assert np.flatnonzero(state(recording, "n", "s")).tolist() == [3, 6]


@BOTH
@pytest.mark.parametrize("fixed", [True, False])
def test_samples_start_anew_and_input_ends(implementation: Implementation, fixed: bool) -> None:
    """Each sample starts from u0 and v0; after the stimulus come ``latency_steps`` steps of silence."""
    neuron = neurons("n", 1, fixed=fixed, u0=64, v0=5, latency_steps=3, threshold=1000, u_offset=0)
    network = chip([neuron], [wire("in", "n", [[4]], fixed=fixed)], channels=1)
    stimulus = Stimulus({"in": np.array([[[1], [1]], [[0], [1]], [[1], [1]]])})
    recording = Emulator().run(network, stimulus, [("n", "a"), ("n", "v")], implementation=implementation)
    assert recording.states["n", "a"][:, :, 0].tolist() == [[0, 4, 4, 0, 0], [0, 0, 4, 0, 0], [0, 4, 4, 0, 0]]
    assert recording.states["n", "v"][:, 0, 0].tolist() == [69, 69, 69]
    np.testing.assert_array_equal(recording.states["n", "v"][0], recording.states["n", "v"][2])
    assert recording.latency_steps == {"n": 3}
