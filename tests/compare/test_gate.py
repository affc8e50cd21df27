"""The gate: what fails it, which limit holds for what, and the one line that says why and what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from perfdb.compare.comparison import Comparison, ExampleDiff, PooledEntry
from perfdb.compare.costs import Item
from perfdb.compare.gate import FAIL_ON, GateResult, judge_gate
from perfdb.compare.gate_limits import limit_of
from perfdb.compare.ledger import Entry, Ledger
from perfdb.compare.measured import MeasuredEntry
from perfdb.compare.scope import Scope
from perfdb.compare.sides import Matched, RunFacts, Side
from perfdb.compare.verdicts import EQUAL, IMPROVED, INCONCLUSIVE, NOT_COMPARABLE, REGRESSED, Criteria, Finding
from perfdb.config import GateLimit
from perfdb.errors import UsageError
from perfdb.stats import Summary

STRTOD, PARSE = Item("ucrtbase.dll", "strtod"), Item("app.exe", "parse")
EVEN = Finding(EQUAL, 0.0, -0.01, 0.01)
NOTHING = GateResult(False, "")
ADVICE = "to accept a change, give it a limit in perfdb.toml, [[gate.limit]]."


def grown(effect: float | None, half: float = 0.02, margin: float = 0.05) -> Finding:
    if effect is None:
        return Finding(REGRESSED, is_relevant=True)
    return Finding(REGRESSED, effect, effect - half, effect + half, is_relevant=effect >= margin)


def entry(item: Item | None, finding: Finding | None, before_ms: float = 100.0, delta_ms: float | None = None) -> Entry:
    delta = before_ms * (finding.effect or 0.0) if delta_ms is None and finding else delta_ms or 0.0
    sides = [Summary(value * 1e6, None, 3) for value in (before_ms, before_ms + delta)]
    return Entry(item, "any", sides[0], sides[1], 1, 1, finding)


def runs(count: int, name: str) -> tuple[RunFacts, ...]:
    return tuple(
        RunFacts(f"{name}{number}", "app.exe", "PC", "", False, "stacks", 10**6, 0.0, ()) for number in range(count)
    )


def example(
    name: str = "simple",
    program: Finding = EVEN,
    parts: Sequence[Entry] = (),
    counts: tuple[int, int] = (3, 3),
) -> ExampleDiff:
    """An example whose program takes 1 s; `parts` are rows of its ledgers."""
    total = entry(None, program, 1_000.0)
    modules, functions = (
        Ledger(tuple(row for row in parts if row.item and (row.item.function is None) == of_modules), (), (), total)
        for of_modules in (True, False)
    )
    return ExampleDiff(
        name, Matched(runs(counts[0], "b"), runs(counts[1], "c")), program, 0.0, modules, functions, None, ()
    )


def compared(*examples: ExampleDiff, asked: tuple[str, str] = ("main", "HEAD"), **more: Any) -> Comparison:
    sides = [Side(name, sha * 40, "", "exact", 0, sha * 40) for name, sha in zip(asked, "ab", strict=True)]
    plain: dict[str, Any] = {"criteria": Criteria(), "pooled": (), "only_baseline": (), "only_contender": ()}
    return Comparison(sides[0], sides[1], Scope(), examples=examples, caveats=(), **(plain | more))


def failed(comparison: Comparison, *limits: GateLimit, on: Sequence[str] = ("regressed",)) -> bool:
    return judge_gate(comparison, on, limits).failed


# ---- what fails ------------------------------------------------------------------------------------------------------


def test_nothing_is_asked_and_nothing_fails() -> None:
    assert NOTHING == judge_gate(compared(example(program=grown(1.0))), ())


def test_a_comparison_without_regressions_passes_without_a_word() -> None:
    better = Finding(IMPROVED, -0.5, -0.6, -0.4, is_relevant=True)
    fine = example(
        program=better, parts=[entry(STRTOD, better), entry(PARSE, Finding(INCONCLUSIVE)), entry(PARSE, None)]
    )

    assert NOTHING == judge_gate(compared(fine), FAIL_ON)


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(UsageError, match="'slower', which is none of regressed, total, inconclusive"):
        judge_gate(compared(example()), ("regressed", "slower"))


def test_the_total_looks_at_programs_only() -> None:
    part = compared(example(parts=[entry(STRTOD, grown(0.8))]))
    whole = compared(example(program=grown(0.123)))

    assert [True, False] == [failed(part, on=[word]) for word in ("regressed", "total")]
    assert [True, True] == [failed(whole, on=[word]) for word in ("regressed", "total")]
    assert not failed(whole, on=["inconclusive"])


def test_what_is_significant_and_too_small_to_matter_passes() -> None:
    slow = [entry(STRTOD, grown(0.04))]

    assert not failed(compared(example(program=grown(0.03), parts=slow)), on=["regressed", "total"])


@pytest.mark.parametrize("item", [Item("ucrtbase.dll"), STRTOD])
def test_modules_and_functions_fail(item: Item) -> None:
    assert failed(compared(example(parts=[entry(item, grown(0.1))])))


def test_a_function_that_only_all_examples_together_tell_fails() -> None:
    pooled = PooledEntry(STRTOD, ("simple", "templates"), 100e6, 110e6, grown(0.1))

    result = judge_gate(compared(example(), pooled=(pooled,)), ["regressed"])

    assert (
        GateResult(
            True,
            "gate failed (regressed): 2 examples: ucrtbase.dll!strtod +10.0 % [+8.0 %, +12.0 %], limit 5 %. "
            f"See perfdb diff main HEAD; {ADVICE}",
        )
        == result
    )
    assert NOTHING == judge_gate(compared(example(), pooled=(pooled,)), ["total"])


# ---- the line --------------------------------------------------------------------------------------------------------


def test_the_line_names_the_worst_counts_the_rest_and_says_what_to_do() -> None:
    parts = [
        entry(STRTOD, grown(0.782, 0.18), 400.0), entry(Item("ucrtbase.dll"), grown(0.3), 500.0),
        entry(PARSE, grown(0.06), 10.0), entry(Item("app.exe", "init"), grown(None), 0.0, 2.0),
    ]  # fmt: skip
    pooled = PooledEntry(Item("UCRTBASE.dll", "strtod"), ("simple", "templates"), 1e9, 2e9, grown(1.0))

    result = judge_gate(
        compared(example("templates", grown(0.123, 0.026), parts), example(), pooled=(pooled,)),
        ["regressed", "total"],
        [GateLimit(0.2, module="ucrtbase.dll")],
    )

    assert (
        GateResult(
            True,
            "gate failed (regressed): "
            "templates: ucrtbase.dll!strtod +78.2 % [+60.2 %, +96.2 %], limit 20 %; "
            "templates: module ucrtbase.dll +30.0 % [+28.0 %, +32.0 %], limit 20 %; "
            "templates: the program +12.3 % [+9.7 %, +14.9 %], limit 5 %; and 2 more. "
            f"See perfdb diff main HEAD --example templates; {ADVICE}",
        )
        == result
    )


@pytest.mark.parametrize(("count", "end"), [(3, ""), (4, "; and 1 more")])
def test_three_causes_are_named(count: int, end: str) -> None:
    examples = [example(f"e{number}", grown(0.5 - number / 10)) for number in range(count)]

    line = judge_gate(compared(*examples), ["total"]).line

    assert (
        f"; e2: the program +30.0 % [+28.0 %, +32.0 %], limit 5 %{end}. See perfdb diff main HEAD --example e0;" in line
    )


def test_work_out_of_nothing_has_no_interval() -> None:
    result = judge_gate(compared(example("my example", parts=[entry(PARSE, grown(None), 0.0, 2.0)])), ["regressed"])

    assert (
        "gate failed (regressed): my example: app.exe!parse out of nothing, limit 5 %. "
        f'See perfdb diff main HEAD --example "my example"; {ADVICE}'
    ) == result.line


def test_a_side_without_a_name_to_type_is_named_by_its_hash() -> None:
    sides = ("merge base of main and topic", "topic")

    line = judge_gate(compared(example(program=grown(0.1)), asked=sides), ["total"]).line

    assert line.startswith("gate failed (total): simple: the program +10.0 % [+8.0 %, +12.0 %], limit 5 %. ")
    assert f"See perfdb diff {'a' * 10} topic --example simple;" in line


def test_names_of_pages_lose_their_middle() -> None:
    item = Item("app.exe", f"begin{'x' * 1_000}end")

    line = judge_gate(compared(example(parts=[entry(item, grown(0.1))])), ["regressed"]).line

    assert f"simple: app.exe!begin{'x' * 26}…{'x' * 36}end +10.0 %" in line


# ---- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "holds_for"),
    [
        (GateLimit(1), "program module function"),
        (GateLimit(1, "templ*"), "program module function"),
        (GateLimit(1, "simple"), ""),
        (GateLimit(1, "Templates"), ""),
        (GateLimit(1, module="*"), "module function"),
        (GateLimit(1, "templates", "UCRT*.dll"), "module function"),
        (GateLimit(1, module="app.exe"), ""),
        (GateLimit(1, function="strto[dl]"), "function"),
        (GateLimit(1, "templates", "ucrtbase.DLL", "*"), "function"),
        (GateLimit(1, function="STRTOD"), ""),
        (GateLimit(1, module="app.exe", function="strtod"), ""),
    ],
)
def test_what_a_limit_holds_for(limit: GateLimit, holds_for: str) -> None:
    items = {"program": None, "module": Item("ucrtbase.dll"), "function": STRTOD}

    held = [name for name, item in items.items() if limit_of("templates", item, [limit]) is not None]

    assert holds_for.split() == held


def test_the_last_limit_that_matches_holds() -> None:
    limits = [
        GateLimit(0.1),
        GateLimit(0.2, module="ucrtbase.dll"),
        GateLimit(0.3, function="strtod"),
        GateLimit(0.4, "x"),
    ]

    found = [limit_of("simple", item, limits) for item in (None, Item("ucrtbase.dll"), STRTOD, PARSE)]

    assert [0.1, 0.2, 0.3, 0.1] == found
    assert limit_of("simple", STRTOD, limits[::-1]) == 0.1
    assert limit_of("simple", STRTOD, ()) is None


def test_a_name_that_is_copied_matches_itself() -> None:
    name = "f<char[2]>::operator[](int[3])"

    assert limit_of("x", Item("a.dll", name), [GateLimit(0.1, function=name)]) == 0.1


@pytest.mark.parametrize(("allow", "fails"), [(0.02, True), (0.03, False), (0.5, False), (math.inf, False)])
def test_a_limit_comes_in_the_place_of_the_margin(allow: float, fails: bool) -> None:
    slower = compared(example(program=grown(0.03)))

    assert fails == failed(slower, GateLimit(allow), on=["total"])
    assert fails == failed(slower, GateLimit(allow), on=["regressed"])


def test_the_least_change_in_ms_holds_under_any_limit() -> None:
    slower = compared(example(parts=[entry(PARSE, grown(0.3), 10.0)]), criteria=Criteria(min_ms=4.0))

    assert not failed(slower, GateLimit(0.2))
    assert failed(compared(*slower.examples, criteria=Criteria(min_ms=2.0)), GateLimit(0.2))


def test_what_is_just_as_large_as_the_limit_passes_and_as_the_margin_or_the_ms_fails() -> None:
    at_margin = PooledEntry(STRTOD, ("simple", "templates"), 100e6, 105e6, grown(0.05))
    slower = compared(example(parts=[entry(PARSE, grown(0.5), 10.0)]), criteria=Criteria(min_ms=5.0))

    assert failed(compared(pooled=(at_margin,)))
    assert not failed(compared(pooled=(at_margin,)), GateLimit(0.05))
    assert failed(slower, GateLimit(0.4))


def test_work_out_of_nothing_passes_a_limit_of_any_only() -> None:
    new = compared(example(parts=[entry(PARSE, grown(None), 0.0, 2.0)]))

    assert [True, False] == [failed(new, GateLimit(allow)) for allow in (1e9, math.inf)]


def test_a_pooled_function_has_the_greatest_limit_of_its_examples() -> None:
    pooled = compared(pooled=(PooledEntry(STRTOD, ("simple", "templates"), 100e6, 110e6, grown(0.1)),))

    assert not failed(pooled, GateLimit(0.2, "templates"), GateLimit(0.01, "simple"))
    assert not failed(pooled, GateLimit(math.inf, "templates", function="strtod"))
    assert failed(pooled, GateLimit(0.01, "simple"))
    assert failed(pooled, GateLimit(0.2, "other"))


# ---- what cannot be told ---------------------------------------------------------------------------------------------

UNSURE = Finding(INCONCLUSIVE, 0.01, -0.08, 0.1, runs_needed=12)


@pytest.mark.parametrize(
    ("finding", "counts", "said"),
    [
        (UNSURE, (5, 3), "the program +1.0 % [-8.0 %, +10.0 %], 5 v 3 runs, 12 a side (9 more) would show 5 %"),
        (UNSURE, (11, 11), "the program +1.0 % [-8.0 %, +10.0 %], 11 v 11 runs, 12 a side (1 more) would show 5 %"),
        (UNSURE, (12, 12), "the program +1.0 % [-8.0 %, +10.0 %], 12 v 12 runs, too close to 5 % to be told"),
        (Finding(INCONCLUSIVE, 0.5), (3, 3), "the program +50.0 %, 3 v 3 runs, too close to 5 % to be told"),
        (Finding(INCONCLUSIVE, 0.5, low=0.1), (2, 3),
         "the program +50.0 %, 2 v 3 runs, 3 a side are the least that tells something"),
        (Finding(INCONCLUSIVE), (1, 1), "1 v 1 runs, 3 a side are the least that tells something"),
        (Finding(INCONCLUSIVE, 0.06, 0.0, 0.12, runs_needed=4), (5, 5),
         "the program +6.0 % [+0.0 %, +12.0 %], 5 v 5 runs, too close to 5 % to be told"),
    ],
)  # fmt: skip
def test_an_open_verdict_on_a_program_fails_or_is_told(finding: Finding, counts: tuple[int, int], said: str) -> None:
    open_one = compared(example(program=finding, counts=counts))
    remedy = "Record more runs of main and HEAD (perfdb record)"

    assert GateResult(True, f"gate failed (inconclusive): simple: {said}. {remedy}.") == judge_gate(
        open_one, ["inconclusive"]
    )
    told = f"gate passed, but not all can be told yet: simple: {said}. {remedy}; --fail-on inconclusive fails on that."
    assert [GateResult(False, told)] * 2 == [judge_gate(open_one, [word]) for word in ("regressed", "total")]


def test_what_is_not_comparable_is_told_with_its_reason() -> None:
    other = Finding(NOT_COMPARABLE, reason="baseline ran on A, contender on B")

    assert GateResult(
        True,
        "gate failed (inconclusive): simple: not comparable: baseline ran on A, contender on B. "
        "Record both sides in the same conditions.",
    ) == judge_gate(compared(example(program=other)), ["inconclusive"])


def test_an_example_that_the_contender_lacks_is_told() -> None:
    gone = compared(example(), only_baseline=("templates",), only_contender=("new",))

    assert GateResult(
        True, "gate failed (inconclusive): templates: HEAD has no run of it. Record runs of HEAD (perfdb record)."
    ) == judge_gate(gone, ["inconclusive"])
    assert not failed(gone, GateLimit(math.inf, "templates"), on=["inconclusive"])


def test_open_verdicts_on_parts_do_not_count() -> None:
    assert NOTHING == judge_gate(compared(example(parts=[entry(STRTOD, UNSURE)])), ["inconclusive"])


def test_a_limit_that_is_shown_to_be_held_leaves_nothing_open() -> None:
    open_one = compared(example(program=UNSURE))

    assert [True, False, False] == [
        failed(open_one, GateLimit(allow), on=["inconclusive"]) for allow in (0.09, 0.1, math.inf)
    ]


def test_regressions_come_before_what_is_open_and_both_are_named() -> None:
    line = judge_gate(compared(example("a", UNSURE), example("b", grown(0.1))), ["total", "inconclusive"]).line

    assert line.startswith(
        "gate failed (total, inconclusive): b: the program +10.0 % [+8.0 %, +12.0 %], limit 5 %; a: "
    )
    assert "\n" not in line


# ---- metrics ---------------------------------------------------------------------------------------------------------


def metric(
    name: str, finding: Finding | None, unit: str = "ms", before: float = 100.0, after: float = 120.0
) -> MeasuredEntry:
    return MeasuredEntry(name, unit, Summary(before, None, 3), Summary(after, None, 3), (3, 3), finding)


def benchmark(*metrics: MeasuredEntry, name: str = "BM_x") -> ExampleDiff:
    """An example without profiles, for whose program the first metric stands."""
    bare = [tuple(replace(each, detail="measured", samples=0) for each in runs(3, side)) for side in "bc"]
    program = metrics[0].finding or Finding(NOT_COMPARABLE, reason="nobody knows")
    empty = Ledger((), (), (), entry(None, None, 0.0))
    return ExampleDiff(name, Matched(bare[0], bare[1]), program, None, empty, empty, None, (), metrics)


LESS = Finding(REGRESSED, -0.3, -0.32, -0.28, is_relevant=True)
"""A rate that fell."""


def test_metrics_of_profiles_fail_as_regressed_and_not_as_the_total() -> None:
    grew = replace(example(), measured=(metric("wall_time", EVEN), metric("peak_memory", grown(0.2), "bytes")))

    assert [True, False] == [failed(compared(grew), on=[word]) for word in ("regressed", "total")]
    line = judge_gate(compared(grew), ["regressed"]).line
    assert line.startswith("gate failed (regressed): simple: peak_memory +20.0 % [+18.0 %, +22.0 %], limit 5 %.")


def test_the_first_metric_is_the_total_of_a_benchmark() -> None:
    slower = compared(benchmark(metric("wall_time", grown(0.2)), metric("peak_memory", EVEN, "bytes")))
    larger = compared(benchmark(metric("wall_time", EVEN), metric("peak_memory", grown(0.2), "bytes")))

    assert [True, True] == [failed(slower, on=[word]) for word in ("regressed", "total")]
    assert [True, False] == [failed(larger, on=[word]) for word in ("regressed", "total")]
    line = judge_gate(slower, ["total"]).line
    assert "BM_x: wall_time +20.0 %" in line
    assert "See perfdb diff main HEAD --example BM_x; to accept" in line


def test_the_metric_that_changed_most_is_told_first() -> None:
    found = compared(
        benchmark(metric("wall_time", grown(0.1))), benchmark(metric("wall_time", grown(0.5)), name="BM_y")
    )

    assert "BM_y: wall_time +50.0 % [+48.0 %, +52.0 %], limit 5 %; BM_x" in judge_gate(found, ["total"]).line


@pytest.mark.parametrize(
    ("limit", "held"),
    [
        (GateLimit(0.4), True),
        (GateLimit(0.25), False),
        (GateLimit(0.4, example="BM_*"), True),
        (GateLimit(0.4, example="other"), False),
        (GateLimit(0.4, module="*"), False),
        (GateLimit(0.4, function="*"), False),
        (GateLimit(0.4, metric="*_per_second"), True),
        (GateLimit(0.4, metric="wall_time"), False),
    ],
)
def test_a_limit_holds_for_the_metrics_it_matches_and_for_a_rate_downwards(limit: GateLimit, held: bool) -> None:
    slower = compared(benchmark(metric("wall_time", EVEN), metric("bytes_per_second", LESS, "bytes/s")))

    assert held != failed(slower, limit)


def test_a_limit_for_a_metric_is_none_for_a_program_or_function() -> None:
    slow = compared(example(program=grown(0.1), parts=[entry(STRTOD, grown(0.1))]))

    assert failed(slow, GateLimit(0.5, metric="*"))


def test_the_least_change_in_ms_holds_for_times_only() -> None:
    criteria = Criteria(min_ms=50.0)
    slower = benchmark(metric("wall_time", replace(grown(0.2), is_relevant=False)))
    larger = benchmark(metric("peak_memory", grown(0.2), "bytes"))

    assert [False, True] == [
        failed(compared(each, criteria=criteria), GateLimit(0.1), on=["total"]) for each in (slower, larger)
    ]


def test_an_open_metric_counts_only_where_it_stands_for_the_program() -> None:
    open_one = Finding(INCONCLUSIVE, 0.02, -0.1, 0.2)
    beside = compared(benchmark(metric("wall_time", EVEN), metric("cpu_time", open_one)))
    first = compared(benchmark(metric("wall_time", open_one)))

    assert not failed(beside, on=["inconclusive"])
    assert failed(first, on=["inconclusive"])
    assert "BM_x: wall_time +2.0 % [-10.0 %, +20.0 %], 3 v 3 runs" in judge_gate(first, ["inconclusive"]).line
    assert not failed(first, GateLimit(0.3, metric="wall_time"), on=["inconclusive"])
    assert failed(first, GateLimit(0.3, metric="cpu_time"), on=["inconclusive"])


def test_a_rate_whose_interval_shows_that_its_limit_is_held_is_not_open() -> None:
    open_rate = Finding(INCONCLUSIVE, 0.0, -0.2, 0.9)

    first = compared(benchmark(metric("bytes_per_second", open_rate, "bytes/s")))

    assert not failed(first, GateLimit(0.25), on=["inconclusive"])
    assert failed(first, GateLimit(0.15), on=["inconclusive"])
