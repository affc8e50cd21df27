"""The page as a document: without scripts, on a phone, in the dark, on paper, by keyboard, and with hostile names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from perfdb.api import open_history
from perfdb.report.cells import printable
from perfdb.report.html import page_html
from perfdb.report.html.scripts import policy
from tests.browser.conftest import Look
from tests.browser.histories import HOSTILE, NEW, OLD, QUOTES, SCRIPT, TURNED, hostile_history

VIEWS = ("flame", "functions", "butterfly")
SLOWER_DARK, SURFACE_DARK, SURFACE_LIGHT = "rgb(255, 157, 102)", "rgb(20, 22, 26)", "rgb(255, 255, 255)"


def surface(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def too_wide(page: Page) -> list[str]:
    """What stands out of the window to the right and does not scroll in a box of its own."""
    found: list[str] = page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
        [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
            .map((each) => `${each.tagName}.${each.className}`)"""
    )
    return found


def test_without_scripts_the_findings_can_be_read(look: Look, two: str, screenshot: Callable[..., None]) -> None:
    page = look.at(two, java_script_enabled=False)

    assert "aaaaaaaaaa → bbbbbbbbbb" == page.get_by_role("heading", level=1).inner_text()
    assert "2 of 2 examples" in page.locator(".answer").inner_text()
    expect(page.get_by_role("heading", name="Impact")).to_be_visible()
    ledger = page.locator("table.ledger").first
    assert {"improved", "regressed", "new"} <= set(ledger.locator("tbody th").all_inner_texts())
    expect(page.locator("#explore")).to_be_hidden()
    screenshot(page, "no-scripts", full_page=True)


def test_the_ledger_adds_up(look: Look, two: str) -> None:
    page = look.at(two, java_script_enabled=False)

    for ledger in page.locator("table.ledger").all():
        for column in range(1, 5):
            cells = ledger.locator(f"tbody tr > :nth-child({column + 1})").all_inner_texts()
            total = ledger.locator(f"tfoot tr > :nth-child({column + 1})").inner_text()
            values = [float(text.replace(",", "")) for text in cells]
            assert float(total.replace(",", "")) == pytest.approx(sum(values), abs=0.05 * len(values) + 0.01)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_nothing_stands_out_of_the_window(
    look: Look, one: str, two: str, width: int, scheme: str, screenshot: Callable[..., None]
) -> None:
    for name, text in (("one", one), ("two", two)):
        page = look.at(text, "#example=simple", width=width, color_scheme=scheme)
        for view in VIEWS:
            page.locator(f"#tab-{view}").click()
            page.locator(f"#view-{view} > *").first.wait_for()
            assert (name, view, []) == (name, view, too_wide(page))
            screenshot(page, f"{name}-{view}", full_page=True)
        assert surface(page) == (SURFACE_DARK if scheme == "dark" else SURFACE_LIGHT)


def test_light_and_dark_at_the_press_of_a_button(look: Look, one: str) -> None:
    page = look.at(one, color_scheme="light")

    page.get_by_role("button", name="Dark colours").click()
    assert SURFACE_DARK == surface(page)
    page.reload()
    assert SURFACE_DARK == surface(page)
    page.get_by_role("button", name="Light colours").click()
    assert SURFACE_LIGHT == surface(page)


def test_on_paper_there_are_tables_and_no_knobs(look: Look, two: str, screenshot: Callable[..., None]) -> None:
    page = look.at(two, "#example=simple&view=functions", color_scheme="dark")

    page.emulate_media(media="print")
    assert SURFACE_LIGHT == surface(page)
    for hidden in (".top", ".tabs", "#view-functions .toolbar"):
        expect(page.locator(hidden)).to_be_hidden()
    for shown in ("table.ledger", ".report", "#view-functions table", "#runs"):
        expect(page.locator(shown).first).to_be_visible()
    screenshot(page, "print", full_page=True)
    assert page.pdf()[:4] == b"%PDF"


def test_headings_are_in_order(look: Look, two: str) -> None:
    page = look.at(two, "#view=butterfly")

    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((each) => +each.tagName[1])")
    assert 1 == levels[0] == levels.count(1)
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_all_can_be_reached_by_keyboard(look: Look, two: str) -> None:
    page = look.at(two, "#example=simple")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the findings")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()

    page.locator("#tab-flame").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Functions")).to_be_focused()
    expect(page.get_by_role("tab", name="Functions")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Tab")
    page.keyboard.type("insert")
    expect(page.locator("#view-functions tbody tr")).to_have_count(1)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('tbody .link')"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert "solid" == outline
    page.keyboard.press("Enter")
    expect(page.locator(".function-name")).to_have_text("kuzu.dll!kuzu::Table::insert")
    expect(page.locator(".function-name")).to_be_focused()
    page.go_back()
    expect(page.get_by_role("tab", name="Functions")).to_have_attribute("aria-selected", "true")


def test_names_that_mean_harm_are_text(look: Look, tmp_path: Path, screenshot: Callable[..., None]) -> None:
    hostile_history(tmp_path / "hostile.duckdb")
    history = open_history(tmp_path / "hostile.duckdb", cwd=tmp_path)
    content = history.page(NEW, OLD, targets=(SCRIPT,))

    page = look.at(page_html(content), "#view=functions", width=390)
    names = page.locator("#view-functions tbody th .item").all_text_contents()
    assert {f"a.dll!{printable(name)}" for name in HOSTILE} <= set(names)
    assert f"{SCRIPT}!{QUOTES}" in names
    assert [] == too_wide(page)
    screenshot(page, "functions", full_page=True)
    page.locator("#view-functions .link", has_text="std::map").first.click()
    assert f"{SCRIPT}!{QUOTES}" in page.locator(".callers tbody th").all_text_contents()
    assert [] == too_wide(page)
    screenshot(page, "butterfly")
    page.locator("#tab-flame").click()
    page.get_by_role("searchbox", name="Search the flame graph").fill("onerror=")
    expect(page.locator("#view-flame output")).to_contain_text("matched 100.0 %")
    assert [f'{SCRIPT} " {printable(TURNED)}'] == page.locator("#example option").all_text_contents()
    assert SCRIPT in page.locator(".sides").inner_text()
    assert 0 == page.locator("img").count()
    assert 0 == page.locator("b", has_text="hi").count()
    assert TURNED[4] not in page.content()


@contextmanager
def served(text: str) -> Iterator[str]:
    """The page over HTTP, under a header that is as strict as its own policy."""
    body = text.encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", f"{policy()}; require-trusted-types-for 'script'")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_server_with_a_strict_policy_shows_it_too(look: Look, two: str) -> None:
    with served(two) as url:
        page = look.url(url, "#example=simple&view=functions&filter=insert")
        page.locator("#view-functions .link").first.click()
        expect(page.locator(".function-name")).to_have_text("kuzu.dll!kuzu::Table::insert")
        page.locator("#tab-flame").click()
        expect(page.locator("canvas")).to_be_visible()
        look.close()
