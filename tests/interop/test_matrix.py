"""docs/interop.md is what the recorded results give, and the results say what they must."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nir
import pytest
from interop_cases import CASES
from interop_networks import NETWORKS, OPENED, saved
from interop_page import MATRIX, PAGE, page

from neuroalign.errors import NetworkError
from neuroalign.export.nir_graph.write import read_chip, write_nir

REFUSED = ("cubali", "v_reset")


@pytest.fixture(scope="module")
def matrix() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(MATRIX.read_text())
    return found


def test_the_page_is_what_the_results_give(matrix: dict[str, Any]) -> None:
    assert PAGE.read_text() == page(matrix)


def test_every_export_is_read_exactly_or_its_difference_explained(matrix: dict[str, Any]) -> None:
    rows = {row["case"]: row for row in matrix["from_them"]}
    assert CASES.keys() <= rows.keys()
    for name, row in rows.items():
        assert row["export_failed"] or row.get("refused") or row["differing"] == 0 or row["differs"], name


def test_norse_spikes_as_the_chip_on_everything_that_we_save(matrix: dict[str, Any]) -> None:
    rows = [row for row in matrix["to_them"] if row["framework"] == "norse"]
    assert {row["network"] for row in rows} == NETWORKS.keys()
    assert all(row["differing"]["0"] == 0 and row["spikes"] >= 20 for row in rows)


@pytest.mark.parametrize("version", ["1.0.4", "1.0.5", "1.0.8"])
def test_versions_of_nir_open_all_that_is_saved_for_them(matrix: dict[str, Any], version: str) -> None:
    (reader,) = (r for r in matrix["opened"].values() if r["versions"]["nir"] == version)
    saved_for_it = {name: failed for name, failed in reader["cases"].items() if name.endswith("+compat")}
    assert {name.removesuffix("+compat") for name in saved_for_it} == OPENED.keys() - set(REFUSED)
    assert not any(saved_for_it.values())


@pytest.mark.parametrize("name", [name for name in OPENED if name not in REFUSED])
def test_saved_for_1_0_4_the_chip_comes_back_and_this_nir_opens_it(name: str, tmp_path: Path) -> None:
    ours = saved(name)
    plain = write_nir(tmp_path / "plain.nir", ours.chip, network=ours.network)
    older = write_nir(tmp_path / "older.nir", ours.chip, network=ours.network, compat="1.0.4")
    graph = nir.read(older)
    assert not any(isinstance(node, nir.Linear) for node in graph.nodes.values())
    assert not any(node.metadata for node in graph.nodes.values())
    again = write_nir(tmp_path / "again.nir", read_chip(older), network=ours.network)
    assert again.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize(("name", "words"), [("v_reset", "resets to 0.1"), ("cubali", "is a CubaLI")])
def test_what_1_0_4_cannot_read_is_refused_and_not_written(name: str, words: str, tmp_path: Path) -> None:
    ours = saved(name)
    path = tmp_path / "a.nir"
    with pytest.raises(NetworkError, match=words):
        write_nir(path, ours.chip, network=ours.network, compat="1.0.4")
    assert not path.exists()
