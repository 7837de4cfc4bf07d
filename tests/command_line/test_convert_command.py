"""``neuroalign convert``: by the endings of the names, listing what changed, never replacing unasked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import neuroalign.demo
from neuroalign.chip import first_difference
from neuroalign.command_line.app import app
from neuroalign.convert import Reading, Signal, convert, read_held
from neuroalign.errors import ConversionRefused, InputError, NeuroalignError, OutputError
from neuroalign.export.nir_graph import read_chip

DIGITS = Path(neuroalign.demo.__file__).parent / "digits.nir"


def test_a_network_goes_round_through_every_format_and_is_the_same(tmp_path: Path) -> None:
    chip = convert(DIGITS, tmp_path / "a.nir", Reading("loihi2")).chip
    convert(tmp_path / "a.nir", tmp_path / "b.net")
    held = convert(tmp_path / "b.net", tmp_path / "c.nir")
    assert first_difference(read_chip(tmp_path / "c.nir"), chip) is None
    assert any("as they are" in note for note in held.notes)


def test_another_profile_quantises_again(tmp_path: Path) -> None:
    convert(DIGITS, tmp_path / "a.nir")
    assert read_held(tmp_path / "a.nir", Reading()).chip.profile_id == "loihi2"
    assert read_held(tmp_path / "a.nir", Reading("loihi1")).chip.profile_id == "loihi1"


def test_a_script_presents_the_given_input(tmp_path: Path) -> None:
    spikes = (np.random.default_rng(0).random((2, 7, 64)) < 0.2).astype(np.uint8)
    np.savez(tmp_path / "x.npz", spikes)
    held = convert(DIGITS, tmp_path / "a.py", None, Signal(tmp_path / "x.npz"))
    with np.load(tmp_path / "a.npz") as data:
        np.testing.assert_array_equal(data[f"{held.chip.inputs[0].name}.input"], spikes)
    assert "STEPS = " + str(7 + held.chip.latency_steps) in (tmp_path / "a.py").read_text()


def test_files_are_not_replaced_unless_asked_and_rows_are_written(tmp_path: Path) -> None:
    run = CliRunner()
    first = run.invoke(app, ["convert", str(DIGITS), str(tmp_path / "a.nir"), "--json", str(tmp_path / "rows.json")])
    assert first.exit_code == 0
    assert "weight rounded" in first.output
    assert first.output.strip().endswith("a.nir")
    assert any("weight" in row["case"] for row in json.loads((tmp_path / "rows.json").read_text())["rows"])
    again = run.invoke(app, ["convert", str(DIGITS), str(tmp_path / "a.nir")])
    assert isinstance(again.exception, OutputError)
    assert (
        run.invoke(app, ["convert", str(DIGITS), str(tmp_path / "a.nir"), "--force", "--quiet"]).output.count("\n") == 1
    )
    (tmp_path / "b.npz").write_bytes(b"mine")
    assert isinstance(run.invoke(app, ["convert", str(DIGITS), str(tmp_path / "b.py")]).exception, OutputError)
    assert (tmp_path / "b.npz").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (("a.nir", "b.txt"), ".txt"),
        (("a.h5", "b.nir"), ".h5"),
        (("a.nir", "a.nir"), "both"),
        (("a.nir", "b.nir", "--steps", "5"), "scripts"),
        (("missing.nir", "b.nir"), "no such file"),
        (("missing.net", "b.nir"), "no such file"),
    ],
)
def test_wrong_use_is_one_line(names: tuple[str, ...], word: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["convert", *[str(tmp_path / n) if "." in n else n for n in names]])
    assert isinstance(done.exception, InputError)
    assert word in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_floating_profiles_and_settings_that_do_not_apply_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NeuroalignError):
        convert(DIGITS, tmp_path / "a.py", Reading("ideal"))
    with pytest.raises(ConversionRefused):
        convert(DIGITS, tmp_path / "a.net", Reading("ideal"))
    convert(DIGITS, tmp_path / "a.net")
    with pytest.raises(InputError, match="--dt"):
        convert(tmp_path / "a.net", tmp_path / "b.nir", Reading(dt=1e-3))
    assert {f.name for f in tmp_path.iterdir()} == {"a.net"}
