"""A headless Chromium, where one is installed, and what a page said and asked for in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")


@contextmanager
def headless() -> Iterator[Any]:
    """The browser, driven by Playwright; the test is skipped where either is missing."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install 'neuroalign[browser]'"
    )
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is installed, such as by apt-get install chromium-headless-shell")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Visit:
    """A page in the browser, and all it said and asked for."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(url)

    def _dialog(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    @property
    def errors(self) -> list[str]:
        """Errors and warnings of the console, and dialogs."""
        return [line for line in self.said if line.split(":")[0] in ("error", "warning", "dialog")]

    @property
    def external(self) -> list[str]:
        """Requests for anything but files here and what lies in the page."""
        return [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]


def violations(page: Any) -> list[str]:
    """What axe-core, the engine that accessibility checks use, finds wrong with the page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
    return [f"{v['id']}: {n['html'][:160]}" for v in found.response["violations"] for n in v["nodes"][:3]]


def axe_script() -> Path:
    """Where axe-core lies."""
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    return next(Path(package.__file__).parent.rglob("axe.min.js"))
