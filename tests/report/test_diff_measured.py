"""Metrics in the reports of a diff: of profiles beside their ledgers, of benchmarks all in one table."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

from perfdb.compare.comparison import Comparison, ExampleDiff
from perfdb.compare.costs import no_costs
from perfdb.compare.page import PageContent, PageExample, PageSide
from perfdb.compare.sides import SetAside
from perfdb.profile.measurement import MS
from perfdb.report import render
from perfdb.report.html import page_html
from perfdb.report.of_diff import diff_report
from perfdb.report.of_diff_headline import headline
from perfdb.report.of_regressions import regressions_markdown, size_of
from perfdb.report.text import render_text
from tests.golden import assert_golden
from tests.report.benchmarks import (
    ALIKE,
    LESS,
    SLOWER,
    UNTOLD,
    bare_runs,
    benchmark,
    benchmarks,
    metric,
    mixed,
    profiled,
)
from tests.report.diffs import comparison, example_diff


def text(diff: Comparison) -> str:
    return render(diff_report(diff), "table")


def many(count: int) -> list[ExampleDiff]:
    """So many benchmarks, of which the last is slower."""
    last = benchmark("BM_slow", metric("wall_time", MS, 1.0, 1.31, SLOWER))
    return [*(benchmark(f"BM_{n:03}", metric("wall_time", MS, 1.0, 1.04, UNTOLD)) for n in range(count - 1)), last]


# ---- for people ------------------------------------------------------------------------------------------------------


def test_a_diff_of_profiles_and_benchmarks() -> None:
    assert_golden("diff_benchmarks.table.txt", text(mixed()))


def test_a_regression_report_of_benchmarks() -> None:
    assert_golden("regressions_benchmarks.md.txt", regressions_markdown(comparison(*benchmarks())))


def test_one_benchmark_is_told_in_detail_and_in_its_own_unit() -> None:
    told = text(comparison(benchmarks()[0]))

    assert "BM_parse/64  (3 v 3 runs)\n" in told
    assert "regressed +31.0 % [+27.0, +35.0], 3 v 3 runs: 12.00 ns ±1.0 % → 15.70 ns ±1.0 % wall time, +3.70 ns" in told
    assert "metrics: the median of each run's repetitions, mean of the runs; effects with 95 % intervals" in told
    assert "CPU" not in told


def test_hundreds_of_benchmarks_are_one_table_that_is_cut_and_counted() -> None:
    lines = text(comparison(*many(400)).cut(15)).splitlines()

    assert "400 metrics: 1 regressed, 399 open; the first 15 are shown" in lines
    assert 30 > len(lines)
    (first, *_) = [line for line in lines if line.startswith("BM_")]
    assert first.startswith("BM_slow  wall_time")


def test_on_a_terminal_it_is_told_how_to_see_the_others() -> None:
    report = diff_report(comparison(*many(20)).cut(2))

    assert "not shown: more metrics (-v shows all)" in render_text(report, 120, more="-v shows all")


def test_what_holds_for_many_benchmarks_is_said_once() -> None:
    aside = tuple(SetAside("r1", "baseline", "ran on LAPTOP") for _ in range(2))
    moved = replace(bare_runs(), set_aside=aside)
    bench = [benchmark(f"BM_{n}", metric("wall_time", MS, 1, 1, ALIKE), matched=moved, caveats=()) for n in range(5)]

    assert 1 == text(comparison(*bench)).count("ran on LAPTOP")
    assert "! baseline: 2 runs not compared: ran on LAPTOP" in text(comparison(*bench))
    some = text(comparison(*bench, benchmarks()[3]))
    assert "! BM_0, BM_1, BM_2 and 2 more: baseline: 2 runs not compared: ran on LAPTOP" in some


def test_sides_without_a_metric_in_common_say_so() -> None:
    told = text(comparison(benchmarks()[-1]))

    assert "not comparable: two machines\n1 v 1 runs\n" in told
    assert "0 metrics; 2 examples without one that both sides have" in text(
        comparison(benchmarks()[-1], replace(benchmarks()[-1], example="other"))
    )


def test_the_head_line_counts_metrics_that_regressed_behind_a_verdict() -> None:
    alike = benchmark("x", metric("wall_time", MS, 1, 1, ALIKE), metric("rate", "bytes/s", 2, 1, LESS))

    assert "1 of 1 example shown equal, but 1 metric regressed" == headline(comparison(alike))
    assert "1 of 1 example open, but 1 function and 1 metric regressed" == headline(comparison(profiled()))
    assert "1 of 1 example regressed" == headline(comparison(benchmarks()[0]))


def test_changes_of_a_rate_are_not_coloured_as_slower() -> None:
    told = render_text(diff_report(comparison(benchmarks()[0])), 120, color=True)

    (rate,) = [line for line in told.splitlines() if line.startswith("bytes_per_second")]
    assert ("\x1b[31mregressed" in rate, "\x1b[32m-23.5" in rate) == (True, False)


def test_a_comment_has_room_for_a_thousand_benchmarks() -> None:
    slow = [benchmark(f"BM_{n}<std::string>", metric("wall_time", MS, 1, 1.3, SLOWER)) for n in range(1_000)]

    told = regressions_markdown(comparison(*slow, *many(500)))

    assert size_of(told) <= 65_000
    assert "1,001 of 1,500 examples regressed, 499 open" in told
    assert "1,500 metrics: 1,001 regressed, 499 open; the first " in told


def test_a_report_names_the_metric_that_regressed_within_a_program() -> None:
    told = regressions_markdown(comparison(profiled()))

    expected = "1 metric regressed: peak memory 120.0 MiB → 150.0 MiB (+25.0 %) in templates."
    assert expected in told
    assert "<summary>metrics of templates</summary>" in told


def test_a_diff_of_profiles_alone_says_nothing_of_metrics() -> None:
    assert "metric" not in text(comparison(example_diff()))
    assert "metric" not in render(diff_report(comparison(example_diff())), "csv")


# ---- for programs ----------------------------------------------------------------------------------------------------


def test_json_has_every_metric_in_its_unit_whatever_is_cut() -> None:
    data = json.loads(render(diff_report(comparison(*benchmarks()).cut(1)), "json"))
    first = data["examples"][0]

    assert ["wall_time", "bytes_per_second", "hits"] == [each["metric"] for each in first["measured"]]
    time, rate, hits = first["measured"]
    assert {
        "metric": "wall_time", "unit": "ms", "better": "lower", "baseline": 1.2e-5, "baseline_runs": 3,
        "baseline_repetitions": 15, "contender": 1.57e-5, "verdict": "regressed", "effect": 0.31, "reason": "",
    }.items() <= time.items()  # fmt: skip
    assert ("higher", "regressed", -0.24) == (rate["better"], rate["verdict"], rate["effect"])
    assert (None, None, 1.0) == (hits["better"], hits["verdict"], hits["change"])


def test_json_says_what_the_total_of_a_benchmark_is() -> None:
    rate = benchmark("rate", metric("bytes_per_second", "bytes/s", 5.1e9, 3.9e9, LESS))

    data = json.loads(render(diff_report(comparison(benchmarks()[0], rate, profiled())), "json"))

    assert ["wall_time", "bytes_per_second", None] == [each["metric"] for each in data["examples"]]
    time, rate_total, profile = (each["total"] for each in data["examples"])
    assert (1.2e-5, "regressed") == (time["baseline_ms"], time["verdict"])
    assert (None, None, "regressed") == (rate_total["baseline_ms"], rate_total["delta_ms"], rate_total["verdict"])
    assert (2485.5, "inconclusive") == (profile["baseline_ms"], profile["verdict"])
    assert ([], 0.0) == (data["examples"][0]["modules"]["rows"], data["examples"][0]["modules"]["total"]["baseline_ms"])


def test_csv_has_a_row_for_each_metric() -> None:
    rows = list(csv.DictReader(io.StringIO(render(diff_report(mixed().cut(1)), "csv"))))

    told = [(row["example"], row["metric"], row["unit"], row["baseline"]) for row in rows if row["kind"] == "metric"]
    assert 9 == len(told)
    assert ("BM_parse/64", "wall_time", "ms", "1.2e-05") == told[0]
    programs = {row["example"]: row["metric"] for row in rows if row["kind"] == "program"}
    assert ("wall_time", "") == (programs["BM_parse/64"], programs["templates"])


# ---- pages -----------------------------------------------------------------------------------------------------------


def page(*examples: ExampleDiff) -> str:
    sides = [
        PageExample(each.example, (PageSide(each.baseline, no_costs()), PageSide(each.contender, no_costs())), None)
        for each in examples
    ]
    return page_html(PageContent("main → work", tuple(sides), comparison=comparison(*examples)))


def test_a_page_of_benchmarks_has_their_table_and_nothing_to_explore() -> None:
    told = page(*benchmarks())

    assert "BM_parse/64" in told
    assert "Benchmarks" in told
    assert 'id="explore"' not in told
    assert "<script" not in told
    assert told.count("<table") == 2  # the metrics, and the runs


def test_a_page_of_both_explores_the_profiles() -> None:
    told = page(*benchmarks(), profiled())

    assert ['data-example="templates"'] == [word for word in told.split() if word.startswith("data-example=")]
    assert "peak_memory" in told
    assert "BM_copy" in told
