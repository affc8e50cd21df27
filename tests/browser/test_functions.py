"""The functions table: what it shows is what the history holds; it sorts and filters."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from perfdb.api import History
from tests.browser.conftest import Look
from tests.browser.histories import MANY, NEW, OLD, RUNS

ROWS = "#view-functions tbody tr"


def column(page: Page, number: int) -> list[str]:
    """The texts of one column of the rows that are written; 1 is the name."""
    return page.locator(f"{ROWS} > :nth-child({number})").all_inner_texts()


def heads(page: Page) -> dict[str, int]:
    """The place of each column, by its group and title."""
    titles = page.locator("#view-functions thead tr:last-child th").all_inner_texts()
    groups = page.locator("#view-functions .groups > *").evaluate_all(
        "cells => cells.flatMap(c => Array(c.colSpan).fill(c.innerText))"
    )
    return {
        f"{group.partition(',')[0]} {title}".strip(): at
        for at, (group, title) in enumerate(zip(groups, titles, strict=True), 1)
    }


def show_all(page: Page) -> None:
    more = page.locator("#view-functions .more")
    while more.is_visible():
        more.click()


def number(text: str) -> float:
    return float(text.replace(",", "").removesuffix(" %"))


def told(history: History, commit: str, example: str) -> dict[str, tuple[int, int, int, int]]:
    """By function: exclusive and inclusive samples and ns over all runs, by the view that users ask."""
    rows = history.run_sql(
        "SELECT module || '!' || function, sum(exclusive_samples)::bigint, sum(inclusive_samples)::bigint, "
        "round(sum(exclusive_ms) * 1e6)::bigint, round(sum(inclusive_ms) * 1e6)::bigint FROM function_cost "
        f"WHERE commit_sha = '{commit}' AND example = '{example}' AND is_main_process GROUP BY 1"
    ).rows
    return {name: (a, b, c, d) for name, a, b, c, d in rows}


def test_a_row_equals_function_cost_to_the_last_sample(look: Look, one: str, history: History) -> None:
    page = look.at(one, "#example=simple&view=functions")
    show_all(page)
    at = heads(page)
    names, samples = column(page, at["function"]), column(page, at["exclusive samples"])
    exclusive, inclusive = column(page, at["exclusive ms"]), column(page, at["inclusive ms"])

    expected = told(history, NEW, "simple")
    assert expected.keys() == set(names)
    for place, name in enumerate(names):
        own_samples, _, own_ns, all_ns = expected[name]
        assert (name, own_samples) == (name, int(number(samples[place])))
        assert (name, f"{own_ns / RUNS / 1e6:,.1f}") == (name, exclusive[place])
        assert (name, f"{all_ns / RUNS / 1e6:,.1f}") == (name, inclusive[place])
    total = page.locator("#view-functions tfoot tr > *").all_inner_texts()
    assert sum(each[0] for each in expected.values()) == int(number(total[at["exclusive samples"] - 1]))


@pytest.mark.parametrize("example", ["simple", "templates"])
def test_both_sides_equal_function_cost(look: Look, two: str, history: History, example: str) -> None:
    page = look.at(two, f"#example={example}&view=functions", width=1500)
    show_all(page)
    at = heads(page)
    names, samples = column(page, at["function"]), column(page, at["exclusive samples"])
    costs = [
        column(page, at[f"{kind} {side}"]) for kind in ("exclusive", "inclusive") for side in ("baseline", "contender")
    ]

    before, after = told(history, OLD, example), told(history, NEW, example)
    assert before.keys() | after.keys() == set(names)
    for place, name in enumerate(names):
        sides = [side.get(name, (0, 0, 0, 0)) for side in (before, after)]
        assert [side[0] for side in sides] == [int(number(each)) for each in samples[place].split(" → ")]
        expected = [f"{side[kind] / RUNS / 1e6:,.1f}" for kind in (2, 3) for side in sides]
        assert (name, expected) == (name, [each[place] for each in costs])


def test_what_was_found_stands_beside_the_numbers(look: Look, two: str) -> None:
    page = look.at(two, "#example=simple&view=functions", width=1500)
    at = heads(page)
    rows = {name: row for row, name in enumerate(column(page, at["function"]))}
    verdicts, deltas = column(page, at["exclusive verdict"]), column(page, at["exclusive delta"])

    assert "improved" == verdicts[rows["kuzu.dll!kuzu::Table::insert"]]
    assert "regressed" == verdicts[rows["app.exe!parse"]]
    assert "new" == verdicts[rows["arrow.dll!arrow::Builder::resize"]]
    assert ["-", "+"] == [deltas[rows[name]][0] for name in ("kuzu.dll!kuzu::Table::insert", "app.exe!parse")]
    assert "%" in column(page, at["exclusive effect, 95 %"])[rows["app.exe!parse"]]


def test_a_column_sorts_down_then_up_then_as_it_came(look: Look, one: str) -> None:
    page = look.at(one, "#example=simple&view=functions")
    at = heads(page)["inclusive ms"]
    head = page.locator(f"#view-functions thead tr:last-child th:nth-child({at})")
    came = column(page, 1)

    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    values = [number(text) for text in column(page, at)]
    assert sorted(values, reverse=True) == values
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    values = [number(text) for text in column(page, at)]
    assert sorted(values) == values
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "none")
    assert came == column(page, 1)


def test_filtering_as_one_types_says_how_many_are_left(look: Look, two: str, screenshot: Callable[..., None]) -> None:
    page = look.at(two, "#example=simple&view=functions")
    count = page.locator("#view-functions output")
    everything = count.inner_text()

    page.get_by_role("searchbox", name="Filter functions").press_sequentially("SMALL ns:: _01")
    expect(count).to_have_text(f"10 of {everything}")
    assert [f"small.dll!ns::small_01{digit}" for digit in range(10)] == sorted(column(page, 1))
    expect(page.locator("#view-functions tfoot th")).to_have_text("total of these")
    screenshot(page, "filtered")
    page.get_by_role("searchbox", name="Filter functions").fill("no such function")
    expect(page.locator(ROWS)).to_have_count(0)
    expect(count).to_have_text(f"0 of {everything}")


def test_rows_are_written_a_window_at_a_time(look: Look, one: str) -> None:
    page = look.at(one, "#example=simple&view=functions")
    expect(page.locator(ROWS)).to_have_count(100)

    page.locator("#view-functions .scroll").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    expect(page.locator(ROWS)).to_have_count(200)
    show_all(page)
    assert MANY < len(column(page, 1)) < MANY + 20


def test_sort_and_filter_are_part_of_a_link(look: Look, one: str) -> None:
    page = look.at(one, "#example=simple&view=functions&sort=-name&filter=small+_25")

    assert [f"small.dll!ns::small_{number}" for number in range(259, 249, -1)] == column(page, 1)
    assert "small _25" == page.get_by_role("searchbox", name="Filter functions").input_value()
