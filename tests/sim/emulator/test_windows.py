"""Rectangular synapses, and sampling neurons made of them: emulator against a sum over spikes, and Norse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_chips import neurons

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, Fixed, Float64
from neuroalign.compile import compile_network
from neuroalign.network import Connection, Escape, InputPort, Network, Population
from neuroalign.profile import load_profile
from neuroalign.quantise.graded import chip_stimulus
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator

TAU = 10


def sampling_population(name: str, size: int, bias: np.ndarray, seed: int) -> Population:
    """Neurons that spike with P = 1 / (1 + TAU exp(-u)) when their last spike is more than TAU steps old."""
    zero, one = np.zeros(size), np.ones(size)
    return Population(
        name, "Threshold", (size,), zero, zero, one, one, zero, np.full(size, np.log(TAU)), zero, bias, zero, zero,
        window=TAU * 1e-3, refractory=TAU * 1e-3, escape=Escape("logistic", one, seed),
    )  # fmt: skip


def sampling_network(size: int = 5) -> Network:
    rng = np.random.default_rng(3)
    weight = rng.normal(0, 1, (size, size)) * (1 - np.eye(size))
    return Network(
        "sampling", 1e-3, (InputPort("none", (1,)),), (sampling_population("z", size, rng.normal(0, 1, size), 7),),
        (
            Connection("given", "none", "z", np.zeros((size, 1)), delay_steps=1),
            Connection("recurrent", "z", "z", weight, delay_steps=1),
        ),
        (("z", "z"),),
    )  # fmt: skip


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("implementation", ["kernels", "reference"])
def test_the_current_is_the_sum_over_the_window(fixed: bool, implementation: str) -> None:
    number_format = Fixed(24, on_excess="wrap") if fixed else Float64()
    kind = np.int64 if fixed else np.float64
    full = np.full(3, 4095 if fixed else 1).astype(kind)
    p = replace(
        neurons("p", 3, fixed=fixed), du=full, window_steps=4, spiking=False, u_format=number_format,
        threshold=np.full(3, (1 << 17) - 1 if fixed else np.inf).astype(kind),
    )  # fmt: skip
    weight = np.arange(6).reshape(3, 2).astype(kind) * 2
    weight_format = Fixed(8) if fixed else Float64()
    wire = ChipConnection("w", "in", "p", weight, weight_format, 0, "excitatory")
    network = ChipNetwork("n", 1e-3, "test", (ChipInput("in", 2),), (p,), (wire,), (("p", "p"),))
    spikes = np.random.default_rng(1).random((1, 40, 2)) < 0.3
    found = Emulator().run(network, Stimulus({"in": spikes}), [("p", "u")], implementation=implementation)  # type: ignore[arg-type]
    arrived = np.concatenate([np.zeros((1, 3)), spikes[0] @ weight.T])[:40]
    expected = [arrived[max(0, t - 3) : t + 1].sum(axis=0) for t in range(40)]
    np.testing.assert_array_equal(found.states["p", "u"][0] / 2.0**p.weight_shift, expected)


def test_sampling_neurons_in_float_equal_norse() -> None:
    pytest.importorskip("norse", reason="norse is not installed")
    from neuroalign.sim.norse_reference.backend import NorseReference

    network, steps = sampling_network(), 3000
    stimulus = Stimulus({"none": np.zeros((1, steps, 1))})
    expected = NorseReference().run_model(network, stimulus, [("z", "s")]).states["z", "s"]
    chip, _ = compile_network(network, load_profile("ideal"))
    assert chip.latency_steps == 0
    for implementation in ("kernels", "reference"):
        run = Emulator().run(chip, chip_stimulus(stimulus, chip), [("z", "s")], implementation=implementation)
        np.testing.assert_array_equal(run.states["z", "s"], expected)
    assert 5 * steps / 100 < expected.sum() < 5 * steps / TAU


def test_sampling_neurons_in_integers_spike_as_often() -> None:
    network, steps = sampling_network(), 20_000
    stimulus = Stimulus({"none": np.zeros((1, steps, 1))})
    rates = []
    for profile in ("ideal", "loihi2"):
        chip, table = compile_network(network, load_profile(profile))
        run = Emulator().run(chip, chip_stimulus(stimulus, chip), [("z", "s")])
        rates.append(run.states["z", "s"][0].mean(axis=0))
    assert any(row.quantity == "escape chance" for row in table.rows)
    # spikes of refractory neurons are less regular than Poisson's at most
    assert (abs(rates[0] - rates[1]) < 5 * np.sqrt(rates[0] / steps) + 0.002).all(), rates
