"""The page on learning rules: its code runs as it stands, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from neuroalign.sim.norse_reference.backend import NorseReference

PAGE = Path(__file__).resolve().parents[1] / "docs" / "rules.md"


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


def test_the_forms_of_the_page_exist() -> None:
    from neuroalign.quantise.learning import RuleChoices

    forms = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert forms == ["direct", "exact", "sgn"]
    for form in forms:
        names: Any = form
        assert RuleChoices(form=names).form == form
