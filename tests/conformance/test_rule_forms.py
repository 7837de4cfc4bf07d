"""docs/rule-forms.md made again: every rule on every backend and profile, or the reason why not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from neuroalign.rule_check.forms import COLUMNS, FormRow, forms_page, rule_forms
from neuroalign.rule_check.stated import LAVA, METHODS
from neuroalign.rules import RULES, load_rule
from neuroalign.sim.lava_processes.backend import LavaBackend
from neuroalign.sim.norse_reference.backend import NorseReference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rule-forms.md"


@pytest.fixture(scope="module")
def rows() -> tuple[FormRow, ...]:
    if NorseReference().missing():
        pytest.skip(str(NorseReference().missing()))
    return rule_forms([load_rule(name) for name in sorted(RULES)], lava=LavaBackend().missing() is None)


def _cells(page: str) -> Mapping[str, Mapping[str, str]]:
    """Rule to column to cell of a page, reasons in full."""
    lines = page.splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    reasons = dict(line.split(". ", 1) for line in lines if line.partition(".")[0].isdigit())
    found = {}
    for row in table[2:]:
        cells = [
            f"refused: {reasons[c.removeprefix('refused (').rstrip(')')]}" if c.startswith("refused (") else c
            for c in row[1:]
        ]
        found[row[0].split("**")[1]] = dict(zip(table[0][1:], cells, strict=True))
    return found


@pytest.mark.lava
def test_the_page_is_what_running_gives(rows: tuple[FormRow, ...]) -> None:
    made, written = _cells(forms_page(rows)), _cells(PAGE.read_text(encoding="utf-8"))
    assert set(made) == set(written) == {*RULES, *METHODS}
    for name, cells in made.items():
        for column, cell in cells.items():
            assert written[name][column] == cell, (name, column)


@pytest.mark.lava
def test_no_cell_is_empty_and_no_rule_fails_where_it_can_exist(rows: tuple[FormRow, ...]) -> None:
    columns = [c for c in COLUMNS if c != LAVA or LavaBackend().missing() is None]
    for row in rows:
        assert list(row.forms) == columns
        assert all(form.text for form in row.forms.values())
        for form in row.forms.values():
            assert form.passed or "differ" not in form.text
    held = {row.name: row.forms for row in rows if row.name in RULES}
    for name, forms in held.items():
        for column in columns:
            reasoned = column == "emulator (loihi1)" and load_rule(name).modulator is not None
            assert forms[column].passed or reasoned or column == "ablation", (name, column, forms[column].text)
