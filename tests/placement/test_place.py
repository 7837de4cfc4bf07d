"""Figures that are known, messages counted spike by spike, and the order of cores on chips."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks_to_place import RULES, connection, narrow_profile, network, population, random_network

from neuroalign.chip import ChipConnection, ChipInput, ChipNetwork, SparsePattern
from neuroalign.errors import FileFormatError, InputError, ProfileError
from neuroalign.microcode import Factor, Product, Program, Trace
from neuroalign.placement import HOST, Placement, meter, place, placement_document, read_rates
from neuroalign.placement.capacity import core_capacities
from neuroalign.placement.checker import problems_of, synapses_of
from neuroalign.placement.chips import chip_order
from neuroalign.placement.cutting import Room, cut
from neuroalign.placement.demand import demand_of
from neuroalign.profile import Memory, Profile, load_profile

LOIHI1 = load_profile("loihi1")


def dense(sources: int, targets: int, *, bits: int = 8, program: Program | None = None) -> ChipNetwork:
    weight = np.full((targets, sources), 2)
    return network(
        [ChipInput("in", sources)],
        [population("out", targets)],
        [connection("c", "in", "out", weight, bits=bits, program=program)],
    )


def limits(placement: Placement) -> dict[str, tuple[int | None, int | None]]:
    return {limit.name: (limit.used, limit.capacity) for limit in placement.limits}


def test_a_dense_layer_of_digits_takes_two_cores() -> None:
    placement = place(dense(784, 256), LOIHI1)
    assert len(placement.cores) == 2
    assert placement.binding_limit == "synapse words"
    assert placement.binding is not None
    assert placement.binding.share == pytest.approx(0.861, abs=5e-4)
    assert limits(placement)["synapse words"] == (14112, 16384)


def test_sources_without_any_weight_take_no_axons_unless_they_learn() -> None:
    weight = np.zeros((10, 6000), dtype=np.int64)
    weight[:, :3100] = 2
    ends = [ChipInput("in", 6000)], [population("out", 10)]
    placement = place(network(*ends, [connection("c", "in", "out", weight)]), LOIHI1)
    assert placement.verdict == "fits"
    assert limits(placement)["input axon slots"] == (3100, 4096)
    assert sum(core.synapses for core in placement.cores) == 31000
    learns = place(network(*ends, [connection("c", "in", "out", weight, program=RULES[0])]), LOIHI1)
    assert limits(learns)["input axon slots"] == (12000, 4096)
    none = network(*ends, [connection("c", "in", "out", 0 * weight)])
    assert limits(place(none, LOIHI1))["synapse words"] == (0, 16384)


def test_columns_that_are_live_lie_on_one_core() -> None:
    """510 sources to 200 neurons at 8 bit: the words of one core hold them, and not those of all 1000."""
    weight = np.zeros((200, 1000), dtype=np.int64)
    weight[:, ::2] = 2
    weight[:, 1:20:2] = 2
    chip = network([ChipInput("in", 1000)], [population("out", 200)], [connection("c", "in", "out", weight)])
    alone = dense(510, 200)
    placement = place(chip, LOIHI1)
    assert len(placement.cores) == len(place(alone, LOIHI1).cores) == 1
    assert limits(placement)["synapse words"] == limits(place(alone, LOIHI1))["synapse words"]


def test_sources_that_send_nothing_take_no_output_slots() -> None:
    """40 neurons of which 8 send, on cores with 20 output slots: one core holds them all."""
    weight = np.zeros((5, 40), dtype=np.int64)
    weight[:, 7:15] = 2
    chip = network([], [population("a", 40), population("b", 5)], [connection("c", "a", "b", weight)])
    narrow = replace(LOIHI1, core=replace(LOIHI1.core, out_axons_max=20))
    assert (place(chip, narrow).verdict, len(place(chip, narrow).cores)) == ("fits", 1)


def test_no_neurons_need_no_core() -> None:
    placement = place(network([ChipInput("in", 3)], [], []), LOIHI1)
    assert (placement.verdict, placement.cores, placement.chips) == ("fits", (), 0)
    assert len(place(network([], [population("alone", 1)], []), LOIHI1).cores) == 1


def test_what_a_profile_does_not_know_is_not_checked() -> None:
    placement = place(dense(784, 256), load_profile("loihi2"))
    assert placement.verdict == "fits"
    assert {"input axon slots", "output axon slots"} <= set(placement.not_checked)
    rows = {row["name"]: row for row in placement_document(placement)["limits"]}
    assert (rows["input axon slots"]["capacity"], rows["input axon slots"]["share"]) == (None, None)
    assert any("packing" in note for note in placement.notes)


def test_rules_of_different_epochs_share_no_core() -> None:
    small = [
        connection(f"c{k}", "in", f"p{k}", np.full((3, 4), 2), program=program)
        for k, program in enumerate((RULES[0], RULES[1]))
    ]
    chip = network([ChipInput("in", 4)], [population("p0", 3), population("p1", 3)], small)
    assert len(place(chip, LOIHI1).cores) == 2
    alike = replace(chip, connections=tuple(replace(c, plasticity=small[0].plasticity) for c in small))
    assert len(place(alike, LOIHI1).cores) == 1


def test_what_the_learning_engine_cannot_do_is_told() -> None:
    program = Program(dw=(Product("x0", 1, 0, (Factor("y3"),)),), y3=Trace(16, 10), t_epoch=40)
    engine = replace(LOIHI1.learning, traces=("x1", "y1"), epoch=replace(LOIHI1.learning.epoch, max=8))  # type: ignore[type-var]
    placement = place(dense(4, 4, program=program), replace(LOIHI1, learning=engine))
    exceeded = {limit.name for limit in placement.limits if limit.status == "exceeded"}
    assert exceeded == {"traces without hardware", "epoch steps"}
    assert {"products a rule", "learning rules"} <= set(placement.not_checked)
    assert "learning engine" in {
        limit.name
        for limit in place(dense(4, 4, program=program), load_profile("speck")).limits
        if limit.status == "exceeded"
    }


def test_a_board_that_is_too_small() -> None:
    profile = replace(LOIHI1, topology=replace(LOIHI1.topology, cores_per_chip_usable=1))
    chip = dense(784, 1400)
    placement = place(chip, profile, board="kapoho-bay")
    assert placement.verdict == "does not fit"
    assert placement.binding_limit == "cores"
    assert limits(placement)["cores"] == (len(placement.cores), 2)
    with pytest.raises(ProfileError, match="kapoho-bay"):
        place(chip, profile, board="kapoho")


@pytest.mark.parametrize("seed", [0, 2, 6, 7, 11])
def test_messages_are_those_of_every_spike(seed: int) -> None:
    chip, profile = random_network(seed), narrow_profile(seed)
    sizes = {**{i.name: i.size for i in chip.inputs}, **{p.name: p.size for p in chip.populations}}
    rng = np.random.default_rng(seed)
    rates = {name: rng.random(size) for name, size in sizes.items()}
    placement = place(chip, profile, rates=rates)
    home = {name: placement.core_of(name, size) for name, size in sizes.items()}
    expected: dict[tuple[int, int], float] = {}
    for c in chip.connections:
        for source, target_core in reached(c, home[c.target]):
            pair = int(home[c.source][source]), target_core
            expected[pair] = expected.get(pair, 0.0) + rates[c.source][source]
    traffic = placement.traffic
    found = {(int(s), int(t)): w for s, t, w in zip(traffic.source, traffic.target, traffic.spikes, strict=True)}
    assert found == pytest.approx(expected)
    chip_of = {core.index: core.chip for core in placement.cores}
    between = sum(w for (s, t), w in expected.items() if s != HOST and chip_of[s] != chip_of[t])
    assert traffic.between_chips == pytest.approx(between)
    assert traffic.from_host == pytest.approx(sum(w for (s, _), w in expected.items() if s == HOST))
    assert traffic.rates == "given"


def reached(c: ChipConnection, home: np.ndarray) -> set[tuple[int, int]]:
    """Each source of a connection with each core that it reaches."""
    return {(source, int(home[target])) for target, source, _ in synapses_of(c)}


def clusters(groups: int, size: int, seed: int) -> tuple[ChipNetwork, Profile]:
    """Groups of cores that talk among themselves, their populations in an order that hides it."""
    order = np.random.default_rng(seed).permutation(groups * size)
    names = [f"p{k}" for k in order]
    populations = [population(f"p{k}", 4) for k in range(groups * size)]
    connections = []
    for group in range(groups):
        inside = names[group * size : (group + 1) * size]
        for source in inside:
            connections += [connection(f"{source}{t}", source, t, np.full((4, 4), 2)) for t in inside if t != source]
    weak = [connection(f"w{k}", names[k], names[(k + size) % len(names)], np.full((4, 4), 2)) for k in range(3)]
    core = replace(LOIHI1.core, neurons_max=4)
    topology = replace(LOIHI1.topology, cores_per_chip=size, cores_per_chip_usable=size)
    return network([], populations, connections + weak), replace(LOIHI1, core=core, topology=topology)


@pytest.mark.parametrize("seed", range(4))
def test_cores_that_talk_share_a_chip(seed: int) -> None:
    """Four groups of five: the best order is known, and only the three weak connections leave a chip."""
    chip, profile = clusters(4, 5, seed)
    placement = place(chip, profile)
    assert placement.chips == 4
    assert placement.traffic.between_chips == 3 * 4


def test_an_order_of_cores_is_never_worse_than_the_given_one() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cores, pairs = 24, 150
        rows = rng.integers(0, cores, pairs), rng.integers(0, cores, pairs), rng.random(pairs)
        order, _ = chip_order(rows, cores, 6)
        assert sorted(order.tolist()) == list(range(cores))
        number = np.argsort(order)

        def crossing(chip_of: np.ndarray, rows: tuple[np.ndarray, ...] = rows) -> float:
            return float(rows[2][chip_of[rows[0]] != chip_of[rows[1]]].sum())

        assert crossing(number // 6) <= crossing(np.arange(cores) // 6)


@pytest.mark.parametrize("seed", range(6))
def test_the_compiled_search_finds_the_same_runs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, (neurons, sources) = np.random.default_rng(seed), (300, 150)
    connections = []
    for name, source, size, program in (("a", "in", sources, None), ("b", "p", neurons, RULES[seed % 2])):
        present = rng.random((neurons, size)) < rng.choice([0.03, 0.3, 0.9])
        target, index = np.nonzero(present)
        pattern = SparsePattern(target, index, (neurons, size))
        connections.append(connection(name, source, "p", np.full(target.size, 4), pattern=pattern, program=program))
    chip = network([ChipInput("in", sources)], [population("p", neurons)], connections)
    profile = narrow_profile(5 * seed + 1)
    if seed % 2:
        core = replace(profile.core, neurons_max=400, memory=Memory("fixed", 64, synapse_words=4000), in_axons_max=900)
        profile = replace(profile, core=core)
    measures, room = meter.Meter(demand_of(chip, profile)), Room.of(core_capacities(profile))
    measured = cut(measures, "p", room)
    monkeypatch.setattr(meter, "LEAST_TO_SEARCH", 0)
    assert measures.search("p", neurons) is not None
    assert cut(measures, "p", room) == measured
    assert problems_of(place(chip, profile), chip, profile) == []


def test_rates_from_files(tmp_path: Path) -> None:
    numbers = tmp_path / "rates.json"
    numbers.write_text(json.dumps({"in": 0.25, "out": [0.5] * 10}))
    spikes = tmp_path / "spikes.npz"
    recorded = np.random.default_rng(0).random((3, 7, 4)) < 0.4
    np.savez(spikes, **{"in": recorded})  # type: ignore[arg-type]
    chip = dense(4, 10)
    assert place(chip, LOIHI1, rates=read_rates(numbers)).traffic.from_host == pytest.approx(1.0)
    expected = recorded.reshape(-1, 4).mean(axis=0).sum()
    assert place(chip, LOIHI1, rates=read_rates(spikes)).traffic.from_host == pytest.approx(expected)


@pytest.mark.parametrize(
    "rates",
    [
        {"inn": 1},
        {"in": [1, 2]},
        {"in": -1},
        {"in": float("nan")},
        {"in": "often"},
        {"in": "0.5"},
        {"in": True},
        {"in": None},
        {"in": 1j},
        {"in": 10**400},
        {"in": [[1], [2, 3]]},
        {"in": np.zeros((0, 5, 4))},
        {"in": [[-1.0] * 4, [1.0] * 4]},
    ],
)
def test_rates_that_are_none_are_refused(rates: dict[str, object]) -> None:
    with pytest.raises(InputError) as error:
        place(dense(4, 10), LOIHI1, rates=rates)
    assert "\n" not in str(error.value)


def test_a_network_without_neurons_takes_no_core() -> None:
    placed = place(network([ChipInput("in", 4)], [], []), LOIHI1)
    assert (placed.cores, placed.chips, placed.verdict) == ((), 0, "fits")


def test_rates_above_one_spike_a_step_are_questioned() -> None:
    assert any("20 spikes a step" in note for note in place(dense(4, 10), LOIHI1, rates={"in": 20}).notes)
    assert not any("Hz" in note for note in place(dense(4, 10), LOIHI1, rates={"in": 1}).notes)


def test_an_array_called_npz_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "rates.npy", np.zeros(4))
    (tmp_path / "rates.npy").rename(tmp_path / "rates.npz")
    with pytest.raises(FileFormatError, match="npy array"):
        read_rates(tmp_path / "rates.npz")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"PK\x03\x04 cut off", b"[" * 100_000])
@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_files_that_hold_no_rates_are_refused(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"rates{suffix}"
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as error:
        read_rates(path)
    assert "\n" not in str(error.value)
    with pytest.raises(FileFormatError):
        read_rates(tmp_path / f"none{suffix}")
