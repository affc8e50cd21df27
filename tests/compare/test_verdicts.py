"""Verdicts on examples: what is shown, what is open, what cannot be compared, and what examples say together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perfdb.compare import Criteria, ExampleDiff, Finding, Item, compare_examples
from perfdb.compare.sides import Matched
from perfdb.profile.columns import TEMPLATES_FOLDED, UNRESOLVED, Caveat
from perfdb.profile.outcome import MixedSymbols
from tests.compare.sides import Work, case_of

NAMES = [Item(f"m{number % 4}.dll", f"f{number}") for number in range(40)]
SHARES = np.array([4_000 / (rank + 1) for rank in range(len(NAMES))])


def runs(
    count: int, seed: int, changes: dict[int, float] | None = None, speed: float = 1.0, cv: float = 0.03
) -> list[Work]:
    """Runs of one program; `changes` are factors by function."""
    random = np.random.default_rng(seed)
    factors = np.array([(changes or {}).get(place, 1.0) for place in range(len(NAMES))])
    found: list[Work] = []
    for _ in range(count):
        counts = random.poisson(SHARES * factors * speed * random.lognormal(0, cv, len(NAMES)))
        found.append({item: int(samples) for item, samples in zip(NAMES, counts, strict=True)})
    return found


def compare(
    baseline: list[Work], contender: list[Work], history: list[Work] | None = None, criteria: Criteria | None = None
) -> ExampleDiff:
    return compare_examples([case_of(baseline, contender, history or [])], criteria or Criteria())[0][0]


def function(diff: ExampleDiff, place: int) -> Finding:
    found = next(row.finding for row in diff.functions.rows if row.item == NAMES[place])
    assert found is not None
    return found


def test_a_function_that_became_slower_regressed_and_the_others_did_not() -> None:
    diff = compare(runs(5, 1), runs(5, 2, {3: 1.5}))

    found = function(diff, 3)
    assert found.verdict == "regressed"
    assert found.is_relevant
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.5 < found.high
    assert ["m3.dll!f3"] == [str(row.item) for row in diff.functions.rows if row.group == "regressed"]


def test_nothing_changed_is_shown_equal_where_there_is_enough_of_it() -> None:
    diff = compare(runs(10, 1), runs(10, 2))

    assert diff.finding.verdict == "equal"
    assert function(diff, 0).verdict == "equal"


def test_a_program_that_became_slower_as_a_whole_regressed_and_its_functions_did_not() -> None:
    diff = compare(runs(8, 1), runs(8, 2, speed=1.2))

    assert diff.finding.verdict == "regressed"
    assert not [row for row in diff.functions.rows if row.group == "regressed"]
    assert diff.common_effect is not None
    assert abs(diff.common_effect - 0.2) < 0.03


def test_one_run_a_side_without_history_shows_nothing() -> None:
    diff = compare(runs(1, 1), runs(1, 2, {0: 3.0}, speed=2))

    assert diff.finding.verdict == "inconclusive"
    assert (None, 0) == (diff.finding.low, diff.finding.runs_needed)
    assert diff.finding.effect is not None
    assert not [row for row in diff.functions.rows if row.group in ("regressed", "improved", "equal")]


def test_one_run_a_side_with_history_can_show_a_great_change() -> None:
    diff = compare(runs(1, 1), runs(1, 2, {0: 3.0}), runs(10, 3))

    assert function(diff, 0).verdict == "regressed"


def test_what_is_open_says_how_many_runs_would_tell() -> None:
    diff = compare(runs(2, 1, cv=0.1), runs(2, 2, cv=0.1))

    assert function(diff, 5).verdict == "inconclusive"
    assert function(diff, 5).runs_needed > 2


def test_significant_and_relevant_are_two_questions() -> None:
    before, after = runs(10, 1, cv=0.01), runs(10, 2, {0: 1.2}, cv=0.01)

    assert function(compare(before, after), 0).is_relevant
    large = function(compare(before, after, criteria=Criteria(margin=0.3)), 0)
    assert (large.verdict, large.is_relevant) == ("equal", False)
    in_ms = function(compare(before, after, criteria=Criteria(min_ms=5_000)), 0)
    assert (in_ms.verdict, in_ms.is_significant, in_ms.is_relevant) == ("regressed", True, False)


def test_where_runs_cannot_be_compared_costs_are_told_and_nothing_is_judged() -> None:
    case = case_of(runs(5, 1), runs(5, 2, speed=2), reason="the baseline ran on A, the contender on B")
    diff = compare_examples([case], Criteria())[0][0]

    assert (diff.finding.verdict, diff.finding.reason) == ("not comparable", case.runs.reason)
    assert diff.total.delta_ns > 0
    assert {"others"} == {row.group for row in diff.functions.rows}
    assert {"not comparable"} == {row.finding.verdict for row in diff.functions.rows if row.finding}


def test_functions_of_a_module_that_lost_its_names_are_not_comparable_and_the_module_is() -> None:
    def bare(run: Work) -> Work:
        lost = sum(samples for item, samples in run.items() if item.module == "m0.dll")
        return {item: n for item, n in run.items() if item.module != "m0.dll"} | {Item("m0.dll", UNRESOLVED): lost}

    diff = compare(runs(5, 1), [bare(run) for run in runs(5, 2)])

    found = function(diff, 0)
    assert found.verdict == "not comparable"
    assert "0% to 100%" in found.reason
    assert "m0.dll" in found.reason
    assert {"not comparable"} == {
        row.finding.verdict for row in diff.functions.rows if row.finding and row.item and row.item.module == "m0.dll"
    }
    assert not [row for row in diff.functions.rows if row.group in ("vanished", "regressed", "improved")]
    module = next(row for row in diff.modules.rows if row.item == Item("m0.dll"))
    assert module.group in ("equal", "inconclusive")
    assert diff.finding.verdict in ("equal", "inconclusive")


def test_functions_of_a_module_with_names_in_some_runs_only_are_not_comparable() -> None:
    case = case_of(runs(3, 1), runs(3, 2))
    mixed = MixedSymbols("x", "M1.dll", named=4, bare=2)
    diff = compare_examples([replace(case, mixed=(mixed,))], Criteria())[0][0]

    assert function(diff, 1).reason == "2 of 6 runs have no names for M1.dll"
    assert function(diff, 2).verdict != "not comparable"


def test_folded_names_cannot_be_compared_with_whole_ones() -> None:
    case = case_of(runs(3, 1), runs(3, 2))
    folded = tuple(
        replace(run, caveats=(Caveat(TEMPLATES_FOLDED, "template arguments are folded"),))
        for run in case.runs.contender
    )
    diff = compare_examples([replace(case, runs=Matched(case.runs.baseline, folded))], Criteria())[0][0]

    assert "template arguments" in function(diff, 0).reason
    assert diff.finding.verdict in ("equal", "inconclusive")


def test_examples_say_together_what_each_says_too_faintly() -> None:
    cases = [
        case_of(runs(3, 10 * seed, cv=0.05), runs(3, 10 * seed + 1, {2: 1.15}, cv=0.05), example=f"e{seed}")
        for seed in range(1, 9)
    ]
    diffs, pooled = compare_examples(cases, Criteria())

    assert not all(function(diff, 2).verdict == "regressed" for diff in diffs)
    assert pooled[0].item == NAMES[2]
    assert (pooled[0].finding.verdict, len(pooled[0].examples)) == ("regressed", 8)
    assert ["m2.dll!f2"] == [str(each.item) for each in pooled if each.finding.is_significant]


def test_verdicts_of_many_examples_are_one_family() -> None:
    """Eighty comparisons of unchanged programs at once: a rule by example would flag one in forty."""
    cases = [
        case_of(runs(3, 1_000 + 2 * seed, cv=0.08), runs(3, 1_001 + 2 * seed, cv=0.08), example=f"e{seed}")
        for seed in range(80)
    ]
    diffs, _ = compare_examples(cases, Criteria())

    assert not [row for diff in diffs for row in diff.functions.rows if row.finding and row.finding.is_significant]
    assert not [diff.example for diff in diffs if diff.finding.is_significant]
