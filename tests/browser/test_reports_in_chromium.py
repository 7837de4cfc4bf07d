"""Reports in a headless Chromium: no error, no request, every figure alive, values under the pointer, keys, print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser_pages import Visit, headless, violations
from hand_made import deployment
from small_chips import chip, neurons, spikes_at, wire

from neuroalign.deployment import Placed, placed
from neuroalign.export.report import write_report
from neuroalign.export.rule_report import write_rule_report
from neuroalign.placement import HOST
from neuroalign.profile import load_profile
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.rule_check import CheckOptions, check_rule
from neuroalign.rules import stdwi
from neuroalign.sim.emulator import Emulator
from neuroalign.sim.norse_reference.backend import NorseReference

HOSTILE = ('<img src=x onerror="alert(1)">', "$$\\frac{1}{0}$$ @t{safe} {{7*7}}", "</script><script>alert(1)</script>")
LIVE = ["outputs", "errors", "weights", "rasters", "membranes"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with headless() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(deployment(), tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def visit(chromium: Any, report: Path) -> Iterator[Visit]:
    with chromium.new_page(viewport={"width": 1280, "height": 900}) as page:
        yield visited(page, report)


def visited(page: Any, path: Path) -> Visit:
    """The page with its figures alive."""
    visit = Visit(page, path.as_uri())
    page.wait_for_selector("html[data-figures=live]", state="attached")
    return visit


def axis(page: Any, key: str) -> list[float]:
    """Start and end of the axis that the figure's keys move."""
    found: list[float] = page.evaluate(
        """key => {
            const place = document.querySelector(`[data-live="${key}"]`);
            const range = Bokeh.documents.map(d => d.get_model_by_id(place.dataset.range)).find(Boolean);
            return [range.start, range.end];
        }""",
        key,
    )
    return found


def test_it_loads_without_errors_and_asks_for_nothing(visit: Visit) -> None:
    assert visit.errors == []
    assert visit.external == []
    assert len(visit.asked) == 1


def test_every_figure_is_there_once(visit: Visit) -> None:
    places = visit.page.query_selector_all("[data-live]")
    assert [p.get_attribute("data-live") for p in places] == LIVE
    for place in places:
        assert place.bounding_box()["height"] > 100
    shown = [image.is_visible() for image in visit.page.query_selector_all("figure img")]
    assert shown == [False] * 5  # each live figure stands in the place of its still one


def test_axe_finds_nothing(visit: Visit) -> None:
    assert violations(visit.page) == []


def test_the_pointer_shows_values(visit: Visit) -> None:
    page = visit.page
    place = page.locator("[data-live=membranes]")
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 140)
    tip = page.locator(".bk-tooltip-content").first
    tip.wait_for()
    said = tip.inner_text()
    assert "loihi2 emulator" in said
    assert "ideal" in said
    assert " V" in said


def told_at(page: Any, key: str, x: float, y: float) -> str:
    """What the pointer shows at a place of a figure, in shares of its size."""
    place = page.locator(f"[data-live={key}]")
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    shown = page.locator(".bk-tooltip-content:visible")
    shown.first.wait_for(timeout=8000)
    return " ".join(shown.all_inner_texts())


def test_the_pointer_shows_decisions_and_errors(visit: Visit) -> None:
    made = deployment()
    main = next(a for a in made.agreements if a.reference == made.reference)
    said = told_at(visit.page, "outputs", 0.3, 0.25)
    assert main.reference in said
    assert "accuracy" in said
    assert f"{made.stimulus.samples}" in said
    share = main.populations[1].membrane
    assert share is not None
    assert share.rms_share is not None
    assert f"{100 * share.rms_share:.4g}%" in told_at(visit.page, "errors", 0.6, 0.68)


def on_four_cores() -> Placed:
    """Four neurons that spike at once, back into each other, on cores of one neuron each."""
    network = chip(
        [neurons("a", 4, threshold=10)],
        [wire("in", "a", np.full((4, 3), 100)), wire("a", "a", 2 * np.eye(4))],
        3,
    )
    stimulus = spikes_at(6, {0: [1, 0, 1], 2: [0, 1, 0]}, channels=3)
    run = Emulator().run(network, stimulus, [("a", state) for state in "suva"], implementation="reference")
    whole = load_profile("loihi1")
    return placed(network, replace(whole, core=replace(whole.core, neurons_max=1)), run, stimulus)


def test_the_pointer_shows_cores_and_their_messages(chromium: Any, tmp_path: Path) -> None:
    lies = on_four_cores()
    with chromium.new_page(viewport={"width": 1280, "height": 900}) as page:
        visit = visited(page, write_report(deployment(placed=lies), tmp_path))
        shown = [p.get_attribute("data-live") for p in page.query_selector_all("[data-live]")]
        assert shown[-2:] == ["cores", "traffic"]
        assert violations(page) == []
        said = told_at(page, "cores", 0.25, 0.3)
        assert f"{lies.placement.cores[0].slices[0]}" in said
        assert "0 on chip 0" in said
        said = told_at(page, "traffic", 0.15, 0.14)  # the first row and column: from outside to core 0
        to_first = lies.placement.traffic.spikes[
            (lies.placement.traffic.source == HOST) & (lies.placement.traffic.target == 0)
        ]
        assert "outside" in said
        assert f"{to_first.sum():.3f}".rstrip("0") in said
        assert visit.errors == []


@pytest.mark.parametrize("width", [390, 1366])
def test_no_screen_is_too_narrow(chromium: Any, report: Path, width: int) -> None:
    with chromium.new_page(viewport={"width": width, "height": 844}) as page:
        visited(page, report)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_keys_zoom_and_go_back(visit: Visit) -> None:
    page, place = visit.page, visit.page.locator("[data-live=rasters]")
    place.focus()
    start, end = axis(page, "rasters")
    page.keyboard.press("+")
    closer = axis(page, "rasters")
    assert closer == pytest.approx([start + (end - start) / 4, end - (end - start) / 4])
    page.keyboard.press("ArrowRight")
    assert axis(page, "rasters")[0] > closer[0]
    page.keyboard.press("0")
    assert axis(page, "rasters") == [start, end]


def test_dragging_zooms(visit: Visit) -> None:
    page, place = visit.page, visit.page.locator("[data-live=membranes]")
    before = axis(page, "membranes")
    place.locator(".bk-OnOffButton[title*='Box Zoom'], .bk-tool-icon-box-zoom").first.click()
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 180, steps=4)
    page.mouse.up()
    page.wait_for_timeout(100)
    after = axis(page, "membranes")
    assert after[0] > before[0]
    assert after[1] < before[1]


def test_tabs_reach_everything_in_reading_order(visit: Visit) -> None:
    page = visit.page
    page.reload()
    page.wait_for_selector("html[data-figures=live]", state="attached")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen: list[str] = []
    while "membranes" not in seen and len(seen) < 80:
        page.keyboard.press("Tab")
        seen.append(page.evaluate("(e => e.dataset.live ?? e.getAttribute('href') ?? '')(document.activeElement)"))
    assert seen[0] == "#runs"
    assert [key for key in dict.fromkeys(seen) if key in LIVE] == LIVE


def test_print_has_the_still_figures(visit: Visit) -> None:
    visit.page.emulate_media(media="print")
    assert all(image.is_visible() for image in visit.page.query_selector_all("figure img"))
    assert not any(place.is_visible() for place in visit.page.query_selector_all("[data-live]"))
    assert len(visit.page.pdf()) > 10_000
    visit.page.emulate_media(media="screen")


def test_without_scripts_the_figures_are_still(chromium: Any, report: Path) -> None:
    with chromium.new_page(java_script_enabled=False) as page:
        visit = Visit(page, report.as_uri())
        assert all(image.is_visible() for image in page.query_selector_all("figure img"))
        assert visit.external == []


def test_names_from_files_are_shown_and_do_nothing(chromium: Any, tmp_path: Path) -> None:
    made = deployment(names=HOSTILE, source=HOSTILE[0], command=HOSTILE[2])
    with chromium.new_page(viewport={"width": 1280, "height": 900}) as page:
        visit = visited(page, write_report(made, tmp_path))
        box = page.locator("[data-live=membranes]").bounding_box()
        page.locator("[data-live=membranes]").scroll_into_view_if_needed()
        page.mouse.move(box["x"] + 0.4 * box["width"], 400)
        assert visit.errors == []
        assert visit.external == []
        assert len(page.query_selector_all("figure img")) == 5
        assert HOSTILE[0] in page.inner_text("h1")


def test_the_report_of_a_rule_lives_too(chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NorseReference, "missing", lambda self: "not loaded here, to save time")
    check = check_rule(stdwi(), load_profile("loihi2"), RuleChoices(), CheckOptions(("emulator",), 200))
    with chromium.new_page() as page:
        visit = visited(page, write_rule_report(check, tmp_path))
        assert visit.errors == []
        assert visit.external == []
        assert page.locator("[data-live=learning]").bounding_box()["height"] > 100
        assert violations(page) == []
