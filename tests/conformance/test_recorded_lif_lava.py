"""The Lava backend against a recorded trace: the LIF neuron of the NIR paper, as its authors ran it in Lava.

Parameters (weight 10, dv 163, vth 25, no current memory) and stimulus are those of the paper's notebook; the CSV holds
input, membrane after reset and spike of each step. lif_lava_loihi_fixed.csv was recorded on a Loihi chip, whose
membrane register reads 128 right after a spike.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_chips import chip, neurons, wire

from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.lava_processes.backend import LavaBackend

pytestmark = [
    pytest.mark.lava,
    pytest.mark.skipif(LavaBackend().missing() is not None, reason=LavaBackend().missing() or ""),
]


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> Recording:
    """Our run of the recorded input."""
    network = chip([neurons("lif", 1, du=4095, dv=163, threshold=25)], [wire("in", "lif", [[10]])], channels=1)
    spikes = np.loadtxt(shared_data / "nir_lif" / "lif_lava_cpu_fixed.csv", delimiter=",")[:, :1]
    return LavaBackend().run(network, Stimulus({"in": spikes[None]}), [("lif", "v"), ("lif", "s")])


def test_membrane_and_spikes_equal_the_cpu_trace(recorded: Recording, shared_data: Path) -> None:
    trace = np.loadtxt(shared_data / "nir_lif" / "lif_lava_cpu_fixed.csv", delimiter=",")
    assert len(trace) == 1000
    np.testing.assert_array_equal(recorded.states["lif", "v"][0, :, 0], trace[:, 1])
    np.testing.assert_array_equal(recorded.states["lif", "s"][0, :, 0], trace[:, 2] != 0)
    assert trace[:, 2].any()


def test_the_chip_differs_only_where_its_register_reads_128(recorded: Recording, shared_data: Path) -> None:
    trace = np.loadtxt(shared_data / "nir_lif" / "lif_lava_loihi_fixed.csv", delimiter=",")
    spikes = recorded.states["lif", "s"][0, :, 0]
    np.testing.assert_array_equal(spikes, trace[:, 2] != 0)
    np.testing.assert_array_equal(np.where(spikes, 128, recorded.states["lif", "v"][0, :, 0]), trace[:, 1])
