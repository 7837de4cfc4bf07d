"""The experiment quantisation: its interval against closed forms, and a small run that is interrupted and taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuroalign.errors import InputError
from neuroalign.export.nir_graph.write import read_chip
from neuroalign.reproduce import quantised_tasks
from neuroalign.reproduce.paired import bootstrap_interval
from neuroalign.reproduce.quantised_parts import quantised_parts
from neuroalign.reproduce.quantised_tasks import DROP, judged, stored_right


def test_the_interval_is_that_of_a_mean_of_many() -> None:
    rng = np.random.default_rng(0)
    first = rng.random((3, 1000)) < 0.9
    second = first & (rng.random((3, 1000)) > 0.02)
    mean, low, high = bootstrap_interval(first, second)
    differences = (first.astype(float) - second).mean(axis=0)
    assert mean == pytest.approx(differences.mean())
    reach = 1.96 * differences.std() / np.sqrt(1000)  # central limit
    assert (low, high) == pytest.approx((mean - reach, mean + reach), abs=0.08 * reach)


def test_pairs_count_not_the_number_of_right_images() -> None:
    first = np.zeros((1, 1000), dtype=bool)
    first[0, :500] = True
    assert bootstrap_interval(first, first) == (0.0, 0.0, 0.0)
    mean, low, high = bootstrap_interval(first, first[:, ::-1])  # as many right, but others
    assert mean == 0
    assert high - low > 0.1
    with pytest.raises(InputError, match="are no pairs"):
        bootstrap_interval(first, first[:, :5])


@pytest.mark.norse
def test_a_run_is_taken_up_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small: dict[str, Any] = {
        "epochs": 1, "images": 100, "tested": 60, "hidden": 6, "steps": 5, "tuning_epochs": 1, "tuning_images": 30
    }  # fmt: skip
    first = {stage: judged(stage, 1, "digits", str(tmp_path), **small) for stage in ("float", "plain", "fine-tuned")}
    for stage, result in first.items():
        right = stored_right(tmp_path, 1, stage)
        assert right is not None
        assert result["figures"]["accuracy, %"] == pytest.approx(100 * right.mean())
    plain = first["plain"]["figures"]
    assert plain[DROP] == pytest.approx(first["float"]["figures"]["accuracy, %"] - plain["accuracy, %"])
    assert read_chip(tmp_path / "seed 1" / "fine-tuned.nir").is_fixed
    narrow = judged("plain", 1, "digits", str(tmp_path), bits=2, **small)
    assert {np.abs(c.weight).max() for c in read_chip(tmp_path / "seed 1" / "plain, 2 bits.nir").connections} <= {
        256,
        128,
        192,
    }
    assert narrow["figures"].keys() == first["plain"]["figures"].keys()
    with monkeypatch.context() as patch:
        patch.setattr(quantised_tasks, "train_classifier", None)  # what is there is not trained again
        assert judged("plain", 1, "digits", str(tmp_path), **small) == first["plain"]
    (tmp_path / "seed 1" / "plain.npy").unlink()
    assert judged("plain", 1, "digits", str(tmp_path), **small) == first["plain"]
    with pytest.raises(InputError, match="another training"):
        judged("searched", 1, "digits", str(tmp_path), **(small | {"hidden": 9}))


def test_bars_stand_beside_what_was_searched() -> None:
    part, few = quantised_parts("digits", Path("here"))
    assert {case.arguments["bits"] for case in few.cases} == {4}
    assert [case.bars[0].value for case in part.cases if case.bars] == [0.5, 0.2]
    assert all(case.arguments["folder"] == "here/networks" for case in part.cases)
