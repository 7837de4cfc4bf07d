"""Sparse and convolutional synapses: the reference against SciPy and matrices, the kernels against the reference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from random_networks import Options, draw_fixed, draw_float, draw_stimulus
from small_chips import chip, neurons, spikes_at, state, wire

from neuroalign.chip import ChipConnection, ChipNetwork, Convolution, Fixed, Float64, Numbers, SparsePattern, expanded
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.driver import Implementation
from neuroalign.sim.emulator.layout import lay_out
from neuroalign.sim.emulator.synapses import convolved
from neuroalign.verify.synapses import draw_pattern

STATES = ("s", "u", "v", "a")
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BOTH = pytest.mark.parametrize("implementation", ["kernels", "reference"])
SEEDS = st.integers(0, 2**32 - 1)


# --- what a convolution is -------------------------------------------------------------------------------------------


def correlated(pattern: Convolution, weight: Numbers, image: Numbers) -> Numbers:
    """The same by SciPy: full correlation with a spread-out kernel, of which every stride-th value is kept."""
    signal = pytest.importorskip("scipy.signal")
    outside, inside, rows, columns = pattern.weight_shape
    padded = np.pad(image, ((0, 0), *((p, p) for p in pattern.padding)))
    spread = np.zeros(
        (outside, inside, *(d * (k - 1) + 1 for d, k in zip(pattern.dilation, (rows, columns), strict=True))), np.int64
    )
    spread[:, :, :: pattern.dilation[0], :: pattern.dilation[1]] = weight
    result = []
    for o in range(outside):
        first = o // (outside // pattern.groups) * inside
        parts = [signal.correlate2d(padded[first + i], spread[o, i], mode="valid") for i in range(inside)]
        result.append(sum(parts)[:: pattern.stride[0], :: pattern.stride[1]])
    return np.stack(result)


@SETTINGS
@given(SEEDS)
def test_convolutions_are_those_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pattern = draw_pattern(rng)
    weight = rng.integers(-256, 256, pattern.weight_shape)
    image = rng.integers(-999, 999, pattern.source_shape)
    expected = correlated(pattern, weight, image)
    assert expected.shape == pattern.target_shape
    np.testing.assert_array_equal(convolved(pattern, weight, image.ravel()), expected.ravel())
    np.testing.assert_array_equal(expanded(pattern, weight) @ image.ravel(), expected.ravel())


# --- random networks -------------------------------------------------------------------------------------------------


def patterned(rng: Generator, network: ChipNetwork, *, extreme: bool, wide: bool) -> ChipNetwork:
    """The network with most connections sparse, and an image that reaches its first population by a kernel."""
    fixed = network.is_fixed
    connections = [_thinned(rng, c) if rng.random() < 0.7 else c for c in network.connections]
    pattern = draw_pattern(rng)
    targets, sources = pattern.shape
    place = replace(_population(rng, targets, fixed), name="place")
    entry = network.inputs[0]
    image = replace(entry, name="image", size=sources)
    kernel = _kernel(rng, pattern, fixed, extreme, wide)
    bits = image.message_bits if rng.random() < 0.7 else 0
    into = replace(kernel, name="k1", source="image", target="place", message_bits=bits)
    square = Convolution(pattern.target_shape, pattern.channels, (3, 1), padding=(1, 0), groups=pattern.channels)
    back = replace(_kernel(rng, square, fixed, extreme, wide), name="k2", source="place", target="place")
    if network.connection_delay_steps == 0:
        back = replace(back, delays=np.ones(square.weight_shape, dtype=np.int64))
    return replace(
        network,
        inputs=(*network.inputs, image),
        populations=(*network.populations, place),
        connections=(*connections, into, back),
    )


def _thinned(rng: Generator, c: ChipConnection) -> ChipConnection:
    target, source = np.nonzero(rng.random(c.shape) < rng.uniform(0, 1))
    delays = None if c.delays is None else c.delays[target, source]
    return replace(c, weight=c.weight[target, source], delays=delays, pattern=SparsePattern(target, source, c.shape))


def _population(rng: Generator, size: int, fixed: bool) -> Any:
    if fixed:
        return neurons("", size, du=rng.integers(0, 4096, size), dv=rng.integers(0, 900, size), threshold=40)
    return neurons("", size, fixed=False, du=rng.uniform(0, 1, size), dv=0.1, threshold=0.7)


def _kernel(rng: Generator, pattern: Convolution, fixed: bool, extreme: bool, wide: bool) -> ChipConnection:
    delays = rng.integers(0, 4, pattern.weight_shape) if rng.random() < 0.5 else None
    if not fixed:
        real = rng.normal(0.2, 0.7, pattern.weight_shape)
        return ChipConnection("", "", "", real, Float64(), 0, "mixed", delays, pattern=pattern)
    largest = 1 << (20 if wide else 8)
    weight = rng.integers(-largest // 2, largest // 2, pattern.weight_shape) * 2
    exponent = int(rng.integers(-3, 20 if extreme else 3))
    return ChipConnection("", "", "", weight, Fixed(21 if wide else 8), exponent, "mixed", delays, pattern=pattern)


def both(network: ChipNetwork, stimulus: Stimulus) -> tuple[Recording, Recording]:
    """All states from the kernels and from the reference."""
    probes = [(p.name, name) for p in network.populations for name in STATES]
    kernels = Emulator().run(network, stimulus, probes, implementation="kernels")
    return kernels, Emulator().run(network, stimulus, probes, implementation="reference")


OPTIONS = st.builds(
    Options,
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=3).map(tuple),
    channels=st.integers(1, 5),
    max_delay=st.integers(0, 6),
    exponents=st.sampled_from([(0, 0), (-3, 3), (-9, 9)]),
    graded=st.booleans(),
    extreme=st.booleans(),
)


@SETTINGS
@given(OPTIONS, st.booleans(), SEEDS)
def test_fixed_kernels_are_bit_equal(options: Options, wide: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = patterned(rng, draw_fixed(rng, options), extreme=options.extreme, wide=wide and options.extreme)
    kernels, reference = both(network, draw_stimulus(rng, network, samples=2, steps=20))
    for probe, expected in reference.states.items():
        np.testing.assert_array_equal(kernels.states[probe], expected, err_msg=str(probe))
    assert dict(kernels.counts) == dict(reference.counts)


@SETTINGS
@given(OPTIONS, st.integers(0, 1), SEEDS)
def test_float_kernels_agree_up_to_the_order_of_sums(options: Options, delay_steps: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = draw_float(rng, options, connection_delay_steps=delay_steps)
    network = patterned(rng, network, extreme=False, wide=False)
    kernels, reference = both(network, draw_stimulus(rng, network, samples=1, steps=20))
    for (name, what), expected in reference.states.items():
        scale = max(1.0, float(np.abs(expected.astype(float)).max()))
        np.testing.assert_allclose(
            kernels.states[name, what].astype(float), expected.astype(float), rtol=1e-12, atol=1e-12 * scale
        )


@BOTH
@SETTINGS
@given(OPTIONS, SEEDS)
def test_sparse_equals_dense_with_the_same_entries(implementation: Implementation, options: Options, seed: int) -> None:
    """Delays and graded spikes together aside: Lava's DelayDense then rounds a longer sum than its DelaySparse."""
    rng = np.random.default_rng(seed)
    sparse = draw_fixed(rng, replace(options, graded=options.graded and options.max_delay == 0))
    sparse = replace(sparse, connections=tuple(_thinned(rng, c) for c in sparse.connections))
    dense = replace(sparse, connections=tuple(_unthinned(c) for c in sparse.connections))
    stimulus = draw_stimulus(rng, sparse, samples=1, steps=20)
    probes = [(p.name, name) for p in sparse.populations for name in STATES]
    ours, expected = (Emulator().run(n, stimulus, probes, implementation=implementation) for n in (sparse, dense))
    for probe in probes:
        np.testing.assert_array_equal(ours.states[probe], expected.states[probe], err_msg=str(probe))


def _unthinned(c: ChipConnection) -> ChipConnection:
    assert c.pattern is not None
    delays = None if c.delays is None else expanded(c.pattern, c.delays)
    return replace(c, weight=expanded(c.pattern, c.weight), delays=delays, pattern=None)


# --- one thing at a time ---------------------------------------------------------------------------------------------


def kernel(weight: Any, pattern: Convolution, **changes: Any) -> ChipConnection:
    """A convolution from "in" to "n"."""
    held = np.asarray(weight).reshape(pattern.weight_shape)
    return replace(wire("in", "n", [[0]]), weight=held, pattern=pattern, **changes)


@BOTH
@pytest.mark.parametrize(("exponent", "expected"), [(0, 0x7FFFFF), (1, -2), (2, -4), (-1, 0x3FFFFF)])
def test_the_sum_of_a_convolution_wraps_to_24_bits(
    implementation: Implementation, exponent: int, expected: int
) -> None:
    """2**23 - 1, doubled and redoubled, and halved: known from two's complement."""
    pattern = Convolution((1, 1, 2), 1, (1, 2))
    network = chip(
        [neurons("n", 1)], [kernel([1, 1], pattern, message_bits=24, weight_exp=exponent)], 2, message_bits=24
    )
    network = replace(network, connections=(replace(network.connections[0], weight_format=Fixed(9)),))
    recording = Emulator().run(
        network, spikes_at(2, {0: [0x7FFFFE, 1]}, 2), [("n", "a")], implementation=implementation
    )
    assert state(recording, "n", "a")[:, 0].tolist() == [0, expected]


@BOTH
def test_a_convolution_has_the_delays_of_its_kernel(implementation: Implementation) -> None:
    pattern = Convolution((1, 1, 3), 1, (1, 2))
    connection = kernel([2, 4], pattern, delays=np.array([[[[0, 2]]]]))
    network = chip([neurons("n", 2)], [connection], 3)
    recording = Emulator().run(network, spikes_at(5, {0: [1, 1, 0]}, 3), [("n", "a")], implementation=implementation)
    assert state(recording, "n", "a").tolist() == [[0, 0], [2, 2], [0, 0], [4, 0], [0, 0]]


@BOTH
def test_a_sum_is_rounded_once_for_each_delay(implementation: Implementation) -> None:
    """-2 >> 2 is -1 in each of two slots, and where all arrive together -4 >> 2 is -1 once."""
    pattern = SparsePattern(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), (2, 2))
    connection = replace(
        wire("in", "n", [[0]]), weight=np.full(4, -2), weight_exp=-2, delays=np.array([0, 1, 1, 1]), pattern=pattern
    )
    network = chip([neurons("n", 2)], [connection], 2)
    recording = Emulator().run(network, spikes_at(4, {0: [1, 1]}, 2), [("n", "a")], implementation=implementation)
    assert state(recording, "n", "a").tolist() == [[0, 0], [-1, 0], [-1, -1], [0, 0]]


def test_static_weights_take_two_bytes_and_patterns_no_matrix() -> None:
    n = 3000
    rng = np.random.default_rng(1)
    chosen = np.unique(rng.integers(0, n * n, 20 * n))
    pattern = SparsePattern(chosen // n, chosen % n, (n, n))
    thin = replace(wire("p", "p", [[0]]), weight=np.full(chosen.size, 6), pattern=pattern, name="thin")
    image = Convolution((3, 25, 40), 3, (3, 3), padding=(1, 1))
    shared = replace(wire("p", "p", [[0]]), weight=np.full(image.weight_shape, 6), pattern=image, name="shared")
    full = wire("q", "q", np.full((300, 300), 254), name="full", weight_exp=9)
    layout = lay_out(chip([neurons("p", n), neurons("q", 300)], [thin, shared, full]), ())
    assert layout.static.weights.itemsize == 2
    assert layout.static.weights.size == chosen.size + shared.weight.size + full.weight.size
    assert sum(part.nbytes for part in layout.static) < 2 * full.weight.size + 8 * chosen.size + 10 * n
