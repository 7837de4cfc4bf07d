"""The published Braille networks (NIR paper, BSD-3): file, Norse, ideal profile and the recurrence written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.compile import compile_network
from neuroalign.export.nir_graph import read_nir
from neuroalign.network import Network, ResetMode
from neuroalign.profile import load_profile
from neuroalign.recording import Recording, Stimulus
from neuroalign.sim.emulator.driver import Emulator
from neuroalign.sim.norse_reference.backend import NorseReference

pytestmark = pytest.mark.norse
nir = pytest.importorskip("nir")
pytest.importorskip("torch")
pytest.importorskip("norse")

FILES: dict[str, ResetMode] = {
    "braille_noDelay_bias_zero.nir": "zero",
    "braille_noDelay_noBias_subtract.nir": "subtract",
}
STEPS = 256


def stimulus() -> Stimulus:
    """Eight samples of 12 channels, Bernoulli 5 %."""
    rng = np.random.default_rng(12)
    return Stimulus({"input": (rng.random((8, STEPS, 12)) < 0.05).astype(np.uint8)})


def by_hand(path: Path, reset: ResetMode, spikes: NDArray[Any], dt: float) -> list[NDArray[np.float64]]:
    """Spikes of both layers, parameters from the nir package: the recurrent input is the previous step's spikes."""
    nodes = nir.read(path).nodes
    fc1, rec, fc2 = nodes["fc1"], nodes["lif1.w_rec"], nodes["fc2"]
    layers = (nodes["lif1.lif"], nodes["lif2"])
    i = [np.zeros((len(spikes), n.tau_mem.size)) for n in layers]
    v = [np.zeros_like(a) for a in i]
    s = [np.zeros_like(a) for a in i]
    out = [np.zeros((len(spikes), spikes.shape[1], a.shape[1])) for a in i]
    for t in range(spikes.shape[1]):
        for k, n in enumerate(layers):
            x = linear(fc1, spikes[:, t]) + linear(rec, s[0]) if k == 0 else linear(fc2, s[0])
            i[k] = (1 - dt / n.tau_syn) * i[k] + n.w_in * dt / n.tau_syn * x
            v[k] = (1 - dt / n.tau_mem) * v[k] + dt / n.tau_mem * (n.v_leak + n.r * i[k])
            s[k] = (v[k] > n.v_threshold).astype(float)
            v[k] = v[k] - s[k] * n.v_threshold if reset == "subtract" else np.where(s[k] > 0, 0.0, v[k])
            out[k][:, t] = s[k]
    return out


def linear(node: Any, x: NDArray[Any]) -> NDArray[np.float64]:
    """``W x + b``, for Linear nodes without ``b``."""
    return np.asarray(x @ node.weight.T + getattr(node, "bias", 0.0))


def model(network: Network, state: str = "s") -> Recording:
    """The Norse reference, ``state`` of every population."""
    return NorseReference().run_model(network, stimulus(), [(p.name, state) for p in network.populations])


@pytest.mark.parametrize(("name", "reset"), FILES.items())
def test_the_file_through_norse_is_the_recurrence_written_by_hand(
    shared_data: Path, name: str, reset: ResetMode
) -> None:
    path = shared_data / "nir_nets" / name
    network = read_nir(path, reset=reset).network
    assert network.dt == pytest.approx(1e-4, rel=1e-9)
    expected = by_hand(path, reset, stimulus().inputs["input"], 1e-4)
    recording = model(network)
    for population, spikes in zip(("lif1.lif", "lif2"), expected, strict=True):
        assert spikes.sum() >= 20
        equal = recording.states[population, "s"] == spikes
        assert equal.mean() >= 0.997


@pytest.mark.parametrize(("name", "reset"), FILES.items())
def test_the_ideal_profile_gives_the_bins_of_norse(shared_data: Path, name: str, reset: ResetMode) -> None:
    network = read_nir(shared_data / "nir_nets" / name, reset=reset).network
    chip, _ = compile_network(network, load_profile("ideal"))
    probes = [(p.name, "s") for p in network.populations]
    emulated, wanted = Emulator().run(chip, stimulus(), probes), model(network)
    for p, _ in probes:
        assert (emulated.aligned(p, "s", STEPS) == wanted.states[p, "s"]).mean() >= 0.997


@pytest.mark.parametrize(("name", "reset"), FILES.items())
def test_the_repaired_subgraph_file_runs_as_its_flat_twin(shared_data: Path, name: str, reset: ResetMode) -> None:
    flat = read_nir(shared_data / "nir_nets" / name, reset=reset).network
    nested = read_nir(shared_data / "nir_nets" / name.replace(".nir", "_subgraph.nir"), reset=reset).network
    left, right = model(flat, "v"), model(nested, "v")
    for p, q in zip(flat.populations, nested.populations, strict=True):
        np.testing.assert_array_equal(left.states[p.name, "v"], right.states[q.name, "v"])
