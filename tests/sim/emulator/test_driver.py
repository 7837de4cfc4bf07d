"""The backend around the step: refusals in one line, memory, stretches, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from random_networks import Options, draw_fixed, draw_stimulus
from small_chips import chip, neurons, silence, spikes_at, wire

from neuroalign.chip import ChipNetwork, Fixed, Float64, Plasticity
from neuroalign.errors import BackendMissing, InputError, NetworkError
from neuroalign.microcode.text import program_from_text
from neuroalign.recording import Stimulus
from neuroalign.sim.backend import Backend
from neuroalign.sim.emulator import Emulator, driver, memory, memory_needed, recording_bytes, samples
from neuroalign.sim.emulator.driver import Implementation

BOTH = pytest.mark.parametrize("implementation", ["kernels", "reference"])


def one_neuron(**changes: Any) -> ChipNetwork:
    """An input of two channels into one neuron."""
    return chip([neurons("n", 1, **changes)], [wire("in", "n", [[2, 4]])], channels=2)


def with_wire(**changes: Any) -> ChipNetwork:
    """The same with its connection changed."""
    network = one_neuron()
    return replace(network, connections=(replace(network.connections[0], **changes),))


def learning(**changes: Any) -> ChipNetwork:
    """A neuron that learns from itself, with payloads."""
    plasticity = Plasticity(program_from_text("x0"), np.zeros((1, 1), dtype=np.int64), 1.0)
    wired = wire("n", "n", [[2]], plasticity=replace(plasticity, **changes), message_bits=8)
    return chip([neurons("n", 1)], [wired], channels=2)


GOOD = np.zeros((1, 3, 2), dtype=np.int64)

STIMULI: list[tuple[dict[str, Any], str]] = [
    ({}, "holds no array"),
    ({"im": GOOD}, "no such input; did you mean 'in'"),
    ({"clock": np.zeros((1, 3, 0))}, "'in' of network 'small' has no stimulus"),
    ({"in": GOOD[:, :, :1]}, "1 channels, but the input has 2"),
    ({"in": GOOD + 2}, r"\[0, 0, 0\] is 2; a binary input takes 0 or 1"),
    ({"in": GOOD + 0.5}, r"\[0, 0, 0\] is 0.5; a binary input"),
    ({"in": GOOD + np.nan}, "is nan; a binary input"),
    ({"in": GOOD.astype(str)}, "numbers are needed"),
]


@pytest.mark.parametrize(("inputs", "message"), STIMULI)
def test_stimulus_refused(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Emulator().run(one_neuron(), Stimulus(inputs), [("n", "s")])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [0.5, np.inf, 2.0**31, -(2.0**31) - 1])
def test_graded_stimulus_refused(value: float) -> None:
    network = chip([neurons("n", 1)], [wire("in", "n", [[2]], message_bits=32)], channels=1, message_bits=32)
    stimulus = Stimulus({"in": np.full((1, 2, 1), value)})
    with pytest.raises(InputError, match="a graded input takes integers"):
        Emulator().run(network, stimulus, [])


NETWORKS: list[tuple[Callable[[], ChipNetwork], str]] = [
    (lambda: one_neuron(du=4096), r"du\[0\] is 4096; it must lie in 0 to 4095"),
    (lambda: one_neuron(dv=-1), r"dv\[0\] is -1"),
    (lambda: one_neuron(v0=2**31), r"v0\[0\] is 2147483648"),
    (lambda: one_neuron(threshold=0.5), "threshold holds float64"),
    (lambda: one_neuron(bias_exp=64), "bias_exp"),
    (lambda: one_neuron(decay_bits=40), "decay_bits is 40"),
    (lambda: one_neuron(u_format=Float64()), "either all Fixed or all Float64"),
    (lambda: with_wire(weight_format=Float64()), "either all Fixed or all Float64"),
    (lambda: with_wire(weight=np.array([[2, 3]])), r"weight\[0, 1\] = 3 is not held .* compute with 2"),
    (lambda: with_wire(weight=np.array([[2]])), r"weight has shape \(1, 1\); \(1, 2\) is needed"),
    (lambda: with_wire(delays=np.array([[0, -1]])), "delays must be >= 0"),
    (lambda: with_wire(source="nowhere"), "names a node that does not exist"),
    (lambda: chip([neurons("n", 1), neurons("n", 2)], []), "two nodes share a name"),
    (lambda: chip([neurons("n", 1)], [wire("n", "n", [[2]])] * 2), "two connections share a name"),
    (lambda: chip([], [], connection_delay_steps=-1), "connection_delay_steps is -1; a whole number, 0 to"),
    (lambda: chip([], [], connection_delay_steps=1.5), "connection_delay_steps is 1.5; a whole number"),  # type: ignore[arg-type]
    (lambda: one_neuron(threshold_shift=64), "threshold_shift is 64; a whole number, 0 to 31"),
    (lambda: one_neuron(weight_shift=-1), "weight_shift is -1"),
    (lambda: one_neuron(u_offset=1.5), "u_offset is 1.5"),
    (lambda: one_neuron(latency_steps=-1), "latency_steps is -1"),
    (lambda: one_neuron(reset="substract"), "reset is 'substract'; one of zero, subtract is needed"),
    (lambda: one_neuron(v_format=Fixed(24, on_excess="clip")), "v_format.on_excess is 'clip'; one of wrap, saturate"),  # type: ignore[arg-type]
    (lambda: with_wire(weight_exp=1.5), "weight_exp is 1.5; a whole number"),
    (lambda: with_wire(weight_exp=np.nan), "weight_exp is nan; a whole number"),
    (lambda: with_wire(message_bits=-1), "message_bits is -1"),
    (lambda: with_wire(sign_mode="exitatory"), "sign_mode is 'exitatory'; one of mixed, excitatory, inhibitory"),
    (lambda: with_wire(weight_format=8), "weight_format is 8; Fixed or Float64 is needed"),
    (lambda: learning(rounding_draws="each"), "rounding_draws is 'each'; one of shared, synapse is needed"),
    (lambda: learning(graded="add"), "graded is 'add'; one of impulse, overwrite, add-saturate, add-carry"),
    (lambda: learning(rounding_seed=1.5), "rounding_seed is 1.5; a whole number"),
    (lambda: learning(phases=((1.5, 3),)), "a step of a learning phase is 1.5; a whole number"),
    (lambda: chip([neurons("n", 1, fixed=False, v0=np.nan)], []), r"v0\[0\] is nan"),
]


@pytest.mark.parametrize(("network", "message"), NETWORKS)
def test_network_refused(network: Callable[[], ChipNetwork], message: str) -> None:
    with pytest.raises(NetworkError, match=message) as caught:
        Emulator().run(network(), Stimulus({"in": GOOD}), [])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("probe", "message"), [(("m", "s"), "no such population"), (("n", "w"), "no state 'w'")])
def test_probe_refused(probe: tuple[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Emulator().run(one_neuron(), Stimulus({"in": GOOD}), [probe])


def test_an_unknown_implementation_is_refused() -> None:
    for call in (
        lambda name: Emulator().run(one_neuron(), Stimulus({"in": GOOD}), [], implementation=name),
        lambda name: Emulator().start(one_neuron(), implementation=name),
    ):
        with pytest.raises(InputError, match=r"implementation is 'refernce'; one of .*interpreter"):
            call("refernce")


def test_recording_that_does_not_fit_is_refused_with_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    network, stimulus = one_neuron(), Stimulus({"in": np.zeros((2, 1000, 2), dtype=np.int8)})
    probes = [("n", "s"), ("n", "v"), ("n", "v")]
    assert recording_bytes(network, 2, 1000, probes) == 2 * 1000 * (1 + 8)
    needed = memory_needed(network, 2, 1000, probes).total
    assert needed >= 18_000
    monkeypatch.setattr(memory, "available_bytes", lambda: needed - 1)
    with pytest.raises(
        InputError, match=r"needs .* GB for the recording, but .* GB of memory are available; record fewer"
    ):
        Emulator().run(network, stimulus, probes)
    monkeypatch.setattr(memory, "available_bytes", lambda: needed)
    assert Emulator().run(network, stimulus, probes).states["n", "v"].shape == (2, 1000, 1)


def test_available_memory_is_known_here() -> None:
    available = memory.available_bytes()
    assert available is not None
    assert available > 1 << 20


def test_stretches_and_their_borders_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    network = draw_fixed(rng, Options(max_delay=9))
    stimulus = draw_stimulus(rng, network, samples=2, steps=75)
    probes = [(p.name, name) for p in network.populations for name in "suva"]
    whole = Emulator().run(network, stimulus, probes)
    monkeypatch.setattr(samples, "STRETCH_BYTES", 1)
    told: list[tuple[int, int]] = []
    parts = Emulator().run(network, stimulus, probes, progress=lambda done, total: told.append((done, total)))
    for probe, expected in whole.states.items():
        np.testing.assert_array_equal(parts.states[probe], expected)
    assert parts.counts == whole.counts
    total = 2 * (75 + network.latency_steps)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert len(told) >= 10
    assert told[-1] == (total, total)


@BOTH
def test_progress_ends_at_its_total(implementation: Implementation) -> None:
    told: list[tuple[int, int]] = []
    Emulator().run(
        one_neuron(),
        Stimulus({"in": GOOD}),
        [],
        implementation=implementation,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (3, 3)


@BOTH
def test_a_network_without_inputs_takes_its_steps_from_an_array_without_channels(
    implementation: Implementation,
) -> None:
    network = chip([neurons("n", 2, bias_mant=[1, 2])], [])
    recording = Emulator().run(network, silence(4, samples=2), [("n", "v")], implementation=implementation)
    expected = [[1, 2], [2, 4], [3, 6], [4, 8]]
    assert recording.states["n", "v"].tolist() == [expected, expected]


@BOTH
@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.float32])
def test_any_type_of_zeros_and_ones_is_taken(implementation: Implementation, dtype: type) -> None:
    array: NDArray[Any] = np.array([[[1, 0], [1, 1], [0, 0]]]).astype(dtype)
    recording = Emulator().run(one_neuron(), Stimulus({"in": array}), [("n", "a")], implementation=implementation)
    assert recording.states["n", "a"][0, :, 0].tolist() == [0, 2, 6]
    assert recording.states["n", "a"].dtype == np.int64


def test_it_is_a_backend_that_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    backend: Backend = Emulator()
    assert backend.name == "emulator"
    assert backend.missing() is None
    monkeypatch.setattr(driver, "find_spec", lambda name: None)
    assert "pip install numba" in str(backend.missing())


def test_kernels_without_numba_are_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neuroalign.sim.emulator.kernels", None)
    with pytest.raises(BackendMissing, match="pip install numba"):
        Emulator().run(one_neuron(), Stimulus({"in": GOOD}), [])
    Emulator().run(one_neuron(), spikes_at(3, {}, channels=2), [], implementation="reference")
