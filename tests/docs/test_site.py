"""The site: every page is in its navigation, what is made from the code says what the code says, and it loads cleanly."""

from __future__ import annotations

import ast
import functools
import http.server
import importlib.util
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from browser_pages import Visit, headless, violations
from docs_commands import ROOT

import neuroalign
from neuroalign.profile import available_profiles, load_profile
from neuroalign.profile.provenance import assumed
from neuroalign.rules import RULES

DOCS = ROOT / "docs"
SITE = ROOT / "build" / "site"
SCRIPTS = sorted((DOCS / "gallery").glob("*.py"))


def load_hook() -> Any:
    spec = importlib.util.spec_from_file_location("site_pages", DOCS / "hooks" / "site_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hook = load_hook()


def navigated(part: Any) -> Iterator[str]:
    """Pages of a part of the navigation."""
    if isinstance(part, str):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from navigated(inner)


def test_every_page_is_in_the_navigation() -> None:
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"gallery/README.md"}
    made = {"rules/index.md", "gallery/index.md", "api/index.md"}
    made |= {f"rules/{name}.md" for name in RULES} | {f"gallery/{script.stem}.md" for script in SCRIPTS}
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert set(navigated(yaml.safe_load(text)["nav"])) == written | made


def anchors_of(text: str) -> set[str]:
    """What a link into a page may name: its headings as MkDocs and GitHub call them, and anchors of its own."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    headings = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line) for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE))
    slugs = {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)"', text))


def made_by_the_hook(target: str) -> bool:
    return re.fullmatch(r"(\.\./)*rules/[\w-]+\.md", target) is not None


def test_links_between_pages_lead_somewhere() -> None:
    """Pages, and anchors in them; README.md and CHANGELOG.md too."""
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")):
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", text):
            if "://" in target or made_by_the_hook(target):
                stem = Path(target).stem
                assert not target.startswith("rules/") or stem == "index" or stem in RULES, target
                continue
            there = page.parent / target if target else page
            assert there.exists(), f"{page.name}: {target}"
            if anchor and there.suffix == ".md":
                assert anchor in anchors_of(there.read_text(encoding="utf-8")), f"{page.name}: {target}#{anchor}"


def test_links_to_the_gallery_lead_to_scripts_in_the_repository_and_to_pages_on_the_site() -> None:
    shown = hook.to_made_pages("[a](gallery/01_torch_network.py), [b](../gallery/README.md), [c](gallery.py)")
    assert shown == "[a](gallery/01_torch_network.md), [b](../gallery/index.md), [c](gallery.py)"
    linked = re.findall(r"\]\((gallery/[^)]*)\)", "".join(page.read_text("utf-8") for page in DOCS.glob("*.md")))
    assert linked
    assert all((DOCS / target).exists() and target != hook.to_made_pages(f"]({target})")[2:-1] for target in linked)


def test_the_gallery_is_listed_in_the_repository() -> None:
    listed = (DOCS / "gallery" / "README.md").read_text(encoding="utf-8")
    for script in SCRIPTS:
        assert f"| [{script.name}]({script.name}) | {hook.title_and_text(script)[0]} |" in listed
    assert "docs/gallery/README.md" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_word_of_the_glossary_is_known_to_the_site() -> None:
    text, words = (DOCS / "glossary.md").read_text(encoding="utf-8"), hook.glossary()
    assert {anchor for anchor, _ in words.values()} == set(re.findall(r'<a id="([^"]+)"', text))
    for word in ("compartment", "axon", "tag", "learning epoch", "microcode", "mantissa", "exponent", "carry form"):
        assert words[word][1].strip(), word
        assert not re.search(r"\]\(|[`*]", words[word][1])


def test_only_the_first_use_in_running_text_becomes_a_link() -> None:
    words = {"axon": ("axon", 'a "route"'), "mantissa": ("m", "digits"), "exponent": ("m", "digits")}
    said = hook.with_words(
        "<h2>axon</h2><p><code>axon</code> two axons, an axon, taxon, <a href='x'>mantissa</a> exponent mantissa</p>",
        "glossary.html",
        words,
    )
    link = '<a class="word" href="glossary.html#axon" title="a &quot;route&quot;">axons</a>'
    assert f"<code>axon</code> two {link}, an axon, taxon" in said
    assert said.endswith('<a class="word" href="glossary.html#m" title="digits">exponent</a> mantissa</p>')
    assert said.startswith("<h2>axon</h2>")


def test_roles_of_docstrings_are_plain_code() -> None:
    assert hook.without_roles("see :func:<code>~a.b.name</code>") == "see <code>name</code>"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_of_the_gallery_ends_in_its_picture(script: Path) -> None:
    """``make docs`` runs them, and fails where one does."""
    last = ast.parse(script.read_text(encoding="utf-8")).body[-1]
    assert ast.unparse(last).startswith(f"figure.savefig('{script.stem}.png'")
    title, text = hook.title_and_text(script)
    assert title
    assert text
    assert title in hook.gallery_index()


def test_a_script_that_fails_or_leaves_no_picture_is_an_error(tmp_path: Path) -> None:
    for name, code, told in (("bad", "raise ValueError('no luck')", "no luck"), ("idle", "x = 1", "no picture")):
        (tmp_path / f"{name}.py").write_text(f'"""Nothing."""\n{code}\n')
        with pytest.raises(RuntimeError, match=told):
            hook.run_script(tmp_path / f"{name}.py", tmp_path / "pictures")


def test_the_page_of_a_rule_says_what_the_rule_is() -> None:
    page, rule = hook.rule_page("stdwi", pictured=True), RULES["stdwi"]()
    for said in (rule.title, rule.equation, rule.source, "## On loihi2", "dw = u4*", "![Weights of stdwi", "## Limits"):
        assert said in page
    for symbol, meaning, _ in rule.symbols:
        assert symbol in page
        assert meaning in page


def test_the_page_of_a_rule_that_a_chip_refuses_says_why() -> None:
    pages = [hook.rule_page(name) for name in RULES]
    assert all("```text" in page.split("## On loihi2")[1] or "Refused: " in page for page in pages)
    assert all(f"]({name}.md)" in hook.rules_index() for name in RULES)


def test_the_page_of_what_is_assumed_is_what_the_profiles_say(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        (DOCS / "assumed.md").write_text(hook.assumed_page(), encoding="utf-8")
    told = "docs/assumed.md is not what the profiles say: pytest tests/docs/test_site.py --update-golden"
    assert (DOCS / "assumed.md").read_text(encoding="utf-8") == hook.assumed_page(), told


def test_every_public_name_is_on_the_page_of_public_names() -> None:
    page = hook.public_names()
    for name in set(neuroalign.__all__) - {"__version__"}:
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert ">>> import neuroalign" in section


def test_what_is_assumed_is_listed() -> None:
    page = hook.assumed_page()
    for name in available_profiles():
        section = page.split(f"## {name}\n")[1].split("\n## ")[0]
        for path in assumed(load_profile(name)):
            assert f"`{path}`" in section


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The built site, served."""
    if not (SITE / "index.html").exists():
        pytest.skip("the site is not built: make docs")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_site_loads_without_errors_and_asks_for_nothing_elsewhere(site: str) -> None:
    with headless() as browser, browser.new_page() as page:
        for name in ("index.html", "rules/stdwi.html", "gallery/04_carry.html", "api/deploy.html", "assumed.html"):
            visit = Visit(page, f"{site}/{name}")
            page.wait_for_load_state("networkidle")
            assert visit.errors == []
            assert [url for url in visit.external if not url.startswith(site)] == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            broken = page.eval_on_selector_all("img", "all => all.filter(i => !i.naturalWidth).map(i => i.src)")
            assert broken == []


def test_axe_finds_nothing_serious_on_the_first_page(site: str) -> None:
    with headless() as browser, browser.new_page() as page:
        page.goto(f"{site}/index.html")
        assert [v for v in violations(page) if v.startswith(("image-alt", "document-title", "html-has-lang"))] == []
