"""docs/architecture.md and the other pages against the tree: paths and names exist, and each module has its row."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from pathlib import Path, PurePosixPath

import pytest
from docs_commands import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text()
ROWS = re.findall(r"^\| (`.*?) \| (.*) \|$", TEXT, flags=re.MULTILINE)


def in_ticks(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def rooms(cell: str) -> list[PurePosixPath]:
    """Paths of a row's first cell; one that names no folder lies beside the first."""
    first, *others = map(PurePosixPath, in_ticks(cell))
    return [first, *(other if (ROOT / other).exists() else first.parent / other for other in others)]


@pytest.mark.parametrize("cell", [cell for cell, _ in ROWS])
def test_the_rooms_exist(cell: str) -> None:
    for path in rooms(cell):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(("cell", "told"), ROWS)
def test_files_named_in_a_row_lie_in_its_rooms(cell: str, told: str) -> None:
    for named in (name for name in in_ticks(told) if re.search(r"/$|\.py$", name)):
        assert any(list((ROOT / room).glob(named)) for room in rooms(cell)), named


def test_every_module_of_the_top_level_has_its_row() -> None:
    told = {path.parts[1] for cell, _ in ROWS for path in rooms(cell) if path.parts[0] == "neuroalign"}
    links = {"sim", "export", "hw_profiles"}
    found = {path.name for path in (ROOT / "neuroalign").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert found - links - {"__pycache__"} - told == set()


@pytest.mark.parametrize("dotted", sorted(set(re.findall(r"[a-z_]+(?:\.[a-z_]+)+", TEXT.split("```")[1]))))
def test_names_in_the_picture_exist(dotted: str) -> None:
    module, _, name = f"neuroalign.{dotted}".rpartition(".")
    found = importlib.import_module(module)
    assert hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}")


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_and_paths_in_pages_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for dotted in set(re.findall(r"(?<![\w/.-])neuroalign(?:\.[A-Za-z_]\w*)+", text)):
        try:
            pkgutil.resolve_name(dotted)
        except ModuleNotFoundError as missing:  # a library that is not installed here
            if str(missing.name).startswith("neuroalign"):
                raise
    for path in re.findall(r"`((?:tests|docs|neuroalign|sim|export|hw_profiles)/[\w./*-]*)`", text):
        assert "NAME" in path or list(ROOT.glob(path.rstrip("/"))), path
