"""What read_chip does with files that are damaged or made up: one clear line, or the chip itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plastic_models import driving
from random_networks import Options, draw_fixed
from random_rules import random_program

from neuroalign.chip import ChipNetwork, Fixed, Float64, Plasticity, first_difference
from neuroalign.compile import compile_network
from neuroalign.errors import FileFormatError, InputError
from neuroalign.export.fields import from_text, to_text
from neuroalign.export.nir_graph import read_nir
from neuroalign.export.nir_graph.write import read_chip, write_nir
from neuroalign.profile import load_profile
from neuroalign.rules import stdwi

OWN = "node/metadata/neuroalign"


def plastic_chip() -> ChipNetwork:
    rng = np.random.default_rng(8)
    chip = draw_fixed(rng, Options(sizes=(2, 2), channels=2))
    c = chip.connections[0]
    learning = Plasticity(random_program(rng), np.zeros(c.weight.shape, dtype=np.int64), 0.5, ((1, 9),))
    return replace(chip, connections=(replace(c, delays=None, plasticity=learning), *chip.connections[1:]))


CHIP = plastic_chip()


def refusal(path: Path) -> str:
    with pytest.raises(FileFormatError) as caught:
        read_chip(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def _replaced(file: h5py.File, name: str, value: Any) -> None:
    del file[f"{OWN}/{name}"]
    if value is not None:
        file[f"{OWN}/{name}"] = value


def _text(file: h5py.File, old: str, new: str) -> None:
    text = file[f"{OWN}/chip"][()].decode()
    assert old in text
    _replaced(file, "chip", text.replace(old, new, 1))


DAMAGE: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "no metadata": (lambda f: f.__delitem__(OWN), "holds no chip network"),
    "no chip": (lambda f: _replaced(f, "chip", None), "holds no chip network"),
    "later schema": (lambda f: _replaced(f, "schema", 2), "schema 2, this version reads 1"),
    "no schema": (lambda f: _replaced(f, "schema", None), "schema None"),
    "schema in words": (lambda f: _replaced(f, "schema", "one"), "schema None"),
    "no arrays": (lambda f: _replaced(f, "arrays", None), "is missing"),
    "one array less": (lambda f: _replaced(f, "arrays/chip/populations/0/du", None), "populations.0.du: its array"),
    "array of text": (lambda f: _replaced(f, "arrays/chip/populations/0/du", ["a", "b"]), "is missing"),
    "shorter array": (lambda f: _replaced(f, "arrays/chip/populations/0/du", np.arange(1)), "int64 (1,)"),
    "other type": (lambda f: _replaced(f, "arrays/chip/populations/0/du", np.ones(2)), "float64 (2,)"),
    "one number": (lambda f: f[f"{OWN}/arrays/chip/populations/0/du"].__setitem__(0, 77), "checksum"),
    "no checksum": (lambda f: _replaced(f, "sha256", None), "checksum"),
    "text cut": (lambda f: _replaced(f, "chip", '{"class":"ChipNetwork"'), "damaged"),
    "text too deep": (lambda f: _replaced(f, "chip", "[" * 100_000), "damaged"),
    "a number": (lambda f: _replaced(f, "chip", 3), "text"),
    "not a network": (lambda f: _replaced(f, "chip", '{"class":"os.system"}'), "cannot be"),
    "not finite": (lambda f: _text(f, '"dt":0.001', '"dt":NaN'), "damaged"),
    "no time": (lambda f: _text(f, '"dt":0.001', '"dt":0'), "dt is 0"),
    "truth for number": (lambda f: _text(f, '"dt":0.001', '"dt":true'), "dt is true"),
    "other class": (lambda f: _text(f, '"class":"Fixed"', '"class":"Program"'), "cannot be"),
    "field too many": (lambda f: _text(f, '"class":"Fixed"', '"class":"Fixed","x":1'), "unknown (x)"),
    "field missing": (lambda f: _text(f, '"on_excess":"wrap"', '"on_excess":7'), "on_excess"),
    "unknown choice": (lambda f: _text(f, '"on_excess":"wrap"', '"on_excess":"burst"'), '"burst"'),
    "endless size": (lambda f: _text(f, '"size":2', '"size":99999999999999'), "channels"),
    "size below 0": (lambda f: _text(f, '"size":2', '"size":-2'), "channels"),
    "other shape": (lambda f: _text(f, '"shape":[2]', '"shape":[3]'), "du has shape (2,)"),
    "wrong program": (lambda f: _text(f, "t_epoch = ", "t_epoch = 9"), "t_epoch"),
    "unknown source": (lambda f: _text(f, '"source":"in"', '"source":"out"'), "is not there"),
    "graph without nodes": (lambda f: f.__delitem__("node/nodes"), "changed after"),
    "graph without edges": (lambda f: f.__delitem__("node/edges"), "changed after"),
    "other edge": (lambda f: f["node/edges"].__setitem__((0, 0), "elsewhere"), "changed after"),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_named_in_one_line(damage: Callable[[h5py.File], None], words: str, tmp_path: Path) -> None:
    path = write_nir(tmp_path / "a.nir", CHIP)
    with h5py.File(path, "r+") as file:
        damage(file)
    assert words in refusal(path)


def _places(stored: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of everything in a JSON value."""
    items = stored.items() if isinstance(stored, dict) else enumerate(stored) if isinstance(stored, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _places(value, (*path, key))


TEXT, ARRAYS = to_text(CHIP)
STORED = json.loads(TEXT)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(place=st.sampled_from(sorted(_places(STORED), key=str)), value=JSON)
def test_any_other_value_anywhere_is_refused_or_of_the_declared_type(place: tuple[Any, ...], value: Any) -> None:
    changed = deepcopy(STORED)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    message = ""
    try:
        found = from_text(json.dumps(changed), ARRAYS, ChipNetwork, "it")
    except FileFormatError as error:
        message = str(error)
    assert "\n" not in message
    if message:
        return
    # what was accepted says the same when it is written again
    text, arrays = to_text(found)
    assert first_difference(from_text(text, arrays, ChipNetwork, "it"), found) is None


def test_flipped_bytes_give_the_chip_or_one_line(tmp_path: Path) -> None:
    content = write_nir(tmp_path / "a.nir", CHIP).read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        changed = bytearray(content)
        for position in rng.integers(0, len(content), 20):
            changed[position] = rng.integers(0, 256)
        (tmp_path / "b.nir").write_bytes(changed)
        message = ""
        try:
            found = read_chip(tmp_path / "b.nir")
        except FileFormatError as error:
            message = str(error)
        assert "\n" not in message
        assert message or first_difference(CHIP, found) is None
        refused += bool(message)
    assert refused > 10


def test_read_nir_survives_a_damaged_or_unknown_model(tmp_path: Path) -> None:
    chip, _ = compile_network(driving(stdwi(), 1, recurrent=False), load_profile("ideal"))
    path = write_nir(tmp_path / "a.nir", chip)
    with h5py.File(path, "r+") as file:
        _replaced(file, "schema", 9)
    later = read_nir(path)
    assert any("schema 9" in line for line in later.assumptions)
    assert len(later.network.populations) == 2
    with h5py.File(path, "r+") as file:
        _replaced(file, "schema", 1)
        _replaced(file, "model", "{}")
    with pytest.raises(FileFormatError, match="the metadata's model"):
        read_nir(path)


def test_numpy_scalars_and_formats_keep_their_types() -> None:
    odd = replace(CHIP, dt=np.float64(1e-3), connection_delay_steps=np.int64(1))  # type: ignore[arg-type]
    back = from_text(*to_text(odd), ChipNetwork, "it")
    assert first_difference(odd, back) is None
    assert (type(back.dt), type(back.connection_delay_steps)) == (np.float64, np.int64)
    for held in (Fixed(8, 2, "floor", "wrap"), Float64()):
        assert from_text(*to_text(held), Fixed | Float64, "it") == held  # type: ignore[arg-type]


def test_what_cannot_be_said_is_refused_in_writing() -> None:
    with pytest.raises(InputError, match="not finite"):
        to_text(replace(CHIP, dt=float("inf")))
    with pytest.raises(InputError, match="a set cannot be saved"):
        to_text(replace(CHIP, name={"a"}))  # type: ignore[arg-type]
