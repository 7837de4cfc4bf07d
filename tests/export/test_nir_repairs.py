"""Malformed files: repaired and listed, refused under --strict, or one clear line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from nir_files import affine, chain, graph, lif, port, write_raw

from neuroalign.errors import FileFormatError, InputError
from neuroalign.export.nir_graph import ImportedNetwork, inspect_nir, read_nir

DT = 1e-3
EDGES = [("input", "fc"), ("fc", "lif"), ("lif", "output")]


def _edges(*edges: tuple[str, str], **nodes: Any) -> dict[str, Any]:
    return graph(chain()["nodes"] | nodes, edges)


def _without(fields: dict[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in fields.items() if k != key}


def _renamed(top: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return top | {"nodes": {new if k == old else k: v for k, v in top["nodes"].items()}}


def _read_both_ways(tmp_path: Path, top: dict[str, Any]) -> ImportedNetwork:
    """The repaired network; under --strict the first repair must be the reason to refuse."""
    path = write_raw(tmp_path / "net.nir", top)
    imported = read_nir(path, dt=DT)
    assert imported.repairs
    with pytest.raises(FileFormatError) as caught:
        read_nir(path, dt=DT, strict=True)
    assert str(caught.value) == f"{path}: refused under --strict, since the file needs a repair: {imported.repairs[0]}"
    assert inspect_nir(path).repairs == imported.repairs
    return imported


REPAIRS = {
    "batch of one in Input": (chain(input=port("Input", 1, 2)), "Input 'input' has shape (1, 2)"),
    "batch of five in Input": (chain(input=port("Input", 5, 2)), "batch dimension dropped"),
    "batch and time in Output": (chain(output=port("Output", 1, 1, 3)), "Output 'output' has shape (1, 1, 3)"),
    "Input without shape": (chain(input={"type": "Input"}), "Input 'input' states no shape"),
    "scalar parameters": (
        chain({"type": "LIF", "tau": 0.02, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0}),
        "node 'lif': its parameters are single values: broadcast to shape (3,)",
    ),
    "parameters of one value": (chain(lif(1)), "broadcast to shape (3,)"),
    "one scalar parameter": (chain(lif(tau=0.02)), "node 'lif': tau broadcast to shape (3,)"),
    "batch dimension in neurons": (
        chain(lif(v_leak=np.zeros((1, 3)), tau=np.full((1, 3), 0.02), r=np.ones((1, 3)), v_threshold=np.ones((1, 3)))),
        "leading dimensions dropped",
    ),
    "Affine without bias": (chain(fc={"type": "Affine", "weight": np.arange(6.0).reshape(3, 2)}), "has no bias"),
    "Affine with bias None": (
        chain(fc={"type": "Affine", "weight": np.arange(6.0).reshape(3, 2), "bias": h5py.Empty("f4")}),
        "has no bias",
    ),
    "weight with a batch dimension": (chain(fc=affine(np.arange(6.0).reshape(1, 3, 2))), "leading dimensions dropped"),
    "unknown field": (chain(lif() | {"refractory": 2.0}), "refractory is no field of NIR's LIF: ignored"),
    "edge to a missing name": (_renamed(chain(), "lif", "lif1"), "name 'lif', which does not exist: rewired to 'lif1'"),
    "duplicate edge": (_edges(*EDGES, ("fc", "lif")), "edge 'fc' -> 'lif' is listed 2 times"),
    "node that feeds nothing": (_edges(*EDGES, ("lif", "spare"), spare=affine(np.eye(3))), "'spare' has no output"),
    "chain that feeds nothing": (
        _edges(*EDGES, ("lif", "a"), ("a", "b"), a=affine(np.eye(3)), b=lif()),
        "node 'b' has no output: dropped",
    ),
    "node that nothing feeds": (_edges(*EDGES, ("spare", "lif"), spare=lif()), "'spare' has no input: dropped"),
    "unused node": (_edges(*EDGES, spare=lif()), "dropped"),
    "unused node without type": (_edges(*EDGES, spare={"x": 1.0}), "'spare' has no type and no edges: dropped"),
}


@pytest.mark.parametrize("case", REPAIRS)
def test_repaired_and_listed_and_refused_under_strict(tmp_path: Path, case: str) -> None:
    top, expected = REPAIRS[case]
    imported = _read_both_ways(tmp_path, top)
    assert any(expected in repair for repair in imported.repairs), imported.repairs
    network = imported.network
    assert [(p.name.rstrip("1"), p.shape) for p in network.populations] == [("lif", (3,))]
    assert [p.shape for p in network.inputs] == [(2,)]
    (connection,) = network.connections
    assert connection.weight.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert network.populations[0].tau_mem.tolist() == [0.02] * 3
    assert network.populations[0].v_threshold.tolist() == [1] * 3


def test_a_scalar_bias_and_a_linear_with_bias_are_taken_as_they_are_meant(tmp_path: Path) -> None:
    weight = np.arange(6.0).reshape(3, 2)
    scalar = _read_both_ways(tmp_path, chain(fc={"type": "Affine", "weight": weight, "bias": 0.5}))
    assert scalar.network.populations[0].bias.tolist() == [0.5] * 3
    linear = _read_both_ways(tmp_path, chain(fc={"type": "Linear", "weight": weight, "bias": np.array([1.0, 2, 3])}))
    assert linear.network.populations[0].bias.tolist() == [1, 2, 3]


def test_a_name_with_a_slash_is_joined_again(tmp_path: Path) -> None:
    nodes = chain()["nodes"]
    nodes["block"] = {"lif": nodes.pop("lif")}
    imported = _read_both_ways(tmp_path, graph(nodes, [("input", "fc"), ("fc", "block/lif"), ("block/lif", "output")]))
    assert imported.network.populations[0].name == "block/lif"


def test_a_scalar_recurrent_neuron_takes_the_size_of_its_neighbours(tmp_path: Path) -> None:
    scalars = {"type": "LIF", "tau": 0.02, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0}
    top = _edges(*EDGES, ("lif", "rec"), ("rec", "lif"), lif=scalars, rec=affine(np.eye(3)))
    assert _read_both_ways(tmp_path, top).network.populations[0].shape == (3,)


def test_a_self_driven_neuron_that_nothing_feeds_is_kept(tmp_path: Path) -> None:
    pacemaker = lif(v_leak=np.full(3, 2.0))
    path = write_raw(tmp_path / "net.nir", _edges(*EDGES, ("pace", "lif"), pace=pacemaker))
    imported = read_nir(path, dt=DT, strict=True)
    assert {p.name for p in imported.network.populations} == {"lif", "pace"}


def test_a_scalar_w_in_and_a_missing_one_need_no_repair(tmp_path: Path) -> None:
    full = np.ones(3)
    cuba = {"type": "CubaLIF", "tau_syn": full * 0.01, "tau_mem": full * 0.02, "r": full, "v_leak": full * 0}
    cuba["v_threshold"] = full
    for fields, expected in ((cuba | {"w_in": 3.0}, 3.0), (cuba, 1.0)):
        network = read_nir(write_raw(tmp_path / "net.nir", chain(fields)), dt=DT, strict=True).network
        assert network.populations[0].w_in.tolist() == [expected] * 3


def _nan_weight() -> dict[str, Any]:
    weight = np.ones((3, 2))
    weight[1, 0] = np.nan
    return chain(fc=affine(weight))


REFUSED = {
    "two candidates": (_renamed(_edges(*EDGES, spare=lif()), "lif", "lif1"), "2 unused nodes (lif1, spare)"),
    "no candidate": (_edges(*EDGES, ("lif", "ghost")), "'ghost', which does not exist, and there is no unused node"),
    "two missing names": (
        _edges(("input", "fc"), ("fc", "a"), ("b", "output")),
        "'a', 'b', which does not exist",
    ),
    "candidate in a wrong role": (
        _edges(("input", "fc"), ("fc", "ghost"), ("ghost", "output"), lif=port("Input", 3)),
        "no unused node",
    ),
    "node without type in use": (chain({"x": 1.0}), "node 'lif' has no type"),
    "NaN weight": (_nan_weight(), "node 'fc': weight[1, 0] is nan"),
    "infinite bias": (chain(fc=affine(np.ones((3, 2)), [0, np.inf, 0])), "node 'fc': bias[1] is inf"),
    "infinite tau": (chain(lif(tau=np.full(3, np.inf))), "only tau and r both infinite have a meaning"),
    "text as weight": (chain(fc={"type": "Linear", "weight": "abc"}), "weight is of type str"),
    "complex weight": (chain(fc={"type": "Linear", "weight": np.ones((3, 2), dtype=complex)}), "complex128"),
    "empty weight": (chain(fc=affine(np.ones((0, 2)))), "no values"),
    "one-dimensional weight": (chain(fc=affine(np.ones(3))), "(out, in) is needed"),
    "missing parameter": (chain(_without(lif(), "v_threshold")), "node 'lif': LIF lacks its field 'v_threshold'"),
    "parameters of different sizes": (chain(lif(tau=np.full(4, 0.02))), "node 'lif': parameters differ in shape"),
    "weight that does not fit the neurons": (chain(fc=affine(np.ones((4, 2)))), "edge 'fc' -> 'lif'"),
    "weight that does not fit the input": (chain(input=port("Input", 7)), "Input 'input' has shape (7,)"),
    "Output that does not fit": (chain(output=port("Output", 4)), "Output 'output' has shape (4,)"),
    "shape with a zero": (chain(input=port("Input", 0)), "node 'input': shape is [0"),
    "negative tau": (chain(lif(tau=np.array([0.02, -0.02, 0.02]))), "node 'lif': tau is -0.02"),
    "zero tau": (chain(lif(tau=np.zeros(3))), "node 'lif': tau is 0"),
    "threshold below reset": (chain(lif(v_reset=np.full(3, 2.0))), "not above v_reset"),
    "no Input": (graph({"lif": lif(), "output": port("Output", 3)}, [("lif", "output")]), "no Input node"),
    "no Output": (graph({"input": port("Input", 3), "lif": lif()}, [("input", "lif")]), "no Output node"),
    "no nodes": (graph({}, []), "the graph has no nodes"),
    "no edges": (graph(chain()["nodes"], []), "no path leads from an Input to an Output"),
    "no path": (_edges(("input", "fc"), ("lif", "output")), "no path leads from an Input to an Output"),
    "Input straight to Output": (_edges(*EDGES, ("input", "output")), "joins Input and Output directly"),
    "edge into an Input": (_edges(*EDGES, ("lif", "input")), "leads into an Input"),
    "edge out of an Output": (_edges(*EDGES, ("output", "lif")), "leaves an Output"),
    "no neurons": (_edges(("input", "fc"), ("fc", "output")), "no neurons"),
    "cycle of linear nodes": (
        _edges(*EDGES, ("fc", "a"), ("a", "b"), ("b", "a"), ("b", "lif"), a=affine(np.eye(3)), b=affine(np.eye(3))),
        "'a', 'b' form a cycle",
    ),
    "edges of three": (chain() | {"edges": np.zeros((2, 3))}, "pairs of node names are needed"),
    "edges of numbers": (chain() | {"edges": np.zeros((2, 2))}, "pairs of node names are needed"),
    "unprintable name": (_edges(*EDGES, **{"a\nb": lif()}), "unprintable"),
    "unknown primitive": (chain({"type": "Izhikevich"}), "node 'lif' (Izhikevich): this version does not take"),
    "unknown type": (_edges(("input", "fc"), ("fc", "d"), ("d", "lif"), ("lif", "output"), d={"type": "Sine"}), "node 'd' (Sine)"),
    "top node of another type": (affine(np.ones((3, 2))), "a NIRGraph is needed"),
    "subgraph without Input": (
        chain(graph({"n": lif(), "output": port("Output", 3)}, [("n", "output")])),
        "subgraph 'lif' has 0 Input nodes",
    ),
    "names that collide when flattened": (
        _edges(*EDGES, ("lif", "lif.n"), ("lif.n", "output"), **{
            "lif": graph({"i": port("Input", 3), "n": lif(), "o": port("Output", 3)}, [("i", "n"), ("n", "o")]),
            "lif.n": lif(),
        }),
        "two nodes would be called 'lif.n'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_one_line_that_names_file_and_node(tmp_path: Path, case: str) -> None:
    top, expected = REFUSED[case]
    path = write_raw(tmp_path / "net.nir", top)
    with pytest.raises(InputError) as caught:
        read_nir(path, dt=DT)
    message = str(caught.value)
    assert expected in message
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


def test_what_is_no_nir_network_is_said(tmp_path: Path) -> None:
    path = tmp_path / "net.nir"
    with h5py.File(path, "w") as file:
        file["layer/0/type"] = "dense"
    with pytest.raises(FileFormatError, match="lava-dl"):
        read_nir(path)
    with pytest.raises(FileFormatError, match="lava-dl"):
        inspect_nir(path)
    with pytest.raises(FileFormatError, match="no such file"):
        read_nir(tmp_path / "absent.nir")


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    top = chain()
    for _ in range(20):
        top = graph(
            {"input": port("Input", 2), "g": top, "output": port("Output", 3)}, [("input", "g"), ("g", "output")]
        )
    with pytest.raises(FileFormatError, match="nested deeper"):
        read_nir(write_raw(tmp_path / "net.nir", top), dt=DT)


def test_inspection_shows_what_cannot_be_flattened(tmp_path: Path) -> None:
    seen = inspect_nir(write_raw(tmp_path / "net.nir", _edges(*EDGES, ("lif", "ghost"))))
    assert "'ghost'" in seen.problem
    assert ("lif", "ghost") in seen.edges
    assert {row.name for row in seen.nodes} == {"input", "fc", "lif", "output"}


def test_inspection_lists_shape_repairs_before_dt_is_known(tmp_path: Path) -> None:
    seen = inspect_nir(write_raw(tmp_path / "net.nir", chain(input=port("Input", 1, 2))))
    assert "--dt" in seen.problem
    assert len(seen.repairs) == 1


def test_every_truncation_of_a_network_is_one_line(tmp_path: Path) -> None:
    whole = write_raw(tmp_path / "net.nir", chain()).read_bytes()
    cut = tmp_path / "cut.nir"
    for length in np.linspace(0, len(whole) - 1, 25).astype(int):
        cut.write_bytes(whole[:length])
        with pytest.raises(FileFormatError) as caught:
            read_nir(cut, dt=DT)
        assert "\n" not in str(caught.value)
