"""Widths of single connections: the integers they hold, and how they are chosen where memory is short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from random_models import Choices, random_network, random_stimulus

from neuroalign.calibration.layers import float_given, network_error
from neuroalign.calibration.mixed_precision import allot_bits, weight_memory, with_bits
from neuroalign.chip import Fixed, first_difference
from neuroalign.command_line.deploy import _bits
from neuroalign.compile import compile_network
from neuroalign.encoding import bernoulli_signal
from neuroalign.errors import ConversionRefused, InputError
from neuroalign.export.nir_graph import read_nir
from neuroalign.export.nir_graph.write import read_chip, write_nir
from neuroalign.network import Network
from neuroalign.pipeline import deploy
from neuroalign.pipeline.options import Options
from neuroalign.profile import load_profile
from neuroalign.rule_check import trial_network
from neuroalign.rules import load_rule

LOIHI2 = load_profile("loihi2")
BRAILLE = Path("nir_nets") / "braille_noDelay_bias_zero.nir"


def _braille(shared_data: Path) -> Network:
    return read_nir(shared_data / BRAILLE).network


def test_a_narrow_connection_has_fewer_integers_and_the_others_all(tmp_path: Path) -> None:
    network = random_network(2, Choices(size=(20, 24)))
    first = network.connections[0].name
    chip, table = compile_network(with_bits(network, {first: 3}), LOIHI2)
    for c in chip.connections:
        assert isinstance(c.weight_format, Fixed)
        assert c.weight_format.bits == (3 if c.name == first else 8)
        assert len(np.unique(c.weight)) <= (8 if c.name == first else 256)
    assert any("3 bits" in row.note for row in table.rows if row.where == first)
    path = write_nir(tmp_path / "n.nir", chip, network=with_bits(network, {first: 3}))
    assert first_difference(read_chip(path), chip) is None


def test_few_bits_go_where_they_cost_least(shared_data: Path) -> None:
    network = _braille(shared_data)
    stimulus = bernoulli_signal(network.inputs, samples=12, steps=64, rate=0.05, seed=1)
    found, told = allot_bits(network, LOIHI2, stimulus, 0.6)
    full = weight_memory(network, LOIHI2)
    assert weight_memory(found, LOIHI2) <= 0.6 * full
    assert {w.connection: w.bits for w in told} == {c.name: c.weight_bits for c in found.connections}
    wanted = float_given(network, stimulus)
    common = with_bits(network, {c.name: 4 for c in network.connections})  # the widest that fits: 5 bits are 62 %
    assert network_error(found, LOIHI2, {}, stimulus, wanted) <= network_error(common, LOIHI2, {}, stimulus, wanted)
    fresh = bernoulli_signal(network.inputs, samples=12, steps=64, rate=0.05, seed=2)
    wanted = float_given(network, fresh)
    assert network_error(found, LOIHI2, {}, fresh, wanted) < network_error(common, LOIHI2, {}, fresh, wanted)
    for w in told:
        errors = [error for _, error in w.errors]
        assert errors == sorted(errors, reverse=True)  # a bit more never costs


def test_all_the_memory_is_all_bits() -> None:
    network = random_network(3)
    found, told = allot_bits(network, LOIHI2, random_stimulus(network, 1, samples=2, steps=20), 1.0)
    assert {w.bits for w in told} == {8}
    assert weight_memory(found, LOIHI2) == weight_memory(network, LOIHI2)


def test_deploy_tells_the_bits(shared_data: Path) -> None:
    deployment = deploy(shared_data / BRAILLE, steps=40, options=Options(calibration=0.05, bits=0.7))
    assert deployment.search is not None
    widths = {w.connection: w.bits for w in deployment.search.widths}
    assert deployment.chip is not None
    held = {c.name: c.weight_format for c in deployment.chip.connections}
    assert {n: f.bits for n, f in held.items() if isinstance(f, Fixed)} == widths
    named = deploy(shared_data / BRAILLE, steps=20, options=Options(bits={"lif1.lif->lif2": 5}))
    assert named.chip is not None
    assert {c.weight_format.bits for c in named.chip.connections if isinstance(c.weight_format, Fixed)} == {5, 8}


def test_widths_that_there_are_not_are_refused(shared_data: Path) -> None:
    network = random_network(0)
    name = network.connections[0].name
    stimulus = random_stimulus(network, 1, samples=2, steps=10)
    with pytest.raises(ConversionRefused, match=r"9 bits a weight; profile 'loihi2' has 1, 2"):
        compile_network(with_bits(network, {name: 9}), LOIHI2)
    with pytest.raises(InputError, match="no connection 'none'"):
        with_bits(network, {"none": 4})
    for share in (0.0, 1.5, float("nan")):
        with pytest.raises(InputError, match="up to 100 %"):
            allot_bits(network, LOIHI2, stimulus, share)
    with pytest.raises(InputError, match="give a larger share"):
        allot_bits(network, LOIHI2, stimulus, 0.05)
    plastic = trial_network(load_rule("stdwi"), 1e-3)
    with pytest.raises(ConversionRefused, match="learns, which takes weights of all bits"):
        compile_network(with_bits(plastic, {"plastic": 4}), LOIHI2)
    with pytest.raises(InputError, match="belongs to the search"):
        deploy(shared_data / BRAILLE, steps=20, options=Options(bits=0.5))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (None, None),
        (["a=3", "b=c=4"], {"a": 3, "b=c": 4}),
        (["60%"], 0.6),
        (["60"], "60"),
        (["a=x"], "a=x"),
        (["x%"], "x%"),
    ],
)
def test_the_option_takes_names_or_one_share(given: list[str] | None, taken: object) -> None:
    if isinstance(taken, str):
        with pytest.raises(typer.BadParameter, match=taken):
            _bits(given)
    else:
        assert _bits(given) == taken
