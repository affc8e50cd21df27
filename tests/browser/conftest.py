"""Pages in a real browser: Chromium, driven by Playwright, with everything noted that a page must not do."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Dialog, Page, Request, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from perfdb.api import History, open_history
from perfdb.report.html import page_html
from tests.browser.histories import LIBRARY, NEW, OLD, made_history
from tests.npm import missing

# Looked up before the tests' own environment takes over.
CHROMIUM = os.environ.get("PERFDB_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SCREENSHOTS = os.environ.get("PERFDB_SCREENSHOTS")
"""The folder that keeps pictures of what tests saw; without one they go where the test's other files are."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: PERFDB_CHROMIUM, else what is on the path, else what Playwright finds of Chrome; skips without one."""
    with sync_playwright() as playwright:
        opened = _launched(playwright.chromium)
        yield opened
        opened.close()


def _launched(chromium: BrowserType) -> Browser:
    where: dict[str, Any] = {"executable_path": CHROMIUM} if CHROMIUM else {"channel": "chrome"}
    try:
        return chromium.launch(args=["--no-sandbox"], **where)
    except PlaywrightError as problem:
        missing(f"needs Chromium: none is on the path, and PERFDB_CHROMIUM names none ({str(problem).splitlines()[0]})")


@dataclass
class Look:
    """Opens pages as a reader does, and keeps what they ask for, say to the console, and throw."""

    browser: Browser
    folder: Path
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def at(self, html: str | Path, fragment: str = "", width: int = 1280, **context: Any) -> Page:
        """A page in a window of its own, by its text or file, once its scripts have run; `context` as in Playwright."""
        if isinstance(html, str):
            path = self.folder / f"page-{len(self.opened)}.html"
            path.write_text(html, encoding="utf-8", newline="\n")
        else:
            path = html
        return self.url(path.as_uri(), fragment, width, **context)

    def url(self, url: str, fragment: str = "", width: int = 1280, **context: Any) -> Page:
        """The same by its address."""
        tab = self.browser.new_context(viewport={"width": width, "height": 900}, **context).new_page()
        tab.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        tab.on("dialog", self._refuse)
        tab.on("request", self._note)
        self.opened.append(url)
        tab.goto(f"{url}{fragment}")
        if context.get("java_script_enabled", True):
            tab.wait_for_selector("[role=tabpanel]:not([hidden]) > *")
        return tab

    def _refuse(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note(self, request: Request) -> None:
        self.requests.append(request.url.partition("#")[0])

    def close(self) -> None:
        for context in self.browser.contexts:
            context.close()


@pytest.fixture
def look(browser: Browser, tmp_path: Path) -> Iterator[Look]:
    """Opens pages, and in the end says that they asked for nothing but themselves and that nothing went wrong."""
    looking = Look(browser, tmp_path)
    yield looking
    looking.close()

    assert [] == looking.complaints
    assert set(looking.opened) == set(looking.requests)


@pytest.fixture
def screenshot(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Takes a picture, for people to look at."""

    def take(page: Page, name: str, full_page: bool = False) -> None:
        folder = Path(SCREENSHOTS or tmp_path)
        folder.mkdir(parents=True, exist_ok=True)
        test = re.sub(r"\W+", "-", request.node.name.removeprefix("test_"))
        page.screenshot(path=folder / f"{test}-{name}.png", full_page=full_page)

    return take


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Two commits of two examples, three runs each; see `made_history`."""
    folder = tmp_path_factory.mktemp("history")
    made_history(folder / "h.duckdb")
    return open_history(folder / "h.duckdb", cwd=folder)


@pytest.fixture(scope="session")
def one(history: History) -> str:
    """The page on the new commit."""
    return page_html(history.page(NEW))


@pytest.fixture(scope="session")
def two(history: History) -> str:
    """The page on both, with the impact on the library."""
    return page_html(history.page(NEW, OLD, targets=(LIBRARY,)))
