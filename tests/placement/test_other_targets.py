"""Targets that are not Loihi: limits of neurons, channels, rows and layers, against figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from small_chips import chip, neurons, wire

from neuroalign.chip import ChipConnection, ChipNetwork, Convolution, SparsePattern
from neuroalign.placement import Limit, Placement, place, with_remedies
from neuroalign.placement.fan_out import FanOut
from neuroalign.placement.layer_limits import layers_of
from neuroalign.placement.neuron_changes import fewer_inputs, fewer_into_each, fewer_out_of_each
from neuroalign.profile import Memory, load_profile
from neuroalign.sim.emulator.events import stored
from neuroalign.verify.draw import draw_case


def of(placement: Placement) -> dict[str, Limit]:
    return {found.name: found for found in placement.limits}


def dense(*sizes: int) -> ChipNetwork:
    """Full layers of these sizes, the first the input."""
    names = ["in", *(f"p{k}" for k in range(1, len(sizes)))]
    made = [wire(a, b, np.full((n, m), 2)) for a, b, m, n in zip(names, names[1:], sizes, sizes[1:], strict=False)]
    return replace(
        chip([neurons(name, size) for name, size in zip(names[1:], sizes[1:], strict=True)], made, sizes[0]),
        outputs=((names[-1], names[-1]),),
    )


def with_dead_sources(network: ChipNetwork) -> list[ChipConnection]:
    """The connections, and full matrices once more without the weights of every third source, and without any."""
    full = [c for c in network.connections if c.pattern is None]
    dead = [replace(c, weight=np.where(np.arange(c.shape[1]) % 3, c.weight, 0)) for c in full]
    return [*network.connections, *dead, *(replace(c, weight=np.zeros_like(c.weight)) for c in full)]


@pytest.mark.parametrize("number", range(8))
def test_fan_in_is_what_is_stored(number: int) -> None:
    for c in with_dead_sources(draw_case(4, number).network):
        np.testing.assert_array_equal(FanOut(c).fan_in(), stored(c).sum(axis=1))


def test_a_neuron_of_dynap_se2_listens_to_64_synapses() -> None:
    target = load_profile("dynap-se2")
    full, over = place(dense(64, 10), target), place(dense(65, 10), target)
    assert (full.verdict, over.verdict) == ("fits", "does not fit")
    assert over.binding_limit == "synapse entries of a neuron"
    assert (of(over)["synapse entries of a neuron"].used, of(over)["synapse entries of a neuron"].capacity) == (65, 64)
    assert of(full)["destinations of a neuron"].status == "not checked"


def test_fewer_synapses_a_neuron_and_fewer_inputs_are_offered() -> None:
    """The rows of ``pruned`` keep 64 weights; of 17 inputs the weakest, number 3, goes."""
    target = load_profile("dynap-se2")
    rng = np.random.default_rng(0)
    weight = rng.permutation(np.arange(1, 701)).reshape(10, 70)
    network = chip([neurons("p1", 10)], [wire("in", "p1", weight)], 70)
    (remedy,) = with_remedies(place(network, target), network, target).remedies
    assert remedy.text.startswith("keep at most 64 synapses into a neuron, those with the largest weights")
    (cut,) = fewer_into_each(network, 64).connections
    assert isinstance(cut.pattern, SparsePattern)
    for k in range(10):
        np.testing.assert_array_equal(np.sort(cut.weight[cut.pattern.target == k]), np.sort(weight[k])[-64:])
    xylo = load_profile("xylo")
    weight = np.full((8, 17), 5)
    weight[:, 3] = 1
    network = chip([neurons("p1", 8)], [wire("in", "p1", weight)], 17)
    (remedy,) = with_remedies(place(network, xylo), network, xylo).remedies
    assert remedy.text.startswith("take 16 of the 17 input channels, those with the largest weights")
    smaller = fewer_inputs(network, 16)
    assert smaller.inputs[0].size == 16
    np.testing.assert_array_equal(smaller.connections[0].weight, np.full((8, 16), 5))


def test_at_most_so_many_synapses_are_shared_by_the_connections_of_a_neuron() -> None:
    """Weights of 3 * 2 and 4 beat one of 5; nothing is left of the connection that is too weak."""
    network = chip(
        [neurons("a", 1), neurons("b", 1)],
        [wire("in", "b", [[3, 1]], weight_exp=1), wire("a", "b", [[5]]), wire("b", "b", [[-4]])],
        2,
    )
    kept = fewer_into_each(network, 2)
    assert [c.weight.tolist() for c in kept.connections] == [[3], [5], []]
    out = fewer_out_of_each(replace(network, connections=network.connections[1:]), 1)
    assert [np.ravel(c.weight).tolist() for c in out.connections] == [[5], [-4]]


def test_rows_of_brainscales_2_are_two_an_input() -> None:
    """128 signed inputs fill the 256 rows of a half; two layers of 100 inputs each need a half each."""
    target = load_profile("brainscales-2")
    assert place(dense(128, 10), target).verdict == "fits"
    assert place(dense(129, 10), target).verdict == "does not fit"
    two = place(dense(100, 100, 10), target)
    assert (two.verdict, len(two.cores), two.chips) == ("fits", 2, 1)
    assert len(place(dense(10, 600), target).cores) == 3  # 256 neurons a half


@pytest.mark.parametrize(("name", "most_out"), [("xylo", 64), ("xylo-audio3", 1024), ("xylo-imu", 512)])
def test_channels_and_fan_out_of_xylo(name: str, most_out: int) -> None:
    target = load_profile(name)
    assert of(place(dense(16, 40, 8), target))["input channels"].status == "fits"
    wide = of(place(dense(17, 40, 33), target))
    assert wide["input channels"].status == "exceeded"
    assert wide["output neurons"].status == "exceeded"
    fan = of(place(dense(2, 8, most_out + 1), target))["synapses out of a neuron"]
    assert (fan.used, fan.capacity, fan.status) == (most_out + 1, most_out, "exceeded")


def convolved(channels: int, side: int, features: int, kernel: int) -> ChipNetwork:
    pattern = Convolution((channels, side, side), features, (kernel, kernel))
    shape = pattern.target_shape
    image = replace(neurons("map", int(np.prod(shape))), shape=shape)
    weights = np.full(pattern.weight_shape, 2)
    return chip(
        [image], [replace(wire("in", "map", np.zeros((1, 1))), weight=weights, pattern=pattern)], channels * side**2
    )


def test_kernel_and_neuron_memory_of_speck_are_rounded_up_to_powers_of_two() -> None:
    """C 2**(ceil log2(kx ky) + ceil log2 f) = 3 * 2**(5 + 3); f 2**(ceil log2 fy + ceil log2 fx) = 5 * 2**(4 + 4)."""
    (layer,) = layers_of(convolved(3, 16, 5, 5))  # maps of 12 by 12
    assert (layer.kernel, layer.neurons, layer.biases) == (3 * 2**8, 5 * 2**8, 0)
    (full,) = layers_of(dense(100, 10))
    assert (full.kernel, full.neurons) == (100 * 16, 10)


def test_layers_of_speck_find_cores_of_their_own() -> None:
    target = load_profile("speck")
    fits = place(dense(8, 8, 8, 8, 8, 8, 8, 8, 8, 8), target)
    assert (len(fits.cores), fits.verdict) == (9, "fits")
    assert all(len(core.slices) == 1 for core in fits.cores)
    ten = of(place(dense(*[8] * 11), target))["layers with a core of their own"]
    assert (ten.used, ten.capacity, ten.status) == (10, 9, "exceeded")


def test_layers_are_matched_to_cores_as_every_order_would() -> None:
    """Kernels of 1024 * 2**5 entries fit four cores of nine only: two of 32K and two of 64K."""
    target = load_profile("speck")
    memory = target.core.memory
    assert isinstance(memory, Memory)
    assert isinstance(memory.kernel_entries, tuple)
    rng = np.random.default_rng(0)
    for _ in range(12):
        banks = tuple(int(x) for x in rng.choice([64, 256, 1024], 4))
        small = replace(
            target,
            core=replace(
                target.core,
                memory=replace(memory, kernel_entries=banks, neuron_entries=(99,) * 4, bias_entries=(99,) * 4),
            ),
        )
        network = dense(*(int(x) for x in rng.choice([4, 16, 32], 5)))
        needs = [x.kernel for x in layers_of(network)]
        possible = any(
            all(n <= banks[k] for n, k in zip(needs, order, strict=True)) for order in permutations(range(4))
        )
        assert (of(place(network, small))["layers with a core of their own"].status == "fits") == possible


def test_a_layer_of_speck_has_one_kernel_and_drives_two_layers() -> None:
    a = [neurons("a", 4), neurons("b", 4)]
    both: list[ChipConnection] = [
        wire("in", "a", np.full((4, 2), 2)),
        wire("in", "b", np.full((4, 2), 2)),
        wire("a", "b", np.full((4, 4), 2)),
    ]
    found = of(place(chip(a, both, 2), load_profile("speck")))
    assert found["connections into a layer"].status == "exceeded"
    many = [neurons(name, 4) for name in "abcd"]
    wires = [wire("in", "a", np.full((4, 2), 2)), *(wire("a", name, np.full((4, 4), 2)) for name in "bcd")]
    drives = of(place(chip(many, wires, 2), load_profile("speck")))["layers that a layer drives"]
    assert (drives.used, drives.capacity, drives.status) == (3, 2, "exceeded")


def test_words_of_spinnaker2_are_a_header_and_16_bits_a_synapse() -> None:
    """10 rows of 96 + 7 * 16 = 208 bits: seven words of 32 bits each."""
    words = of(place(dense(10, 7), load_profile("spinnaker2")))["synapse words"]
    assert (words.used, words.capacity) == (10 * 7, 96 * 1024 // 4)


def test_loihi_has_none_of_these_limits() -> None:
    for name in ("loihi1", "loihi2"):
        names = set(of(place(dense(4, 4), load_profile(name))))
        assert not names & {"synapse entries of a neuron", "input channels", "kernel entries of a layer"}
