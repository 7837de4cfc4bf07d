from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plastic_models import DT, driving, estimating, lif
from random_models import Choices, random_network
from random_networks import Options, draw_fixed, draw_float
from random_rules import random_program
from small_chips import chip as small_chip
from small_chips import neurons, wire

from neuroalign.chip import ChipNetwork, Plasticity, first_difference
from neuroalign.compile import compile_network
from neuroalign.errors import FileFormatError, InputError, NetworkError
from neuroalign.export.nir_graph import inspect_nir, read_nir
from neuroalign.export.nir_graph.write import read_chip, read_extra, write_nir
from neuroalign.network import Connection, InputPort, Network
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rule import LearningRule
from neuroalign.rules import pair_stdp, stdwi

DRAWS: list[Callable[[np.random.Generator, Options], ChipNetwork]] = [draw_fixed, draw_float]
seeds = st.integers(0, 2**32 - 1)
FAST = settings(max_examples=10, deadline=None)


def through_nir(path: Path) -> Path:
    """The file as the nir package writes what it has read."""
    again = path.with_name("again.nir")
    nir.write(again, nir.read(path))
    return again


def check_identical(chip: ChipNetwork, path: Path, network: Network | None = None) -> None:
    write_nir(path, chip, network=network)
    assert first_difference(chip, read_chip(path)) is None
    assert first_difference(chip, read_chip(through_nir(path))) is None


def plastic_driving(rule: LearningRule, filtered: bool) -> Network:
    """Input -> "p" -> "q", the second connection plastic; neurons alike, so that integers can hold it."""
    rng = np.random.default_rng(4)
    tau_syn = {"tau_syn": 4e-3} if filtered else {}
    return Network(
        "plastic",
        DT,
        (InputPort("x", (5,)),),
        (lif("p", 4, bias=0.1), lif("q", 3, v_leak=0.1, **tau_syn)),
        (
            Connection("x_p", "x", "p", rng.uniform(1.5, 4.0, (4, 5))),
            Connection("learns", "p", "q", rng.uniform(1.0, 5.0, (3, 4)), 1, rule, learning=((5, 90), (120, 300))),
        ),
        (("out", "q"),),
    )


PLASTIC: dict[str, Callable[[LearningRule], Network]] = {
    "estimating": lambda rule: estimating(rule, np.full((3, 4), 0.25), learning=((7, 50),)),
    "plain": lambda rule: plastic_driving(rule, False),
    "filtered": lambda rule: plastic_driving(rule, True),
}


@FAST
@given(seed=seeds, draw=st.sampled_from(DRAWS))
def test_static_networks_come_back_identical(
    seed: int, draw: Callable[..., ChipNetwork], tmp_path_factory: pytest.TempPathFactory
) -> None:
    options = Options((4, 3), graded=draw is draw_fixed, silent=True, extreme=bool(seed % 2), max_delay=5)
    chip = draw(np.random.default_rng(seed), options)
    check_identical(chip, tmp_path_factory.mktemp("static") / "a.nir")


@FAST
@given(seed=seeds, fixed=st.booleans())
def test_any_program_comes_back_identical(seed: int, fixed: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    rng = np.random.default_rng(seed)
    chip = draw_fixed(rng, Options((3, 2)))
    phases = ((3, 9), (20, 31)) if seed % 2 else ()
    plastic = tuple(
        replace(
            c,
            delays=None,
            drives=bool(k % 2),
            plasticity=Plasticity(
                random_program(rng, fixed), rng.integers(-9, 9, c.weight.shape), float(rng.uniform(0.1, 2)), phases, k
            ),
        )
        for k, c in enumerate(chip.connections)
    )
    check_identical(replace(chip, connections=plastic), tmp_path_factory.mktemp("program") / "a.nir")


@pytest.mark.parametrize(
    ("profile", "form"), [("ideal", "direct"), ("loihi2", "direct"), ("cpu", "exact"), ("cpu", "sgn")]
)
@pytest.mark.parametrize("rule_name", ["stdwi", "pair-stdp"])
@pytest.mark.parametrize("make", PLASTIC.values(), ids=PLASTIC)
def test_plastic_networks_come_back_with_rule_phases_and_program(
    make: Callable[[LearningRule], Network], rule_name: str, profile: str, form: Any, tmp_path: Path
) -> None:
    rule = pair_stdp() if rule_name == "pair-stdp" else stdwi(learning_rate=0.05 if form == "direct" else 0.005)
    network = make(rule)
    choices = RuleChoices(form=form, weight_limit=20.0, rng_seed=5)
    chip, _ = compile_network(network, load_profile(profile), learning={"learns": choices})
    check_identical(chip, tmp_path / "a.nir", network)
    imported = read_nir(tmp_path / "a.nir", strict=True)
    given_, read = (next(c for c in n.connections if c.name == "learns") for n in (network, imported.network))
    assert (read.rule, read.learning, read.drives) == (given_.rule, given_.learning, given_.drives)
    unit = next(c.plasticity.weight_unit for c in chip.connections if c.plasticity is not None)
    assert np.abs(read.weight - given_.weight).max() <= (1e-12 if profile == "ideal" else 1.01 * unit)
    assert any("learns by rule" in line for line in imported.assumptions)


def test_without_the_network_the_rule_is_said_to_be_missing(tmp_path: Path) -> None:
    for name, words in (("plain", "initial weights are kept"), ("estimating", "left out")):
        chip, _ = compile_network(PLASTIC[name](stdwi()), load_profile("ideal"))
        imported = read_nir(write_nir(tmp_path / "a.nir", chip), strict=True)
        assert any(words in line for line in imported.assumptions)
        assert all(c.rule is None for c in imported.network.connections)


def test_ideal_networks_come_back_as_they_were(tmp_path: Path) -> None:
    network = driving(stdwi(), 3, recurrent=True, filtered=True)
    chip, _ = compile_network(network, load_profile("ideal"))
    read = read_nir(write_nir(tmp_path / "a.nir", chip, network=network), strict=True).network
    assert [p.name for p in read.populations] == [p.name for p in network.populations]
    assert read.outputs == network.outputs
    given_wires, read_wires = (
        [(c.name, c.source, c.target, c.delay_steps) for c in n.connections] for n in (network, read)
    )
    assert read_wires == given_wires
    for a, b in zip(network.populations, read.populations, strict=True):
        for field in ("tau_mem", "tau_syn", "v_leak", "v_threshold", "v_reset", "v0"):
            np.testing.assert_allclose(getattr(b, field), getattr(a, field), rtol=1e-12, atol=1e-12)


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    chip = draw_fixed(np.random.default_rng(1), Options())
    first = write_nir(tmp_path / "a.nir", chip).read_bytes()
    assert write_nir(tmp_path / "b.nir", read_chip(tmp_path / "a.nir")).read_bytes() == first
    with h5py.File(tmp_path / "a.nir") as file:
        times: list[int] = []
        file.visititems(lambda _, item: times.append(h5py.h5g.get_objinfo(item.id).mtime))
    assert len(times) > 50
    assert not any(times)


def test_old_readers_find_nothing_that_stops_them(tmp_path: Path) -> None:
    path = write_nir(tmp_path / "a.nir", draw_fixed(np.random.default_rng(2), Options()))
    with h5py.File(path) as file:
        nodes = file["node/nodes"]
        assert not [name for name, node in nodes.items() if "v_reset" in node or "metadata" in node]
        assert all(name.isidentifier() for name in nodes)


def test_a_reset_other_than_zero_is_written(tmp_path: Path) -> None:
    chip, _ = compile_network(random_network(5), load_profile("ideal"))
    resets = {p.name: p.volts_offset for p in chip.populations if p.spiking}
    graph = nir.read(write_nir(tmp_path / "a.nir", chip))
    assert resets
    for name, offset in resets.items():
        np.testing.assert_array_equal(graph.nodes[name].v_reset, offset)


def test_names_that_are_no_words_come_back(tmp_path: Path) -> None:
    layers = [neurons("a/b", 2, threshold=9), neurons("a.b", 2, threshold=9), neurons("lambda", 2), neurons("3 µ", 1)]
    wires = [
        wire("in", "a/b", [[2], [4]]),
        wire("a/b", "a.b", [[2, 4], [6, 8]], name="x/y"),
        wire("a.b", "lambda", [[2, 4], [6, 8]], name="z"),
        wire("lambda", "3 µ", [[2, 4]], name="\x00"),
    ]
    chip = replace(small_chip(layers, wires, 1), outputs=(("a/b", "3 µ"), ("a/b", "a.b")))
    check_identical(chip, tmp_path / "a.nir")
    network = read_nir(tmp_path / "a.nir", strict=True).network
    assert [p.name for p in network.populations] == ["a/b", "a.b", "lambda", "3 µ"]
    assert network.outputs == chip.outputs
    assert [c.name for c in network.connections] == [c.name for c in wires]


def test_what_nothing_drives_or_reads_stays(tmp_path: Path) -> None:
    layers = [neurons("a", 2, bias_mant=40, threshold=9), neurons("idle", 1), neurons("b", 2, threshold=9)]
    for channels in (0, 3):
        chip = small_chip(layers, [wire("a", "b", [[2, 4], [6, 8]])], channels)
        check_identical(chip, tmp_path / "a.nir")
        network = read_nir(tmp_path / "a.nir", strict=True).network
        assert {p.name: p.size for p in network.populations} == {"a": 2, "idle": 1, "b": 2}
        assert [(p.name, p.size) for p in network.inputs] == ([("in", 3)] if channels else [])
        assert [c.name for c in network.connections] == ["a->b"]
        assert network.outputs == ()


def test_extra_texts_are_kept(tmp_path: Path) -> None:
    chip = draw_fixed(np.random.default_rng(3), Options())
    path = write_nir(tmp_path / "a.nir", chip, extra={"conversion": "äöü\n", "note": ""})
    assert read_extra(through_nir(path)) == {"conversion": "äöü\n", "note": ""}
    assert read_extra(write_nir(path, chip)) == {}
    with pytest.raises(InputError, match="cannot be a name"):
        write_nir(path, chip, extra={"a/b": ""})
    with pytest.raises(InputError, match="NUL"):
        write_nir(path, chip, extra={"a": "\0"})
    assert first_difference(chip, read_chip(path)) is None
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_networks_without_a_form_in_nir_are_refused(tmp_path: Path) -> None:
    chip = draw_fixed(np.random.default_rng(4), Options())
    with pytest.raises(NetworkError, match="no population"):
        write_nir(tmp_path / "a.nir", replace(chip, populations=(), connections=(), outputs=()))
    mixed = (replace(chip.populations[0], reset="subtract"), *chip.populations[1:])
    with pytest.raises(NetworkError, match="one reset"):
        write_nir(tmp_path / "a.nir", replace(chip, populations=mixed))
    with pytest.raises(NetworkError, match="other populations"):
        write_nir(tmp_path / "a.nir", chip, network=random_network(1, Choices(depth=(2, 2))))
    assert not list(tmp_path.iterdir())


def test_a_graph_edited_since_keeps_its_edit_and_loses_its_chip(tmp_path: Path) -> None:
    network = plastic_driving(stdwi(), False)
    chip, _ = compile_network(network, load_profile("ideal"))
    path = write_nir(tmp_path / "a.nir", chip, network=network)
    graph = nir.read(path)
    graph.nodes["w_x_p"].weight[0, 0] = 7.5
    nir.write(path, graph)
    imported = read_nir(path, strict=True)
    assert imported.network.connections[0].weight[0, 0] == 7.5
    assert imported.network.connections[1].rule == stdwi()
    with pytest.raises(FileFormatError, match="changed after"):
        read_chip(path)
    del graph.nodes["p"], graph.nodes["w_p_q"]
    graph.nodes["w_x_p"] = nir.Linear(np.ones((3, 5)))
    graph.edges = [("x", "w_x_p"), ("w_x_p", "q"), ("q", "out")]
    nir.write(path, nir.NIRGraph(nodes=graph.nodes, edges=graph.edges, metadata=graph.metadata, type_check=False))
    smaller = read_nir(path, strict=True)
    assert [p.name for p in smaller.network.populations] == ["q"]
    assert any(line.startswith("WARNING") and "do not fit" in line for line in smaller.assumptions)


def test_files_of_others_have_no_chip(tmp_path: Path) -> None:
    demo = Path(__file__).parents[2] / "neuroalign" / "demo" / "digits.nir"
    for path in (demo, through_copy(demo, tmp_path)):
        with pytest.raises(FileFormatError, match="holds no chip network"):
            read_chip(path)
        assert read_nir(path).network.populations


def through_copy(path: Path, folder: Path) -> Path:
    graph = nir.read(path)
    graph.metadata = {}
    nir.write(folder / "bare.nir", graph)
    return folder / "bare.nir" if inspect_nir(folder / "bare.nir").problem == "" else path


def test_neurons_that_nir_cannot_say_are_refused(tmp_path: Path) -> None:
    """Written as plain neurons they would run as something else in any other reader."""
    network = small_chip([neurons("p", 2, refractory_steps=3)], [])
    with pytest.raises(NetworkError, match="'p' has refractory steps, which no NIR node says"):
        write_nir(tmp_path / "p.nir", network)
    assert not list(tmp_path.iterdir())
