"""Reading NIR files: against the nir package, an interpreter of its graphs, and files from other frameworks."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from nir_files import affine, chain, graph, lif, nir_lif, port, write_good, write_raw
from numpy.typing import NDArray

from neuroalign.errors import InputError
from neuroalign.export.nir_graph import inspect_nir, read_nir
from neuroalign.network import Network, Population, euler

DT = 1e-3


def _simulate(network: Network, x: NDArray[np.float64]) -> tuple[dict[str, Any], dict[str, Any]]:
    """V and s of every population at every step, by the equations of neuroalign.network."""
    i = {p.name: p.i0.copy() for p in network.populations}
    v = {p.name: p.v0.copy() for p in network.populations}
    zero = {p.name: np.zeros(p.size) for p in network.populations}
    spikes: dict[str, list[Any]] = {p.name: [] for p in network.populations}
    volts: dict[str, list[Any]] = {p.name: [] for p in network.populations}
    before = zero
    for row in x:
        now: dict[str, Any] = {network.inputs[0].name: row}
        for p in network.populations:
            drive = p.bias.copy()
            for c in network.connections:
                if c.target == p.name:
                    drive += c.matrix() @ (before[c.source] if c.delay_steps else now[c.source])
            k = euler(p, network.dt)
            i[p.name] = (1 - k.decay_i) * i[p.name] + k.gain_i * drive
            v[p.name] = (1 - k.decay_v) * v[p.name] + k.decay_v * p.v_leak + k.gain_v * i[p.name]
            s = v[p.name] > p.v_threshold
            v[p.name] = np.where(s, p.v_reset, v[p.name])
            now[p.name] = s.astype(float)
            spikes[p.name].append(now[p.name])
            volts[p.name].append(v[p.name])
        before = now
    return {k: np.array(a) for k, a in volts.items()}, {k: np.array(a) for k, a in spikes.items()}


class _Interpreter:
    """A nir.NIRGraph run node by node, neurons in a stated order; an edge from a later neuron reads the last step."""

    def __init__(self, nodes: dict[str, Any], edges: list[tuple[str, str]], order: list[str]) -> None:
        self.nodes, self.edges, self.order = nodes, edges, order
        self.state = {n: [np.zeros_like(nodes[n].v_leak), nodes[n].v_leak.copy()] for n in order}
        self.last = {n: np.zeros_like(nodes[n].v_leak) for n in order}

    def step(self, x: NDArray[np.float64]) -> dict[str, Any]:
        now: dict[str, Any] = {"input": x}
        for name in self.order:
            now[name] = self._neuron(name, self._fed(name, now))
        self.last = {n: now[n] for n in self.order}
        return now

    def _fed(self, name: str, now: dict[str, Any]) -> Any:
        return sum(self._value(a, now) for a, b in self.edges if b == name)

    def _value(self, name: str, now: dict[str, Any]) -> Any:
        if name in now:
            return now[name]
        if name in self.last:
            return self.last[name]
        node, x = self.nodes[name], self._fed(name, now)
        if isinstance(node, nir.Scale):
            return node.scale * x
        return node.weight @ x + (node.bias if isinstance(node, nir.Affine) else 0)

    def _neuron(self, name: str, x: Any) -> Any:
        n, (i, v) = self.nodes[name], self.state[name]
        if isinstance(n, nir.CubaLIF):
            i = i + DT / n.tau_syn * (-i + n.w_in * x)
            v = v + DT / n.tau_mem * (n.v_leak - v + n.r * i)
        else:
            v = v + DT / n.tau * (n.v_leak - v + n.r * x)
        s = v > n.v_threshold
        self.state[name] = [i, np.where(s, n.v_reset, v)]
        return s.astype(float)


def _random_graph(random: np.random.Generator) -> tuple[dict[str, Any], list[tuple[str, str]], list[str]]:
    """A chain of populations with skips, loops and fan-in, every link a random chain of Affine, Linear and Scale."""
    order = [f"p{k}" for k in range(random.integers(1, 4))]
    sizes = {"input": 3} | {p: int(random.integers(2, 6)) for p in order}
    nodes: dict[str, Any] = {"input": nir.Input(np.array([3]))}
    for p in order:
        nodes[p] = _random_neuron(random, sizes[p])
    links = [*zip(["input", *order], order, strict=False)]
    links += [(a, b) for a in ["input", *order] for b in order if random.random() < 0.3 and (a, b) not in links]
    edges: list[tuple[str, str]] = []
    for a, b in links:
        previous, width = a, sizes[a]
        for k in range(random.integers(1, 4)):
            name = f"{a}_{b}_{k}"
            kind = random.integers(3)
            out = sizes[b] if k == 0 else width
            weight = random.normal(0.5, 1.5, (out, width)).astype(np.float32)
            if kind == 0 and out == width:
                nodes[name] = nir.Scale(random.normal(1, 0.5, out))
            elif kind == 1:
                nodes[name] = nir.Linear(weight)
            else:
                nodes[name] = nir.Affine(weight, random.normal(0.4, 0.3, out).astype(np.float32))
            edges.append((previous, name))
            previous, width = name, out
        edges.append((previous, b))
    nodes["output"] = nir.Output(np.array([sizes[order[-1]]]))
    edges.append((order[-1], "output"))
    return nodes, edges, order


def _random_neuron(random: np.random.Generator, n: int) -> Any:
    common = {
        "r": random.uniform(0.5, 3, n),
        "v_leak": random.normal(0, 0.1, n),
        "v_threshold": random.uniform(0.5, 1, n),
        "v_reset": random.uniform(-0.2, 0.2, n),
    }
    if random.random() < 0.5:
        return nir.LIF(tau=random.uniform(2e-3, 2e-2, n), **common)
    taus = {"tau_mem": random.uniform(2e-3, 2e-2, n), "tau_syn": random.uniform(2e-3, 1e-2, n)}
    return nir.CubaLIF(**taus, w_in=random.uniform(1, 3, n), **common)


@pytest.mark.parametrize("seed", range(12))
def test_random_graphs_run_as_their_nodes_one_by_one(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    nodes, edges, order = _random_graph(random)
    path = write_good(tmp_path / "random.nir", nodes, edges)
    network = read_nir(path, dt=DT, strict=True).network
    x = (random.random((150, 3)) < 0.4).astype(float)
    volts, spikes = _simulate(network, x)
    read = nir.read(path)
    interpreter = _Interpreter(read.nodes, read.edges, order)
    for t, row in enumerate(x):
        now = interpreter.step(row)
        for p in order:
            assert np.array_equal(spikes[p][t], now[p]), (p, t)
            np.testing.assert_allclose(volts[p][t], interpreter.state[p][1], rtol=1e-9, atol=1e-9)
    assert sum(s.sum() for s in spikes.values()) > 20


def test_linear_chains_and_biases_fold_by_hand(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    w1, w2, w3 = random.normal(size=(4, 2)), random.normal(size=(3, 4)), random.normal(size=(3, 2))
    b1, b2, scale = random.normal(size=4), random.normal(size=3), random.normal(size=3)
    nodes = {
        "input": nir.Input(np.array([2])), "a": nir.Affine(w1, b1), "b": nir.Affine(w2, b2), "s": nir.Scale(scale),
        "c": nir.Linear(w3), "lif": nir_lif(3), "output": nir.Output(np.array([3])),
    }  # fmt: skip
    edges = [("input", "a"), ("a", "b"), ("b", "s"), ("s", "lif"), ("input", "c"), ("c", "lif"), ("lif", "output")]
    network = read_nir(write_good(tmp_path / "a.nir", nodes, edges), dt=DT).network
    (connection,) = network.connections
    np.testing.assert_allclose(connection.weight, np.diag(scale) @ w2 @ w1 + w3, rtol=1e-14)
    np.testing.assert_allclose(network.populations[0].bias, scale * (w2 @ b1 + b2), rtol=1e-14)


def test_a_linear_node_shared_by_two_targets_gives_its_bias_to_both(tmp_path: Path) -> None:
    nodes = {
        "input": port("Input", 2), "fc": affine(np.ones((3, 2)), [1, 2, 3]), "a": lif(), "b": lif(),
        "out_a": port("Output", 3), "out_b": port("Output", 3),
    }  # fmt: skip
    edges = [("input", "fc"), ("fc", "a"), ("fc", "b"), ("a", "b"), ("a", "out_a"), ("b", "out_b")]
    network = read_nir(write_raw(tmp_path / "a.nir", graph(nodes, edges)), dt=DT).network
    for p in network.populations:
        assert p.bias.tolist() == [1, 2, 3]
    weights = {c.name: c.weight.tolist() for c in network.connections}
    assert weights["a->b"] == np.eye(3).tolist()
    assert network.outputs == (("out_a", "a"), ("out_b", "b"))


def test_sums_do_not_depend_on_names(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    biases, weights = random.normal(size=(5, 3)), random.normal(size=(5, 3, 2))

    def read(names: str) -> Network:
        nodes = {name: affine(w, b) for name, w, b in zip(names, weights, biases, strict=True)}
        nodes |= {"input": port("Input", 2), "lif": lif(), "output": port("Output", 3)}
        edges = [("input", n) for n in names] + [(n, "lif") for n in names] + [("lif", "output")]
        return read_nir(write_raw(tmp_path / "a.nir", graph(nodes, edges)), dt=DT).network

    first = read("abcde")
    for names in ("edcba", "caebd"):
        _assert_same(read(names), first)


def test_a_linear_output_becomes_a_readout(tmp_path: Path) -> None:
    weight, bias = np.arange(6.0).reshape(2, 3), np.array([0.5, -0.5])
    nodes = chain()["nodes"] | {"read": affine(weight, bias), "output": port("Output", 2)}
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "read"), ("read", "output")]
    imported = read_nir(write_raw(tmp_path / "a.nir", graph(nodes, edges)), dt=DT, strict=True)
    readout = imported.network.population("read")
    assert imported.network.outputs == (("output", "read"),)
    assert (readout.kind, readout.tau_mem.tolist(), readout.tau_syn.tolist()) == ("Linear", [0, 0], [0, 0])
    assert not readout.spiking
    volts, spikes = _simulate(imported.network, np.ones((60, 2)))
    assert spikes["lif"].sum() > 0
    np.testing.assert_allclose(volts["read"], spikes["lif"] @ weight.T + bias)


def test_an_output_of_several_populations_is_their_sum(tmp_path: Path) -> None:
    nodes = chain()["nodes"] | {"other": lif()}
    edges = [("input", "fc"), ("fc", "lif"), ("fc", "other"), ("lif", "output"), ("other", "output")]
    imported = read_nir(write_raw(tmp_path / "a.nir", graph(nodes, edges)), dt=DT)
    assert imported.network.outputs == (("output", "output"),)
    assert any("sum lif, other" in a for a in imported.assumptions)
    volts, spikes = _simulate(imported.network, np.ones((60, 2)))
    assert spikes["lif"].sum() > 0
    np.testing.assert_array_equal(volts["output"], spikes["lif"] + spikes["other"])


def _one(n: int = 2) -> NDArray[np.float64]:
    return np.linspace(0.5, 0.9, n)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (nir.LIF(_one(), _one() * 2, _one() / 9, _one() * 3, _one() / 7), {"tau_mem": _one(), "tau_syn": 0, "r": _one() * 2, "v_leak": _one() / 9, "v_threshold": _one() * 3, "v_reset": _one() / 7, "v0": _one() / 9}),
        (nir.LI(_one(), _one() * 2, _one() / 9), {"tau_mem": _one(), "tau_syn": 0, "r": _one() * 2, "v_leak": _one() / 9, "v_threshold": np.inf, "v_reset": 0, "v0": _one() / 9}),
        (nir.CubaLIF(tau_syn=_one() / 5, tau_mem=_one(), r=_one() * 2, v_leak=_one() / 9, v_threshold=_one() * 3, v_reset=_one() / 7, w_in=_one() * 4), {"tau_mem": _one(), "tau_syn": _one() / 5, "r": _one() * 2, "w_in": _one() * 4, "v_leak": _one() / 9, "v_threshold": _one() * 3, "v_reset": _one() / 7, "v0": _one() / 9}),
        (nir.CubaLI(tau_syn=_one() / 5, tau_mem=_one(), r=_one() * 2, v_leak=_one() / 9), {"tau_mem": _one(), "tau_syn": _one() / 5, "w_in": 1, "v_threshold": np.inf, "v0": _one() / 9}),
        (nir.IF(_one() * 2, _one() * 3, _one() / 7), {"tau_mem": np.inf, "tau_syn": 0, "r": _one() * 2 / DT, "v_leak": 0, "v_threshold": _one() * 3, "v_reset": _one() / 7, "v0": 0}),
        (nir.I(_one() * 2), {"tau_mem": np.inf, "r": _one() * 2 / DT, "v_threshold": np.inf, "v0": 0}),
        (nir.Threshold(_one() * 3), {"tau_mem": 0, "tau_syn": 0, "r": 1, "w_in": 1, "v_threshold": _one() * 3, "v0": 0}),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, nir.NIRNode) else "",
)  # fmt: skip
def test_every_neuron_primitive_maps_its_parameters(tmp_path: Path, node: Any, expected: dict[str, Any]) -> None:
    nodes = {"input": nir.Input(np.array([2])), "n": node, "output": nir.Output(np.array([2]))}
    path = write_good(tmp_path / "a.nir", nodes, [("input", "n"), ("n", "output")])
    network = read_nir(path, dt=DT, strict=True).network
    (p,) = network.populations
    assert p.kind == type(node).__name__
    for name, value in expected.items():
        np.testing.assert_array_equal(getattr(p, name), np.broadcast_to(value, (2,)), err_msg=name)
    np.testing.assert_array_equal(network.connections[0].weight, np.eye(2))


def test_if_gain_per_step_adds_r_x_each_step_and_per_second_r_x_dt(tmp_path: Path) -> None:
    nodes = {"input": nir.Input(np.array([1])), "n": nir.I(np.array([0.25])), "output": nir.Output(np.array([1]))}
    path = write_good(tmp_path / "a.nir", nodes, [("input", "n"), ("n", "output")])
    step = read_nir(path, dt=DT)
    assert any("in every step" in a for a in step.assumptions)
    np.testing.assert_allclose(_simulate(step.network, np.ones((4, 1)))[0]["n"].ravel(), [0.25, 0.5, 0.75, 1.0])
    second = read_nir(path, dt=DT, if_gain="second").network
    np.testing.assert_allclose(_simulate(second, np.ones((4, 1)))[0]["n"].ravel(), np.arange(1, 5) * 0.25 * DT)


def test_shapes_of_populations_are_kept_and_flattened_in_row_major_order(tmp_path: Path) -> None:
    tau = np.linspace(0.01, 0.02, 24).reshape(2, 3, 4)
    one = np.ones((2, 3, 4))
    node = nir.LIF(tau=tau, r=one, v_leak=one * 0, v_threshold=one)
    nodes = {"input": nir.Input(np.array([2, 3, 4])), "n": node, "output": nir.Output(np.array([2, 3, 4]))}
    network = read_nir(
        write_good(tmp_path / "a.nir", nodes, [("input", "n"), ("n", "output")]), dt=DT, strict=True
    ).network
    assert network.populations[0].shape == network.inputs[0].shape == (2, 3, 4)
    np.testing.assert_array_equal(network.populations[0].tau_mem, tau.ravel())


def test_the_start_is_rest_or_zero_and_said(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "a.nir", chain(lif(v_leak=np.array([0.1, 0.0, -0.2]))))
    rest = read_nir(path, dt=DT)
    assert rest.network.populations[0].v0.tolist() == [0.1, 0.0, -0.2]
    assert any("v starts at v_leak" in a for a in rest.assumptions)
    assert any("no v_reset" in a for a in rest.assumptions)
    assert read_nir(path, dt=DT, initial="zero").network.populations[0].v0.tolist() == [0, 0, 0]


def test_the_reset_mode_is_given_stated_or_assumed_aloud(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "a.nir", chain())
    assumed = read_nir(path, dt=DT)
    assert assumed.network.reset == "zero"
    assert any(a.startswith("a spike resets the membrane to v_reset") for a in assumed.assumptions)
    given = read_nir(path, dt=DT, reset="subtract")
    assert given.network.reset == "subtract"
    assert given.assumptions == ()
    stating = write_raw(tmp_path / "b.nir", chain() | {"metadata": {"neuroalign": {"reset": "subtract", "dt": 5e-4}}})
    stated = read_nir(stating)
    assert (stated.network.reset, stated.network.dt) == ("subtract", 5e-4)
    overruled = read_nir(stating, reset="zero", dt=DT)
    assert (overruled.network.reset, overruled.network.dt) == ("zero", DT)
    assert sum(a.startswith("WARNING") for a in overruled.assumptions) == 2


def test_metadata_written_by_the_nir_package_is_understood(tmp_path: Path) -> None:
    nodes = {"input": nir.Input(np.array([3])), "lif": nir_lif(), "output": nir.Output(np.array([3]))}
    edges = [("input", "lif"), ("lif", "output")]
    path = write_good(tmp_path / "a.nir", nodes, edges, metadata={"neuroalign": {"dt": 2e-3, "reset": "zero"}})
    assert read_nir(path, strict=True).network.dt == 2e-3
    assert inspect_nir(path).dt_clue == "dt = 0.002 s, as the file's metadata states"


def test_the_delay_goes_on_the_edge_that_closes_a_cycle_and_can_be_set(tmp_path: Path) -> None:
    nodes = chain()["nodes"] | {"b": lif(), "w": affine(np.eye(3)), "back": affine(np.eye(3))}
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "w"), ("w", "b"), ("b", "back"), ("back", "lif"), ("b", "output")]
    path = write_raw(tmp_path / "a.nir", graph(nodes, edges))
    imported = read_nir(path, dt=DT)
    assert {c.name: c.delay_steps for c in imported.network.connections} == {"input->lif": 0, "lif->b": 0, "b->lif": 1}
    assert "edge b -> lif closes a cycle and carries one step" in imported.assumptions
    chosen = read_nir(path, dt=DT, closing=[("lif", "b")])
    assert {c.name: c.delay_steps for c in chosen.network.connections} == {"input->lif": 0, "lif->b": 1, "b->lif": 0}
    assert [p.name for p in chosen.network.populations] == ["b", "lif"]
    with pytest.raises(InputError, match="has no delay"):
        read_nir(path, dt=DT, closing=[])


def test_subgraphs_and_nested_subgraphs_equal_the_flat_graph(tmp_path: Path) -> None:
    rec = affine(np.diag([1.0, 2.0, 3.0]), [0.1, 0.2, 0.3])
    inner = graph(
        {"input": port("Input", 3), "lif": lif(), "w_rec": rec, "output": port("Output", 3)},
        [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )
    outer = graph({"in": port("Input", 3), "cell": inner, "out": port("Output", 3)}, [("in", "cell"), ("cell", "out")])
    fc = affine(np.arange(6.0).reshape(3, 2), [1, 0, -1])
    ports = {"input": port("Input", 2), "fc": fc, "output": port("Output", 3)}
    nested = graph(ports | {"layer": outer}, [("input", "fc"), ("fc", "layer"), ("layer", "output")])
    flat = graph(
        ports | {"lif": lif(), "w_rec": rec},
        [("input", "fc"), ("fc", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )
    a = read_nir(write_raw(tmp_path / "nested.nir", nested), dt=DT, strict=True).network
    b = read_nir(write_raw(tmp_path / "flat.nir", flat), dt=DT, strict=True).network
    assert a.populations[0].name == "layer.cell.lif"
    _assert_same(a, b)


def _names(network: Network) -> list[str]:
    return [p.name for p in network.inputs] + [p.name for p in network.populations]


def _assert_same(a: Network, b: Network) -> None:
    """Equal in every value, to the bit; names may differ."""
    assert (a.dt, a.reset) == (b.dt, b.reset)
    assert [p.shape for p in a.inputs] == [p.shape for p in b.inputs]
    assert len(a.populations) == len(b.populations)
    names = dict(zip(_names(a), _names(b), strict=True))
    for p, q in zip(a.populations, b.populations, strict=True):
        for field in fields(Population):
            if field.name != "name":
                x, y = getattr(p, field.name), getattr(q, field.name)
                assert x.tobytes() == y.tobytes() if isinstance(x, np.ndarray) else x == y, field.name
    assert [names[source] for _, source in a.outputs] == [source for _, source in b.outputs]
    for c, d in zip(a.connections, b.connections, strict=True):
        assert (names[c.source], names[c.target], c.delay_steps) == (d.source, d.target, d.delay_steps)
        assert c.weight.tobytes() == d.weight.tobytes()


@pytest.mark.parametrize("name", ["braille_noDelay_bias_zero", "braille_noDelay_noBias_subtract"])
def test_braille_subgraph_equals_its_flat_twin_bit_for_bit(shared_data: Path, name: str) -> None:
    flat = read_nir(shared_data / "nir_nets" / f"{name}.nir", strict=True)
    sub = read_nir(shared_data / "nir_nets" / f"{name}_subgraph.nir")
    assert len(sub.repairs) == 1
    assert "'lif1', the only unused node" in sub.repairs[0]
    _assert_same(sub.network, flat.network)
    with pytest.raises(InputError, match=r"--strict.*'lif1', the only unused node"):
        read_nir(shared_data / "nir_nets" / f"{name}_subgraph.nir", strict=True)


@pytest.mark.parametrize("name", ["braille_noDelay_bias_zero", "braille_noDelay_noBias_subtract"])
def test_braille_values_are_those_that_the_nir_package_reads(shared_data: Path, name: str) -> None:
    path = shared_data / "nir_nets" / f"{name}.nir"
    imported, oracle = read_nir(path), nir.read(path)
    network = imported.network
    assert network.dt == 1e-4
    assert any("r = tau_mem/dt and w_in = tau_syn/dt" in a for a in imported.assumptions)
    for p in network.populations:
        node = oracle.nodes[p.name]
        for field in ("tau_mem", "tau_syn", "r", "w_in", "v_leak", "v_threshold", "v_reset"):
            np.testing.assert_array_equal(getattr(p, field), getattr(node, field))
        k = euler(p, network.dt)
        np.testing.assert_allclose(k.gain_v, 1, rtol=1e-6)
        np.testing.assert_allclose(k.gain_i, 1, rtol=1e-6)
    linear = {"input->lif1.lif": "fc1", "lif1.lif->lif1.lif": "lif1.w_rec", "lif1.lif->lif2": "fc2"}
    assert {c.name: c.delay_steps for c in network.connections} == dict.fromkeys(linear, 0) | {"lif1.lif->lif1.lif": 1}
    for c in network.connections:
        np.testing.assert_array_equal(c.weight, oracle.nodes[linear[c.name]].weight.astype(np.float64))
    if hasattr(oracle.nodes["fc1"], "bias"):
        total = oracle.nodes["fc1"].bias.astype(np.float64) + oracle.nodes["lif1.w_rec"].bias
        np.testing.assert_array_equal(network.population("lif1.lif").bias, total)
        np.testing.assert_array_equal(network.population("lif2").bias, oracle.nodes["fc2"].bias)


def test_lif_norse_is_read_and_asks_for_dt(shared_data: Path) -> None:
    path = shared_data / "nir_lif" / "lif_norse.nir"
    network = read_nir(path, dt=1e-4, strict=True).network
    (p,) = network.populations
    assert (p.kind, p.size, p.tau_mem[0], p.v_threshold[0]) == ("LIF", 1, np.float32(0.0025), np.float32(0.1))
    with pytest.raises(InputError, match=r"time step is unknown.*--dt") as caught:
        read_nir(path)
    assert "\n" not in str(caught.value)


def test_rockpool_file_opens_with_its_output_repaired_and_dt_recovered(shared_data: Path) -> None:
    path = shared_data / "nir_nets" / "lif_rockpool.nir"
    imported = read_nir(path)
    assert imported.network.dt == 1e-4
    assert any("rockpool" in a for a in imported.assumptions)
    assert imported.repairs == ("Output 'output' has shape (1, 1, 1) where (1,) is needed: batch dimension dropped",)
    with pytest.raises(InputError, match="--strict"):
        read_nir(path, strict=True)


def test_the_cnn_is_read_and_inspected(shared_data: Path) -> None:
    path = shared_data / "nir_nets" / "cnn_sinabs.nir"
    network = read_nir(path, dt=DT, strict=True).network
    assert [p.shape for p in network.populations] == [(16, 16, 16), (16, 16, 16), (8, 8, 8), (256,), (10,)]
    assert network.inputs[0].shape == (2, 34, 34)
    sizes = [nir.read(path).nodes[name].weight.size for name in ("0", "2", "5", "9", "11")]
    assert sum(sizes) == 39_584
    # The sums over 2 x 2 places go into the synapses behind them.
    assert [c.weight.size for c in network.connections] == [sizes[0], sizes[1], 4 * sizes[2], 4 * sizes[3], sizes[4]]
    seen = inspect_nir(path)
    rows = {row.name: row for row in seen.nodes}
    assert (len(rows), len(seen.edges)) == (15, 14)
    assert all(row.taken for row in seen.nodes)
    oracle = nir.read(path).nodes["0"].weight
    assert ("weight", float(oracle.min()), float(oracle.max())) in rows["0"].parameters
    assert rows["1"].shape == "16 x 16 x 16"
    assert "time step is unknown" in seen.problem


def test_inspection_of_a_file_that_reads_has_no_problem(shared_data: Path) -> None:
    seen = inspect_nir(shared_data / "nir_nets" / "braille_noDelay_bias_zero_subgraph.nir")
    assert (seen.problem, len(seen.repairs)) == ("", 1)
    assert "dt = 0.0001 s" in seen.dt_clue
    assert ("lif1.lif1", "lif1.lin") in seen.edges
    asking = inspect_nir(shared_data / "nir_lif" / "lif_norse.nir")
    assert "--dt" in asking.problem
    assert asking.dt_clue == ""
