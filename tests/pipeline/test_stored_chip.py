"""A saved file deployed again is what was saved, field by field; otherwise it is quantised, and nothing is mixed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from plastic_models import driving, lif

import neuroalign.demo
from neuroalign.chip import ChipNetwork, Fixed, first_difference
from neuroalign.compile import compile_network
from neuroalign.errors import ConversionRefused
from neuroalign.export.nir_graph import write_nir
from neuroalign.network import Network
from neuroalign.pipeline import deploy
from neuroalign.pipeline.options import Options
from neuroalign.pipeline.stored_chip import only_stored, preferred
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rules import pair_stdp

DIGITS = Path(neuroalign.demo.__file__).parent / "digits.nir"


def plastic() -> Network:
    """Its plastic connection comes from an input that waits for its target."""
    network = driving(pair_stdp(0.009, 0.009), 1, recurrent=True)
    alike = {"q": lif("q", 3, v_leak=-0.1, v_reset=-0.2, bias=0.4, tau_syn=4e-3)}
    size = network.inputs[0].size
    learns = [
        replace(c, source="y", weight=np.full((3, size), 0.3)) if c.name == "learns" else c for c in network.connections
    ]
    populations = tuple(alike.get(p.name, p) for p in network.populations)
    inputs = (*network.inputs, replace(network.inputs[0], name="y"))
    return replace(network, inputs=inputs, populations=populations, connections=tuple(learns))


def test_a_saved_network_is_deployed_as_it_was_saved(tmp_path: Path) -> None:
    first = deploy(DIGITS, "loihi2", steps=30)
    assert first.chip is not None
    chip = replace(first.chip, populations=tuple(replace(p, v0=p.v0 + 1) for p in first.chip.populations))
    write_nir(tmp_path / "a.nir", chip, network=first.network)
    again = deploy(tmp_path / "a.nir", "loihi2", steps=30)
    assert again.chip is not None
    assert first_difference(again.chip, chip) is None
    (row,) = [r for r in again.table.rows if r.quantity == "integers"]
    assert "as they are" in row.note


def test_narrow_weights_stay_narrow_unless_other_widths_are_asked_for(tmp_path: Path) -> None:
    """The graph does not say how many bits the weights have; the stored integers do."""
    name = deploy(DIGITS, "loihi2", steps=5).network.connections[-1].name
    first = deploy(DIGITS, "loihi2", steps=30, options=Options(bits={name: 3}))
    assert first.chip is not None
    write_nir(tmp_path / "a.nir", first.chip, network=first.network)
    again = deploy(tmp_path / "a.nir", "loihi2", steps=30)
    assert again.chip is not None
    assert first_difference(again.chip, first.chip) is None
    asked = deploy(tmp_path / "a.nir", "loihi2", steps=30, options=Options(bits={name: 4}))
    assert asked.chip is not None
    (held,) = [c.weight_format for c in asked.chip.connections if c.name == name]
    assert isinstance(held, Fixed)
    assert held.bits == 4


@pytest.mark.parametrize("form", ["exact", "sgn"])
def test_learning_keeps_its_form_and_an_input_that_waits_waits(form: str, tmp_path: Path) -> None:
    choices = {"learns": RuleChoices(form=form, k=2, weight_limit=6.0)}  # type: ignore[arg-type]
    network = plastic()
    chip, _ = compile_network(network, load_profile("loihi2"), learning=choices)
    assert [i.latency_steps for i in chip.inputs] == [0, 2]
    write_nir(tmp_path / "a.nir", chip, network=network)
    again = deploy(tmp_path / "a.nir", "loihi2", steps=30)
    assert again.chip is not None
    assert first_difference(again.chip, chip) is None


def test_other_wishes_and_changed_files_are_quantised_again(tmp_path: Path) -> None:
    first = deploy(DIGITS, "loihi2", steps=10)
    assert first.chip is not None
    write_nir(tmp_path / "a.nir", first.chip, network=first.network)

    def used(profile: str, **how: object) -> bool:
        found = deploy(tmp_path / "a.nir", profile, steps=10, **how)  # type: ignore[arg-type]
        return any(r.quantity == "integers" for r in found.table.rows)

    assert used("loihi2")
    assert not used("loihi1")
    assert not used("loihi2", options=Options(choices=RuleChoices("auto")))
    assert not used("loihi2", dt=first.network.dt)
    with h5py.File(tmp_path / "a.nir", "a") as file:
        weight = next(v for v in file["node/nodes"].values() if "weight" in v)["weight"]
        weight[0, 0] += 1.0
    assert not used("loihi2")


def test_what_is_not_the_same_network_is_not_used() -> None:
    network = plastic()
    chip, table = compile_network(network, load_profile("loihi2"))

    def changed(**of_first: object) -> ChipNetwork:
        first = replace(chip.populations[0], **of_first)  # type: ignore[arg-type]
        return replace(chip, populations=(first, *chip.populations[1:]))

    assert preferred(changed(v0=chip.populations[0].v0 + 1), chip, table) is not None
    for other in (changed(name="other"), changed(decay_bits=11), changed(latency_steps=5), replace(chip, dt=2e-3)):
        assert preferred(other, chip, table) is None
    kept, rows = only_stored(chip, str(ConversionRefused("why")))
    assert kept is chip
    assert "why" in rows.rows[0].note
