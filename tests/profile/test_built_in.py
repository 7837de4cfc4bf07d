"""The built-in profiles: all load, every figure has a source, published figures are the published ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import neuroalign.hw_profiles
from neuroalign import chip, profile
from neuroalign.profile import (
    Memory,
    Price,
    Range,
    available_profiles,
    describe,
    load_profile,
    not_checked,
    provenance_of,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(next(iter(neuroalign.hw_profiles.__path__)))
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
HEADER = {"schema", "id", "name", "arithmetic", "extends", "unset", "provenance", "conflicts"}
CHIPS = ("brainscales-2", "dynap-se2", "loihi1", "loihi2", "speck", "spinnaker2", "xylo", "xylo-audio3", "xylo-imu")


def leaves_of(table: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every dotted path of a parsed file that is no table: written apart from the package's own walk."""
    for key, value in table.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from leaves_of(value, here)
        else:
            yield here


def raw(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def test_all_are_there() -> None:
    assert available_profiles() == NAMES == tuple(sorted((*CHIPS, "cpu", "ideal")))


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_of_the_file_has_a_source(name: str) -> None:
    table, loaded = raw(name), load_profile(name)
    entries = table["provenance"]
    for path in leaves_of({key: value for key, value in table.items() if key not in HEADER}):
        parts = path.split(".")
        above = [".".join(parts[:k]) for k in range(len(parts), 0, -1)]
        found = next((entries[p] for p in above if p in entries), None)
        assert found is not None, f"{name}: {path} has no entry in [provenance]"
        source = provenance_of(loaded, path)
        assert source is not None
        assert (source.source, source.grade, source.status) == (found["source"], found["grade"], found["status"])
        assert source.note == found.get("note", "")


@pytest.mark.parametrize("name", NAMES)
def test_no_figure_comes_from_a_default_or_lacks_a_source(name: str) -> None:
    rows = describe(load_profile(name))
    assert not [row.path for row in rows if "default of the reader" in row.source or "without a source" in row.source]
    assert not [row.path for row in rows if row.value is not None and not (row.source and row.status and row.grade)]


@pytest.mark.parametrize("name", NAMES)
def test_unlimited_is_marked_as_unlimited_and_nothing_else_is(name: str) -> None:
    for row in describe(load_profile(name)):
        assert (row.value == "unlimited") == (row.status == "unlimited"), row
        assert (row.value is None) == (row.status == "unknown"), row


@pytest.mark.parametrize("name", NAMES)
def test_unverified_figures_are_marked_as_assumed(name: str) -> None:
    for row in describe(load_profile(name)):
        if row.grade == "U" and row.value is not None:
            assert row.status == "assumed", row


@pytest.mark.parametrize("name", NAMES)
def test_describe_shows_each_figure_once(name: str) -> None:
    paths = [row.path for row in describe(load_profile(name))]
    assert len(paths) == len(set(paths))
    inherited = set(leaves_of({k: v for k, v in raw(name).items() if k not in HEADER}))
    assert inherited <= set(paths)


def test_loihi1_has_the_capacities_of_davies_2018() -> None:
    p = load_profile("loihi1")
    assert (p.core.neurons_max, p.core.in_axons_max, p.core.out_axons_max) == (1024, 4096, 4096)
    assert isinstance(p.core.memory, Memory)
    assert p.core.memory.synapse_words == 128 * 1024 * 8 / 64  # 128 KiB of 64-bit words
    assert (p.topology.cores_per_chip, p.topology.chips_max) == (128, 16384)
    davies = p.prices["davies2018"]
    assert (davies.syn_op, davies.learning_update) == (Price(23.6e-12, 3.5e-9), Price(120e-12, 6.1e-9))
    assert (davies.basis, davies.caveat) == ("simulated", "pre-silicon simulation, minimum")
    assert {name: board.chips for name, board in p.boards.items()}["pohoiki-springs"] == 24 * 32


@pytest.mark.parametrize("name", ["loihi1", "loihi2", "cpu"])
def test_number_formats_are_those_of_the_bit_accurate_lif(name: str) -> None:
    p = load_profile(name)
    n = p.neuron
    assert p.arithmetic == "fixed"
    assert n.u is not None
    assert n.v is not None
    assert (n.u.bits, n.u.on_excess, n.v.bits, n.v.on_excess) == (24, "wrap", 24, "saturate")
    assert n.decay is not None
    assert (n.decay.bits, n.decay.rounding, n.decay.u_offset, n.decay.v_offset) == (12, "toward-zero", 1, 0)
    assert n.threshold is not None
    assert (n.threshold.mant_bits, n.threshold.shift) == (17, 6)
    assert n.bias is not None
    assert (n.bias.mant_bits, n.bias.exp_bits) == (13, 3)
    assert (p.synapse.weight_exp, p.synapse.weight_align, p.synapse.mixed_lsb) == (Range(-7, 7), 6, 2)
    assert max(p.synapse.weight_bits) == 8
    assert p.delay.min_steps == 1


def test_spikes_carry_a_payload_on_the_second_generation_only() -> None:
    assert load_profile("loihi1").spike.payload_bits == 0
    for name in ("loihi2", "cpu"):
        assert (load_profile(name).spike.payload_bits, load_profile(name).spike.payload_signed) == (32, True)


def test_loihi2_knows_both_counts_of_cores_and_refuses_prices() -> None:
    p = load_profile("loihi2")
    assert (p.topology.cores_per_chip, p.topology.cores_per_chip_usable) == (128, 120)
    assert p.prices == {}
    row = next(row for row in describe(p) if row.path == "prices")
    assert (row.value, row.status) == (None, "unknown")
    assert "no public figure" in row.source
    assert p.boards["hala-point"].cores_total == 140544


def test_ideal_has_no_format_and_no_unknown_limit() -> None:
    p = load_profile("ideal")
    assert p.arithmetic == "float64"
    assert (p.neuron.u, p.neuron.v, p.neuron.decay, p.neuron.threshold, p.neuron.bias) == (None,) * 5
    assert p.synapse.weight_bits == ()
    assert p.delay.min_steps == 1
    assert (p.delay.max_extra_steps, p.core.neurons_max, p.core.memory) == ("unlimited",) * 3
    assert not_checked(p) == ()


def test_cpu_is_loihi2_without_capacities() -> None:
    cpu, loihi2 = load_profile("cpu"), load_profile("loihi2")
    assert (cpu.neuron, cpu.spike, cpu.synapse.weight_bits) == (loihi2.neuron, loihi2.spike, loihi2.synapse.weight_bits)
    assert (cpu.core.neurons_max, cpu.core.memory, cpu.delay.max_extra_steps) == ("unlimited",) * 3
    assert (cpu.boards, cpu.topology.mesh, cpu.time.step_min_s, cpu.synapse.packing) == ({}, None, None, None)
    assert not_checked(cpu) == ()


def test_unknown_limits_are_named_and_say_where_one_looked() -> None:
    p = load_profile("loihi2")
    assert {"core.in_axons_max", "core.out_axons_max", "learning.rules_per_core"} <= set(not_checked(p))
    assert "core.neurons_max" not in not_checked(p)
    row = next(row for row in describe(p) if row.path == "core.in_axons_max")
    assert (row.value, row.status, row.grade) == (None, "unknown", "U")
    assert "4096" in row.note
    # words belong to fixed memory, bytes to pooled memory: neither is missing in the other
    assert not [path for name in ("loihi1", "loihi2") for path in not_checked(load_profile(name)) if "memory" in path]


def test_assumed_names_what_reports_must_own_up_to() -> None:
    assert {"synapse.packing.header_bits", "core.memory.word_bits"} <= set(profile.assumed(load_profile("loihi2")))
    assert profile.assumed(load_profile("loihi1")) == ("topology.tile_columns",)


def test_conflicts_are_kept() -> None:
    for name in ("loihi1", "loihi2"):
        found = {conflict.key: conflict for conflict in load_profile(name).conflicts}
        delay, exponent = found["delay.max_extra_steps"], found["synapse.weight_exp.min"]
        assert (set(delay.values), delay.used) == ({62, 63}, 62)
        assert {-7, -8} <= set(exponent.values)
        assert exponent.used == -7


@pytest.mark.parametrize("name", NAMES)
def test_a_note_is_no_place_for_a_conflict(name: str) -> None:
    assert not [row.path for row in describe(load_profile(name)) if "conflict" in row.note]


@pytest.mark.parametrize("name", NAMES)
def test_every_conflict_names_its_sources_and_says_why(name: str) -> None:
    p = load_profile(name)
    values = {row.path: row.value for row in describe(p)}
    for conflict in p.conflicts:
        assert len(conflict.values) == len(conflict.sources) >= 2
        assert all(conflict.sources)
        assert conflict.why
        if isinstance(values.get(conflict.key), int) and isinstance(conflict.used, int):
            assert conflict.used == values[conflict.key]


def test_the_two_price_lists_of_loihi1_stand_apart() -> None:
    lists = load_profile("loihi1").prices
    davies, sanafe = lists["davies2018"], lists["sanafe-nahuku"]
    assert (davies.basis, sanafe.basis) == ("simulated", "fitted")
    assert davies.syn_op is not None
    assert sanafe.syn_op is None
    assert sanafe.syn_op_dense == Price(35.5e-12, 3.8e-9)
    assert davies.static_w_per_chip is None
    assert "prices" in {conflict.key for conflict in load_profile("loihi1").conflicts}


def test_memory_models_are_those_of_the_chips() -> None:
    models = {}
    for name in CHIPS:
        memory = load_profile(name).core.memory
        models[name] = memory.model if isinstance(memory, Memory) else None
    assert models == {
        "brainscales-2": "array",
        "dynap-se2": "cam",
        "loihi1": "fixed",
        "loihi2": "pooled",
        "speck": "banks",
        "spinnaker2": "pooled",
        "xylo": None,
        "xylo-audio3": None,
        "xylo-imu": None,
    }


def test_published_capacities_of_the_other_chips() -> None:
    speck, bss, dynap = (load_profile(name).core for name in ("speck", "brainscales-2", "dynap-se2"))
    assert isinstance(speck.memory, Memory)
    assert isinstance(speck.memory.neuron_entries, tuple)
    assert sum(speck.memory.neuron_entries) == 327_680  # "0.32 M neurons"
    assert isinstance(bss.memory, Memory)
    assert isinstance(bss.memory.rows, int)
    assert isinstance(bss.memory.columns, int)
    assert 2 * bss.memory.rows * bss.memory.columns == 131_072
    assert bss.neurons_max == 512 / 2
    assert isinstance(dynap.memory, Memory)
    assert (dynap.memory.synapses_per_neuron, dynap.tags_max) == (64, 2**11)


def test_provenance_falls_back_to_the_table_above() -> None:
    p = load_profile("loihi1")
    assert provenance_of(p, "core.slots.in_learning") == provenance_of(p, "core.slots")
    assert provenance_of(p, "prices.davies2018.hop_ew.j") == provenance_of(p, "prices.davies2018")
    assert provenance_of(p, "prices.davies2018.syn_op.j") != provenance_of(p, "prices.davies2018")
    assert provenance_of(p, "no.such.thing") is None


def test_the_words_are_those_of_the_chip_types() -> None:
    assert set(get_args(profile.Excess)) == set(get_args(chip.Excess))
    assert set(get_args(profile.Rounding)) == set(get_args(chip.Rounding))


def test_what_a_caller_changes_is_the_callers() -> None:
    changed = load_profile("loihi1")
    mappings: tuple[Any, ...] = (changed.boards, changed.prices, changed.provenance)
    for mapping in mappings:
        assert mapping
        mapping.clear()
    again = load_profile("loihi1")
    assert again.boards
    assert again.prices
    assert again.provenance
