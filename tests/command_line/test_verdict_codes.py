"""Exit codes of answers: 3 for no, 7 where there is no evidence, 0 if asked for; the report is written all the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from command_calls import Call
from hand_made import deployment
from typer.main import get_command

from neuroalign.command_line.app import EXIT_CODES, app
from neuroalign.command_line.verdict_codes import CODES, COMPARED, LEARNED, NO, NO_EVIDENCE, code_of
from neuroalign.deployment import Deployment, verdict
from neuroalign.deployment.rule_words import Learned

ROOT = Path(__file__).resolve().parents[2]


def judged(alike: float, samples: int = 100) -> Deployment:
    """A deployment without labels whose output decides so many samples alike."""
    made = deployment()
    (agreement,) = made.agreements
    changes: dict[str, Any] = {"reference_accuracy": None, "candidate_accuracy": None}
    output = replace(agreement.outputs[0], agreement=alike, samples=samples, **changes)
    return replace(made, agreements=(replace(agreement, outputs=(output,)),))


def mute() -> Deployment:
    """Nothing was compared."""
    made = deployment()
    return replace(made, runs=made.runs[:1], agreements=())


@pytest.mark.parametrize(("made", "code"), [(judged(1.0), 0), (judged(0.5), NO), (mute(), NO_EVIDENCE)])
@pytest.mark.parametrize("zero", [(), ("--exit-zero",)])
def test_deploy_ends_with_its_verdict(
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    made: Deployment,
    code: int,
    zero: tuple[str, ...],
) -> None:
    monkeypatch.setattr("neuroalign.pipeline.deploy", lambda *_, **__: made)
    ended, out, _ = call("deploy", "net.nir", "--quiet", *zero)
    assert ended == (0 if zero else code)
    assert out.splitlines() == [verdict(made).headline, "neuroalign-report/report.html"]
    assert (tmp_path / "neuroalign-report" / "report.html").exists()


def test_a_control_in_floating_point_is_asked_nothing() -> None:
    made = deployment()
    assert code_of(replace(made, chip=made.runs[0].chip, profile_id="ideal")) == 0


@pytest.mark.parametrize("outcome", COMPARED)
@pytest.mark.parametrize("zero", [(), ("--exit-zero",)])
def test_compare_ends_with_its_outcome(
    call: Call, monkeypatch: pytest.MonkeyPatch, outcome: str, zero: tuple[str, ...]
) -> None:
    found = SimpleNamespace(recording="r.npz", outcome=outcome)
    monkeypatch.setattr("neuroalign.judge_recording.judge", lambda *_: found)
    ended, out, _ = call("compare", "r.npz", "--network", "net.nir", "--quiet", *zero)
    assert out == f"r.npz: {outcome}\n"
    assert ended == (0 if zero else COMPARED[outcome])


def test_equal_is_yes_and_different_is_no() -> None:
    assert COMPARED["equal"] == COMPARED["equal but for a known trait"] == CODES["deployable"] == 0
    assert COMPARED["different"] == CODES["not deployable"] == 3
    assert COMPARED["no evidence"] == CODES["undecided"] == LEARNED["no verdict"] == 7
    assert LEARNED["other"] == 3
    assert set(LEARNED) == set(get_args(Learned))


@pytest.mark.parametrize("zero", [(), ("--exit-zero",)])
def test_place_ends_with_whether_it_fits(call: Call, monkeypatch: pytest.MonkeyPatch, zero: tuple[str, ...]) -> None:
    monkeypatch.setattr("neuroalign.placing.place_on_all", lambda *_, **__: (SimpleNamespace(fits=False),))
    monkeypatch.setattr("neuroalign.command_line.place_comparison.print_answers", lambda *_, **__: None)
    assert call("place", "net.nir", *zero).code == (0 if zero else 3)


def test_every_code_is_documented_in_the_help_and_the_readme() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8")
    for code in (0, 1, 2, 3, 4, 5, 6, 7):
        assert f"{code} " in EXIT_CODES
        assert f"| {code} |" in table
    for name in ("deploy", "compare", "place"):
        command: Any = get_command(app).commands[name]  # type: ignore[attr-defined]
        assert "xit code 3" in command.help or "3 if" in command.help
