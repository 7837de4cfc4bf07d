"""The shipped demonstration: split rule, labels, encoding, and the accuracy of the shipped network, float and chip."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuroalign.compile import compile_network
from neuroalign.demo import DT, INPUT, READOUT, load_demo
from neuroalign.export.nir_graph import read_nir
from neuroalign.profile import load_profile
from neuroalign.recording import Recording
from neuroalign.sim.emulator.driver import Emulator


@pytest.fixture(scope="module")
def by_hand() -> NDArray[np.float64]:
    """Readout membrane (samples, steps, classes): the file's recurrence in numpy, read with the nir package."""
    nir = pytest.importorskip("nir")
    path, stimulus = load_demo()
    nodes = nir.read(path).nodes
    fc1, hidden, fc2, out = (nodes[n] for n in ("fc_hidden", "hidden", "fc_readout", "readout"))
    x = np.asarray(stimulus.inputs[INPUT], dtype=np.float64)
    i, v = np.zeros((len(x), len(fc1.bias))), np.zeros((len(x), len(fc1.bias)))
    o = np.zeros((len(x), len(fc2.bias)))
    membrane = np.zeros((*x.shape[:2], len(fc2.bias)))
    for t in range(x.shape[1]):
        i += DT / hidden.tau_syn * (hidden.w_in * (x[:, t] @ fc1.weight.T + fc1.bias) - i)
        v += DT / hidden.tau_mem * (hidden.v_leak - v + hidden.r * i)
        s = v > hidden.v_threshold
        v[s] = 0.0
        o += DT / out.tau * (out.v_leak - o + out.r * (s @ fc2.weight.T + fc2.bias))
        membrane[:, t] = o
    return membrane


def accuracy(membrane: NDArray[np.float64], labels: NDArray[np.int64] | None) -> float:
    """Share of samples decided right: argmax of the readout's membrane summed over the steps."""
    return float((membrane.sum(1).argmax(1) == labels).mean())


def test_the_split_is_every_fifth_image_and_the_spikes_are_those_of_the_stated_seed() -> None:
    pytest.importorskip("sklearn")
    from sklearn import datasets

    digits = datasets.load_digits()
    _, stimulus = load_demo()
    np.testing.assert_array_equal(stimulus.labels, digits.target[::5])
    pixels = digits.data[::5]
    rng = np.random.default_rng(int(stimulus.description.split("seed ")[1]))
    expected = rng.random((len(pixels), stimulus.steps, 64)) < pixels[:, None, :] / 16
    np.testing.assert_array_equal(stimulus.inputs[INPUT], expected)


def test_the_file_states_what_a_reader_needs() -> None:
    path, stimulus = load_demo()
    imported = read_nir(path, strict=True)
    network = imported.network
    assert imported.repairs == ()
    assert not any("WARNING" in line or "assumed" in line for line in imported.assumptions)
    assert (network.dt, network.reset) == (DT, "zero")
    assert [(p.name, p.size) for p in network.inputs] == [(INPUT, stimulus.inputs[INPUT].shape[2])]
    assert [(p.name, p.kind, p.size) for p in network.populations] == [("hidden", "CubaLIF", 100), (READOUT, "LI", 10)]
    assert all(np.abs(p.bias).min() > 0 for p in network.populations)


def test_the_shipped_files_are_small_and_load_without_torch_or_sklearn() -> None:
    path, _ = load_demo()
    assert sum(f.stat().st_size for f in (path, path.with_name("digits_test.npz"))) < 300_000
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'norse', 'sklearn', 'nir')))\n"
        "from neuroalign.demo import load_demo\n"
        "path, stimulus = load_demo(); print(path.is_file(), stimulus.samples, stimulus.steps)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=path.parents[2])
    assert done.stdout.split() == ["True", "360", "40"]


def test_the_shipped_network_reads_digits(by_hand: NDArray[np.float64]) -> None:
    assert accuracy(by_hand, load_demo()[1].labels) >= 0.95


@pytest.mark.norse
def test_norse_decides_as_the_recurrence_written_by_hand(by_hand: NDArray[np.float64]) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("norse")
    from neuroalign.sim.norse_reference.backend import NorseReference

    path, stimulus = load_demo()
    recording = NorseReference().run_model(read_nir(path).network, stimulus, [(READOUT, "v")])
    np.testing.assert_allclose(recording.states[READOUT, "v"], by_hand, rtol=0, atol=1e-9)
    assert accuracy(recording.states[READOUT, "v"], stimulus.labels) == accuracy(by_hand, stimulus.labels)


def test_eight_bit_weights_lose_at_most_one_percentage_point(by_hand: NDArray[np.float64]) -> None:
    path, stimulus = load_demo()
    chip, _ = compile_network(read_nir(path).network, load_profile("loihi2"))
    recording: Recording = Emulator().run(chip, stimulus, [(READOUT, "v")])
    held: Any = next(p for p in chip.populations if p.name == READOUT)
    volts = held.volts(recording.aligned(READOUT, "v", stimulus.steps))
    assert accuracy(volts, stimulus.labels) >= accuracy(by_hand, stimulus.labels) - 0.01
