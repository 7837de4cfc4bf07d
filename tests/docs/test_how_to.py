"""The how-to pages: short, and their files, commands and code do what they say."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from docs_commands import ROOT, blocks, commands

from neuroalign.__main__ import main
from neuroalign.demo import load_demo

PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's network and three of its samples."""
    made = tmp_path_factory.mktemp("how-to")
    network, stimulus = load_demo()
    shutil.copy(network, made / "network.nir")
    arrays: dict[str, Any] = {name: values[:3] for name, values in stimulus.inputs.items()}
    np.savez(made / "spikes.npz", **arrays)
    return made


def run_page(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Write the page's files, run its commands, then its code; what the code defined."""
    monkeypatch.chdir(folder)
    for block in blocks(page, "toml"):
        (folder / "narrow.toml").write_text(block.text, encoding="utf-8")
    for command in commands(page):
        monkeypatch.setattr("sys.argv", command.words)
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, command
    names: dict[str, Any] = {}
    for block in blocks(page, "python"):
        exec(block.text, names)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_how_to_page_is_short(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.usefixtures("without_figures")
def test_the_profile_is_a_chip_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page(PAGES[1], folder, monkeypatch)
    assert names["profile"].synapse.weight_bits == (4,)
    assert "core.neurons_max" in names["not_checked"](names["profile"])
    assert (folder / "narrow" / "report.html").exists()


def test_the_backend_computes_what_the_emulator_computes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page(PAGES[0], folder, monkeypatch)
    assert names["ours"]["hidden", "v"].any()
    assert names["difference"] < 1e-9


def test_the_format_holds_the_table(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run_page(PAGES[2], folder, monkeypatch)
    lines = (folder / "table.csv").read_text(encoding="utf-8").splitlines()
    assert capsys.readouterr().out.strip() == lines[0]
    assert len(lines) == 1 + len(names["deployment"].table.rows)


def test_the_pages_are_those_tested_here() -> None:
    assert [page.stem for page in PAGES] == ["add-a-backend", "add-a-profile", "add-an-export-format"]
