"""The report of a diff for people, whole and by its parts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from perfdb.compare.comparison import ExampleDiff, PooledEntry
from perfdb.compare.costs import Item
from perfdb.compare.ledger import NEW, OTHERS, UNRESOLVED
from perfdb.compare.sides import SetAside
from perfdb.compare.verdicts import IMPROVED, INCONCLUSIVE, Criteria, Finding, not_comparable
from perfdb.profile.columns import Caveat
from perfdb.report import render
from perfdb.report.of_diff import diff_report
from tests.golden import assert_golden
from tests.report.diffs import (
    BARE,
    BETTER,
    FUNCTIONS,
    INSERT,
    OPEN,
    RESIZE,
    SAME,
    STRTOD,
    WORSE,
    Told,
    comparison,
    example_diff,
    path_change,
    paths,
    run,
    runs,
)

ROOT = (
    Item("ntdll.dll", "RtlUserThreadStart"),
    Item("indexer.exe", "main"),
    Item("indexer.exe", "indexer::run"),
    Item("kuzu_shared.dll", "kuzu::main::Connection::query"),
)
PATHS = paths(
    path_change((*ROOT[:3], STRTOD), 231.5, 412.5, WORSE),
    path_change((*ROOT, Item("kuzu_shared.dll", "kuzu::storage::WAL::log"), INSERT), 151, 87, BETTER),
    path_change((*ROOT, RESIZE), 0, 20.5, WORSE),
)


def text(*examples: ExampleDiff, by: str = "both", output: str = "table", **more: Any) -> str:
    return render(diff_report(comparison(*examples, **more), by), output)


@pytest.mark.parametrize("output", ["table", "markdown"])
def test_the_whole_report(output: str) -> None:
    full = example_diff(
        Finding(IMPROVED, -0.061, -0.085, -0.036, 1e-4, 2e-4, 4, True),
        runs(history=12, aside=[SetAside(run(99).run_id, "contender", "it lost 12 events")]),
        top=6,
        paths=PATHS,
        common_effect=0.012,
        caveats=[Caveat("dirty", "contender: 1 of 2 runs are of a tree with uncommitted changes")],
    )
    unsure = Finding(INCONCLUSIVE, 0.78, -0.02, 2.23, 0.07, 0.07, 5, True)
    plain = example_diff(unsure, runs(2, 3), {STRTOD: FUNCTIONS[STRTOD]}, paths=paths(), name="simple")
    pooled = PooledEntry(INSERT, ("simple", "templates"), 3e8, 2e8, BETTER)

    assert_golden(f"diff_by_hand.{output}.txt", text(full, plain, pooled=[pooled], output=output))


def test_the_program_of_one_example_stands_only_in_its_own_block() -> None:
    assert "\nexample " not in text(example_diff())


def test_programs_that_changed_stand_first() -> None:
    findings = {"a": OPEN, "b": BETTER, "c": SAME, "d": WORSE}
    table = text(*(example_diff(finding, name=name) for name, finding in findings.items())).split("\n\n")[1]

    assert ["d", "b", "a", "c"] == [line[0] for line in table.splitlines()[2:]]


def test_the_margins_that_matter_are_told() -> None:
    assert "intervals, margin 2.5 % and 10 ms\n" in text(criteria=Criteria(margin=0.025, min_ms=10))


def test_runs_that_cannot_be_compared_have_costs_and_no_verdicts() -> None:
    finding = not_comparable("baseline on builder-1, contender on builder-2")
    functions: dict[Item, Told] = {
        item: (before, after, group if group in (NEW, UNRESOLVED) else OTHERS, finding)
        for item, (before, after, group, _) in FUNCTIONS.items()
    }

    printed = text(example_diff(finding, runs(reason=finding.reason), functions))

    assert 1 == printed.count("not comparable")
    assert "not comparable: baseline on builder-1, contender on builder-2\n2 v 2 runs: 2,485.5 ms" in printed
    assert re.search(r"^ucrtbase.dll!strtod +231.5 +412.5 +\+181.0 +\+78.2 %$", printed, re.MULTILINE)
    assert re.search(r"^arrow.dll!arrow::ArrayBuilder::Resize +0.0 +20.5 +\+20.5 +- +new$", printed, re.MULTILINE)
    assert "effect, " not in printed
    assert " · " not in printed


def test_an_effect_without_an_interval_is_the_change_and_has_no_column() -> None:
    open_end = Finding(INCONCLUSIVE, 0.78)
    alone = example_diff(open_end, runs(1, 1), {STRTOD: ([231.0], [412.0], INCONCLUSIVE, open_end)})

    assert re.search(r"^ucrtbase.dll!strtod +231.0 +412.0 +\+181.0 +\+78.4 %  ~$", text(alone), re.MULTILINE)


def test_why_single_functions_cannot_be_compared_is_told_once() -> None:
    bare, folded = not_comparable("1 of 4 runs have no names for a.dll"), not_comparable("templates are folded")
    functions: dict[Item, Told] = {
        Item("a.dll", "f"): ([1.0, 1.0], [2.0, 2.0], OTHERS, bare),
        Item("b.dll", "f"): ([1.0, 1.0], [2.0, 2.0], OTHERS, folded),
        Item("b.dll", "g"): ([1.0, 1.0], [2.0, 2.0], OTHERS, folded),
    }
    caveat = Caveat("mixed-symbols", "1 of 4 runs have no names for a.dll: its functions cannot be compared")

    printed = text(example_diff(functions=functions, caveats=[caveat]))

    assert 1 == printed.count("templates are folded")
    assert "not comparable: templates are folded\nfunction " in printed
    assert 1 == printed.count("no names for a.dll")


def test_runs_without_a_symbol_have_no_functions() -> None:
    printed = text(example_diff(functions={BARE: FUNCTIONS[BARE]}))

    assert "functions: no sample of these runs has a symbol, so modules are the finest answer" in printed
    assert "\nfunction " not in printed


def test_a_shared_change_of_speed_is_told_where_it_matters() -> None:
    told = "functions and call paths are judged beside the speed that all share: -1.0 %"

    assert told in text(example_diff(common_effect=-0.01))
    assert "all share" not in text(example_diff(common_effect=0.009))
    assert "all share" not in text(example_diff(common_effect=None))


def test_runs_that_were_set_aside_are_told_by_reason() -> None:
    aside = [SetAside(run(number).run_id, "history", "another machine") for number in (7, 8)]
    aside.append(SetAside(run(9).run_id, "baseline", "it lost 3 events"))

    printed = text(example_diff(matched=runs(aside=aside)))

    assert "\n! history: 2 runs not compared (r00000007, r00000008): another machine\n" in printed
    assert "\n! baseline: 1 run not compared (r00000009): it lost 3 events\n" in printed


@pytest.mark.parametrize(
    ("by", "has_modules", "has_functions"), [("both", True, True), ("module", True, False), ("function", False, True)]
)
def test_by_says_which_costs_are_listed(by: str, has_modules: bool, has_functions: bool) -> None:
    pooled = PooledEntry(INSERT, ("simple", "templates"), 3e8, 2e8, BETTER)
    printed = text(example_diff(paths=PATHS), by=by, pooled=[pooled])

    assert has_modules == ("\nmodule " in printed)
    assert has_functions == ("\nfunction " in printed)
    assert has_functions == ("\ncall path " in printed)
    assert has_functions == ("over several examples" in printed)
    assert 1 == printed.count(" = -149.2 ms\n")


def test_of_functions_of_several_examples_only_those_that_changed_are_listed() -> None:
    entries = [
        PooledEntry(Item("a.dll", f"f{n}"), ("x", "y", "z"), 1e8, 2e8, WORSE if n < 12 else SAME) for n in range(14)
    ]

    printed = text(pooled=entries).split("functions that changed over several examples\n")[1]

    assert printed.startswith("2 more are in the JSON and CSV\nfunction  examples  ")
    assert [f"a.dll!f{n}" for n in range(10)] == re.findall(r"^a\.dll!f\d+", printed, re.MULTILINE)


def test_every_line_of_a_ledger_adds_up() -> None:
    closed = example_diff(top=2)
    printed = text(closed, by="function").split("\n\n")

    rows = [re.split(r" {2,}", line) for line in printed[2].splitlines()[2:]]
    for at in (1, 2):
        costs = [float(row[at].replace(",", "")) for row in rows]
        assert abs(sum(costs[:-1]) - costs[-1]) < 0.3
    line, total = printed[3].split(" = ")
    parts = [float(number) for number in re.findall(r"[+-]\d+\.\d", line)]
    assert abs(sum(parts) - float(total.removesuffix(" ms\n").removesuffix(" ms"))) < 0.3


def test_call_paths_are_told_as_what_they_are() -> None:
    whole = paths(path_change((), 2485.5, 2336.25, BETTER))

    assert "call paths: none stands out from the noise" in text(example_diff(paths=paths()))
    assert "call paths: 3 account for 94 % of the change" in text(example_diff(paths=PATHS))
    assert "call paths: 1 accounts for 94 % of the change" in text(example_diff(paths=whole))
    assert "\n(the whole program) " in text(example_diff(paths=whole))
    assert "call path" not in text(example_diff(paths=None))
