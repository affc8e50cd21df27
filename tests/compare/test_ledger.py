"""The closed ledger: its classes add up to the total, to the sample, and so do its lines however many are listed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perfdb.compare import CLASSES, Criteria, Entry, ExampleDiff, Item, Ledger, Remainder, compare_examples, pivot
from perfdb.compare.ledger import NEW, OTHERS, UNRESOLVED, VANISHED
from perfdb.profile.columns import TRIMMED, UNKNOWN_MODULE
from perfdb.profile.columns import UNRESOLVED as UNRESOLVED_FUNCTION
from tests.compare.sides import Work, case_of

ITEMS = (
    Item("app.exe", "main"),
    Item("app.exe", "parse"),
    Item("app.exe", UNRESOLVED_FUNCTION),
    Item("ntdll.dll", "RtlAllocateHeap"),
    Item("ntdll.dll", UNRESOLVED_FUNCTION),
    Item("db.dll", "insert"),
    Item(UNKNOWN_MODULE, UNRESOLVED_FUNCTION),
)

runs = st.lists(st.dictionaries(st.sampled_from(ITEMS), st.integers(0, 3_000)), min_size=1, max_size=4)


def compare(baseline: list[Work], contender: list[Work], history: tuple[Work, ...] = ()) -> ExampleDiff:
    examples, _ = compare_examples([case_of(baseline, contender, history)], Criteria())
    return examples[0]


def mean_ms(side: list[Work]) -> float:
    return sum(sum(run.values()) for run in side) / len(side)


@given(runs, runs, st.one_of(st.none(), st.integers(0, 8)))
def test_the_lines_add_up_to_the_total(baseline: list[Work], contender: list[Work], top: int | None) -> None:
    diff = compare(baseline, contender)

    for ledger in (diff.modules.cut(top), diff.functions.cut(top)):
        assert top is None or len(ledger.rows) <= top
        lines: list[Entry | Remainder] = [*ledger.rows, *ledger.rest]
        assert abs(mean_ms(contender) - mean_ms(baseline) - sum(line.delta_ns for line in lines) / 1e6) < 1e-6
        assert sum(sum(run.values()) for run in baseline) == sum(line.baseline_samples for line in lines)
        assert sum(sum(run.values()) for run in contender) == sum(line.contender_samples for line in lines)


@given(runs, runs)
def test_the_classes_add_up_to_the_total_to_the_sample(baseline: list[Work], contender: list[Work]) -> None:
    for ledger in (compare(baseline, contender).modules, compare(baseline, contender).functions):
        assert list(CLASSES) == [each.group for each in ledger.classes]
        assert ledger.total.baseline_samples == sum(each.baseline_samples for each in ledger.classes)
        assert ledger.total.contender_samples == sum(each.contender_samples for each in ledger.classes)
        assert abs(ledger.total.delta_ns - sum(each.delta_ns for each in ledger.classes)) < 1e-3


@given(runs, runs)
def test_each_item_is_told_once_and_by_its_slow_sum(baseline: list[Work], contender: list[Work]) -> None:
    ledger = compare(baseline, contender).functions

    named = {item for run in (*baseline, *contender) for item, work in run.items() if work and not item.is_unresolved}
    assert named == {row.item for row in ledger.rows}
    assert len(named) == len(ledger.rows)
    for row in ledger.rows:
        assert row.item is not None
        before, after = (sum(run.get(row.item, 0) for run in side) for side in (baseline, contender))
        assert (before, after) == (row.baseline_samples, row.contender_samples)
        assert abs(after / len(contender) - before / len(baseline) - row.delta_ns / 1e6) < 1e-6


@given(runs, runs)
def test_within_a_class_rows_come_by_the_size_of_their_change(baseline: list[Work], contender: list[Work]) -> None:
    ledger = compare(baseline, contender).functions

    for group in CLASSES:
        sizes = [abs(row.delta_ns) for row in ledger.rows if row.group == group]
        assert sorted(sizes, reverse=True) == sizes


def groups(ledger: Ledger) -> dict[str, str]:
    return {str(row.item): row.group for row in ledger.rows}


def test_a_side_without_items_is_a_side_of_zeros() -> None:
    diff = compare([{}, {}], [{Item("app.exe", "main"): 5}])

    assert {"app.exe": NEW} == groups(diff.modules)
    assert diff.finding.verdict == "not comparable"
    assert diff.finding.reason == "the baseline has no samples"


def test_letter_case_does_not_make_two_modules() -> None:
    diff = compare([{Item("NTDLL.dll", "a"): 3, Item("ntdll.dll", "b"): 4}], [{Item("ntdll.DLL", "a"): 9}])

    assert [("NTDLL.dll", 2e6)] == [(str(row.item), row.delta_ns) for row in diff.modules.rows]


def test_what_is_not_listed_is_summed_by_class() -> None:
    before = {Item("m", "gone"): 50, Item("m", "stays"): 200, Item("m", UNRESOLVED_FUNCTION): 70}
    after = {Item("m", "fresh"): 30, Item("m", "stays"): 220, Item("m", UNRESOLVED_FUNCTION): 90}

    rest = {each.group: each for each in compare([before], [after]).functions.cut(0).rest}

    assert {"inconclusive", NEW, VANISHED, UNRESOLVED} == rest.keys()
    assert (1, 30e6) == (rest[NEW].count, rest[NEW].delta_ns)
    assert (1, -50e6) == (rest[VANISHED].count, rest[VANISHED].delta_ns)
    assert (1, 20e6) == (rest[UNRESOLVED].count, rest[UNRESOLVED].delta_ns)
    assert (1, 20e6) == (rest["inconclusive"].count, rest["inconclusive"].delta_ns)


def test_of_equal_changes_the_greater_cost_comes_first() -> None:
    items = [Item("small.dll", "f"), Item("large.dll", "f"), Item("more.dll", "f")]
    diff = compare([dict(zip(items, (10, 1_000, 10), strict=True))], [dict(zip(items, (10, 1_000, 15), strict=True))])

    assert ["more.dll", "large.dll", "small.dll"] == [str(row.item) for row in diff.modules.rows]


def test_work_that_a_side_would_hardly_have_shown_is_not_new() -> None:
    main, rare = Item("app.exe", "main"), Item("app.exe", "rare")
    diff = compare([{main: 100}], [{main: 100, rare: 2}])

    assert OTHERS == groups(diff.functions)["app.exe!rare"]


def test_work_that_is_in_few_runs_of_a_side_is_not_new() -> None:
    main, seldom = Item("app.exe", "main"), Item("app.exe", "seldom")
    work = {main: 100, seldom: 10}

    assert NEW == groups(compare([{main: 100}] * 3, [work, work, {main: 100}]).functions)["app.exe!seldom"]
    assert NEW != groups(compare([{main: 100}] * 3, [work, {main: 100}, {main: 100}]).functions)["app.exe!seldom"]


def test_what_comes_back_is_new_and_has_no_effect() -> None:
    main, gone = Item("app.exe", "main"), Item("app.exe", "gone")
    earlier = ({main: 100, gone: 50},) * 4

    (row,) = (row for row in compare([{main: 100}] * 3, [{main: 100, gone: 50}] * 3, earlier).functions.rows
              if row.item == gone)  # fmt: skip

    assert (NEW, None) == (row.group, row.finding)


def test_nothing_is_new_by_chance_among_many_small_functions() -> None:
    random = np.random.default_rng(1)
    items = [Item("a.dll", f"f{number}") for number in range(500)]

    def run() -> Work:
        return {item: int(samples) for item, samples in zip(items, random.poisson(1.5, len(items)), strict=True)}

    for _ in range(20):
        ledger = compare([run(), run()], [run(), run()]).functions
        assert {NEW, VANISHED}.isdisjoint(groups(ledger).values())


def test_a_function_that_a_report_may_have_left_out_is_neither_new_nor_vanished() -> None:
    big, small, new = Item("app.exe", "big"), Item("app.exe", "small"), Item("b.dll", "new")
    diff = compare([{big: 90, Item("app.exe", TRIMMED): 10}], [{big: 90, small: 7, new: 30}])

    assert groups(diff.functions) | {"app.exe!big": ""} == {
        "app.exe!big": "", "app.exe!small": OTHERS, "b.dll!new": NEW,
    }  # fmt: skip
    small_row = next(row for row in diff.functions.rows if row.item == small)
    assert small_row.finding is not None
    assert small_row.finding.verdict == "not comparable"
    assert "leaves out functions" in small_row.finding.reason


def test_inclusive_costs_that_a_run_does_not_tell_are_not_known() -> None:
    main, work = Item("app.exe", "main"), Item("app.exe", "work")
    costs = pivot(["a", "b"], ["a", "b", "b"], [main, main, work], [5, 6, 7], [5, -1, 7], [1, 2, 3], partial=["b"])

    assert [[5, 0], [-1, 7]] == costs.inclusive_ns.tolist()
    assert [[5, 0], [6, 7]] == costs.exclusive_ns.tolist()
    assert [[1, 0], [2, 3]] == costs.exclusive_samples.tolist()


def test_what_is_flagged_comes_before_what_is_larger_and_open() -> None:
    rest = [Item("a.dll", f"rest{number}") for number in range(20)]
    steady, erratic = Item("a.dll", "steady"), Item("a.dll", "erratic")
    swings = (1_000, 5_000, 2_000, 4_000, 3_000)

    def run(change: int, swing: int) -> Work:
        return {steady: 2_000 + change, erratic: swing} | dict.fromkeys(rest, 1_000)

    diff = compare([run(0, swing) for swing in swings], [run(600, swing + 900) for swing in swings])

    assert [("a.dll!steady", "regressed"), ("a.dll!erratic", "inconclusive")] == [
        (str(row.item), row.group) for row in diff.functions.rows[:2]
    ]
