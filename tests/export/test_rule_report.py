"""The page and JSON of a checked rule, and the picture of learning."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from neuroalign.deployment.learning import RuleCheck
from neuroalign.errors import OutputError
from neuroalign.export.excerpt_learning import Learnt
from neuroalign.export.figures import learning
from neuroalign.export.live.learning import learning as live_learning
from neuroalign.export.rule_report import render_rule, rule_json, write_rule_report
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rule_check import CheckOptions, check_rule
from neuroalign.rules import stdwi
from neuroalign.sim.norse_reference.backend import NorseReference


@pytest.fixture(scope="module")
def check() -> RuleCheck:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NorseReference, "missing", lambda self: "not loaded here, to save time")
        options = CheckOptions(("emulator",), 300, command="neuroalign rule check <stdwi>")
        return check_rule(stdwi(), load_profile("loihi2"), RuleChoices(form="exact"), options)


class Nesting(HTMLParser):
    """Refuses a page whose tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_self_contained(check: RuleCheck) -> None:
    page = render_rule(check)
    Nesting(page)
    bare = re.sub(r"base64,[^\"]*|<script.*?</script>", "", page, flags=re.DOTALL)
    assert "http" not in bare.replace("http-equiv", "")
    assert page.count("<script") == 3
    assert "&lt;stdwi&gt;" not in "".join(re.findall(r"<script.*?</script>", page, re.DOTALL))
    assert "&lt;stdwi&gt;" in bare
    for words in ("dw = u", "arXiv 2003.03988", check.question.text, "one held unit is", "Difference made by"):
        assert words in bare


@pytest.mark.parametrize(
    ("outcome", "colour"), [("same", "yes"), ("similar", "yes"), ("other", "no"), ("no verdict", "open")]
)
def test_the_verdict_comes_first_in_its_colour(
    check: RuleCheck, monkeypatch: pytest.MonkeyPatch, outcome: str, colour: str
) -> None:
    monkeypatch.setattr("neuroalign.export.rule_report.rule_outcome", lambda _: outcome)
    page = render_rule(check)
    assert f'class="verdict {colour}"' in page
    assert '<p class="headline">Verdict: loihi2 learns' in page


def test_the_json_is_strict_and_holds_the_program(check: RuleCheck, tmp_path: Path) -> None:
    path = write_rule_report(check, tmp_path / "new" / "folder")
    found = json.loads((path.parent / "report.json").read_text(), parse_constant=lambda _: pytest.fail("not strict"))
    assert found == json.loads(json.dumps(rule_json(check)))
    assert found["schema"] == "neuroalign-rule-check/1"
    assert found["sheet"]["rule"]["traces"]["fast"]["tau"] == 0.02
    assert [a["candidate"] for a in found["agreements"]] == [a.candidate for a in check.agreements]


def test_a_folder_that_cannot_be_made(check: RuleCheck, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="taken"):
        write_rule_report(check, tmp_path / "taken")


def test_weights_that_never_move_can_be_drawn(check: RuleCheck) -> None:
    still = 0 * check.runs[0].weights
    unmoved = replace(check.question, reads=tuple(replace(r, r=None, angle_degrees=None) for r in check.question.reads))
    what = Learnt(unmoved.connection, (unmoved,), still, (("chip", still),))
    picture = learning("learning", what, 1e-3)
    assert live_learning(what, 1e-3).x_range.start == 0
    assert picture.png.startswith(b"\x89PNG")
    assert picture.width > picture.height
