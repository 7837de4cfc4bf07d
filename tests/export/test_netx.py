"""lava-dl's .net files: what its reader builds, bit for bit, and ChipNetworks there and back."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from small_chips import chip, neurons, wire

import neuroalign.demo
from neuroalign.chip import ChipNetwork, Convolution, Fixed, Plasticity, first_difference
from neuroalign.compile import compile_network
from neuroalign.errors import ConversionRefused, FileFormatError
from neuroalign.export.netx import read_netx, write_netx
from neuroalign.export.netx_weights import held_weights
from neuroalign.export.nir_graph import read_nir
from neuroalign.fixed_point import lava_weights
from neuroalign.microcode.text import program_from_text
from neuroalign.profile import load_profile
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.lava_processes.backend import LavaBackend

HERE = Path(__file__).resolve().parent
NEURON = {"type": "CUBA", "iDecay": 1024, "vDecay": 128, "vThMant": 80, "refDelay": 1, "gradedSpike": False}


def has_lava_dl() -> bool:
    try:
        return LavaBackend().missing() is None and importlib.util.find_spec("lava.lib.dl.netx") is not None
    except ModuleNotFoundError:
        return False


def lava_dl_utils() -> Any:
    """The one file of lava-dl that chooses exponents, without the torch that its package asks for."""
    found = importlib.util.find_spec("lava.lib.dl.netx")
    (folder,) = (found.submodule_search_locations if found else None) or [""]
    spec = importlib.util.spec_from_file_location("lava_dl_utils", Path(folder) / "utils.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


needs_lava_dl = pytest.mark.skipif(not has_lava_dl(), reason="lava-dl is not installed: pip install --no-deps lava-dl")


def write(path: Path, layers: list[dict[str, Any]]) -> Path:
    """As lava-dl's ``export_hdf5`` writes: type as an array of one text, neurons in a group."""
    with h5py.File(path, "w") as file:
        for number, layer in enumerate(layers):
            group = file.create_group(f"layer/{number}")
            group.create_dataset("type", (1,), "S10", [layer["type"].encode()])
            for key, value in layer.items():
                if key == "neuron":
                    for name, entry in value.items():
                        group.create_dataset(f"neuron/{name}", data=entry)
                elif key != "type":
                    group.create_dataset(key, data=value)
    return path


def dense(weight: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "dense",
        "shape": [len(weight), 1, 1],
        "weight": np.asarray(weight, float),
        "neuron": NEURON,
        **more,
    }


def layered(rng: np.random.Generator) -> ChipNetwork:
    """An image, a kernel, a dense layer with delays and one that feeds itself; integers that .net holds as they are."""
    pattern = Convolution((2, 5, 4), 3, (3, 2), (2, 1), (1, 0))
    places = int(np.prod(pattern.target_shape))
    active: dict[str, Any] = {"du": 1500, "dv": 300, "bias_exp": 6}
    populations = [
        replace(
            neurons("c", places, threshold=90, bias_mant=np.repeat([3, -2, 5], places // 3), **active),
            shape=pattern.target_shape,
        ),
        neurons("d", 6, threshold=np.arange(60, 66), bias_mant=rng.integers(-3, 9, 6), **active),
        neurons("r", 4, threshold=70, **active),
    ]
    kernel = rng.integers(-40, 60, pattern.weight_shape) * 2
    d = wire("c", "d", rng.integers(-60, 100, (6, places)) * 2, delays=rng.integers(0, 6, (6, places)))
    r = [wire("d", "r", rng.integers(-50, 90, (4, 6)) * 2), wire("r", "r", rng.integers(-30, 20, (4, 4)) * 2)]
    conv = replace(wire("in", "c", [[0]]), weight=kernel, pattern=pattern)
    held = [replace(c, weight=c.weight << e, weight_exp=-e) for c, e in ((d, 0), (r[0], 0), (r[1], 0))]
    return chip(populations, [conv, *held], channels=40)


def test_a_file_of_lava_dl_becomes_the_integers_of_its_reader(tmp_path: Path) -> None:
    layers = [
        {"type": "input", "shape": [1, 1, 2]},
        dense([[10, -6], [4, 2], [-2, 8]], bias=[1.0, -2.0, 3.0], delay=[0.0, 70.0, 3.0]),
        {"type": "average", "shape": [1, 1, 1]},
    ]
    found = read_netx(write(tmp_path / "a.net", layers))
    (c,), (p,) = found.chip.connections, found.chip.populations
    # 127 / 10 leaves 3 bits and the sign one more; Lava cuts nothing off then
    np.testing.assert_array_equal(c.weight, np.array([[10, -6], [4, 2], [-2, 8]]) << 4)
    assert (c.weight_exp, c.sign_mode) == (-4, "mixed")
    np.testing.assert_array_equal(c.delays, [[0, 0], [62, 62], [3, 3]])
    assert set(p.du) == {1023}
    assert set(p.dv) == {128}
    assert set(p.threshold) == {80}
    np.testing.assert_array_equal(p.bias_mant, [1, -2, 3])
    assert set(p.bias_exp) == {6}
    assert [r.status for r in found.rows] == ["saturated", "exact"]
    assert any("averages" in note for note in found.notes)


@needs_lava_dl
@pytest.mark.parametrize(
    "weight",
    [[[3, -3]], [[-8, -4]], [[-8, 0]], [[255, 3]], [[254, -256]], [[1, 0]], [[-256, -256]], [[0, 0]], [[100, -7]]],
)
def test_held_weights_are_those_of_the_reader(weight: list[list[int]]) -> None:
    """Against lava-dl's own function where it is there; its known faults are kept, not mended."""
    utils = lava_dl_utils()
    given = np.array(weight)
    (held,) = held_weights(given)
    if not given.any():
        assert not held.weight.any()
        return
    weights, bits, exponent, _ = utils.optimize_weight_bits(given)
    mode: Any = "excitatory" if weights.min() >= 0 else "inhibitory" if weights.max() <= 0 else "mixed"
    np.testing.assert_array_equal(held.weight, lava_weights(weights, mode, bits))
    assert held.exponent == exponent


def test_a_network_comes_back_identical_and_the_bytes_are_the_same(tmp_path: Path) -> None:
    network = layered(np.random.default_rng(0))
    rows = write_netx(tmp_path / "a.net", network)
    assert {r.status for r in rows} == {"exact"}
    assert first_difference(read_netx(tmp_path / "a.net").chip, network) is None
    write_netx(tmp_path / "b.net", network)
    assert (tmp_path / "a.net").read_bytes() == (tmp_path / "b.net").read_bytes()


def test_a_compiled_network_comes_back_identical(tmp_path: Path) -> None:
    network = compiled()
    rows = write_netx(tmp_path / "a.net", network)
    assert first_difference(read_netx(tmp_path / "a.net").chip, network) is None
    assert any(r.status == "rounded" for r in rows)
    with pytest.raises(ConversionRefused, match="--strict"):
        write_netx(tmp_path / "b.net", network, strict=True)
    assert not (tmp_path / "b.net").exists()


def compiled() -> ChipNetwork:
    """The shipped digits network as loihi2 holds it."""
    path = Path(neuroalign.demo.__file__).parent / "digits.nir"
    return compile_network(read_nir(path).network, load_profile("loihi2"))[0]


def test_the_layers_alone_say_the_same_where_they_are_exact(tmp_path: Path) -> None:
    """Without our group the file is one of lava-dl's; it must act alike, whatever the fields are called."""
    network = layered(np.random.default_rng(1))
    write_netx(tmp_path / "a.net", network)
    with h5py.File(tmp_path / "a.net", "a") as file:
        del file["neuroalign"]
    alone = read_netx(tmp_path / "a.net").chip
    spikes = (np.random.default_rng(2).random((1, 80, 40)) < 0.2).astype(np.uint8)
    runs = [
        Emulator().run(n, Stimulus({n.inputs[0].name: spikes}), [(p.name, s) for p in n.populations for s in "suv"])
        for n in (network, alone)
    ]
    for p, q in zip(network.populations, alone.populations, strict=True):
        for state in "suv":
            found = [r.states[n, state][:, :80] for r, n in zip(runs, (p.name, q.name), strict=True)]
            np.testing.assert_array_equal(found[0], found[1])
        assert runs[0].states[p.name, "s"].any()


def test_layers_changed_since_are_what_counts(tmp_path: Path) -> None:
    network = layered(np.random.default_rng(0))
    write_netx(tmp_path / "a.net", network)
    with h5py.File(tmp_path / "a.net", "a") as file:
        file["layer/1/weight"][0, 0, 0, 0] += 2
    found = read_netx(tmp_path / "a.net")
    assert "changed" in found.notes[0]
    assert found.chip.connections[0].weight[0, 0, 0, 0] == network.connections[0].weight[0, 0, 0, 0] + 2


def test_what_layers_cannot_say_is_refused_with_the_reason(tmp_path: Path) -> None:
    rule = Plasticity(program_from_text(dw="2*y0"), np.zeros((1, 1), dtype=np.int64), 1.0)
    a, b = neurons("a", 1), neurons("b", 1)
    first = wire("in", "a", [[2]])
    cases = {
        "learning rule": chip([a], [replace(first, plasticity=rule)], channels=1),
        "chains": chip([a, b], [first, wire("in", "b", [[2]])], channels=1),
        "incoming": chip(
            [a, b], [first, wire("a", "b", [[2]]), replace(wire("b", "a", [[2]]), name="back")], channels=1
        ),
        "delay of 63": chip([a], [replace(first, delays=np.array([[63]]))], channels=1),
        "refractory": chip([replace(a, refractory_steps=2)], [first], channels=1),
        "inputs": chip([a], [], channels=0),
    }
    for word, network in cases.items():
        with pytest.raises(ConversionRefused, match=word):
            write_netx(tmp_path / "a.net", network)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("layers", "word"),
    [
        ([], "layer"),
        ([{"type": "pool", "shape": [1, 1, 1]}], "type 'pool'"),
        ([dense([[2]], neuron=NEURON | {"type": "SDNN"})], "SDNN"),
        ([dense([[float("nan")]])], "finite"),
        ([dense([[300, 2]])], "8 bits"),
        ([{"type": "input", "shape": [3]}, dense([[2, 2]])], "3 come"),
        ([dense([[2]], neuron=NEURON | {"vDecay": 5000})], "vDecay"),
        ([dense([[2]], bias=[1.0, 2.0, 3.0])], "bias"),
        ([dense([[2]], shape=[-1])], "shape"),
        ([dense([[2]], shape=[1 << 40])], "shape"),
        ([dense([[2, 4]], delay=[1.0, 2.0, 3.0])], "delay"),
        ([dense([[2]], neuron={"type": "CUBA"})], "iDecay"),
    ],
)
def test_files_of_other_kinds_end_in_one_line(layers: list[dict[str, Any]], word: str, tmp_path: Path) -> None:
    with pytest.raises((FileFormatError, ConversionRefused), match=word) as error:
        read_netx(write(tmp_path / "a.net", layers))
    assert "\n" not in str(error.value)
    assert str(tmp_path / "a.net") in str(error.value)


def test_the_nir_reader_names_the_command_that_reads_it(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="neuroalign convert"):
        read_nir(write(tmp_path / "a.net", [dense([[2]])]))


@pytest.mark.lava
@needs_lava_dl
def test_lava_dls_own_reader_runs_our_file_as_the_emulator_does(tmp_path: Path) -> None:
    network = layered(np.random.default_rng(3))
    write_netx(tmp_path / "a.net", network)
    spikes = (np.random.default_rng(4).random((60, 2, 5, 4)) < 0.3).astype(np.int32)
    np.savez(tmp_path / "x.npz", x=spikes.transpose(3, 2, 1, 0))  # (column, row, channel, step)
    command = ["timeout", "-s", "TERM", "-k", "5", "60", sys.executable, str(HERE.parent / "netx_worker.py")]
    files = [str(tmp_path / name) for name in ("a.net", "x.npz", "r.npz")]
    with (tmp_path / "log").open("w") as log:
        subprocess.run([*command, *files], check=True, start_new_session=True, stdout=log, stderr=log)
    with np.load(tmp_path / "r.npz") as result:
        found = {key: result[key] for key in ("s", "v")}
    run = Emulator().run(network, Stimulus({"in": spikes.reshape(1, 60, 40)}), [("r", "s"), ("r", "v")])
    np.testing.assert_array_equal(found["s"].T, run.states["r", "s"][0])
    np.testing.assert_array_equal(found["v"], run.states["r", "v"][0])
    assert np.ptp(found["v"]) > 0


def test_formats_of_other_bits_are_kept(tmp_path: Path) -> None:
    network = chip(
        [neurons("a", 2, threshold=40)], [wire("in", "a", [[64, -32], [0, 96]], weight_format=Fixed(4))], channels=2
    )
    write_netx(tmp_path / "a.net", network)
    assert first_difference(read_netx(tmp_path / "a.net").chip, network) is None
