"""Answers published by others: traces recorded from Lava and from a Loihi chip, and Lava's own unit tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from small_chips import chip, neurons, silence, spikes_at, state, wire

from neuroalign.chip import ChipNetwork
from neuroalign.fixed_point import lava_weights
from neuroalign.recording import Probe, Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.emulator.driver import Implementation

BOTH = pytest.mark.parametrize("implementation", ["kernels", "reference"])


def run(network: ChipNetwork, stimulus: Stimulus, implementation: Implementation, *probes: Probe) -> list[list[int]]:
    """The probed states of the first sample, one list per neuron where there is one neuron only."""
    recording = Emulator().run(network, stimulus, probes, implementation=implementation)
    return [state(recording, *probe).squeeze(axis=1).tolist() for probe in probes]


def paper_network() -> ChipNetwork:
    """The one neuron of the NIR paper in Loihi's integers: weight 10, du 4095, dv 163, threshold 25."""
    return chip([neurons("lif", 1, du=4095, dv=163, threshold=25)], [wire("in", "lif", [[10]])], channels=1)


def recorded(shared_data: Path, name: str) -> NDArray[np.float64]:
    """Rows (input, v, spike) of a recorded trace."""
    return np.loadtxt(shared_data / "nir_lif" / name, delimiter=",")


@BOTH
def test_trace_recorded_from_lava(shared_data: Path, implementation: Implementation) -> None:
    trace = recorded(shared_data, "lif_lava_cpu_fixed.csv")
    stimulus = Stimulus({"in": trace[None, :, :1]})
    v, s = run(paper_network(), stimulus, implementation, ("lif", "v"), ("lif", "s"))
    assert len(trace) == 1000
    assert np.count_nonzero(trace[:, 2]) == 4
    assert v == trace[:, 1].tolist()
    assert s == trace[:, 2].tolist()


@BOTH
def test_trace_recorded_from_a_loihi_chip(shared_data: Path, implementation: Implementation) -> None:
    """The chip's probe shows 128 where a spike has just reset the membrane; all else is equal."""
    trace = recorded(shared_data, "lif_lava_loihi_fixed.csv")
    stimulus = Stimulus({"in": recorded(shared_data, "lif_lava_cpu_fixed.csv")[None, :, :1]})
    v, s = run(paper_network(), stimulus, implementation, ("lif", "v"), ("lif", "s"))
    assert s == trace[:, 2].tolist()
    differs = np.array(v) != trace[:, 1]
    assert np.count_nonzero(differs) == 4
    assert (trace[differs, 1] == 128).all()
    assert (trace[differs, 2] == 1).all()


def weight_128() -> list[list[int]]:
    """One synapse that adds 128, as the tests of Lava's LIF do without a synapse; it arrives one step later."""
    return [[128]]


@BOTH
def test_current_halves(implementation: Implementation) -> None:
    """test_bitacc_pm_impulse_du: du = 2047 halves the current of an impulse of 128."""
    network = chip([neurons("lif", 1, du=2047, threshold=256)], [wire("in", "lif", weight_128())], channels=1)
    (u,) = run(network, spikes_at(9, {0: 1}), implementation, ("lif", "u"))
    assert u == [0] + [1 << (13 - k) for k in range(8)]


@BOTH
def test_membrane_integrates(implementation: Implementation) -> None:
    """test_bitacc_pm_impulse_dv: dv = 2048, and du = 0 that still decays by 1/4096."""
    network = chip([neurons("lif", 1, dv=2048, threshold=256)], [wire("in", "lif", weight_128())], channels=1)
    (v,) = run(network, spikes_at(9, {0: 1}), implementation, ("lif", "v"))
    assert v == [0, 8192, 12286, 14331, 15351, 15859, 16111, 16235, 16295]


@BOTH
def test_bias_drives_every_fifth_step(implementation: Implementation) -> None:
    """test_bitacc_pm_no_decay: bias 2 << 6 against threshold 8 << 6, and a strict comparison."""
    network = chip([neurons("lif", 1, bias_mant=2, bias_exp=6, threshold=8)], [])
    (s,) = run(network, silence(10), implementation, ("lif", "s"))
    assert [k for k, spike in enumerate(s) if spike] == [4, 9]


@BOTH
def test_bias_is_shifted_by_its_exponent(implementation: Implementation) -> None:
    """test_bitacc_pm_scaling_of_bias."""
    network = chip([neurons("lif", 1, bias_mant=2**12 - 1, bias_exp=5, threshold=2**17)], [])
    (v,) = run(network, silence(1), implementation, ("lif", "v"))
    assert v == [(2**12 - 1) * 2**5]


@BOTH
@pytest.mark.parametrize(
    ("bits", "exponent", "delays", "expected"),
    [
        (8, 0, [0, 0, 0], {4: [254, -256, 38]}),
        (8, 1, [0, 0, 0], {4: [508, -512, 76]}),
        (7, 0, [0, 0, 0], {4: [252, -256, 36]}),
        (8, 0, [2, 2, 2], {6: [254, -256, 38]}),
        (8, 1, [0, 1, 2], {4: [508, 0, 0], 5: [0, -512, 0], 6: [0, 0, 76]}),
    ],
)
def test_dense_fan_out(
    implementation: Implementation, bits: int, exponent: int, delays: list[int], expected: dict[int, list[int]]
) -> None:
    """test_bitacc_pm_fan_out_*, with and without delays: weights 300, -300 and 39, a spike at the fourth step."""
    weight = lava_weights(np.array([[300], [-300], [39]]), "mixed", bits)
    connection = wire("in", "lif", weight, weight_exp=exponent, delays=np.array(delays)[:, None])
    network = chip([neurons("lif", 3)], [connection], channels=1)
    recording = Emulator().run(network, spikes_at(8, {3: 1}), [("lif", "a")], implementation=implementation)
    arrived = np.zeros((8, 3), dtype=np.int64)
    for step, values in expected.items():
        arrived[step] = values
    assert state(recording, "lif", "a").tolist() == arrived.tolist()


@BOTH
def test_dense_fan_in(implementation: Implementation) -> None:
    """test_bitacc_pm_fan_in_mixed_sign: 36 = 254 - 256 + 38 - 0."""
    weight = lava_weights(np.array([[300, -300, 39, -0.4]]), "mixed")
    network = chip([neurons("lif", 1)], [wire("in", "lif", weight)], channels=4)
    (a,) = run(network, spikes_at(6, {3: 1}, channels=4), implementation, ("lif", "a"))
    assert a == [0, 0, 0, 0, 36, 0]
