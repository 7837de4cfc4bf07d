"""Files that the frameworks themselves wrote: the float model spikes as they recorded, or the difference is on record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from interop_cases import CASES, FILES, compared, imported

from neuroalign.compile import compile_network
from neuroalign.errors import FileFormatError, InputError, NeuroalignError
from neuroalign.export.nir_graph import inspect_nir, read_nir
from neuroalign.profile import load_profile

OPENED = [name for name, case in CASES.items() if not case.refused]
EXACT = [name for name in OPENED if not CASES[name].differs]
MATRIX = Path(__file__).parent / "matrix.json"


@pytest.mark.parametrize("name", EXACT)
def test_the_float_model_spikes_as_the_framework(name: str) -> None:
    both = compared(name)
    assert both.theirs.sum() >= 20
    assert both.differing == 0


@pytest.mark.parametrize("name", [name for name in OPENED if CASES[name].differs])
def test_a_difference_that_cannot_be_repaired_is_the_recorded_one(name: str) -> None:
    rows = {row["case"]: row for row in json.loads(MATRIX.read_text())["from_them"]}
    assert compared(name).differing == rows[name]["differing"]


@pytest.mark.parametrize("name", OPENED)
def test_repairs_are_listed_and_refused_under_strict(name: str) -> None:
    repairs = imported(name).repairs
    needed = {"norse", "spyx"} & {CASES[name].options.get("written_by")}
    if needed and not name.endswith(("dt1", "iaf", "_if")):
        assert repairs
    if repairs:
        with pytest.raises(FileFormatError, match="refused under --strict") as caught:
            imported(name, strict=True)
        assert repairs[0] in str(caught.value)
    else:
        imported(name, strict=True)


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].refused])
def test_what_cannot_be_read_is_one_line(name: str) -> None:
    with pytest.raises(NeuroalignError) as caught:
        compile_network(imported(name).network, load_profile("ideal"))
    assert CASES[name].refused in str(caught.value)
    assert "\n" not in str(caught.value)


def _read_or_asked(path: Path) -> str:
    """What is said of a file that is read without options."""
    try:
        return " ".join(read_nir(path).assumptions)
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("name", OPENED)
def test_the_writer_is_guessed_and_named_as_a_guess(name: str) -> None:
    said = _read_or_asked(FILES / f"{name}.nir")
    framework = name.split("_")[0]
    assert f"{framework} probably wrote this file (a guess: " in said
    assert f"--written-by {framework}" in said
    assert "\n" not in said


def test_inspection_names_the_writer() -> None:
    found = inspect_nir(FILES / "norse_lif_box.nir")
    assert "norse probably wrote this file" in found.problem


@pytest.mark.parametrize("name", ["norse_lif_box", "norse_lif", "sinabs_lif", "spyx_lif"])
def test_without_its_writer_a_file_is_not_read_as_something_else(name: str) -> None:
    """Time constants in other units are asked for, never taken for seconds."""
    options: dict[str, Any] = {k: v for k, v in CASES[name].options.items() if k != "written_by"}
    with pytest.raises(InputError, match=r"dt|tau"):
        read_nir(FILES / f"{name}.nir", **({"dt": 1e-3} | options))
