"""The feedback experiment: its parts, its checks, its paired intervals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from neuroalign.command_line.app import app
from neuroalign.errors import InputError
from neuroalign.export.nir_graph.write import read_extra
from neuroalign.reproduce.feedback_parts import chip_checks, feedback_parts, learning_checks
from neuroalign.reproduce.feedback_tasks import trained
from neuroalign.reproduce.paired import T_975, paired_interval
from neuroalign.reproduce.run import chosen_parts


def test_quantiles_are_students() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    expected = stats.t.ppf(0.975, np.arange(1, len(T_975) + 1))
    np.testing.assert_allclose(T_975, expected, atol=6e-4)


def test_the_interval_is_that_of_a_paired_t_test() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    rng = np.random.default_rng(0)
    first, second = rng.normal(1, 1, 9), rng.normal(0, 1, 9)
    expected = stats.ttest_rel(first, second).confidence_interval(0.95)
    mean, low, high = paired_interval(first.tolist(), second.tolist())
    assert mean == pytest.approx(float(np.mean(first - second)))
    assert (low, high) == pytest.approx((expected.low, expected.high), rel=1e-3)


def test_a_single_pair_has_no_interval() -> None:
    with pytest.raises(InputError, match="no pairs"):
        paired_interval([1.0], [2.0])


def values(**accuracy: list[float]) -> dict[str, dict[str, list[float]]]:
    angle = {"bp": 0.0, "fa": 70.0}
    return {
        name: {"accuracy, %": found, "error angle, degrees": [angle.get(name, 30.0)] * len(found)}
        for name, found in accuracy.items()
    }


def test_checks_see_what_holds_and_what_does_not() -> None:
    good = values(bp=[97, 96, 98], fa=[90, 91, 92], kp=[96.9, 96.1, 97.9])
    assert [check.holds for check in learning_checks(good)] == [True, True, True]
    bad = values(bp=[97, 96, 98], fa=[90, 91, 92], kp=[93, 94, 90])
    assert [check.holds for check in learning_checks(bad)] == [False, False, True]
    assert [check.holds for check in learning_checks(values(bp=[97], kp=[97]))] == [None]
    assert learning_checks(values(bp=[97, 96], dfa=[90, 91])) == ()


def test_chip_rows_are_judged_by_the_float_row_of_the_same_rule() -> None:
    found = {"stdwi": [97.0] * 3, "stdwi, 8 bits": [96.8] * 3, "wm": [97.0] * 3, "wm, 8 bits": [90.0] * 3}
    assert [check.holds for check in chip_checks(values(**found))] == [True]
    found["stdwi, 8 bits"] = [96.0] * 3
    assert [check.holds for check in chip_checks(values(**found))] == [False]
    single = {name: numbers[:1] for name, numbers in found.items()}
    assert [check.holds for check in chip_checks(values(**single))] == [None]


def test_parts_take_the_methods_asked_for() -> None:
    learning = feedback_parts("digits", ["fa", "bp", "fa"])[0]
    assert [case.label for case in learning.cases] == ["fa", "bp"]
    with pytest.raises(InputError, match="unknown"):
        feedback_parts("digits", ["nothing"])


def test_data_and_methods_belong_to_this_experiment() -> None:
    with pytest.raises(InputError, match="leave it out for 'sal'"):
        chosen_parts("sal", None, "digits")


def test_a_run_says_what_it_found_by_layer() -> None:
    result = trained(1, "fa", epochs=1, images=96)
    assert result["figures"]["error angle, layer 4"] > 10
    assert len(result["curves"]["accuracy, %"][0]) == 1
    assert result["figures"]["time, s"] > 0


def test_the_command_runs_and_saves_what_was_learnt(tmp_path: Path) -> None:
    arguments = [
        "reproduce",
        "feedback",
        "--quick",
        "--part",
        "learning",
        "--methods",
        "kp",
        "--out",
        str(tmp_path / "out"),
    ]
    ran = CliRunner().invoke(app, [*arguments, "--save-learned", str(tmp_path / "learnt.nir"), "--quiet"])
    assert ran.exit_code == 0, ran.output
    assert "as spiking network in 8 bits" in ran.output
    tables = json.loads((tmp_path / "out" / "tables.json").read_text(encoding="utf-8"))["tables"]
    assert tables[0]["experiment"] == "feedback"
    assert (tmp_path / "out" / "feedback-learning-accuracy, %.png").is_file()
    assert read_extra(tmp_path / "learnt.nir")["method"] == "kp"


def test_parts_depend_on_the_data() -> None:
    assert [part.name for part in feedback_parts("digits")] == ["learning", "local", "chip", "tuning"]
    assert [part.name for part in feedback_parts("fashion-mnist", ["bp", "kp"])] == ["learning", "tuning"]
