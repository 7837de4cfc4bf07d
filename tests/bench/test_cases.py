"""Small real runs of the cases that need nothing but the emulator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuroalign.bench import batch, first_step, float64, memory, memory_probe
from neuroalign.bench.settings import Settings
from neuroalign.errors import BackendFailed

TINY = Settings(sizes=(8,), chunks=1, quick=True)


def test_a_batch_counts_all_updates_of_all_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "QUICK_STEPS", 20)
    result, *_ = batch.batch_cases(TINY)
    (side,) = result.series
    assert result.figure("synapse updates a second").value == pytest.approx(32 * 8 * 8 * 20 / side.seconds[0])


def test_both_float_forms_are_compared_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(float64, "QUICK_STEPS", 300)
    (result,) = float64.float64_cases(TINY)
    assert result.figure("largest difference, relative").value <= 1e-9
    assert result.figure("spikes that differ").value == 0
    assert "0 spikes" not in result.notes[0]


def test_a_difference_is_relative_to_the_largest_value() -> None:
    assert float64.difference(np.array([1.0, -3.5]), np.array([1.0, -4.0])) == 0.125
    assert float64.difference(np.array([0.5]), np.array([0.0])) == 0.5


def test_memory_is_what_a_process_of_its_own_says(tmp_path: Path) -> None:
    weights = memory.write_weights(tmp_path / "weights.npy", 256, 1)
    result = memory.measured("with a tag", 256, weights)
    growth = result.figure("growth")
    assert 0 < growth.value <= result.figure("peak above the start").value
    assert growth.must == pytest.approx((5 * 256**2 + 50e6) / 1e6)
    assert result.figure("process before").value > 20


def test_a_failing_process_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BackendFailed, match=r"measures memory failed: .*absent\.npy"):
        memory.measured("weights only", 8, tmp_path / "absent.npy")


def test_the_mapped_network_holds_the_file_and_learns_with_tags(tmp_path: Path) -> None:
    weights = memory.write_weights(tmp_path / "weights.npy", 16, 1)
    network = memory_probe.network_of(memory_probe.mapped_network(weights), "with a tag")
    (learning,) = network.connections
    assert np.array_equal(learning.weight, np.load(weights))
    assert learning.plasticity is not None
    assert learning.plasticity.program.tag_update


def test_first_steps_are_medians_of_processes_with_one_cache_each(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Path, first_step.Stage]] = []

    def probed(folder: Path, stage: first_step.Stage) -> dict[str, float]:
        seen.append((folder, stage))
        return {"first step": float(len(seen)), "imports": 0.5, "wall": 2.0}

    monkeypatch.setattr(first_step, "probed", probed)
    results = list(first_step.first_step_cases(replace(TINY, quick=False)))
    stages, repeats = len(first_step.STAGES), first_step.REPEATS
    name = "CPU to the end of the first step"
    middle = stages * (repeats // 2)
    assert [r.figure(name).value for r in results] == [middle + k for k in range(1, stages + 1)]
    assert [r.figure(name).must for r in results[:4]] == [2.0, 2.0, 0.5, 2.0]
    folders = [folder for folder, _ in seen]
    assert len(set(folders)) == repeats
    assert len(set(folders[:stages])) == 1
    rules = [stage.rules for stage in first_step.STAGES]
    assert rules[0] == rules[1] == rules[2]  # nothing of the first run is kept, and warm is the rule that was cold
    assert len(set(rules)) == stages - 2  # every other one is new


def test_the_process_runs_the_rule_that_it_is_given(tmp_path: Path) -> None:
    stage = first_step.Stage("x", "", ("2^-3*x1*y0", ""), "reference", "cold")
    found = first_step.probed(tmp_path, stage)
    assert set(found) == {"imports", "first step", "wall"}
    with pytest.raises(BackendFailed, match=r"^bench: the process that compiles a rule failed: "):
        first_step.probed(tmp_path, replace(stage, rules=("no rule", "")))
