"""The flame graph on a page: its knobs, its search, and the way to the butterfly."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from perfdb.api import History
from tests.browser.conftest import Look
from tests.browser.histories import NEW, OLD
from tests.browser.test_functions import told


def pixels(page: Page) -> str:
    """The picture as it is drawn."""
    page.wait_for_timeout(400)
    return str(page.locator("canvas").evaluate("canvas => canvas.toDataURL()"))


def test_a_search_says_what_share_it_matched(
    look: Look, two: str, history: History, screenshot: Callable[..., None]
) -> None:
    page = look.at(two, "#example=simple")

    page.get_by_role("searchbox", name="Search the flame graph").press_sequentially("table::insert")
    shares = []
    for commit in (OLD, NEW):
        costs = told(history, commit, "simple")
        total = sum(each[0] for each in costs.values())
        shares.append(f"{costs['kuzu.dll!kuzu::Table::insert'][1] / total * 100:.1f} %")
    expect(page.locator("#view-flame output")).to_have_text(
        f"matched {shares[0]} of aaaaaaaaaa, {shares[1]} of bbbbbbbbbb"
    )
    screenshot(page, "searched")


def test_zooming_in_and_out_again(look: Look, one: str) -> None:
    page = look.at(one, "#example=simple")
    whole = pixels(page)

    page.locator("canvas").click(position={"x": 60, "y": 70})
    zoomed = pixels(page)
    assert whole != zoomed
    page.get_by_role("button", name="Show all").click()
    page.mouse.move(5, 5)
    page.locator("canvas").evaluate("canvas => canvas.blur()")
    assert whole == pixels(page)


def test_knobs_stay_in_the_link(look: Look, two: str) -> None:
    page = look.at(two, "#example=simple")

    page.get_by_role("button", name="leaf first").click()
    page.get_by_role("button", name="contender").click()
    expect(page.locator(".flame-width")).to_contain_text("of bbbbbbbbbb")
    page.reload()
    expect(page.get_by_role("button", name="leaf first")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="contender")).to_have_attribute("aria-pressed", "true")


def test_keys_walk_the_graph_and_open_the_butterfly(look: Look, one: str) -> None:
    page = look.at(one, "#example=simple")
    page.locator("canvas").focus()

    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(page.locator(".flame-said")).to_contain_text("app.exe!App::load")
    page.keyboard.press("b")
    expect(page.locator(".function-name")).to_have_text("app.exe!App::load")
    page.go_back()
    expect(page.locator("canvas")).to_be_visible()


def test_the_graph_is_there_to_be_measured(look: Look, one: str) -> None:
    page = look.at(one, "#example=simple")

    assert page.evaluate("typeof window.perfdb.flame.measure") == "function"
