"""The page and the JSON beside it: well-formed, self-contained, escaped, whole or absent."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import bokeh
import pytest
from hand_made import TABLE, deployment

from neuroalign.deployment import BitEquality, Deployment
from neuroalign.errors import OutputError
from neuroalign.export.live import live_figures
from neuroalign.export.report import MeasuredRow, render, write_report, write_rows
from neuroalign.fidelity import equal_states

VOID = {"meta", "link", "img", "br", "hr", "input"}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror="alert(1)">{{ 7 * 7 }}',
    "$\\frac{1$ _x \u202e\u0000 模型" + 80 * "long",
)


class Page(HTMLParser):
    """Collects elements, and refuses a page whose tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def without_data(text: str) -> str:
    """The page without pictures and scripts; what scripts may ask for, the policy in the page decides."""
    return re.sub(r"base64,[A-Za-z0-9+/=]+|<script.*?</script>", "base64,", text, flags=re.DOTALL)


def scripts(text: str) -> list[str]:
    return re.findall(r"<script>(.*?)</script>", text, re.DOTALL)


@pytest.fixture(scope="module")
def text() -> str:
    return render(deployment())


@pytest.fixture(scope="module")
def hostile() -> str:
    names = HOSTILE
    rows = tuple(replace(row, where=names[0], note=names[1], stored=names[1]) for row in TABLE.rows)
    made = deployment(
        names=names,
        source=names[0],
        repairs=names,
        warnings=names,
        assumptions=names,
        command=names[1],
        table=replace(TABLE, rows=rows),
    )
    return render(made)


def test_the_page_is_well_formed_and_its_links_lead_somewhere(text: str) -> None:
    page = Page(text)
    ids = Counter(a["id"] for _, a in page.elements if "id" in a)
    assert ids
    assert max(ids.values()) == 1
    targets = {a["href"] for a in page.all("a")}
    assert targets <= {f"#{name}" for name in ids}
    labelled = {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a}
    assert labelled <= set(ids)


def test_the_page_has_the_basics_of_accessibility(text: str) -> None:
    page = Page(text)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert len(page.all("caption")) == len(page.all("table")) > 4
    assert all(a.get("alt") for a in page.all("img"))
    assert all(a.get("scope") in ("col", "row") for a in page.all("th"))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_page_asks_for_nothing_from_outside(text: str) -> None:
    assert "http" not in without_data(text).replace("http-equiv", "")
    assert "//" not in re.sub(r"/\*.*?\*/", "", without_data(text), flags=re.DOTALL)
    assert "@import" not in without_data(text)
    assert "url(" not in without_data(text)
    page = Page(text)
    assert [a for a in page.all("script") if "src" in a] == []
    sources = [a["src"] or "" for a in page.all("img")] + [a["href"] or "" for a in page.all("link")]
    assert all(source.startswith("data:") for source in sources)


def test_no_script_but_bokeh_and_ours_may_run_and_none_may_ask_for_anything(text: str) -> None:
    (policy,) = (a["content"] or "" for a in Page(text).all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed.keys() == {"default-src", "img-src", "style-src", "script-src"}
    assert (allowed["default-src"], allowed["img-src"]) == ("'none'", "data:")
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts(text)]
    assert len(digests) == 2
    assert allowed["script-src"].split() == [f"'sha256-{d}'" for d in digests]
    assert scripts(text)[0] == (Path(bokeh.__file__).parent / "server/static/js/bokeh.min.js").read_text("utf-8")


def test_the_same_deployment_gives_the_same_live_figures() -> None:
    made = deployment(samples=2)
    assert live_figures(made) == live_figures(made)


def test_without_bokeh_the_figures_are_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroalign.export.live.available", lambda: False)
    page = Page(render(deployment(samples=2)))
    assert len(page.all("img")) == 5
    assert page.all("script") == []
    assert [a for a in page.all("div") if "data-live" in a] == []


def test_the_page_has_every_figure_and_is_small(text: str) -> None:
    images = Page(text).all("img")
    assert len(images) == 5
    for image in images:
        data = base64.b64decode((image["src"] or "").split(",", 1)[1])
        assert data.startswith(b"\x89PNG")
        size = [int.from_bytes(data[k : k + 4], "big") for k in (16, 20)]
        assert size == [int(image["width"] or 0), int(image["height"] or 0)]
    assert len(text.encode()) < 5_000_000


def test_the_verdict_comes_first_and_everything_assumed_is_listed(text: str) -> None:
    made, shown = deployment(), Page(text).text
    assert shown.index("eployable") < shown.index("Runs and outputs") < shown.index("Fidelity by layer")
    for listed in (*made.assumptions, *made.assumed_figures, *made.not_checked, made.command):
        assert listed in shown
    assert "hidden.v_wrapped" in shown
    for name, version in made.versions.items():
        assert f"{name} {version}" in shown


def test_conversions_are_shown_worst_first(text: str) -> None:
    shown = Page(text).text
    table = shown[shown.index("Conversion, worst first") :]
    assert table.index("[3, 7]") < table.index("409") < table.index("256 << 6")


def test_names_from_files_are_escaped(hostile: str) -> None:
    page = Page(hostile)
    assert len(page.all("script")) == 3
    assert len(scripts(hostile)) == 2
    assert all((a["src"] or "").startswith("data:image/png") for a in page.all("img"))
    assert not [a for _, a in page.elements if any(key.startswith("on") for key in a)]
    assert "{{ 7 * 7 }}" in page.text
    assert HOSTILE[0] in page.text


def test_a_deployment_with_nothing_in_it_still_has_a_page() -> None:
    empty = deployment(
        chip=None, runs=(), agreements=(), bit_equality=(), table=replace(TABLE, rows=()), versions={}, command=""
    )
    page = Page(render(empty))
    assert "conversion was refused" in page.text
    assert not page.all("img")


def test_one_run_alone_has_a_page() -> None:
    made = deployment()
    page = Page(render(replace(made, runs=made.runs[:1], agreements=())))
    assert "Nothing was compared" in page.text


def test_a_mismatch_is_shown_with_its_place() -> None:
    made = deployment()
    raw = made.runs[1].raw
    assert raw is not None
    changed = {key: a.copy() for key, a in raw.states.items()}
    changed["hidden", "v"][1, 20, 3] += 1
    pair: BitEquality = replace(made.bit_equality[0], states=equal_states(raw, replace(raw, states=changed)))
    shown = Page(render(replace(made, chip=None, agreements=(), bit_equality=(pair,)))).text
    assert "1 values differ" in shown
    assert "sample 1, step 20, neuron 3" in shown


def test_both_files_are_written_into_a_new_directory(tmp_path: Path) -> None:
    page = write_report(small(), tmp_path / "a" / "b")
    assert page == tmp_path / "a" / "b" / "report.html"
    assert sorted(p.name for p in page.parent.iterdir()) == ["report.html", "report.json"]
    assert json.loads((page.parent / "report.json").read_text(encoding="utf-8"))["source"] == "hand_made.nir"


def small(**changes: Any) -> Deployment:
    """Nothing to draw: these tests are about files."""
    return deployment(**({"runs": (), "agreements": (), "bit_equality": (), "chip": None} | changes))


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_way_of_the_directory_is_one_line(tmp_path: Path, below: str) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OutputError, match="taken") as caught:
        write_report(small(), tmp_path / "taken" / below)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize("name", ["report.html", "report.json"])
def test_nothing_is_half_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(OutputError):
        write_report(small(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_failed_write_keeps_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(small(), tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError, match="No space left"):
        write_report(small(seed=99), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_measured_rows_have_the_agreed_form(tmp_path: Path) -> None:
    rows = [MeasuredRow("spikes", 4, "", 4, True), MeasuredRow("v RMS", float("nan"), "V", 1e-3, False)]
    path = write_rows(tmp_path / "rows.json", "verify", rows, {"neuroalign": "0.1.0"}, 7)
    assert json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail) == {
        "command": "verify",
        "versions": {"neuroalign": "0.1.0"},
        "seed": 7,
        "rows": [
            {"case": "spikes", "measured": 4, "unit": "", "bar": 4, "passed": True},
            {"case": "v RMS", "measured": None, "unit": "V", "bar": 1e-3, "passed": False},
        ],
    }


def test_measured_rows_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="rows"):
        write_rows(tmp_path / "absent" / "rows.json", "verify", [], {}, None)
