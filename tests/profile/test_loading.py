"""A user's own profile files: extends, unset, sources, and one clear line for each thing that can be wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neuroalign.errors import ProfileError
from neuroalign.profile import Price, PriceList, assumed, describe, load_profile, not_checked, provenance_of

FIVE_LINES = """extends = "loihi2"
[core]
neurons_max = 100
[provenance]
"core.neurons_max" = { source = "lab note 7", grade = "U", status = "measured" }
"""


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(reference: str | Path) -> str:
    with pytest.raises(ProfileError) as caught:
        load_profile(reference)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_five_lines_extend_a_built_in(tmp_path: Path) -> None:
    path = written(tmp_path, FIVE_LINES)
    mine, loihi2 = load_profile(path), load_profile("loihi2")
    assert (mine.id, mine.extends, mine.core.neurons_max) == ("mine", "loihi2", 100)
    assert (mine.neuron, mine.synapse, mine.core.memory, mine.boards) == (
        loihi2.neuron,
        loihi2.synapse,
        loihi2.core.memory,
        loihi2.boards,
    )
    source = provenance_of(mine, "core.neurons_max")
    assert source is not None
    assert (source.source, source.status) == ("lab note 7", "measured")
    changed = {row.path for row in set(describe(mine)) ^ set(describe(loihi2))}
    assert changed == {"core.neurons_max"}
    assert load_profile(str(path)) == mine


def test_a_figure_without_source_never_keeps_the_source_it_replaced(tmp_path: Path) -> None:
    mine = load_profile(
        written(
            tmp_path,
            'extends = "loihi1"\n[core]\nneurons_max = 5\n[delay]\nmax_extra_steps = "unlimited"',
        )
    )
    neurons, delay = provenance_of(mine, "core.neurons_max"), provenance_of(mine, "delay.max_extra_steps")
    assert neurons is not None
    assert delay is not None
    assert (neurons.grade, neurons.status, neurons.note) == ("U", "assumed", "")
    assert "mine.toml" in neurons.source
    assert delay.status == "unlimited"
    assert "core.neurons_max" in assumed(mine)
    assert provenance_of(mine, "core.in_axons_max") == provenance_of(load_profile("loihi1"), "core.in_axons_max")


def test_a_price_list_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """One price laid over an inherited list would make totals of two sources under the name of one."""
    own = '[prices.davies2018]\nbasis = "measured"\nsyn_op = { j = 1e-12 }'
    with pytest.raises(ProfileError, match="no list mixes two sources"):
        load_profile(written(tmp_path, f'extends = "loihi1"\n{own}'))
    mine = load_profile(written(tmp_path, f'extends = "loihi1"\nunset = ["prices.davies2018"]\n{own}'))
    assert mine.prices["davies2018"] == PriceList("measured", syn_op=Price(1e-12))


def test_a_source_for_a_table_does_not_claim_inherited_figures(tmp_path: Path) -> None:
    text = 'extends = "loihi1"\n[core]\nneurons_max = 7\n[provenance]\ncore = { source = "me", grade = "U", status = "assumed" }'
    mine = load_profile(written(tmp_path, text))
    own, inherited = provenance_of(mine, "core.neurons_max"), provenance_of(mine, "core.in_axons_max")
    assert own is not None
    assert own.source == "me"
    assert inherited == provenance_of(load_profile("loihi1"), "core.in_axons_max")


def test_unset_makes_a_figure_unknown_again(tmp_path: Path) -> None:
    mine = load_profile(written(tmp_path, 'extends = "loihi1"\nunset = ["core.neurons_max", "core.memory", "boards"]'))
    assert (mine.core.neurons_max, mine.core.memory, mine.boards) == (None, None, {})
    assert mine.core.in_axons_max == 4096
    assert {"core.neurons_max", "core.memory"} <= set(not_checked(mine))
    assert provenance_of(mine, "core.memory") is None


def test_files_extend_files_beside_them(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    written(tmp_path, 'extends = "loihi1"\n[boards]\nmine = { chips = 3 }', "base.toml")
    written(tmp_path, 'extends = "base"\n[core]\nneurons_max = 9', "next.toml")
    last = load_profile(written(tmp_path / "sub", 'extends = "../next.toml"\nname = "Last"', "last.toml"))
    assert (last.id, last.name, last.core.neurons_max) == ("last", "Last", 9)
    assert last.boards["mine"].chips == 3
    assert last.boards["nahuku-8"].chips == 8


def test_a_profile_of_ones_own_needs_only_its_arithmetic(tmp_path: Path) -> None:
    mine = load_profile(written(tmp_path, 'arithmetic = "fixed"\n[core]\nneurons_max = 5'))
    assert mine.core.neurons_max == 5
    assert "core.in_axons_max" in not_checked(mine)
    assert {"delay.min_steps", "core.neurons_max"} <= set(assumed(mine))


def test_a_source_for_a_table_does_not_claim_the_defaults_of_the_reader(tmp_path: Path) -> None:
    text = 'arithmetic = "fixed"\n[delay]\nbits = 6\n[provenance]\ndelay = { source = "me", grade = "A", status = "measured" }'
    mine = load_profile(written(tmp_path, text))
    assert [row.status for row in describe(mine) if row.path in ("delay.bits", "delay.min_steps")] == [
        "assumed",
        "measured",
    ]


def test_an_unknown_name_lists_the_names_and_the_nearest() -> None:
    message = refusal("loihi3")
    for part in ("'loihi3'", "nearest: loihi", "cpu, dynap-se2, ideal, loihi1, loihi2"):
        assert part in message


REFUSED = {
    "unknown key": ("[core]\nneuron_max = 4", ["core.neuron_max", "nearest: neurons_max"]),
    "unknown table": ("[cores]\nneurons_max = 4", ["cores", "nearest: core"]),
    "unknown key in an inline table": ("[neuron]\nu = { bit = 24 }", ["neuron.u.bit", "nearest: bits"]),
    "the old word": ('[neuron]\nu = { bits = 24, overflow = "wrap" }', ["neuron.u.overflow"]),
    "text for a number": (
        '[core]\nneurons_max = "many"',
        ["core.neurons_max", "'many'", "whole number", '"unlimited"'],
    ),
    "misspelt unlimited": ('[core]\nneurons_max = "unlimitted"', ["core.neurons_max", "nearest: unlimited"]),
    "fraction for a count": ("[core]\nneurons_max = 4.5", ["core.neurons_max", "4.5", "whole number"]),
    "truth for a count": ("[core]\nneurons_max = true", ["core.neurons_max", "True"]),
    "truth for a time": ("[time]\nstep_min_s = true", ["time.step_min_s", "True", "finite"]),
    "number for a table": ("core = 3", ["core is 3", "a table"]),
    "table for a number": ("[core.neurons_max]\na = 1", ["core.neurons_max is a table"]),
    "wrong word": ('[neuron]\nu = { bits = 24, on_excess = "saturated" }', ["neuron.u.on_excess", "nearest: saturate"]),
    "wrong entry of a list": ('[synapse]\nweight_bits = [8, "4"]', ["synapse.weight_bits[1]", "'4'"]),
    "no list": ("[synapse]\nweight_bits = 8", ["synapse.weight_bits", "a list"]),
    "infinite time": ("[time]\nstep_min_s = inf", ["time.step_min_s", "finite"]),
    "not a number": ('[prices.mine]\nbasis = "measured"\nsyn_op = { j = nan }', ["prices.mine.syn_op.j", "finite"]),
    "negative capacity": ("[core]\nneurons_max = -1", ["core.neurons_max", "-1", "negative"]),
    "no chips": ("[boards]\nmine = { chips = 0 }", ["boards.mine.chips = 0", "1 or more"]),
    "no neurons": ("[core]\nneurons_max = 0", ["core.neurons_max = 0", "1 or more"]),
    "axons that take nothing": ("[core.slots]\nin_static = 0", ["core.slots.in_static = 0", "1 or more"]),
    "tiles of nothing": ("[topology]\ncores_per_tile = 0", ["topology.cores_per_tile = 0", "1 or more"]),
    "no width": ("[neuron]\nu = { bits = 0 }", ["neuron.u.bits", "0", "1 to 64"]),
    "width out of bounds": ("[synapse]\nweight_bits = [8, 65]", ["synapse.weight_bits", "1 to 64"]),
    "empty range": ("[synapse]\nweight_exp = { min = 8 }", ["synapse.weight_exp.min", "8", "above"]),
    "more usable cores than cores": ("[topology]\ncores_per_chip_usable = 129", ["cores_per_chip_usable = 129", "128"]),
    "wrong schema": ('schema = "hwprofile/2"', ["schema", "hwprofile/1"]),
    "source without grade": (
        '[provenance]\n"core" = { source = "x", status = "assumed" }',
        ["provenance.core.grade", "missing"],
    ),
    "source with an unknown status": (
        '[provenance]\n"core" = { source = "x", grade = "A", status = "guessed" }',
        ["provenance.core.status", "guessed"],
    ),
    "source of no figure": (
        '[provenance]\n"core.neuron_max" = { source = "x", grade = "A", status = "assumed" }',
        ["provenance", "core.neuron_max", "nearest: core.neurons_max"],
    ),
    "known figure called unknown": (
        '[core]\nneurons_max = 5\n[provenance]\n"core.neurons_max" = { source = "x", grade = "U", status = "unknown" }',
        ["provenance.core.neurons_max", "unknown", "5"],
    ),
    "unset of no key": ('unset = ["core.neuron_max"]', ["unset", "core.neuron_max", "nearest: core.neurons_max"]),
    "unset of an absent key": ('unset = ["core.in_axons_max"]', ["unset", "core.in_axons_max"]),
    "figure of another memory model": ("[core.memory]\nrows = 4", ["core.memory.rows", "4", "pooled", "total_bytes"]),
    "barrier without times": (
        '[prices.mine]\nbasis = "measured"\nbarrier = { tiles = [1, 2], s = [1e-7] }',
        ["prices.mine.barrier", "2 tiles", "1 times"],
    ),
    "falling barrier": (
        '[prices.mine]\nbasis = "measured"\nbarrier = { tiles = [2, 1], s = [1e-7, 2e-7] }',
        ["prices.mine.barrier", "rise"],
    ),
    "price without basis": ("[prices.mine]\nsyn_op = { j = 1e-12 }", ["prices.mine.basis", "missing"]),
    "conflict without sources": (
        '[[conflicts]]\nkey = "core.neurons_max"\nvalues = [8192, 4096]\nsources = ["a"]\nused = 8192\nwhy = "x"',
        ["conflicts about core.neurons_max", "2 values and 1 sources"],
    ),
    "conflict about no figure": (
        '[[conflicts]]\nkey = "core.neuron_max"\nvalues = [1, 2]\nsources = ["a", "b"]\nused = 1\nwhy = "x"',
        ["conflicts names", "core.neuron_max", "nearest: core.neurons_max"],
    ),
    "conflict that took none of its values": (
        '[[conflicts]]\nkey = "core.neurons_max"\nvalues = [1, 2]\nsources = ["a", "b"]\nused = 3\nwhy = "x"',
        ["used = 3", "[1, 2]"],
    ),
    "conflict that took another figure": (
        '[[conflicts]]\nkey = "core.neurons_max"\nvalues = [1, 2]\nsources = ["a", "b"]\nused = 1\nwhy = "x"',
        ["used = 1", "core.neurons_max = 8192"],
    ),
    "conflict without a reason": (
        '[[conflicts]]\nkey = "core.neurons_max"\nvalues = [1, 2]\nsources = ["a", "b"]\nused = 1',
        ["conflicts[0].why", "missing"],
    ),
    "board without chips": ("[boards]\nmine = { power_max_w = 3.0 }", ["boards.mine.chips", "missing"]),
    "board with a dot": ('[boards]\n"a.b" = { chips = 1 }', ["boards", "a.b"]),
    "board with a blank": ('[boards]\n"a b" = { chips = 1 }', ["boards", "a b"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_content_is_refused_with_path_and_file(case: str, tmp_path: Path) -> None:
    text, parts = REFUSED[case]
    message = refusal(written(tmp_path, f'extends = "loihi2"\n{text}\n'))
    for part in ["mine.toml", *parts]:
        assert part in message


def test_the_file_at_fault_is_named_and_not_the_one_that_extends_it(tmp_path: Path) -> None:
    written(tmp_path, 'extends = "loihi2"\n[core]\nneuron_max = 4', "base.toml")
    message = refusal(written(tmp_path, 'extends = "base"'))
    assert "base.toml: unknown key core.neuron_max" in message


def test_arithmetic_must_be_said(tmp_path: Path) -> None:
    message = refusal(written(tmp_path, "[core]\nneurons_max = 5"))
    assert "arithmetic is missing" in message
    assert "extends" in message


@pytest.mark.parametrize("cut", [0.03, 0.25, 0.5, 0.9])
def test_a_truncated_file_gives_one_line(cut: float, tmp_path: Path) -> None:
    whole = '[core]\nneurons_max = 5\n[neuron]\nu = { bits = 24, on_excess = "wrap" }\nmodels = ["cuba-lif", "rf"]\n'
    assert "mine.toml" in refusal(written(tmp_path, whole[: int(len(whole) * cut)]))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "arithmetic is missing"),
        (b"\x89HDF\r\n\x1a\n\x00\xff", "UTF-8"),
        (b"[core", "not valid TOML"),
        (b"a = 1\na = 2", "not valid TOML"),
        (b"a = " + b"[" * 100_000, "TOML"),
        (b"a = " + b"9" * 10_000, "TOML"),
    ],
)
def test_files_that_are_no_toml(content: bytes, part: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    message = refusal(path)
    assert "mine.toml" in message
    assert part in message
    assert len(message) < 600


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "no such profile file" in refusal(tmp_path / "none.toml")
    assert "is a folder" in refusal(tmp_path)
    assert "no such profile file" in refusal("./none.toml")


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    assert "not a regular file" in refusal(tmp_path / "pipe.toml")


@pytest.mark.skipif(os.geteuid() == 0, reason="the super-user can read every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = written(tmp_path, FIVE_LINES)
    path.chmod(0)
    assert "cannot be read" in refusal(path)


def test_circles_are_refused(tmp_path: Path) -> None:
    written(tmp_path, 'extends = "b.toml"', "a.toml")
    written(tmp_path, 'extends = "c"', "b.toml")
    written(tmp_path, 'extends = "./a.toml"', "c.toml")
    message = refusal(tmp_path / "a.toml")
    assert "circle" in message
    assert "a -> b -> c -> a" in message
    assert "circle" in refusal(written(tmp_path, 'extends = "mine.toml"'))


@pytest.mark.parametrize(
    ("extends", "part"),
    [
        ('"loihi9"', "unknown profile 'loihi9'"),
        ("3", "extends = 3"),
        ('"none.toml"', "none.toml"),
        ('"a\\u0000.toml"', "path"),
    ],
)
def test_what_it_extends_must_exist(extends: str, part: str, tmp_path: Path) -> None:
    assert part in refusal(written(tmp_path, f"extends = {extends}"))


def test_a_conflict_is_inherited_until_the_figure_is_ones_own(tmp_path: Path) -> None:
    keys = {conflict.key for conflict in load_profile("loihi1").conflicts}
    same = load_profile(written(tmp_path, 'extends = "loihi1"\n[core]\nneurons_max = 7'))
    assert {conflict.key for conflict in same.conflicts} == keys
    own = load_profile(written(tmp_path, 'extends = "loihi1"\n[core]\nthreshold_profiles_max = 7'))
    assert {conflict.key for conflict in own.conflicts} == keys - {"core.threshold_profiles_max"}
    gone = load_profile(written(tmp_path, 'extends = "loihi1"\nunset = ["synapse"]'))
    assert not [c.key for c in gone.conflicts if c.key.startswith("synapse")]


def test_a_list_of_ones_own_prices_stands_beside_the_inherited_ones(tmp_path: Path) -> None:
    mine = load_profile(
        written(tmp_path, 'extends = "loihi1"\n[prices.mine]\nbasis = "measured"\nsyn_op = { j = 2e-11 }')
    )
    assert set(mine.prices) == {*load_profile("loihi1").prices, "mine"}
    assert mine.prices["mine"].syn_op == Price(2e-11)
    assert mine.prices["mine"].neuron_active is None
