"""Plastic connections in a deployment: weights read at the model's steps, compared, and drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neuroalign.deployment import Deployment
from neuroalign.deployment.plastic_runs import chip_reads, compare_plastic, model_reads
from neuroalign.encoding import encode
from neuroalign.errors import InputError
from neuroalign.export.nir_graph import ImportedNetwork
from neuroalign.export.report import write_report
from neuroalign.pipeline import deploy_network
from neuroalign.pipeline.options import Options
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rule_check import trial_network, trial_spikes
from neuroalign.rules import pair_stdp

STEPS = 300


@pytest.fixture(scope="module")
def learnt() -> Deployment:
    """Pair STDP from given spikes, on loihi2."""
    imported = ImportedNetwork(trial_network(pair_stdp(), 1e-3), (), (), "made by hand")
    options = Options(learning={"plastic": RuleChoices("exact")})
    stimulus = trial_spikes(STEPS, 1e-3, 5).stimulus
    return deploy_network(imported, load_profile("loihi2"), encode(stimulus, None), options)


def test_reads_are_evenly_spaced_and_end_with_the_run() -> None:
    assert model_reads(3) == (1, 2, 3)
    assert model_reads(1000)[-1] == 1000
    assert set(np.diff(model_reads(1000))) == {25}


def test_the_chip_is_read_when_it_has_seen_the_same_spikes(learnt: Deployment) -> None:
    ideal = learnt.run("ideal (chip order, no rounding)")
    assert ideal.chip is not None
    lag = ideal.chip.population("post").latency_steps
    assert lag > 0
    assert chip_reads(ideal.chip, (10, 20)) == (10 + lag, 20 + lag)
    (agreement,) = (a for a in learnt.learning if a.candidate == ideal.label)
    assert agreement.last.step == STEPS
    assert agreement.last.rms < 1e-12
    assert agreement.evidence


def test_every_run_is_compared_with_the_reference(learnt: Deployment) -> None:
    assert [a.candidate for a in learnt.learning] == ["ideal (chip order, no rounding)", "loihi2 (emulator)"]
    chip = learnt.learning[-1]
    assert chip.limits == (-256 * chip.unit, 255 * chip.unit)
    assert "tag_limited" in chip.counts
    assert chip.last.rms > 0


def test_weights_that_were_not_read_cannot_be_compared(learnt: Deployment) -> None:
    with pytest.raises(InputError, match="not read after step"):
        compare_plastic(learnt.network, learnt.runs[0], learnt.runs[1], (STEPS + 1,))


def test_the_report_has_a_section_on_learning(learnt: Deployment, tmp_path: Path) -> None:
    page = write_report(learnt, tmp_path).read_text()
    assert '<h2 id="learning">' in page
    assert "Learning of plastic" in page
    assert "tag limited" in page
    found = json.loads((tmp_path / "report.json").read_text())["learning"]
    assert [entry["connection"] for entry in found] == ["plastic", "plastic"]
    assert found[-1]["reads"][-1]["r"] == pytest.approx(learnt.learning[-1].last.r)
