"""Tables: verdicts, checks, every part in its shortest form, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from neuroalign.command_line.app import app
from neuroalign.errors import InputError
from neuroalign.reproduce.parts import Plan, experiments, tasks_of
from neuroalign.reproduce.run import chosen_parts
from neuroalign.reproduce.table import Bar, Check, Figure, Table, gathered, to_json

VALUES = (0.9, 1.0, 1.4)


@pytest.mark.parametrize(
    ("bar", "passed"),
    [
        (Bar("r", ">=", 1.05), True),
        (Bar("r", ">=", 1.15), False),
        (Bar("r", "<=", 1.0, "median"), True),
        (Bar("r", "<=", 1.3, "largest"), False),
        (Bar("r", ">=", 0.9, "smallest"), True),
        (None, None),
    ],
)
def test_bars_are_judged_over_the_seeds(bar: Bar | None, passed: bool | None) -> None:
    assert Figure("case", "r", VALUES, bar).passed is passed


def table(*figures: Figure, checks: tuple[Check, ...] = ()) -> Table:
    return Table("e", "p", "t", "s", (1, 2, 3), "emulator", figures, checks, ())


def test_goals_may_be_missed_and_the_rest_may_not() -> None:
    goal = Figure("case", "r", VALUES, Bar("r", ">=", 2.0, known="goal"))
    must = Figure("case", "r", VALUES, Bar("r", ">=", 2.0, known="must"))
    assert table(goal).passed
    assert not table(goal, must).passed
    assert not table(goal, checks=(Check("x", False, ""),)).passed
    assert table(goal, checks=(Check("x", None, ""),)).passed
    assert to_json(table(goal))["figures"][0]["passed"] is False


def test_curves_are_means_over_the_seeds() -> None:
    results = {"a": [{"figures": {"r": k}, "curves": {"r": [[1, 2], [k, 3.0]]}} for k in (1.0, 3.0)]}
    figures, curves = gathered({"a": ()}, results)
    assert figures[0].values == (1.0, 3.0)
    assert curves[0].mean == (2.0, 3.0)
    assert curves[0].spread == pytest.approx((2**0.5, 0.0))


def test_every_bar_names_a_figure_that_its_case_can_have_and_every_task_exists() -> None:
    import importlib

    for name, parts in experiments().items():
        for part in parts:
            labels = [case.label for case in part.cases]
            assert len(set(labels)) == len(labels), (name, part.name)
            for task in (t for found in tasks_of(part, Plan((1,))).values() for t in found):
                module, function = task.function.split(":")
                assert callable(getattr(importlib.import_module(f"neuroalign.reproduce.{module}"), function))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(
        InputError, match="experiment 'rdd2' is unknown; one of feedback, quantisation, rdd, sal, spike-train, stdwi"
    ):
        chosen_parts("rdd2", None)
    with pytest.raises(InputError, match="no part 'colour'; one of comparison"):
        chosen_parts("stdwi", "colour")


def test_the_command_writes_tables_and_figures(tmp_path: Path) -> None:
    arguments = ["reproduce", "sal", "--part", "microcircuit", "--quick", "--seeds", "2", "--out", str(tmp_path)]
    found = CliRunner().invoke(app, [*arguments, "--json", str(tmp_path / "t.json")])
    assert found.exit_code == 0, found.output
    stored = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert [f["name"] for f in stored["tables"][0]["figures"][:4]] == ["loss", "W1", "W2", "B"]
    assert stored["tables"][0]["shortened"]
    assert (tmp_path / "sal-microcircuit-loss.png").read_bytes().startswith(b"\x89PNG")
    listed = CliRunner().invoke(app, ["reproduce", "stdwi", "--part", "list"])
    assert "comparison" in listed.output
