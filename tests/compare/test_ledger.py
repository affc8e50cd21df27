"""The closed ledger: its lines add up, nothing is listed twice, and the greatest changes come first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perfdb.compare import Costs, Item, close_ledger, pivot
from perfdb.compare.ledger import CHANGED, NEW, UNTOLD, VANISHED, ledger_sum
from perfdb.profile.columns import TRIMMED, UNKNOWN_MODULE, UNRESOLVED

ITEMS = (
    Item("app.exe", "main"),
    Item("app.exe", "parse"),
    Item("app.exe", UNRESOLVED),
    Item("ntdll.dll", "RtlAllocateHeap"),
    Item("ntdll.dll", UNRESOLVED),
    Item("db.dll", "insert"),
    Item(UNKNOWN_MODULE, UNRESOLVED),
)


@st.composite
def sides(draw: st.DrawFn) -> Costs:
    runs = draw(st.integers(1, 4))
    items = tuple(draw(st.permutations(ITEMS))[: draw(st.integers(0, len(ITEMS)))])
    cells = st.lists(st.integers(0, 10**12), min_size=len(items), max_size=len(items))
    rows = [draw(cells) for _ in range(runs)]
    matrix = np.array(rows, np.int64).reshape(runs, len(items))
    return Costs(items, matrix, matrix)


@given(sides(), sides(), st.one_of(st.none(), st.integers(0, 8)))
def test_the_lines_add_up_to_the_total(baseline: Costs, contender: Costs, top: int | None) -> None:
    ledger = close_ledger(baseline, contender, top)

    expected = contender.total_ns().mean() - baseline.total_ns().mean()
    assert abs(ledger.total.delta_ns - expected) <= 1e-3
    assert abs(ledger_sum(ledger) - expected) <= 1e-2


@given(sides(), sides())
def test_each_item_is_told_once_and_by_its_slow_sum(baseline: Costs, contender: Costs) -> None:
    def means(costs: Costs) -> dict[Item, float]:
        return {
            item: sum(int(row[place]) for row in costs.exclusive_ns) / len(costs.exclusive_ns)
            for place, item in enumerate(costs.items)
        }

    before, after = means(baseline), means(contender)
    ledger = close_ledger(baseline, contender)

    named = {item for item in before.keys() | after.keys() if not item.is_unresolved}
    present = {item for item in named if before.get(item) or after.get(item)}
    assert present == {row.item for row in ledger.rows}
    assert len(ledger.rows) == len(present)
    for row in ledger.rows:
        assert row.item is not None
        assert abs(row.delta_ns - (after.get(row.item, 0) - before.get(row.item, 0))) <= 1e-3
        status = NEW if not before.get(row.item) else VANISHED if not after.get(row.item) else CHANGED
        assert status == row.status


@given(sides(), sides(), st.integers(0, 5))
def test_rows_come_by_the_size_of_their_change(baseline: Costs, contender: Costs, top: int) -> None:
    ledger = close_ledger(baseline, contender, top)

    sizes = [abs(row.delta_ns) for row in ledger.rows]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) <= top


def test_a_side_without_items_is_a_side_of_zeros() -> None:
    nothing = Costs((), np.zeros((2, 0), np.int64), np.zeros((2, 0), np.int64))
    something = pivot(["a"], ["a"], [Item("app.exe")], [5_000_000], [5_000_000])

    ledger = close_ledger(nothing, something)

    assert [NEW] == [row.status for row in ledger.rows]
    assert ledger.total.delta_ns == 5_000_000
    assert ledger.total.change is None


def test_letter_case_does_not_make_two_modules() -> None:
    baseline = pivot(["a"], ["a", "a"], [Item("NTDLL.dll"), Item("ntdll.dll")], [3, 4], [3, 4])
    contender = pivot(["b"], ["b"], [Item("ntdll.DLL")], [9], [9])

    ledger = close_ledger(baseline, contender)

    assert [("NTDLL.dll", CHANGED, 2.0)] == [(str(row.item), row.status, row.delta_ns) for row in ledger.rows]


def test_what_is_not_listed_is_summed_by_kind() -> None:
    baseline = pivot(
        ["a"], ["a"] * 3, [Item("m", "gone"), Item("m", "stays"), Item("m", UNRESOLVED)], [5, 20, 7], [0] * 3
    )
    contender = pivot(
        ["b"], ["b"] * 3, [Item("m", "fresh"), Item("m", "stays"), Item("m", UNRESOLVED)], [3, 22, 9], [0] * 3
    )

    ledger = close_ledger(baseline, contender, top=0)

    assert (1, 3.0) == (ledger.new.count, ledger.new.delta_ns)
    assert (1, -5.0) == (ledger.vanished.count, ledger.vanished.delta_ns)
    assert (1, 2.0) == (ledger.unresolved.count, ledger.unresolved.delta_ns)
    assert (1, 2.0) == (ledger.others.count, ledger.others.delta_ns)
    assert ledger.total.delta_ns == 2.0


def test_of_equal_changes_the_greater_cost_comes_first() -> None:
    items = [Item("small.dll"), Item("large.dll"), Item("more.dll")]
    baseline = pivot(["a"], ["a"] * 3, items, [10, 1_000, 10], [0] * 3)
    contender = pivot(["b"], ["b"] * 3, items, [10, 1_000, 15], [0] * 3)

    rows = close_ledger(baseline, contender).rows

    assert ["more.dll", "large.dll", "small.dll"] == [str(row.item) for row in rows]


def test_a_function_that_a_report_may_have_left_out_is_neither_new_nor_vanished() -> None:
    trimmed = Item("app.exe", TRIMMED)
    left = pivot(["a"], ["a", "a"], [Item("app.exe", "big"), trimmed], [90, 10], [90, -1])
    right = pivot(
        ["b"],
        ["b", "b", "b"],
        [Item("app.exe", "big"), Item("app.exe", "small"), Item("b.dll", "new")],
        [90, 7, 3],
        [90, 7, 3],
    )

    ledger = close_ledger(left, right)
    status = {str(entry.item): entry.status for entry in ledger.rows}
    assert {"app.exe!big": CHANGED, "app.exe!small": UNTOLD, "b.dll!new": NEW} == status
    assert (1, 10, 0) == (ledger.unresolved.count, ledger.unresolved.baseline_ns, ledger.unresolved.contender_ns)
    assert ledger.total.delta_ns == ledger_sum(ledger) == 0
    short = close_ledger(left, right, top=0)
    assert (1, 0, 2) == (short.new.count, short.vanished.count, short.others.count)


def test_inclusive_costs_that_a_run_does_not_tell_are_not_known() -> None:
    main, work = Item("app.exe", "main"), Item("app.exe", "work")
    costs = pivot(["a", "b"], ["a", "b", "b"], [main, main, work], [5, 6, 7], [5, -1, 7], partial=["b"])

    assert [[5, 0], [-1, 7]] == costs.inclusive_ns.tolist()
    assert [[5, 0], [6, 7]] == costs.exclusive_ns.tolist()
