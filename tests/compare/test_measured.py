"""Metrics compared: which are, what a run and a side say of one, which direction is better, and one family over all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from perfdb.compare import Criteria, ExampleDiff, MeasuredEntry, RunFacts, compare_examples
from perfdb.compare.costs import no_costs
from perfdb.compare.diff import ExampleCase
from perfdb.compare.measured import compare_measured
from perfdb.compare.run_caveats import repetition_caveats
from perfdb.compare.sides import Matched
from tests.compare.sides import case_of, run_facts
from tests.compare.test_verdicts import runs as profiles
from tests.measured import COUNTER, CPU, EXIT, MEMORY, RATE, WALL, Metrics, measured_run


def sides(baseline: Sequence[Metrics], contender: Sequence[Metrics], history: Sequence[Metrics] = ()) -> Matched:
    found = [
        tuple(measured_run(f"{name}{number}", metrics) for number, metrics in enumerate(side))
        for name, side in (("b", baseline), ("c", contender), ("h", history))
    ]
    return Matched(found[0], found[1], found[2])


def noisy(mean: float, count: int, seed: int, cv: float = 0.01) -> list[float]:
    return [mean * float(each) for each in np.random.default_rng(seed).lognormal(0, cv, count)]


def of(metric: tuple[str, str], values: Sequence[float]) -> list[Metrics]:
    """A run for each value."""
    return [{metric: [value]} for value in values]


def changed(metric: tuple[str, str], factor: float, runs: int = 6, cv: float = 0.01) -> MeasuredEntry:
    matched = sides(of(metric, noisy(100, runs, 1, cv)), of(metric, noisy(100 * factor, runs, 2, cv)))
    ((entry,),) = compare_measured([matched], Criteria())
    return entry


def compare(matched: Matched, criteria: Criteria | None = None) -> tuple[MeasuredEntry, ...]:
    return compare_measured([matched], criteria or Criteria())[0]


def verdicts(matched: Matched) -> list[str]:
    return [entry.finding.verdict for entry in compare(matched) if entry.finding]


def program(matched: Matched) -> ExampleDiff:
    nothing = (no_costs(), no_costs(), no_costs())
    return compare_examples([ExampleCase("x", matched, nothing, nothing)], Criteria())[0][0]


# ---- directions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "factor", "verdict"),
    [
        (WALL, 1.2, "regressed"), (WALL, 0.8, "improved"), (MEMORY, 1.2, "regressed"), (RATE, 1.2, "improved"),
        (RATE, 0.8, "regressed"), (WALL, 1.0, "equal"), (RATE, 1.0, "equal"),
    ],
)  # fmt: skip
def test_what_is_better_depends_on_the_metric(metric: tuple[str, str], factor: float, verdict: str) -> None:
    found = changed(metric, factor).finding

    assert found is not None
    assert verdict == found.verdict
    assert found.effect == pytest.approx(factor - 1, abs=0.02)
    assert found.low is not None
    assert found.high is not None
    assert found.low < factor - 1 + 0.01
    assert found.high > factor - 1 - 0.01


def test_a_counter_of_which_nobody_knows_is_told_without_a_verdict() -> None:
    entry = changed(COUNTER, 2.0)

    assert None is entry.finding
    assert entry.change == pytest.approx(1.0, abs=0.05)


def test_a_rate_has_no_least_change_in_ms_and_a_time_has() -> None:
    for metric, relevant in ((WALL, False), (RATE, True), (MEMORY, True)):
        factor = 0.5 if metric == RATE else 1.5
        (entry,) = compare(sides(of(metric, noisy(1, 6, 1)), of(metric, noisy(factor, 6, 2))), Criteria(min_ms=1.0))

        assert entry.finding is not None
        assert ("regressed", relevant) == (entry.finding.verdict, entry.finding.is_relevant)


# ---- what is compared ------------------------------------------------------------------------------------------------


def test_a_run_says_the_median_of_its_repetitions_and_a_side_the_mean_of_its_runs() -> None:
    matched = sides([{WALL: [1.0, 1.2, 90.0]}, {WALL: [1.4, 1.4, 1.4]}], [{WALL: [2.0]}, {WALL: [3.0, 3.0]}])

    (entry,) = compare(matched)

    assert [1.3, 2.5] == pytest.approx([entry.baseline.mean, entry.contender.mean])
    assert entry.baseline.spread == pytest.approx(0.1 * 2**0.5)
    assert (2, (6, 3)) == (entry.baseline.runs, entry.repetitions)


def test_the_metrics_of_both_sides_are_compared_those_of_the_program_first() -> None:
    before: Metrics = {COUNTER: [1], RATE: [1], MEMORY: [1], CPU: [1], WALL: [1], EXIT: [0]}
    after: Metrics = {COUNTER: [1], RATE: [1], MEMORY: [1], CPU: [1], WALL: [1], EXIT: [0], ("new", "ms"): [1]}

    told = [entry.metric for entry in compare(sides([before], [after]))]

    assert ["wall_time", "cpu_time", "bytes_per_second", "peak_memory", "hits"] == told


def test_values_of_another_unit_are_not_mixed() -> None:
    before = of(("items", "items/s"), [10.0, 11.0]) + of(("items", "ms"), [1.0])
    after = of(("items", "items/s"), [10.0])

    (entry,) = compare(sides(before, after))

    assert ("items/s", 2, 10.5) == (entry.unit, entry.baseline.runs, entry.baseline.mean)


def test_a_metric_that_only_changed_its_unit_is_told() -> None:
    diff = program(sides([{WALL: [1], ("speed", "items/s"): [5]}], [{WALL: [1], ("speed", "bytes/s"): [5]}]))

    assert ["speed is in items/s in the baseline, in bytes/s in the contender, and not compared"] == [
        caveat.text for caveat in diff.caveats
    ]


def test_a_run_without_the_metric_does_not_count_for_it() -> None:
    entries = compare(sides([{WALL: [1.0], MEMORY: [5]}, {WALL: [1.0]}], [{WALL: [1.0], MEMORY: [6]}]))

    assert [("wall_time", 2), ("peak_memory", 1)] == [(entry.metric, entry.baseline.runs) for entry in entries]


def test_of_what_is_zero_no_change_is_told() -> None:
    (entry,) = compare(sides(of(CPU, [0.0, 0.0, 0.0]), of(CPU, [0.0, 1.0, 0.0])))

    assert entry.finding is not None
    assert ("inconclusive", None, None) == (entry.finding.verdict, entry.finding.effect, entry.change)


def test_values_that_are_no_numbers_are_left_out() -> None:
    assert () == compare(sides(of(CPU, [float("nan")]), of(CPU, [1.0])))


# ---- what is judged --------------------------------------------------------------------------------------------------


def test_one_run_a_side_shows_nothing_however_many_repetitions_it_has() -> None:
    (entry,) = compare(sides([{WALL: noisy(1.0, 100, 1)}], [{WALL: noisy(1.5, 100, 2)}]))

    assert entry.finding is not None
    assert ("inconclusive", None) == (entry.finding.verdict, entry.finding.low)
    assert entry.finding.effect == pytest.approx(0.5, abs=0.02)


def test_with_earlier_runs_one_run_a_side_may_do() -> None:
    (entry,) = compare(sides([{WALL: [1.0]}], [{WALL: [1.5]}], of(WALL, noisy(1.0, 12, 3))))

    assert entry.finding is not None
    assert "regressed" == entry.finding.verdict


def test_processor_time_in_ticks_of_windows_is_no_exact_time() -> None:
    """Three ticks on every run of both sides are anything from two to four; a finer clock would have shown it."""
    user_time = ("user_time", "ms")
    same = of(user_time, [3 * 15.625] * 5)
    finer = of(user_time, [3 * 15.625 + 0.5] * 5)

    assert ["inconclusive"] == verdicts(sides(same, same))
    assert ["equal"] == verdicts(sides(finer, finer))
    assert ["equal"] == verdicts(sides(of(WALL, [46.875] * 5), of(WALL, [46.875] * 5)))


@pytest.mark.parametrize(
    ("wall", "cpu", "warned"),
    [(1.5, 1.0, True), (1.5, 1.5, False), (0.6, 1.0, True), (0.6, 0.6, False), (1.0, 1.0, False)],
)
def test_wall_time_that_changed_without_cpu_time_is_warned_of(wall: float, cpu: float, warned: bool) -> None:
    before = [{WALL: [w], CPU: [c]} for w, c in zip(noisy(100, 6, 1), noisy(90, 6, 2), strict=True)]
    after = [{WALL: [w], CPU: [c]} for w, c in zip(noisy(100 * wall, 6, 3), noisy(90 * cpu, 6, 4), strict=True)]

    codes = [caveat.code for caveat in program(sides(before, after)).caveats]

    assert warned == ("wall-not-cpu" in codes)


def test_many_metrics_are_one_family() -> None:
    doubtful = sides(of(WALL, [100, 101, 99, 100]), of(WALL, [103, 105, 104, 106]))
    same = [
        sides(of(WALL, noisy(100, 4, seed, 0.03)), of(WALL, noisy(100, 4, seed + 500, 0.03))) for seed in range(200)
    ]

    (alone,), (among, *_) = compare_measured([doubtful], Criteria()), compare_measured([doubtful, *same], Criteria())

    assert alone[0].finding is not None
    assert among[0].finding is not None
    assert alone[0].finding.p_value == among[0].finding.p_value
    assert (alone[0].finding.adjusted or 0) < (among[0].finding.adjusted or 0)


def test_where_nothing_can_be_compared_the_metrics_say_why_too() -> None:
    matched = Matched(
        (measured_run("b", {WALL: [1], COUNTER: [1]}),), (measured_run("c", {WALL: [2], COUNTER: [2]}),), reason="other"
    )

    wall, counter = compare(matched)

    assert wall.finding is not None
    assert ("not comparable", "other") == (wall.finding.verdict, wall.finding.reason)
    assert None is counter.finding


# ---- programs without profiles ---------------------------------------------------------------------------------------


def test_the_first_metric_stands_for_a_program_without_profiles() -> None:
    diff = program(sides(of(WALL, noisy(100, 6, 1)), of(WALL, noisy(130, 6, 2))))

    assert ("regressed", "wall_time") == (diff.finding.verdict, diff.primary and diff.primary.metric)
    assert diff.total.baseline.mean == pytest.approx(100e6, rel=0.01)
    assert ((), (), None, None) == (diff.modules.rows, diff.functions.rows, diff.paths, diff.common_effect)


def test_a_program_whose_first_metric_is_no_time_has_no_cost_in_ns() -> None:
    diff = program(sides(of(RATE, noisy(100, 6, 1)), of(RATE, noisy(50, 6, 2))))

    assert ("regressed", 0.0) == (diff.finding.verdict, diff.total.baseline.mean)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({WALL: [1]}, {MEMORY: [1]}, "baseline has wall_time (ms); contender has peak_memory (bytes)"),
        ({COUNTER: [1]}, {COUNTER: [2]}, "nobody knows whether more of hits is better, or less"),
    ],
)
def test_a_program_of_which_nothing_can_be_judged_says_why(before: Metrics, after: Metrics, reason: str) -> None:
    finding = program(sides([before], [after])).finding

    assert "not comparable" == finding.verdict
    assert reason in finding.reason


def test_profiles_keep_their_verdict_and_their_metrics_are_told_beside_it() -> None:
    before = tuple(
        run_facts(f"b{n}", measured=measured_run("", {MEMORY: [v]}).measured) for n, v in enumerate(noisy(100, 5, 1))
    )
    after = tuple(
        run_facts(f"c{n}", measured=measured_run("", {MEMORY: [v]}).measured) for n, v in enumerate(noisy(150, 5, 2))
    )
    case = case_of(profiles(5, 1), profiles(5, 2))
    (plain,), _ = compare_examples([case], Criteria())

    (diff,), _ = compare_examples([ExampleCase("x", Matched(before, after), case.modules, case.functions)], Criteria())

    assert plain.finding == diff.finding
    assert (None, ["peak_memory"]) == (diff.primary, [entry.metric for entry in diff.measured])
    assert [entry.finding and entry.finding.verdict for entry in diff.measured] == ["regressed"]


def test_repetitions_of_one_run_are_warned_of_once() -> None:
    def single(history: tuple[RunFacts, ...] = ()) -> Matched:
        return Matched((measured_run("b"),), (measured_run("c"),), history)

    (caveat,) = repetition_caveats([single(), single(), single(history=(measured_run("h"),))])

    assert caveat.text.startswith("2 of 3 examples have one run a side and no earlier runs")
    assert "3 times or more on each side" in caveat.text
    assert () == repetition_caveats([Matched((run_facts("b"),), (run_facts("c"),))])
    assert () == repetition_caveats([Matched((measured_run("b"), measured_run("d")), (measured_run("c"),))])
