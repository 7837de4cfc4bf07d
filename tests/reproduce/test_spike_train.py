"""Tasks and checks of reproduce spike-train, and the page that describes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from neuroalign.errors import InputError
from neuroalign.experiments.spike_train_chip import LocalRule
from neuroalign.reproduce.parts import Plan, tasks_of
from neuroalign.reproduce.spike_train_parts import LAST, MIXED, SPIKE_TRAIN, TRAIN_FALL, WEIGHT_FALL
from neuroalign.reproduce.spike_train_tasks import hidden, local, start_for, witness
from neuroalign.reproduce.task import run_task

PAGE = Path(__file__).resolve().parents[2] / "docs" / "spike-train.md"
PARTS = {part.name: part for part in SPIKE_TRAIN}


@pytest.mark.parametrize("name", ["neuron", "network"])
def test_witness_tasks_run_from_their_arguments(name: str) -> None:
    part = PARTS[name]
    for case, tasks in tasks_of(part, Plan((1,), quick=True)).items():
        arguments: dict[str, Any] = {**tasks[0].arguments, "windows": 2}
        figures = run_task(tasks[0].function, arguments)["figures"]
        assert figures[TRAIN_FALL] > 0
        inhibits = "weight error falls, times, onto inhibitory hidden neurons"
        assert (inhibits in figures) == (case == "one of five inhibits")


def test_local_and_hidden_tasks_have_figures_and_curves() -> None:
    for result in (local(1, "chip", 2), hidden(1, "float", 2, "transpose"), local(1, "float", 2, teacher="none")):
        assert {"distance, first shows", LAST, "fall"} <= set(result["figures"])
        shows, distances = result["curves"]["van Rossum distance"]
        assert shows == [1, 2]
        assert len(distances) == 2
    assert hidden(1, "float", 1, "transpose")["figures"]["angle of the feedback"] == pytest.approx(0, abs=1e-5)


def test_a_backend_that_cannot_be_stepped_is_refused() -> None:
    with pytest.raises(InputError, match="'lava' cannot be stepped"):
        start_for("lava", "chip", LocalRule())


def test_checks_count_seeds() -> None:
    check = PARTS["neuron"].checks({"exact": {WEIGHT_FALL: [6.0] * 8 + [1.0] * 2}})[0]
    assert check.holds
    assert check.found == "8 of 10 seeds"
    assert PARTS["neuron"].checks({"exact": {WEIGHT_FALL: [6.0] * 7 + [1.0] * 3}})[0].holds is False
    assert PARTS["neuron"].checks({"exact": {WEIGHT_FALL: [6.0] * 3}})[0].holds is None

    def case(fall: float, last: float) -> dict[str, list[float]]:
        return {"fall": [fall] * 10, LAST: [last] * 10}

    names = [c.label for c in PARTS["local"].cases]
    assert all(c.holds for c in PARTS["local"].checks({n: case(0.6, 3.0 if "teacher" in n else 1.0) for n in names}))
    worse = PARTS["local"].checks({n: case(0.4, 1.0) for n in names})
    assert not any(c.holds for c in worse)


def test_a_network_with_inhibition_names_its_neurons() -> None:
    result = witness(1, **{**MIXED, "windows": 1, "sizes": [3, 2, 1], "inhibitory": [1, 1]})
    assert "weight error falls, times, layer 2" in result["figures"]


def test_the_page_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    assert code is not None
    names: dict[str, Any] = {}
    exec(compile(code[1], str(PAGE), "exec"), names)
    assert names["spikes"][-1].times.size > 0
    assert any(weights.any() for weights in names["gradient"].weights)
    assert capsys.readouterr().out
