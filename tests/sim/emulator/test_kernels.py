"""The kernels against the reference: every state of every step, on random networks of both number formats."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_networks import Options, draw_fixed, draw_float, draw_stimulus

from neuroalign import fixed_point
from neuroalign.chip import ChipNetwork
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator import Emulator, escape, neuron_kernels, wire_kernels, wire_shapes
from neuroalign.sim.emulator.kernels import SOURCES, step_kernels

STATES = ("s", "u", "v", "a")
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
OPTIONS = st.builds(
    Options,
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple),
    channels=st.integers(1, 5),
    max_delay=st.integers(0, 6),
    exponents=st.sampled_from([(0, 0), (-3, 3), (-9, 9)]),
    graded=st.booleans(),
    extreme=st.booleans(),
    silent=st.booleans(),
    subtract=st.booleans(),
)


def both(network: ChipNetwork, stimulus: Stimulus) -> tuple[Recording, Recording]:
    """All states from the kernels and from the reference."""
    probes = [(p.name, name) for p in network.populations for name in STATES]
    kernels = Emulator().run(network, stimulus, probes, implementation="kernels")
    return kernels, Emulator().run(network, stimulus, probes, implementation="reference")


@SETTINGS
@given(OPTIONS, st.integers(0, 2**32 - 1))
def test_fixed_kernels_are_bit_equal(options: Options, seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = draw_fixed(rng, options)
    kernels, reference = both(network, draw_stimulus(rng, network, samples=2, steps=25))
    for probe, expected in reference.states.items():
        assert kernels.states[probe].dtype == expected.dtype
        np.testing.assert_array_equal(kernels.states[probe], expected, err_msg=str(probe))
    assert dict(kernels.counts) == dict(reference.counts)


@SETTINGS
@given(OPTIONS, st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_float_kernels_agree_up_to_the_order_of_sums(options: Options, delay_steps: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = draw_float(rng, options, connection_delay_steps=delay_steps)
    kernels, reference = both(network, draw_stimulus(rng, network, samples=2, steps=25))
    for (name, what), expected in reference.states.items():
        if what == "s":
            np.testing.assert_array_equal(kernels.states[name, what], expected)
        else:
            scale = max(1.0, float(np.abs(expected).max()))
            np.testing.assert_allclose(kernels.states[name, what], expected, rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize("draw", [draw_fixed, draw_float])
def test_drawn_networks_are_lively_and_reach_the_limits(draw: Callable[..., ChipNetwork]) -> None:
    """The comparisons above prove little on silent networks: nine in ten spike, and the limits are met."""
    lively, counts = 0, dict.fromkeys(("u_wrapped", "v_saturated", "nonspiking_spikes"), 0)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        network = draw(rng, Options(extreme=seed % 3 == 0, silent=seed % 3 == 1))
        probes = [(p.name, "s") for p in network.populations]
        recording = Emulator().run(network, draw_stimulus(rng, network), probes)
        lively += any(array.any() for array in recording.states.values())
        for name, count in recording.counts.items():
            counts[name.split(".")[1]] += count
    assert lively >= 54
    if draw is draw_fixed:
        assert all(counts.values()), counts


def test_kernels_are_keyed_to_the_arithmetic_they_were_compiled_from() -> None:
    """The disk cache of numba must not serve kernels that were compiled from other arithmetic."""
    assert {fixed_point, escape, neuron_kernels, wire_shapes, wire_kernels} <= set(SOURCES)
    stamp = zlib.crc32(b"".join(Path(str(module.__file__)).read_bytes() for module in SOURCES))
    for kernel in step_kernels():
        dispatcher: Any = kernel
        assert [cell.cell_contents for cell in dispatcher.py_func.__closure__] == [stamp]
