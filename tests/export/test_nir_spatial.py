"""Convolutions, pooling, Flatten and Delay: against PyTorch's own, and whole through compile, file and back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nir_files import affine, graph, port, write_raw

from neuroalign.chip import first_difference
from neuroalign.compile import compile_network, float_model
from neuroalign.errors import FileFormatError, InputError
from neuroalign.export.nir_graph import read_nir
from neuroalign.export.nir_graph.images import convolution_fields, from_readable, readable, to_readable
from neuroalign.export.nir_graph.maps import Weights, as_weights, dense, kept_rows, scaled, summed, through
from neuroalign.export.nir_graph.spatial import SpatialNode
from neuroalign.export.nir_graph.write import read_chip, write_nir
from neuroalign.network import Network
from neuroalign.pattern import Convolution, SparsePattern, as_sparse, expanded, spread_to_synapses, sum_into_targets
from neuroalign.profile import load_profile
from neuroalign.recording import Stimulus
from neuroalign.sim.emulator import Emulator

DT = 1e-3
KINDS = ("plain", "strided", "padded", "dilated", "grouped", "one row", "oblong")


def _convolution(kind: str, rng: np.random.Generator) -> tuple[Convolution, Any]:
    every: dict[str, dict[str, Any]] = {
        "plain": {},
        "strided": {"stride": (2, 3)},
        "padded": {"padding": (1, 2)},
        "dilated": {"dilation": (2, 1), "padding": (2, 0)},
        "grouped": {"groups": 2, "padding": (1, 1)},
        "one row": {"source_shape": (4, 1, 11), "kernel": (1, 3), "padding": (0, 1)},
        "oblong": {"kernel": (3, 5), "groups": 2, "dilation": (1, 2), "padding": (1, 2)},
    }
    plain: dict[str, Any] = {"source_shape": (4, 7, 9), "channels": 6, "kernel": (3, 3)}
    pattern = Convolution(**(plain | every[kind]))
    return pattern, rng.normal(size=pattern.weight_shape)


def _convolved(pattern: Convolution, weight: Any, image: Any) -> Any:
    """PyTorch's convolution, as one row of values."""
    torch = pytest.importorskip("torch")
    found = torch.nn.functional.conv2d(
        torch.from_numpy(image.reshape(1, *pattern.source_shape)),
        torch.from_numpy(weight),
        None,
        pattern.stride,
        pattern.padding,
        pattern.dilation,
        pattern.groups,
    )
    return found.numpy().ravel()


@pytest.mark.parametrize("kind", KINDS)
def test_a_convolution_is_pytorchs_in_every_layout(kind: str) -> None:
    rng = np.random.default_rng(KINDS.index(kind))
    pattern, weight = _convolution(kind, rng)
    image = rng.normal(size=pattern.shape[1])
    wanted = _convolved(pattern, weight, image)
    assert np.allclose(expanded(pattern, weight) @ image, wanted, rtol=1e-12, atol=1e-12)
    sparse, values = as_sparse(pattern, weight)
    assert np.array_equal(expanded(sparse, values), expanded(pattern, weight))
    assert np.allclose(sum_into_targets(weight, pattern), expanded(pattern, weight).sum(axis=1), rtol=1e-12, atol=1e-12)
    assert np.allclose(sum_into_targets(values, sparse), expanded(pattern, weight).sum(axis=1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_targets_reach_their_synapses(kind: str) -> None:
    rng = np.random.default_rng(1)
    pattern, weight = _convolution(kind, rng)
    channel = np.repeat(rng.normal(size=pattern.channels), pattern.shape[0] // pattern.channels)
    wanted = channel[:, None] * expanded(pattern, weight)
    assert np.array_equal(expanded(pattern, spread_to_synapses(channel, pattern) * weight), wanted)
    sparse, values = as_sparse(pattern, weight)
    assert np.array_equal(expanded(sparse, spread_to_synapses(channel, sparse) * values), wanted)
    with pytest.raises(ValueError, match="share no kernel"):
        spread_to_synapses(rng.normal(size=pattern.shape[0]), pattern)


def _pool(shape: tuple[int, int, int], size: int) -> Weights:
    pattern = Convolution(shape, shape[0], (size, size), (size, size), groups=shape[0])
    return Weights(np.full(pattern.weight_shape, 1.0 / size**2), pattern)


def _layer(shape: tuple[int, int, int], rng: np.random.Generator, **settings: Any) -> Weights:
    plain: dict[str, Any] = {"source_shape": shape, "channels": 4, "kernel": (3, 3)}
    pattern = Convolution(**(plain | settings))
    return Weights(rng.normal(size=pattern.weight_shape), pattern)


def _sparse(shape: tuple[int, int], rng: np.random.Generator) -> Weights:
    matrix = rng.normal(size=shape) * (rng.random(shape) < 0.1)
    target, source = np.nonzero(matrix)
    return Weights(matrix[target, source], SparsePattern(target, source, shape))


def _chains() -> dict[str, tuple[list[Weights], bool]]:
    """Maps one after the other, and whether the whole is a convolution."""
    rng = np.random.default_rng(3)
    image = (4, 8, 8)
    size = 4 * 8 * 8
    return {
        "pool, padded conv": ([_pool(image, 2), _layer((4, 4, 4), rng, padding=(1, 1))], True),
        "conv, pool": ([_layer(image, rng, padding=(1, 1)), _pool(image, 2)], True),
        "conv, conv": ([_layer(image, rng), _layer((4, 6, 6), rng, stride=(2, 2))], True),
        "grouped conv, pool": ([_layer(image, rng, groups=2), _pool((4, 6, 6), 3)], True),
        "pool, grouped conv": ([_pool(image, 2), _layer((4, 4, 4), rng, groups=4, dilation=(2, 1))], True),
        "pool, pool": ([_pool(image, 2), _pool((4, 4, 4), 2)], True),
        "pool with rest, padded conv": ([_pool((4, 9, 9), 2), _layer((4, 4, 4), rng, padding=(1, 1))], False),
        "padded conv, padded conv": ([_layer(image, rng, padding=(1, 1)), _layer(image, rng, padding=(1, 1))], False),
        "conv, dense": ([_layer(image, rng), Weights(rng.normal(size=(3, 144)))], False),
        "dense, conv": ([Weights(rng.normal(size=(size, 3))), _layer(image, rng)], False),
        "sparse, conv": ([_sparse((size, 9), rng), _layer(image, rng)], False),
        "conv, sparse": ([_layer(image, rng), _sparse((20, 144), rng)], False),
    }


@pytest.mark.parametrize("kind", _chains())
def test_a_product_of_maps_is_the_product_of_their_matrices(kind: str) -> None:
    maps, stays = _chains()[kind]
    product = through(maps[1], maps[0])
    assert np.allclose(dense(product), dense(maps[1]) @ dense(maps[0]), rtol=1e-12, atol=1e-12)
    assert isinstance(product.pattern, Convolution) is stays


def test_scales_and_sums_are_those_of_the_matrices() -> None:
    rng = np.random.default_rng(4)
    first = _layer((4, 8, 8), rng)
    targets, sources = first.shape
    channels = np.repeat(rng.normal(size=4), 36)
    for scale, stays in ((channels, True), (rng.normal(size=targets), False)):
        found = as_weights(scaled(scale, first), targets)
        assert np.allclose(dense(found), scale[:, None] * dense(first))
        assert isinstance(found.pattern, Convolution) is stays
    for scale, stays in ((np.repeat(rng.normal(size=4), 64), True), (rng.normal(size=sources), False)):
        found = through(first, scale)
        assert np.allclose(dense(found), dense(first) * scale)
        assert isinstance(found.pattern, Convolution) is stays
    parts = [first, _layer((4, 8, 8), rng), _sparse(first.shape, rng)]
    whole = sum(dense(p) for p in parts)
    assert np.allclose(dense(as_weights(summed(parts, targets), targets)), whole)
    assert isinstance(as_weights(summed(parts[:2], targets), targets).pattern, Convolution)
    assert np.allclose(
        dense(as_weights(summed([*parts, Weights(dense(first))], targets), targets)), whole + dense(first)
    )
    rows = rng.random(targets) < 0.5
    assert np.array_equal(dense(kept_rows(rows, first, targets)), np.where(rows[:, None], dense(first), 0))
    assert np.array_equal(dense(kept_rows(rows, None, targets)), np.diag(rows * 1.0))


@pytest.mark.parametrize(
    ("kernel", "dilation"), [((3, 3), (1, 1)), ((2, 4), (1, 1)), ((2, 3), (3, 2)), ((4, 2), (1, 3))]
)
def test_padding_same_is_pytorchs(kernel: tuple[int, int], dilation: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)
    weight = rng.normal(size=(3, 2, *kernel))
    node = SpatialNode("conv", "Conv2d", 2, weight, None, kernel, (1, 1), "same", dilation)
    pattern, full = node.convolution((2, 9, 8))
    image = rng.normal(size=(1, 2, 9, 8))
    wanted = torch.nn.functional.conv2d(
        torch.from_numpy(image), torch.from_numpy(weight), padding="same", dilation=dilation
    )
    assert pattern.target_shape == (3, 9, 8)
    assert np.allclose(expanded(pattern, full) @ image.ravel(), wanted.numpy().ravel(), rtol=1e-12, atol=1e-12)


def conv(rng: np.random.Generator, out: int, given: int, kernel: tuple[int, ...], **fields: Any) -> dict[str, Any]:
    """A Conv1d or Conv2d as a file holds it."""
    several = len(kernel) > 1
    one = np.ones(2, dtype=np.int64) if several else np.array(1)
    return {
        "type": f"Conv{len(kernel)}d",
        "weight": rng.normal(0.3, 0.5, size=(out, given, *kernel)),
        "stride": one, "padding": 0 * one, "dilation": one, "groups": np.array(1),
        "bias": np.zeros(out),
    } | fields  # fmt: skip


def neurons(*shape: int, **fields: Any) -> dict[str, Any]:
    """LIF neurons in a shape."""
    plain = {"tau": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 0.1}
    return {"type": "LIF"} | {k: np.full(shape, v) for k, v in plain.items()} | fields


def pool(kind: str, size: int = 2, **fields: Any) -> dict[str, Any]:
    """A pooling node."""
    two = np.full(2, size)
    return {"type": kind, "kernel_size": two, "stride": two, "padding": 0 * two} | fields


def flatten(*shape: int) -> dict[str, Any]:
    """A Flatten of all dimensions."""
    return {"type": "Flatten", "input_type": np.array(shape), "start_dim": np.array(0), "end_dim": np.array(-1)}


def row(**nodes: dict[str, Any]) -> dict[str, Any]:
    """Nodes one after the other, as the top of a file."""
    return graph(nodes, list(pairwise(nodes)))


def image_net(rng: np.random.Generator, **changes: dict[str, Any]) -> dict[str, Any]:
    """Convolutions, both poolings, a Flatten and a readout."""
    nodes = {
        "input": port("Input", 2, 9, 8),
        "conv1": conv(rng, 4, 2, (3, 3), stride=np.array([2, 1]), padding=np.array([1, 1])),
        "lif1": neurons(4, 5, 8),
        "conv2": conv(rng, 4, 2, (2, 3), groups=np.array(2), bias=rng.normal(size=4) * 0.01),
        "lif2": neurons(4, 4, 6),
        "pool": pool("SumPool2d"),
        "conv3": conv(rng, 3, 4, (1, 1)),
        "lif3": neurons(3, 2, 3),
        "flatten": flatten(3, 2, 3),
        "fc": affine(rng.normal(size=(5, 18)), np.zeros(5)),
        "lif4": neurons(5),
        "output": port("Output", 5),
    }
    return row(**(nodes | changes))


def _spikes(network: Network, steps: int, rng: np.random.Generator, rate: float = 0.3) -> Stimulus:
    shape = (1, steps, network.inputs[0].size)
    return Stimulus({network.inputs[0].name: (rng.random(shape) < rate).astype(np.uint8)})


def _twin(network: Network) -> Network:
    """The same network with every connection a matrix."""
    from dataclasses import replace

    return replace(network, connections=tuple(replace(c, weight=c.matrix(), pattern=None) for c in network.connections))


def test_an_image_network_runs_as_its_dense_twin_and_as_norse(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    network = read_nir(write_raw(tmp_path / "net.nir", image_net(rng)), dt=DT, strict=True).network
    assert [type(c.pattern).__name__ for c in network.connections] == ["Convolution"] * 3 + ["NoneType"]
    assert [p.shape for p in network.populations] == [(4, 5, 8), (4, 4, 6), (3, 2, 3), (5,)]
    stimulus, probes = _spikes(network, 60, rng), [(p.name, s) for p in network.populations for s in ("v", "s")]
    chip, twin = (float_model(n, load_profile("ideal")) for n in (network, _twin(network)))
    ours, theirs = (Emulator().run(c, stimulus, probes) for c in (chip, twin))
    for probe in probes:
        assert np.allclose(ours.states[probe], theirs.states[probe], rtol=1e-9, atol=1e-12)
    assert all(ours.states[p.name, "s"].any() for p in network.populations)
    pytest.importorskip("norse")
    from neuroalign.sim.norse_reference.backend import NorseReference

    norse = NorseReference().run_model(network, stimulus, probes)
    for probe in probes:
        assert np.allclose(norse.states[probe], ours.states[probe], rtol=1e-9, atol=1e-12)


def test_on_chip_it_equals_its_dense_twin_bit_for_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    network = read_nir(write_raw(tmp_path / "net.nir", image_net(rng)), dt=DT).network
    stimulus, probes = _spikes(network, 60, rng), [(p.name, s) for p in network.populations for s in ("u", "v", "s")]
    chips = [compile_network(n, load_profile("loihi2"))[0] for n in (network, _twin(network))]
    ours, theirs = (Emulator().run(c, stimulus, probes) for c in chips)
    for probe in probes:
        assert np.array_equal(ours.states[probe], theirs.states[probe])
    assert ours.states["lif4", "s"].any()


@pytest.mark.lava
def test_lava_agrees_on_kernels_with_an_exponent(tmp_path: Path) -> None:
    from neuroalign.sim.lava_processes.backend import LavaBackend

    if LavaBackend().missing():
        pytest.skip(str(LavaBackend().missing()))
    rng = np.random.default_rng(8)
    network = read_nir(write_raw(tmp_path / "net.nir", image_net(rng)), dt=DT).network
    chip, _ = compile_network(network, load_profile("loihi2"))
    assert any(c.weight_exp and isinstance(c.pattern, Convolution) for c in chip.connections)
    stimulus, probes = _spikes(network, 30, rng), [(p.name, s) for p in network.populations for s in ("u", "v", "s")]
    ours, lava = Emulator().run(chip, stimulus, probes), LavaBackend().run(chip, stimulus, probes)
    for probe in probes:
        assert np.array_equal(ours.states[probe], lava.states[probe])


@pytest.mark.parametrize("kind", ["SumPool2d", "AvgPool2d"])
def test_pooling_before_an_output_is_a_readout(tmp_path: Path, kind: str) -> None:
    torch = pytest.importorskip("torch")
    top = row(
        input=port("Input", 2, 4, 4), fc=flatten(2, 4, 4), lif0=neurons(32), lif=neurons(2, 4, 4), pool=pool(kind),
        output=port("Output", 2, 2, 2),
    )  # fmt: skip
    network = read_nir(write_raw(tmp_path / "net.nir", top), dt=DT).network
    weights = next(c for c in network.connections if c.target == network.outputs[0][1])
    image = np.random.default_rng(0).normal(size=(1, 2, 4, 4))
    wanted = torch.nn.functional.avg_pool2d(torch.from_numpy(image), 2).numpy().ravel()
    wanted = wanted * (4 if kind == "SumPool2d" else 1)
    assert np.allclose(weights.matrix() @ image.ravel(), wanted)


def test_neurons_of_a_channel_that_differ_share_no_kernel(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    top = image_net(rng, lif1=neurons(4, 5, 8, v_threshold=0.1 + 0.1 * rng.random((4, 5, 8))))
    network = read_nir(write_raw(tmp_path / "net.nir", top), dt=DT).network
    chip, table = compile_network(network, load_profile("loihi2"))
    assert [type(c.pattern).__name__ for c in chip.connections[:2]] == ["SparsePattern", "Convolution"]
    assert [(r.where, r.quantity) for r in table.rows if r.quantity == "kernel"] == [("input->lif1", "kernel")]


def test_written_images_are_read_as_the_same_network(tmp_path: Path) -> None:
    nir = pytest.importorskip("nir")
    rng = np.random.default_rng(10)
    # Without a bias: start states that a bias moves while the chip waits are rounded anew.
    top = image_net(rng, conv2=conv(rng, 4, 2, (2, 3), groups=np.array(2)))
    for profile in ("loihi2", "ideal"):
        network = read_nir(write_raw(tmp_path / "net.nir", top), dt=DT).network
        chip, _ = compile_network(network, load_profile(profile))
        file = write_nir(tmp_path / "net.nir", chip, network=network)
        assert first_difference(chip, read_chip(file)) is None
        kinds = {type(n).__name__ for n in nir.read(file).nodes.values()}
        assert {"Conv2d", "Flatten", "LIF"} <= kinds
        again = read_nir(file, strict=True)
        if profile == "loihi2":  # doubles are scaled there and back
            assert first_difference(chip, compile_network(again.network, load_profile(profile))[0]) is None


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "one row"])
def test_the_form_for_other_readers_is_the_same_convolution(tmp_path: Path, kind: str) -> None:
    nir = pytest.importorskip("nir")
    rng = np.random.default_rng(13)
    pattern, weight = _convolution(kind, rng)
    wide = readable(pattern)
    if wide is None:
        assert (pattern.kernel[0] - pattern.kernel[1]) % 2
        return
    full, same = to_readable(pattern, weight)
    assert same == wide
    assert np.array_equal(expanded(wide, full), expanded(pattern, weight))
    assert np.array_equal(from_readable(pattern, full), weight)
    _, fields = convolution_fields(pattern, weight, np.zeros(pattern.shape[0]))
    nodes = {
        "input": port("Input", *pattern.source_shape), "conv": {"type": "Conv2d"} | fields,
        "lif": neurons(*pattern.target_shape), "output": port("Output", *pattern.target_shape),
    }  # fmt: skip
    assert nir.read(write_raw(tmp_path / "net.nir", row(**nodes))).nodes["conv"].weight.shape == full.shape


def test_one_dimensional_convolutions(tmp_path: Path) -> None:
    nir = pytest.importorskip("nir")
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(11)
    first = conv(rng, 3, 2, (4,), stride=np.array(2), padding=np.array(1), dilation=np.array(2))
    top = row(input=port("Input", 2, 20), conv=first, lif=neurons(3, 8), flat=flatten(3, 8),
              fc=affine(rng.normal(size=(4, 24)), np.zeros(4)), out=neurons(4), output=port("Output", 4))  # fmt: skip
    network = read_nir(write_raw(tmp_path / "net.nir", top), dt=DT, strict=True).network
    image = rng.normal(size=(1, 2, 20))
    wanted = torch.nn.functional.conv1d(
        torch.from_numpy(image), torch.from_numpy(first["weight"]), stride=2, padding=1, dilation=2
    )
    assert np.allclose(network.connections[0].matrix() @ image.ravel(), wanted.numpy().ravel())
    chip, _ = compile_network(network, load_profile("loihi2"))
    file = write_nir(tmp_path / "out.nir", chip, network=network)
    assert "Conv1d" in {type(n).__name__ for n in nir.read(file).nodes.values()}
    assert first_difference(chip, compile_network(read_nir(file).network, load_profile("loihi2"))[0]) in (
        None, "network.name: 'net' against 'out'",
    )  # fmt: skip


def test_delays_become_delay_slots(tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    steps = np.array([0, 3, 3, 1, 0, 2])
    delay = {"type": "Delay", "delay": steps * DT}
    weight = rng.normal(0.05, 0.05, size=(4, 6))
    top = row(
        input=port("Input", 6), delay=delay, fc=affine(weight, np.zeros(4)), lif=neurons(4), output=port("Output", 4)
    )
    network = read_nir(write_raw(tmp_path / "net.nir", top), dt=DT, strict=True).network
    assert sorted(c.delay_steps for c in network.connections) == [0, 1, 2, 3]
    stimulus = _spikes(network, 80, rng)
    late = np.zeros_like(stimulus.inputs["input"])
    for k, wait in enumerate(steps):
        late[:, wait:, k] = stimulus.inputs["input"][:, : 80 - wait, k]
    plain = row(input=port("Input", 6), fc=affine(weight, np.zeros(4)), lif=neurons(4), output=port("Output", 4))
    direct = read_nir(write_raw(tmp_path / "plain.nir", plain), dt=DT).network
    profile = load_profile("ideal")
    ours = Emulator().run(float_model(network, profile), stimulus, [("lif", "v"), ("lif", "s")])
    theirs = Emulator().run(float_model(direct, profile), Stimulus({"input": late}), [("lif", "v"), ("lif", "s")])
    assert np.allclose(ours.states["lif", "v"], theirs.states["lif", "v"], rtol=1e-9, atol=1e-12)
    assert ours.states["lif", "s"].any()
    chip, _ = compile_network(network, load_profile("loihi2"))
    assert chip.connections[0].max_delay == 0
    assert max(c.max_delay for c in chip.connections) == 3
    file = write_nir(tmp_path / "out.nir", chip, network=network)
    assert first_difference(chip, read_chip(file)) is None


def test_a_delay_in_a_loop_takes_the_place_of_its_step(tmp_path: Path) -> None:
    nodes = {
        "input": port("Input", 3), "fc": affine(np.eye(3), np.zeros(3)), "lif": neurons(3),
        "delay": {"type": "Delay", "delay": np.full(3, 2 * DT)}, "back": affine(0.02 * np.ones((3, 3)), np.zeros(3)),
        "output": port("Output", 3),
    }  # fmt: skip
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "delay"), ("delay", "back"), ("back", "lif"), ("lif", "output")]
    network = read_nir(write_raw(tmp_path / "net.nir", graph(nodes, edges)), dt=DT).network
    assert {c.name: c.delay_steps for c in network.connections} == {"input->lif": 0, "lif->lif#2": 2}


def test_a_batch_dimension_before_a_convolution_is_dropped(tmp_path: Path) -> None:
    top = image_net(np.random.default_rng(0), input=port("Input", 5, 2, 9, 8))
    imported = read_nir(write_raw(tmp_path / "net.nir", top), dt=DT)
    assert imported.network.inputs[0].shape == (2, 9, 8)
    assert any("batch dimension dropped" in r for r in imported.repairs)
    with pytest.raises(FileFormatError, match="strict"):
        read_nir(tmp_path / "net.nir", dt=DT, strict=True)


RNG = np.random.default_rng(0)
WRONG = {
    "channels": (image_net(RNG, conv1=conv(RNG, 4, 3, (3, 3))), r"'conv1': 2 channels reach it, .* takes 3"),
    "kernel too large": (image_net(RNG, conv3=conv(RNG, 3, 4, (9, 9))), r"'conv3': .*kernel must fit"),
    "groups": (image_net(RNG, conv2=conv(RNG, 3, 2, (2, 3), groups=np.array(2))), r"'conv2': .*must divide both"),
    "no groups": (image_net(RNG, conv2=conv(RNG, 4, 2, (2, 3), groups=np.array(0))), r"'conv2': groups is \[0"),
    "stride 0": (image_net(RNG, conv1=conv(RNG, 4, 2, (3, 3), stride=np.array([0, 1]))), r"'conv1': stride is \[0"),
    "padding word": (image_net(RNG, conv1=conv(RNG, 4, 2, (3, 3), padding="full")), "'valid' or 'same'"),
    "same with stride": (
        image_net(RNG, conv1=conv(RNG, 4, 2, (3, 3), padding="same", stride=np.array([2, 2]))), "needs stride 1"),
    "flat input": (image_net(RNG, input=port("Input", 144)), r"'conv1': Conv2d takes 3 dimensions"),
    "weight of three dimensions": (
        image_net(RNG, conv1=conv(RNG, 4, 2, (3, 3), weight=np.ones((4, 2, 3)))), "needs 4 dimensions"),
    "stated shape": (
        image_net(RNG, conv2=conv(RNG, 4, 2, (2, 3), groups=np.array(2), input_shape=np.array([7, 7]))), "correct the file"),
    "pool larger": (image_net(RNG, pool=pool("SumPool2d", 9)), r"'pool': .*kernel must fit"),
    "negative delay": (
        row(input=port("Input", 3), d={"type": "Delay", "delay": np.array([-1.0])}, lif=neurons(3),
            output=port("Output", 3)), "no value can come early"),
    "endless delay": (
        row(input=port("Input", 3), d={"type": "Delay", "delay": np.array([1e9])}, lif=neurons(3),
            output=port("Output", 3)), "check the unit"),
    "no shape anywhere": (
        row(input={"type": "Input"}, pool=pool("SumPool2d"), lif=neurons(1, 2, 2), output=port("Output", 1, 2, 2)),
        "nothing says the shape"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_read_is_one_clear_line(tmp_path: Path, kind: str) -> None:
    top, message = WRONG[kind]
    path = write_raw(tmp_path / "net.nir", top)
    with pytest.raises(InputError, match=message) as caught:
        read_nir(path, dt=DT)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
