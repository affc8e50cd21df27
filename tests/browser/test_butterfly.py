"""The butterfly: one walks on by clicking, and back with the browser; a place is a link."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from perfdb.api import History, open_history
from perfdb.report.html import page_html
from tests.browser.conftest import Look
from tests.browser.histories import NEW, OLD, RUNS, pathless_history
from tests.browser.test_functions import number, told


def here(page: Page) -> str:
    return page.locator(".function-name").inner_text()


def wing(page: Page, side: str) -> dict[str, list[str]]:
    """The rows of `callers` or `callees`: name, then figures."""
    rows = page.locator(f".{side} tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}


def pick(page: Page, name: str) -> None:
    page.locator("[role=tabpanel]:not([hidden]) button.link", has_text=name).first.click()
    expect(page.locator(".function-name")).to_contain_text(name)


def test_walking_from_the_table_to_callers_and_callees(look: Look, one: str, screenshot: Callable[..., None]) -> None:
    page = look.at(one, "#example=simple&view=functions&filter=load")

    pick(page, "App::load")
    assert {"app.exe!main"} == wing(page, "callers").keys()
    assert {"kuzu.dll!kuzu::Table::insert", "app.exe!parse", "arrow.dll!arrow::Builder::resize"} == wing(
        page, "callees"
    ).keys()
    screenshot(page, "load")
    pick(page, "Table::insert")
    assert {"ntdll.dll!alloc", "(itself: exclusive)"} == wing(page, "callees").keys()
    pick(page, "alloc")
    assert {"kuzu.dll!kuzu::Table::insert", "app.exe!parse"} == wing(page, "callers").keys()


def test_the_browsers_buttons_walk_too(look: Look, one: str) -> None:
    page = look.at(one, "#example=simple&view=functions&filter=load")
    pick(page, "App::load")
    pick(page, "Table::insert")

    page.go_back()
    expect(page.locator(".function-name")).to_have_text("app.exe!App::load")
    page.go_back()
    expect(page.get_by_role("tab", name="Functions")).to_have_attribute("aria-selected", "true")
    page.go_forward()
    page.go_forward()
    expect(page.locator(".function-name")).to_have_text("kuzu.dll!kuzu::Table::insert")


def test_a_place_outlives_a_reload_and_the_page_itself(look: Look, one: str, history: History) -> None:
    page = look.at(one, "#example=templates&view=functions")
    pick(page, "Table::insert")
    place = page.evaluate("location.hash")

    page.reload()
    expect(page.locator(".function-name")).to_have_text("kuzu.dll!kuzu::Table::insert")
    assert "templates" == page.locator("#example").input_value()
    older = look.at(page_html(history.page(OLD)), place)
    assert "kuzu.dll!kuzu::Table::insert" == here(older)


def test_a_function_that_is_not_there_is_said(look: Look, one: str) -> None:
    page = look.at(one, "#example=simple&view=butterfly&function=nosuchthing")

    expect(page.get_by_role("status").first).to_contain_text("not in this example")
    expect(page.locator(".function-name")).not_to_be_empty()


def test_an_example_that_is_not_there_is_said(look: Look, one: str) -> None:
    page = look.at(one, "#example=gone&view=functions")

    expect(page.get_by_role("status").first).to_contain_text("no example “gone”")


def test_without_recursion_both_wings_add_up(look: Look, two: str, history: History) -> None:
    page = look.at(two, "#example=simple&view=functions&filter=insert")
    pick(page, "Table::insert")

    for side, commit in enumerate((OLD, NEW)):
        _, inclusive, _, _ = told(history, commit, "simple")["kuzu.dll!kuzu::Table::insert"]
        for which in ("callers", "callees"):
            total = sum(number(cells[side]) for cells in wing(page, which).values())
            assert abs(inclusive / RUNS - total) < 0.11  # each is written with one decimal
    deltas = [cells[2] for cells in wing(page, "callers").values()]
    assert deltas[0].startswith("-")


def test_recursion_is_named(look: Look, one: str) -> None:
    page = look.at(one, "#example=simple&view=functions&filter=parse")
    pick(page, "parse")

    assert {"app.exe!App::load", "app.exe!parse (recursion)"} == wing(page, "callers").keys()
    expect(page.locator("#view-butterfly .hint").last).to_contain_text("A sample counts once for each pair")


def test_a_function_is_found_by_its_name(look: Look, two: str) -> None:
    page = look.at(two, "#example=simple&view=butterfly")

    page.get_by_role("searchbox", name="Go to a function").press_sequentially("table insert")
    expect(page.locator(".found li")).to_have_text(["kuzu.dll!kuzu::Table::insert"])
    page.get_by_role("searchbox", name="Go to a function").press("Enter")
    expect(page.locator(".function-name")).to_have_text("kuzu.dll!kuzu::Table::insert")
    page.get_by_role("button", name="Show in flame graph").click()
    expect(page.locator(".flame-said")).to_contain_text("kuzu.dll!kuzu::Table::insert")


def test_without_call_paths_calls_do_and_without_calls_it_is_said(look: Look, tmp_path: Path) -> None:
    pathless_history(tmp_path / "p.duckdb")
    text = page_html(open_history(tmp_path / "p.duckdb", cwd=tmp_path).page(OLD))

    page = look.at(text, "#example=edges")
    expect(page.get_by_role("tab", name="Functions")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#view-functions tbody tr")).to_have_count(3)
    pick(page, "main")
    assert {"app.exe!work": ["8.0", "88.9 %"]}.items() <= wing(page, "callees").items()
    expect(page.locator("#view-butterfly .hint").last).to_contain_text("every occurrence on a stack counts")
    page.get_by_role("tab", name="Flame graph").click()
    expect(page.locator("#view-flame")).to_contain_text("No flame graph: some of these runs have no call paths")

    page = look.at(text, "#example=leaf&view=butterfly")
    expect(page.locator("#view-butterfly")).to_contain_text("No callers and callees")
    page.get_by_role("tab", name="Functions").click()
    expect(page.locator("#view-functions tbody tr")).to_have_count(3)
    assert "-" == page.locator("#view-functions tbody tr").first.locator("td").nth(3).inner_text()

    page = look.at(text, "#example=one&view=flame")
    expect(page.locator("canvas")).to_be_visible()
