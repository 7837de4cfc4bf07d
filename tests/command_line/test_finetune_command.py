"""The command ``finetune``: what it writes, and what it refuses before it starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from neuroalign.command_line.app import app
from neuroalign.errors import InputError, NeuroalignError
from neuroalign.export.nir_graph import read_nir
from neuroalign.export.nir_graph.write import read_chip

DIGITS = Path(__file__).resolve().parents[2] / "neuroalign" / "demo" / "digits.nir"
FEW = ("--epochs", "1", "--batch", "10", "--plain", "--quiet")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", input=rng.random((20, 1, 64)), labels=np.arange(20) % 10)
    return tmp_path / "data.npz"


@pytest.mark.norse
@pytest.mark.parametrize("labelled", [True, False])
def test_what_is_written_is_a_chip_network_and_a_graph(data: Path, tmp_path: Path, labelled: bool) -> None:
    if not labelled:
        np.savez(data, input=np.load(data)["input"])
    out, rows_file = tmp_path / "tuned.nir", str(tmp_path / "rows.json")
    result = CliRunner().invoke(
        app,
        [
            "finetune",
            str(DIGITS),
            "--data",
            str(data),
            "--out",
            str(out),
            "--bernoulli",
            "--steps",
            "8",
            *(FEW if not labelled else FEW[:-1]),
            "--json",
            rows_file,
        ],
    )
    assert result.exit_code == 0, result.output
    assert ("held out" in result.output) == labelled  # the other is --quiet: the result alone
    assert ("%" in result.output) == labelled
    assert result.output.splitlines()[-1].startswith(f"{out}: judge it")
    rows = json.loads(Path(rows_file).read_text())["rows"]
    assert len(rows) == (5 if labelled else 3)  # loss and accuracy of the start and of one pass, and which was kept
    assert rows[-1]["measured"] in (0, 1)
    chip, before = read_chip(out), read_nir(DIGITS).network
    assert [p.size for p in chip.populations] == [p.size for p in before.populations]
    assert chip.profile_id == "loihi2"
    assert read_nir(out).network.dt == before.dt


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": np.arange(20)}, "the label of sample 10 is 10"),
        ({"input": np.full((20, 1, 64), 3.0)}, "probabilities from 0 to 1"),
        ({"input": np.zeros((20, 1, 63))}, "64"),
    ],
)
def test_unusable_data_are_refused(data: Path, tmp_path: Path, change: dict[str, np.ndarray], said: str) -> None:
    arrays: dict[str, Any] = dict(np.load(data).items()) | change
    np.savez(data, **arrays)
    arguments = ["finetune", str(DIGITS), "--data", str(data), "--out", str(tmp_path / "t.nir"), "--bernoulli", *FEW]
    with pytest.raises(NeuroalignError, match=said):
        app(arguments, standalone_mode=False)
    assert sorted(tmp_path.iterdir()) == [data]


def test_a_network_is_written_as_nir_only(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"call it t\.nir"):
        app(["finetune", str(DIGITS), "--data", str(data), "--out", str(tmp_path / "t.h5")], standalone_mode=False)
