"""Ternary, resetting, refractory and stochastic neurons: closed forms, known answers, and the kernels' equality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_networks import Options, draw_fixed, draw_float, draw_stimulus
from random_neurons import COMBINATIONS, with_kinds

from neuroalign.chip import ChipNetwork
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator import Emulator

BOTH = pytest.mark.parametrize("implementation", ["kernels", "reference"])
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
