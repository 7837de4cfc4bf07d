"""Ternary, resetting, refractory and stochastic neurons: closed forms, known answers, and the kernels' equality."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_networks import Options, draw_fixed, draw_float, draw_stimulus
from random_neurons import COMBINATIONS, with_kinds
from small_chips import chip, neurons, silence, spikes_at, state, wire

from neuroalign.chip import ChipNetwork, EscapeNoise
from neuroalign.errors import NetworkError
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.driver import Implementation

IMPLEMENTATIONS: tuple[Implementation, ...] = ("kernels", "reference")
BOTH = pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
FORMATS = pytest.mark.parametrize("fixed", [True, False])
STATES = ("s", "u", "v", "a", "r")
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
OPTIONS = st.builds(
    Options,
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    extreme=st.booleans(),
    silent=st.booleans(),
    subtract=st.booleans(),
)


def both(network: ChipNetwork, stimulus: Stimulus) -> tuple[Recording, Recording]:
    probes = [(p.name, name) for p in network.populations for name in STATES]
    kernels = Emulator().run(network, stimulus, probes, implementation="kernels")
    return kernels, Emulator().run(network, stimulus, probes, implementation="reference")


@SETTINGS
@given(OPTIONS, st.integers(0, 2**32 - 1))
def test_fixed_kernels_are_bit_equal(options: Options, seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = with_kinds(rng, draw_fixed(rng, options))
    kernels, reference = both(network, draw_stimulus(rng, network, samples=2, steps=30))
    for probe, expected in reference.states.items():
        assert kernels.states[probe].dtype == expected.dtype
        np.testing.assert_array_equal(kernels.states[probe], expected, err_msg=str(probe))
    assert dict(kernels.counts) == dict(reference.counts)


@SETTINGS
@given(OPTIONS, st.integers(0, 2**32 - 1))
def test_float_kernels_agree_up_to_the_order_of_sums(options: Options, seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = with_kinds(rng, draw_float(rng, options))
    kernels, reference = both(network, draw_stimulus(rng, network, samples=2, steps=30))
    for (name, what), expected in reference.states.items():
        assert kernels.states[name, what].dtype == expected.dtype
        if what in "sr":
            np.testing.assert_array_equal(kernels.states[name, what], expected)
        else:
            scale = max(1.0, float(np.abs(expected).max()))
            np.testing.assert_allclose(kernels.states[name, what], expected, rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize("kinds", COMBINATIONS[1:], ids="+".join)
def test_every_combination_spikes_in_the_comparisons_above(kinds: tuple[str, ...]) -> None:
    """And ternary neurons in both directions."""
    values: set[int] = set()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        network = with_kinds(rng, draw_fixed(rng, Options()), kinds)
        probes = [(p.name, "s") for p in network.populations]
        recording = Emulator().run(network, draw_stimulus(rng, network), probes)
        values |= {int(v) for array in recording.states.values() for v in np.unique(array)}
    assert values == ({-1, 0, 1} if "ternary" in kinds else {0, 1})


def run_one(population: Any, what: str, steps: int, implementation: Implementation, **more: Any) -> Any:
    """State ``what`` (steps, N) of a population on its own."""
    network = chip([population], [])
    recording = Emulator().run(
        network, silence(steps, **more), [(population.name, what)], implementation=implementation
    )
    return recording.states[population.name, what]


@BOTH
@FORMATS
@pytest.mark.parametrize("rest", [0, 1, 4])
def test_rest_lengthens_the_interval_between_spikes(implementation: Implementation, fixed: bool, rest: int) -> None:
    """A bias of 1/3.5 of the threshold reaches it in 4 steps; then come ``rest`` steps without any change of v."""
    fields = {"bias_mant": 2 << 6, "threshold": 7} if fixed else {"bias_mant": 2.0, "threshold": 7.0}
    p = neurons("n", 2, fixed=fixed, refractory_steps=rest, **fields)
    spikes = run_one(p, "s", 40, implementation)[0]
    assert np.flatnonzero(spikes[:, 0]).tolist() == list(range(3, 40, 4 + rest))
    left = run_one(p, "r", 40, implementation)[0, :, 1]
    since = (np.arange(40) - 3) % (4 + rest)
    np.testing.assert_array_equal(left, np.where(np.arange(40) < 3, 0, np.maximum(rest - since, 0)))


@BOTH
@FORMATS
def test_current_runs_on_while_the_membrane_rests(implementation: Implementation, fixed: bool) -> None:
    fields: dict[str, Any] = {"du": 1023, "u0": 4096, "threshold": 1} if fixed else {"du": 0.25, "u0": 64.0}
    p = neurons("n", 1, fixed=fixed, **({"threshold": 1.0} | fields))
    resting = replace(p, refractory_steps=3)
    u, plain = run_one(resting, "u", 20, implementation), run_one(p, "u", 20, implementation)
    np.testing.assert_array_equal(u, plain)
    assert np.unique(plain).size > 10
    v = run_one(resting, "v", 20, implementation)[0, :, 0]
    s = run_one(resting, "s", 20, implementation)[0, :, 0]
    for step in np.flatnonzero(s[:-4]):
        assert not v[step : step + 4].any()
        assert v[step + 4] == u[0, step + 4, 0] or s[step + 4]


@BOTH
@FORMATS
def test_nothing_makes_a_resting_neuron_spike(implementation: Implementation, fixed: bool) -> None:
    """Not a threshold below 0, nor a membrane that the reset left above it."""
    for fields in ({"threshold": -1}, {"threshold": 1, "bias_mant": 1000, "reset": "subtract"}):
        p = neurons("n", 1, fixed=fixed, refractory_steps=2, **fields)
        assert np.flatnonzero(run_one(p, "s", 9, implementation)[0]).tolist() == [0, 3, 6]


@BOTH
def test_subtraction_takes_the_threshold_that_was_crossed(implementation: Implementation) -> None:
    low = np.array([-3.0])
    up = neurons("n", 1, fixed=False, reset="subtract", threshold=5.0, threshold_low=low, v0=5.5)
    down = replace(up, v0=np.array([-4.5]))
    assert run_one(up, "v", 1, implementation).item() == 0.5
    assert run_one(down, "v", 1, implementation).item() == -1.5
    assert run_one(down, "s", 1, implementation).item() == -1


@BOTH
@pytest.mark.parametrize(("bits", "arrives"), [(0, 6), (8, -6)])
def test_negative_spike_through_a_connection(implementation: Implementation, bits: int, arrives: int) -> None:
    """Without payload any spike counts once; with payload it is -1."""
    sender = neurons("m", 1, threshold_low=np.array([-1]), v0=-200)
    network = chip([sender, neurons("n", 1)], [wire("m", "n", [[6]], message_bits=bits)])
    recording = Emulator().run(network, silence(3), [("m", "s"), ("n", "a")], implementation=implementation)
    assert recording.states["m", "s"].dtype == np.int8
    assert state(recording, "m", "s")[:, 0].tolist() == [-1, 0, 0]
    assert state(recording, "n", "a")[:, 0].tolist() == [0, arrives, 0]


def forgetful(size: int, v: float, *, fixed: bool, **fields: Any) -> Any:
    """Neurons whose membrane is ``v`` in every step, whatever happened before."""
    if fixed:
        return neurons("n", size, du=4095, dv=4096, bias_mant=int(v), **fields)
    return neurons("n", size, fixed=False, du=1.0, dv=1.0, bias_mant=v, **fields)


def chance(kind: str, x: Any) -> Any:
    return 1 / (1 + np.exp(-x)) if kind == "logistic" else 1 - np.exp(-np.exp(x))


@BOTH
@pytest.mark.parametrize("kind", ["logistic", "exponential"])
@pytest.mark.parametrize("x", [-3.0, -0.5, 0.0, 0.7])
def test_float_noise_spikes_as_often_as_its_chance(implementation: Implementation, kind: Any, x: float) -> None:
    """Within 4.5 standard deviations of the binomial distribution: at most one seed in 100,000 lies outside."""
    width, size, steps = 2.5, 400, 50
    noise = EscapeNoise(kind, np.full(size, width), np.zeros(0, np.int64), seed=4)
    p = forgetful(size, 10 + width * x, fixed=False, threshold=10.0, escape=noise)
    spikes = run_one(p, "s", steps, implementation)
    n, expected = size * steps, chance(kind, x)
    assert abs(int(spikes.sum()) - n * expected) <= 4.5 * np.sqrt(n * expected * (1 - expected))


@BOTH
def test_fixed_noise_reads_its_table(implementation: Implementation) -> None:
    """Certainty at both ends; between them the entry of v: floor((v - threshold) / 2^shift) + K / 2."""
    table = np.array([0, 1000, 20000, 40000, 64000, 65536])
    size, steps = 300, 40
    for excess, entry in (
        (-9000, 0),
        (-17, 0),
        (-16, 1),
        (-9, 1),
        (-8, 2),
        (-1, 2),
        (0, 3),
        (7, 3),
        (8, 4),
        (16, 5),
        (9000, 5),
    ):
        noise = EscapeNoise("logistic", np.ones(size), table, table_shift=3, seed=1)
        p = forgetful(size, 0, fixed=True, threshold=200, escape=noise)
        p = replace(p, bias_mant=p.bias_mant + (200 << 6) + excess)
        spikes = run_one(p, "s", steps, implementation)
        n, expected = size * steps, table[entry] / 65536
        assert abs(int(spikes.sum()) - n * expected) <= 4.5 * np.sqrt(n * expected * (1 - expected))


@BOTH
@FORMATS
def test_draws_are_numbered_by_step_and_neuron(implementation: Implementation, fixed: bool) -> None:
    """Over several blocks of draws, in both samples, and used or not: a quarter of the draws is below a quarter."""
    size, steps, seed = 60, 5000, 11
    noise = EscapeNoise("logistic", np.ones(size), np.array([16384, 16384]), seed=seed)
    p = forgetful(size, -np.log(3.0), fixed=False, threshold=0.0, escape=noise)
    if fixed:
        p = forgetful(size, 0, fixed=True, escape=noise)
    draws = np.random.default_rng(seed).random((steps, size))
    if implementation == "reference":
        steps, draws = 300, draws[:300]
    spikes = run_one(p, "s", steps, implementation, samples=2)
    expected = draws < 0.25
    np.testing.assert_array_equal(spikes, np.stack([expected, expected]))
    resting = run_one(replace(p, refractory_steps=2), "s", steps, implementation)[0]
    left = np.zeros(size, dtype=int)
    for t in range(steps):
        np.testing.assert_array_equal(resting[t], expected[t] & (left == 0))
        left = np.where(resting[t], 2, np.maximum(left - 1, 0))


@BOTH
@pytest.mark.parametrize("kind", ["logistic", "exponential"])
def test_a_table_is_the_float_function_within_its_step(implementation: Implementation, kind: Any) -> None:
    """Same draws, same membranes: spikes differ only where a draw falls between the two chances."""
    size, steps, width, shift, entries = 50, 60, 600.0, 4, 512
    middle = (np.arange(entries) - entries // 2 + 0.5) * 2**shift
    table = np.rint(65536 * chance(kind, middle / width)).astype(np.int64)
    noise = EscapeNoise(kind, np.full(size, width), table, shift, seed=3)
    v = np.random.default_rng(0).integers(-2000, 2000, size)
    fixed = replace(forgetful(size, 0, fixed=True, threshold=0, escape=noise), bias_mant=v)
    real = replace(forgetful(size, 0.0, fixed=False, threshold=0.0, escape=noise), bias_mant=v * 1.0)
    left, right = (run_one(p, "s", steps, implementation)[0] for p in (fixed, real))
    draws = np.random.default_rng(3).random((steps, size))
    # half an entry times the steepest slope, half a unit of the table, and the floor of the draw
    slope = 0.25 if kind == "logistic" else np.exp(-1)
    step = slope * 2 ** (shift - 1) / width + 1.5 / 65536
    far = np.abs(draws - chance(kind, v / width)) > step
    np.testing.assert_array_equal(left[far], right[far])
    assert far.mean() > 0.9
    assert 0.2 < left.mean() < 0.9


@BOTH
@pytest.mark.parametrize("kind", ["logistic", "exponential"])
def test_noise_far_from_the_threshold_is_certainty(implementation: Implementation, kind: Any) -> None:
    for distance, spike in ((1e6, True), (-1e6, False)):
        noise = EscapeNoise(kind, np.full(3, 1e-3), np.zeros(0, np.int64))
        p = forgetful(3, distance, fixed=False, threshold=0.0, escape=noise)
        assert (run_one(p, "s", 5, implementation) == spike).all()


def test_populations_have_streams_of_their_own() -> None:
    """Neighbours in the kernels' arrays: one with noise between two without, and two seeds."""
    rng = np.random.default_rng(0)
    network = with_kinds(rng, draw_fixed(rng, Options(sizes=(3, 4, 5))), ("escape",))
    network = replace(
        network, populations=tuple(replace(p, escape=None) if p.name == "p1" else p for p in network.populations)
    )
    kernels, reference = both(network, draw_stimulus(rng, network, steps=60))
    for probe, expected in reference.states.items():
        np.testing.assert_array_equal(kernels.states[probe], expected, err_msg=str(probe))


SOME = EscapeNoise("logistic", np.ones(2), np.array([0, 65536]))
WRONG: list[tuple[bool, dict[str, Any], str]] = [
    (True, {"threshold_low": np.array([1, 2, 3])}, r"threshold_low has shape \(3,\)"),
    (True, {"threshold_low": np.array([1.0, 2.0])}, "threshold_low holds float64"),
    (True, {"threshold": 5, "threshold_low": np.array([5, 6])}, r"threshold_low\[1\] is 6, above"),
    (True, {"reset_interval": -1}, "reset_interval is -1"),
    (True, {"reset_offset": 1.5}, r"reset_offset is 1\.5"),
    (True, {"refractory_steps": -2}, "refractory_steps is -2"),
    (True, {"refractory_steps": True}, "refractory_steps is True"),
    (True, {"escape": replace(SOME, kind="linear")}, "kind 'linear'"),  # type: ignore[arg-type]
    (True, {"escape": replace(SOME, seed=-1)}, "seed of its escape noise is -1"),
    (True, {"escape": replace(SOME, table=np.zeros(3, np.int64))}, "3 entries"),
    (True, {"escape": replace(SOME, table=np.zeros(0, np.int64))}, "0 entries"),
    (True, {"escape": replace(SOME, table=np.array([0, 65537]))}, r"escape table\[1\] is 65537"),
    (True, {"escape": replace(SOME, table=np.array([-1, 0]))}, r"escape table\[0\] is -1"),
    (True, {"escape": replace(SOME, table=np.array([0.0, 1.0]))}, "escape table holds float64"),
    (True, {"escape": replace(SOME, table_shift=-1)}, "table_shift is -1"),
    (True, {"escape": SOME, "spiking": False}, "not meant to spike"),
    (False, {"escape": replace(SOME, width=np.array([1.0, 0.0]))}, r"width\[1\] is 0\.0"),
    (False, {"escape": replace(SOME, width=np.array([np.inf, 1.0]))}, r"width\[0\] is inf"),
    (False, {"escape": replace(SOME, width=np.ones(1))}, r"width has shape \(1,\)"),
    (False, {"threshold_low": np.array([np.nan, 1.0])}, "threshold_low"),
]


@pytest.mark.parametrize(("fixed", "fields", "said"), WRONG, ids=[said for _, _, said in WRONG])
def test_what_cannot_be_meant_is_refused(fixed: bool, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(NetworkError, match=said) as refusal:
        run_one(neurons("n", 2, fixed=fixed, **fields), "s", 2, "reference")
    assert "\n" not in str(refusal.value)
    assert "'n'" in str(refusal.value)


def test_plain_neurons_rest_never() -> None:
    """The state r can be asked for everywhere."""
    network = chip([neurons("n", 2, bias_mant=4000, threshold=1)], [wire("in", "n", [[2], [2]])], channels=1)
    for how in IMPLEMENTATIONS:
        recording = Emulator().run(network, spikes_at(5, {1: 1}), [("n", "r"), ("n", "s")], implementation=how)
        assert not recording.states["n", "r"].any()
        assert recording.states["n", "r"].dtype == np.int64
        assert recording.states["n", "s"].any()
