"""Loihi's plain neurons step in 32 bits where no sum can leave them: the bound of that, from both sides."""

from __future__ import annotations

import numpy as np
import pytest
from small_chips import chip, neurons, wire

from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.layout import lay_out
from neuroalign.sim.emulator.neuron_shapes import CALM_BITS, LOIHI_WEIGHT_SHIFT


@pytest.mark.parametrize("bits", range(CALM_BITS - LOIHI_WEIGHT_SHIFT - 3, 31))
@pytest.mark.parametrize("inside", [True, False])
def test_steps_are_the_references_up_to_and_beyond_the_bound(bits: int, inside: bool) -> None:
    """Inputs, start states and biases of all magnitudes around the bound, for many neurons at once."""
    rng = np.random.default_rng(bits)
    n, edge = 67, 1 << CALM_BITS
    population = neurons(
        "n",
        n,
        du=rng.integers(0, 4096, n),
        dv=rng.integers(0, 4097, n),
        threshold=rng.integers(-(1 << 17), 1 << 17, n),
        bias_mant=rng.integers(-(1 << 13), 1 << 13, n),
        bias_exp=rng.integers(0, 15, n),
        u0=rng.integers(-(1 << 31), 1 << 31, n),
        v0=rng.integers(-edge, edge, n) if inside else np.full(n, edge),
    )
    network = chip([population], [wire("in", "n", 2 * np.eye(n, dtype=np.int64), message_bits=32)], n, message_bits=32)
    assert lay_out(network, ()).populations["loihi"].tolist() == [inside]
    payload = np.clip(rng.integers(-(2 << bits), 2 << bits, (1, 12, n)), -(1 << 31), (1 << 31) - 1)
    payload[0, 3:9] //= 1 << 20  # calm for some steps, after steps that were not
    probes = [("n", state) for state in ("u", "v", "s", "a")]
    kernels = Emulator().run(network, Stimulus({"in": payload}), probes)
    reference = Emulator().run(network, Stimulus({"in": payload}), probes, implementation="reference")
    for probe in probes:
        np.testing.assert_array_equal(kernels.states[probe], reference.states[probe], err_msg=str(probe))
    assert dict(kernels.counts) == dict(reference.counts)
