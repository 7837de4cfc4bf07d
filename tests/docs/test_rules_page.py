"""The page on learning rules: its code runs as it stands, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from neuroalign.__main__ import main
from neuroalign.microcode.text import program_from_lines
from neuroalign.sim.norse_reference.backend import NorseReference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules.md"
OWN = PAGE.with_name("add-a-rule.md")


def test_the_code_of_the_page_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(NorseReference, "missing", lambda self: "not loaded here, to save time")
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(block, names)
    out = capsys.readouterr().out
    assert "local: each synapse reads presynaptic spikes, postsynaptic spikes, its weight" in out
    assert "dw = u" in out
    assert names["check"].question.evidence
    assert names["check"].question.last.r > 0.9


def test_the_third_factor_of_the_page_can_be_held() -> None:
    from neuroalign.profile import load_profile
    from neuroalign.quantise.rule_choices import RuleChoices
    from neuroalign.quantise.rule_sheet import rule_sheet
    from neuroalign.rule.text import rule_from_text

    (text,) = re.findall(r"```rule\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    sheet = rule_sheet(rule_from_text(text), load_profile("loihi2"), 1e-3, RuleChoices())
    assert sheet.held is not None
    assert any(f.variable == "y3" and f.constant == -64 for p in sheet.held.program.dw for f in p.factors)


def test_the_forms_of_the_page_exist() -> None:
    from neuroalign.quantise.rule_choices import RuleChoices

    forms = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert forms == ["direct", "stochastic", "sgn", "exact"]
    for form in forms:
        names: Any = form
        assert RuleChoices(form=names).form == form


def test_a_users_own_rule_goes_the_whole_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    """docs/add-a-rule.md: its file, its commands and its Python, as they stand."""
    page = OWN.read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 40
    monkeypatch.setattr(NorseReference, "missing", lambda self: "not loaded here, to save time")
    monkeypatch.chdir(tmp_path)
    (rule,) = re.findall(r"```rule\n(.*?)```", page, re.DOTALL)
    (tmp_path / "mine.rule").write_text(rule, encoding="utf-8")
    (commands,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    for command in commands.splitlines():
        monkeypatch.setattr("sys.argv", command.split())
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, capsys.readouterr().err
    shown = capsys.readouterr().out
    for words in (
        "dw = A*post*x - A/8*pre*(1 + w)",
        "costs per synapse: ",
        "random walk",
        "switched off",
        "trace bits",
    ):
        assert words in shown
    assert (tmp_path / "checked" / "report.html").exists()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    printed = capsys.readouterr().out
    assert program_from_lines(printed) == names["sheet"].held.program
