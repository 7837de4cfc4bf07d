"""Norse's own reader opens what we save and spikes as the chip does."""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import pytest
from numpy.typing import NDArray
from plastic_models import DT, lif
from random_models import random_stimulus

from neuroalign.chip import ChipNetwork
from neuroalign.compile import compile_network
from neuroalign.export.nir_graph.write import write_nir
from neuroalign.network import Connection, InputPort, Network, Population
from neuroalign.profile import load_profile
from neuroalign.recording import Stimulus
from neuroalign.rules import stdwi
from neuroalign.sim.emulator.driver import Emulator

torch = pytest.importorskip("torch")
norse = pytest.importorskip("norse.torch")

pytestmark = [pytest.mark.norse, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
SIZE, CHANNELS, STEPS = 8, 12, 250


def chain(kinds: tuple[str, ...], seed: int) -> Network:
    """Input -> populations in a row, with biases, each neuron with its own time constants."""
    rng = np.random.default_rng(seed)
    populations, connections, before = [], [], ("in", CHANNELS)
    for k, kind in enumerate(kinds):
        populations.append(_neurons(rng, f"p{k}", kind))
        weight = rng.uniform(-0.3, 1.0, (SIZE, before[1])) * 8 / before[1]
        connections.append(Connection(f"c{k}", before[0], f"p{k}", weight))
        before = (f"p{k}", SIZE)
    port = InputPort("in", (CHANNELS,))
    return Network("chain", DT, (port,), tuple(populations), tuple(connections), (("out", before[0]),))


def _neurons(rng: np.random.Generator, name: str, kind: str) -> Population:
    bias = rng.uniform(-0.02, 0.05, SIZE)
    zero, one = np.zeros(SIZE), np.ones(SIZE)
    if kind == "IF":
        endless = np.full(SIZE, np.inf)
        return Population(name, "IF", (SIZE,), endless, zero, one / DT, one, zero, 4 * one, zero, bias, zero, zero)
    if kind == "Linear":
        return Population(name, "Linear", (SIZE,), zero, zero, one, one, zero, np.inf * one, zero, bias, zero, zero)
    filtered = {"tau_syn": rng.uniform(2e-3, 8e-3, SIZE)} if kind == "CubaLIF" else {}
    return lif(name, SIZE, tau_mem=rng.uniform(5e-3, 20e-3, SIZE), v_threshold=0.3, bias=bias, **filtered)


def norse_output(path: Path, stimulus: Stimulus) -> NDArray[np.float64]:
    """What Norse's module gives in each step, in single precision."""
    module = norse.from_nir(nir.read(path), dt=DT)
    state, given = None, []
    with torch.no_grad():
        for spikes in stimulus.inputs["in"][0]:
            out, state = module(torch.tensor(spikes, dtype=torch.float32), state)
            given.append(out.numpy())
    return np.array(given, dtype=np.float64)


def our_output(chip: ChipNetwork, stimulus: Stimulus, state: str) -> NDArray[np.float64]:
    name = chip.outputs[0][1]
    p = chip.population(name)
    recorded = Emulator().run(chip, stimulus, [(name, state)], implementation="reference").states[name, state][0]
    values = p.volts(recorded) if state == "v" else recorded.astype(np.float64)
    return values[p.latency_steps : p.latency_steps + STEPS]


@pytest.mark.parametrize("profile", ["ideal", "loihi2"])
@pytest.mark.parametrize(
    "kinds", [("LIF", "LIF"), ("CubaLIF", "CubaLIF"), ("IF", "IF"), ("LIF", "CubaLIF", "IF")], ids="-".join
)
def test_spikes_are_those_of_the_chip(kinds: tuple[str, ...], profile: str, tmp_path: Path) -> None:
    network = chain(kinds, len(kinds[0]))
    chip, _ = compile_network(network, load_profile(profile))
    stimulus = random_stimulus(network, 1, 1, STEPS)
    ours = our_output(chip, stimulus, "s")
    assert ours.sum() >= 20
    np.testing.assert_array_equal(norse_output(write_nir(tmp_path / "a.nir", chip, network=network), stimulus), ours)


def test_a_readout_without_memory_stays_an_affine(tmp_path: Path) -> None:
    network = chain(("LIF", "Linear"), 2)
    chip, _ = compile_network(network, load_profile("ideal"))
    stimulus = random_stimulus(network, 1, 1, STEPS)
    path = write_nir(tmp_path / "a.nir", chip, network=network)
    assert isinstance(nir.read(path).nodes["p1"], nir.Affine)
    np.testing.assert_allclose(norse_output(path, stimulus), our_output(chip, stimulus, "v"), atol=1e-6)


def test_norse_runs_a_plastic_network_with_its_initial_weights(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).uniform(0.1, 0.6, (5, CHANNELS))
    plastic = Connection("learns", "in", "q", weight, 1, stdwi(), learning=((10**6, 10**6 + 1),))
    network = Network(
        "plastic", DT, (InputPort("in", (CHANNELS,)),), (lif("q", 5, v_threshold=0.2),), (plastic,), (("o", "q"),)
    )
    chip, _ = compile_network(network, load_profile("ideal"))
    stimulus = random_stimulus(network, 2, 1, STEPS)
    theirs = norse_output(write_nir(tmp_path / "a.nir", chip, network=network), stimulus)
    ours = our_output(chip, stimulus, "s")
    assert ours.sum() >= 20
    np.testing.assert_array_equal(theirs[:-1], ours[1:])
