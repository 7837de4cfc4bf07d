"""Ideal profile against Norse: the same order, mapping and latencies, in double precision.

The emulator runs what ``compile_network`` made for the ideal profile, where every connection takes a step as on the
chip; Norse runs the model. They are compared after subtracting the latency that the ChipNetwork declares, from the
first step, with nothing held still and nothing fitted.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from random_models import random_network, random_stimulus

from neuroalign.compile import compile_network
from neuroalign.network import Network
from neuroalign.profile import load_profile
from neuroalign.recording import Recording
from neuroalign.sim.emulator.driver import Emulator
from neuroalign.sim.norse_reference.backend import NorseReference

pytestmark = pytest.mark.norse
pytest.importorskip("torch")
pytest.importorskip("norse")

SEEDS = range(60)
STEPS = 500


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ideal_chip_is_the_model_shifted_by_its_declared_latency(seed: int) -> None:
    network = random_network(seed)
    stimulus = random_stimulus(network, seed, samples=1, steps=STEPS)
    chip, _ = compile_network(network, load_profile("ideal"))
    assert chip.connection_delay_steps == 1
    assert [(p.name, p.latency_steps) for p in chip.populations] == list(expected_latency(network).items())
    probes = [(p.name, state) for p in network.populations for state in ("v", "s")]
    model = NorseReference().run_model(network, stimulus, probes)
    emulated = Emulator().run(chip, stimulus, probes)
    for p, held in zip(network.populations, chip.populations, strict=True):
        v, wanted = held.volts(emulated.aligned(p.name, "v", STEPS)), model.states[p.name, "v"]
        assert v.shape == wanted.shape == (1, STEPS, p.size)
        threshold = np.abs(p.v_threshold) if p.spiking else np.ones(p.size)
        assert (np.abs(v - wanted) / threshold).max() <= 1e-9
        np.testing.assert_array_equal(emulated.aligned(p.name, "s", STEPS), model.states[p.name, "s"])
    assert spikes(network, model) >= 20


def test_the_networks_compared_have_what_the_comparison_is_about() -> None:
    networks = [random_network(seed) for seed in SEEDS]
    chains = [[p.kind for p in n.populations if p.spiking] for n in networks]
    assert all(np.abs([p.bias, p.v_leak]).min() > 0 for n in networks for p in n.populations)
    assert all(np.abs(p.v_reset).min() > 0 for n in networks for p in n.populations if p.spiking)
    assert all(np.unique(p.tau_mem).size == p.size for n in networks for p in n.populations)
    assert sum({"LIF", "CubaLIF"} <= set(kinds) for kinds in chains) >= 50
    assert sum(any(c.source == c.target for c in n.connections) for n in networks) >= 30
    assert (
        sum(
            len(n.connections) > len(n.populations) + sum(c.source == c.target for c in n.connections) for n in networks
        )
        >= 30
    )


def expected_latency(network: Network) -> dict[str, int]:
    """The longest path from the inputs, one step a connection; the populations are in topological order."""
    latency = {port.name: 0 for port in network.inputs}
    for p, c in itertools.product(network.populations, network.connections):
        if c.target == p.name and c.source != p.name:
            latency[p.name] = max(latency.get(p.name, 0), latency[c.source] + 1)
    return {p.name: latency[p.name] for p in network.populations}


def spikes(network: Network, recording: Recording) -> int:
    """Spikes of all populations."""
    return sum(int(recording.states[p.name, "s"].sum()) for p in network.populations)
