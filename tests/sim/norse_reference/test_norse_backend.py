"""The Norse reference against the model's equations written out here, in plain numpy and in closed form."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from random_models import Choices, random_network, random_stimulus

from neuroalign.errors import InputError, NetworkError
from neuroalign.network import SPIKING, Connection, InputPort, Network, NeuronKind, Population, ResetMode
from neuroalign.recording import Stimulus
from neuroalign.sim.norse_reference.backend import NorseReference

pytestmark = pytest.mark.norse
torch = pytest.importorskip("torch")
pytest.importorskip("norse")

FloatArray = NDArray[np.float64]
ALL_HIDDEN: tuple[NeuronKind, ...] = ("LIF", "CubaLIF", "IF", "Threshold")
ALL_READOUTS: tuple[NeuronKind, ...] = ("LI", "CubaLI", "I", "Linear")


def plain(network: Network, stimulus: Stimulus) -> dict[tuple[str, str], FloatArray]:
    """The equations of neuroalign.network in a loop; populations in their order, which is topological here."""
    steps, samples = stimulus.steps, stimulus.samples
    given: dict[str, NDArray[Any]] = {k: np.asarray(a, dtype=np.float64) for k, a in stimulus.inputs.items()}
    given |= {p.name: np.zeros((samples, steps, p.size)) for p in network.populations}
    out = {(p.name, state): np.zeros((samples, steps, p.size)) for p in network.populations for state in "vsia"}
    i = {p.name: np.tile(p.i0, (samples, 1)) for p in network.populations}
    v = {p.name: np.tile(p.v0, (samples, 1)) for p in network.populations}
    for t, p in itertools.product(range(steps), network.populations):
        a = np.zeros((samples, p.size))
        for c in network.connections:
            if c.target == p.name and t >= c.delay_steps:
                a += given[c.source][:, t - c.delay_steps] @ c.weight.T
        for n in range(p.size):
            i_n, v_n = plain_membrane(p, n, network.dt, a[:, n], i[p.name][:, n], v[p.name][:, n])
            s = (v_n > p.v_threshold[n]) & p.spiking
            v_n = np.where(s, v_n - p.v_threshold[n] if network.reset == "subtract" else p.v_reset[n], v_n)
            i[p.name][:, n], v[p.name][:, n] = i_n, v_n
            given[p.name][:, t, n] = s if p.spiking else v_n
            for state, value in (("v", v_n), ("s", s), ("i", i_n), ("a", a[:, n])):
                out[p.name, state][:, t, n] = value
    return out


def plain_membrane(
    p: Population, n: int, dt: float, a: FloatArray, i: FloatArray, v: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Current and membrane of neuron ``n`` before its reset: the differential equations, one Euler step."""
    drive = p.w_in[n] * (a + p.bias[n])
    i = drive if p.tau_syn[n] == 0 else i + dt / p.tau_syn[n] * (drive - i)
    if p.tau_mem[n] == 0:
        return i, p.v_leak[n] + p.r[n] * i
    if np.isinf(p.tau_mem[n]):
        return i, v + dt * p.r[n] * i
    return i, v + dt / p.tau_mem[n] * (p.v_leak[n] - v + p.r[n] * i)


def population(kind: NeuronKind, size: int = 1, **values: float | Sequence[float] | FloatArray) -> Population:
    """A population of ``kind`` with all-zero parameters except r, w_in 1 and those given."""
    start = {"tau_mem": 0.0, "tau_syn": 0.0, "r": 1.0, "w_in": 1.0, "v_leak": 0.0, "v_threshold": np.inf}
    start |= {"v_reset": 0.0, "bias": 0.0, "v0": 0.0, "i0": 0.0}
    filled: dict[str, Any] = {
        k: np.broadcast_to(np.asarray(values.get(k, v), float), (size,)).copy() for k, v in start.items()
    }
    return Population(name="p", kind=kind, shape=(size,), **filled)


def single(p: Population, *, weight: float = 1.0, reset: ResetMode = "zero", dt: float = 1e-3) -> Network:
    """Input -> ``p``, one to one."""
    w = weight * np.eye(p.size)
    return Network(
        "one", dt, (InputPort("x", (p.size,)),), (p,), (Connection("c", "x", "p", w),), (("out", "p"),), reset
    )


def run(network: Network, stimulus: Stimulus, *states: str) -> dict[str, NDArray[Any]]:
    """Probe ``states`` of population "p"."""
    recording = NorseReference().run_model(network, stimulus, [("p", s) for s in states])
    return {s: recording.states["p", s] for s in states}


@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_random_networks_equal_the_written_out_equations(seed: int, graded: bool, reset: ResetMode) -> None:
    choices = Choices(ALL_HIDDEN, (ALL_READOUTS[seed % 4],), reset=reset, depth=(2, 5), most_delay=3)
    network = random_network(seed, choices)
    stimulus = random_stimulus(network, seed, samples=2, steps=60, graded=graded)
    expected = plain(network, stimulus)
    recording = NorseReference().run_model(network, stimulus, list(expected))
    for (name, state), wanted in expected.items():
        got = recording.states[name, state]
        assert got.shape == wanted.shape
        if state == "s":
            np.testing.assert_array_equal(got, wanted)
        else:
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12 * max(1.0, np.abs(wanted).max()))
    assert set(recording.latency_steps.values()) == {0}


def test_the_random_networks_of_this_file_spike_and_mix_kinds() -> None:
    spikes, kinds, recurrent, delayed = 0, set(), 0, 0
    for seed in range(8):
        network = random_network(seed, Choices(ALL_HIDDEN, (ALL_READOUTS[seed % 4],), depth=(2, 5), most_delay=3))
        expected = plain(network, random_stimulus(network, seed, samples=2, steps=60))
        spikes += sum(int(a.sum()) for (_, state), a in expected.items() if state == "s")
        kinds |= {p.kind for p in network.populations}
        recurrent += sum(c.source == c.target for c in network.connections)
        delayed += sum(c.source != c.target and c.delay_steps > 0 for c in network.connections)
    assert kinds == {*ALL_HIDDEN, *ALL_READOUTS}
    assert spikes >= 1000
    assert recurrent >= 5
    assert delayed >= 5


def test_lif_under_constant_input_is_a_geometric_approach() -> None:
    tau, dt, leak, r, x, v0 = 20e-3, 1e-3, -0.2, 3.0, 0.25, 0.1
    network = single(population("LIF", tau_mem=tau, v_leak=leak, r=r, v0=v0, v_threshold=10.0))
    v = run(network, Stimulus({"x": np.full((1, 200, 1), x)}), "v")["v"][0, :, 0]
    rest = leak + r * x
    np.testing.assert_allclose(v, rest + (v0 - rest) * (1 - dt / tau) ** np.arange(1, 201), rtol=0, atol=1e-12)


def test_cubalif_impulse_response_is_the_difference_of_two_geometric_series() -> None:
    tau_mem, tau_syn, dt, w_in, r = 20e-3, 5e-3, 1e-3, 2.0, 3.0
    network = single(population("CubaLIF", tau_mem=tau_mem, tau_syn=tau_syn, w_in=w_in, r=r, v_threshold=10.0))
    impulse = np.zeros((1, 80, 1))
    impulse[0, 0, 0] = 1
    got = run(network, Stimulus({"x": impulse}), "v", "i")
    n, a, b = np.arange(1, 81), 1 - dt / tau_syn, 1 - dt / tau_mem
    gain_i, gain_v = w_in * dt / tau_syn, r * dt / tau_mem
    np.testing.assert_allclose(got["i"][0, :, 0], gain_i * a ** (n - 1), rtol=0, atol=1e-13)
    np.testing.assert_allclose(got["v"][0, :, 0], gain_v * gain_i * (b**n - a**n) / (b - a), rtol=0, atol=1e-13)


def test_initial_current_decays_before_it_first_enters_the_membrane() -> None:
    network = single(population("CubaLI", tau_mem=10e-3, tau_syn=4e-3, r=2.0, i0=1.0, v0=0.5))
    got = run(network, Stimulus({"x": np.zeros((1, 1, 1))}), "v", "i")
    assert got["i"][0, 0, 0] == pytest.approx(0.75, abs=1e-15)
    assert got["v"][0, 0, 0] == pytest.approx(0.5 + 0.1 * (2.0 * 0.75 - 0.5), abs=1e-15)


@pytest.mark.parametrize(("reset", "after"), [("zero", -0.5), ("subtract", 1.0)])
@pytest.mark.parametrize("kind", ["LIF", "CubaLIF", "IF", "Threshold"])
def test_reset_of_every_kind(kind: NeuronKind, reset: ResetMode, after: float) -> None:
    tau_mem = {"IF": np.inf, "Threshold": 0.0}.get(kind, 1e-3)
    p = population(
        kind,
        tau_mem=tau_mem,
        tau_syn=1e-3 * (kind == "CubaLIF"),
        r=1e3 if kind == "IF" else 1.0,
        v_threshold=2.0,
        v_reset=-0.5,
    )
    got = run(single(p, reset=reset), Stimulus({"x": np.full((1, 1, 1), 3.0)}), "v", "s")
    assert got["s"][0, 0, 0]
    assert got["v"][0, 0, 0] == pytest.approx(after, abs=1e-15)


@pytest.mark.parametrize("kind", ["LIF", "IF", "Threshold"])
def test_a_membrane_exactly_at_threshold_does_not_spike(kind: NeuronKind) -> None:
    p = population(kind, tau_mem={"IF": np.inf, "Threshold": 0.0}.get(kind, 1.0), r=1.0, v_threshold=2.0)
    above = np.nextafter(2.0, 3.0)
    got = run(single(p, dt=1.0), Stimulus({"x": np.array([2.0, above])[:, None, None]}), "s")["s"]
    assert got[:, 0, 0].tolist() == [False, True]


def test_an_infinite_threshold_stays_finite_in_the_membrane() -> None:
    p = population("LIF", 2, tau_mem=5e-3, v_threshold=[np.inf, 0.5])
    for reset in ("zero", "subtract"):
        got = run(single(p, reset=reset), Stimulus({"x": np.full((1, 30, 2), 2.0)}), "v", "s")
        assert np.isfinite(got["v"]).all()
        assert got["s"][0].any(axis=0).tolist() == [False, True]


@pytest.mark.parametrize("delay", [0, 1, 4])
def test_a_spike_acts_after_the_delay_of_its_connection(delay: int) -> None:
    a = replace(population("Threshold", v_threshold=0.5), name="a")
    b = replace(population("I", tau_mem=np.inf, r=1.0), name="p")
    one = np.ones((1, 1))
    # b stands before a, so the order of update cannot be that of the list.
    links = (Connection("x_a", "x", "a", one), Connection("a_p", "a", "p", one, delay))
    network = Network("pair", 1.0, (InputPort("x", (1,)),), (b, a), links, (("out", "p"),))
    spikes = np.zeros((1, 12, 1))
    spikes[0, 3, 0] = 1
    got = run(network, Stimulus({"x": spikes}), "v")["v"][0, :, 0]
    assert int(np.flatnonzero(got)[0]) == 3 + delay
    assert got[-1] == 1.0


@pytest.mark.parametrize("kind", ["CubaLIF", "CubaLI", "Threshold", "Linear", "IF", "I"])
def test_neurons_of_one_population_may_lack_filter_or_memory(kind: NeuronKind) -> None:
    none, all_ = np.zeros(4), np.array([0, 0, 1, 1])
    tau_mem = {"Threshold": none, "Linear": none, "IF": none + np.inf, "I": none + np.inf}.get(kind, all_ * 6e-3)
    common: dict[str, Any] = {
        "v_threshold": 0.8 if kind in SPIKING else np.inf,
        "v_reset": -0.1,
        "bias": 0.2,
        "w_in": 1.2,
    }
    common["r"] = 150.0 if kind in ("IF", "I") else 1.5  # in 1/s for integrators
    start: dict[str, Any] = {
        "i0": [0.3, 0.1, 0.2, 0.4],
        "v0": [0.1, 0.2, 0.3, 0.4],
        "v_leak": 0.0 if kind in ("IF", "I") else 0.25,
    }
    network = single(population(kind, 4, tau_mem=tau_mem, tau_syn=[0.0, 3e-3, 0.0, 3e-3], **common, **start))
    stimulus = random_stimulus(network, 5, samples=2, steps=50, graded=True)
    expected = plain(network, stimulus)
    got = run(network, stimulus, "v", "s", "i")
    assert expected["p", "s"].any() == (kind in SPIKING)
    for state, values in got.items():
        np.testing.assert_allclose(values, expected["p", state], rtol=0, atol=1e-12)


def test_samples_do_not_see_each_other() -> None:
    network = random_network(3)
    both = random_stimulus(network, 3, samples=3, steps=40)
    probe = [(network.populations[-1].name, "v")]
    together = NorseReference().run_model(network, both, probe).states[probe[0]]
    for k in range(3):
        alone = Stimulus({name: a[k : k + 1] for name, a in both.inputs.items()})
        np.testing.assert_allclose(
            NorseReference().run_model(network, alone, probe).states[probe[0]][0], together[k], rtol=0, atol=1e-12
        )


def test_a_cycle_without_delay_is_refused_by_name() -> None:
    first, second = random_network(0).populations[:2]
    w = np.ones((second.size, first.size))
    links = (Connection("up", "p0", "p1", w), Connection("down", "p1", "p0", w.T.copy()))
    network = Network("loop", 1e-3, (), (first, second), links, ())
    with pytest.raises(NetworkError, match="p0 -> p1 -> p0 has no delay"):
        NorseReference().run_model(network, Stimulus({"x": np.zeros((1, 2, 1))}), [])


def test_bad_stimulus_and_probes_are_named() -> None:
    network = single(population("LIF", 2, tau_mem=5e-3, r=[1.0, 0.0], v_threshold=1.0))
    good, backend = Stimulus({"x": np.zeros((1, 2, 2))}), NorseReference()
    with pytest.raises(InputError, match="no array for input 'x'"):
        backend.run_model(network, Stimulus({"y": np.zeros((1, 2, 2))}), [])
    with pytest.raises(InputError, match="3 channels; the network's input has 2"):
        backend.run_model(network, Stimulus({"x": np.zeros((1, 2, 3))}), [])
    with pytest.raises(InputError, match=r"value \[0, 1, 0\] is nan"):
        backend.run_model(network, Stimulus({"x": np.array([[[0, 0], [np.nan, 0]]])}), [])
    with pytest.raises(NetworkError, match="no population 'q'"):
        backend.run_model(network, good, [("q", "v")])
    with pytest.raises(InputError, match="no state 'w'"):
        backend.run_model(network, good, [("p", "w")])
    with pytest.raises(InputError, match=r"r\[1\] is 0"):
        backend.run_model(network, good, [("p", "i")])


def test_a_population_that_mixes_leaky_neurons_and_integrators_is_refused() -> None:
    network = single(population("LIF", 2, tau_mem=[5e-3, np.inf], v_threshold=1.0))
    with pytest.raises(NetworkError, match=r"tau_mem\[1\] is infinite"):
        run(network, Stimulus({"x": np.zeros((1, 2, 2))}), "v")


def test_global_settings_of_torch_are_left_alone_and_progress_is_told() -> None:
    before = (torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled())
    told: list[tuple[int, int]] = []
    network = random_network(1)
    NorseReference().run_model(
        network, random_stimulus(network, 1, 1, 3), [], progress=lambda done, of: told.append((done, of))
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert before == (torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled())
