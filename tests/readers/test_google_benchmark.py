"""google/benchmark: what its rows mean, by its own program and by hand, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from perfdb.errors import TraceError
from perfdb.profile.measurement import BenchmarkResult, Measurement
from perfdb.readers.google_benchmark import GOOGLE_BENCHMARK
from tests.readers.benchmark_programs import google_results
from tests.readers.reading import results_as, values


def row(name: str = "BM_x", **more: Any) -> dict[str, Any]:
    plain = {"name": name, "run_name": name, "run_type": "iteration", "repetition_index": 0, "time_unit": "ns"}
    return plain | {"real_time": 2000.0, "cpu_time": 1000.0, "iterations": 7} | more


def aggregate(which: str, name: str = "BM_x", **more: Any) -> dict[str, Any]:
    return row(f"{name}_{which}", run_name=name, run_type="aggregate", aggregate_name=which) | more


def read(*rows: dict[str, Any], **context: Any) -> dict[str, BenchmarkResult]:
    data = json.dumps({"context": context, "benchmarks": rows}).encode()
    assert GOOGLE_BENCHMARK.recognises(data)
    return {result.name: result for result in results_as(GOOGLE_BENCHMARK, data).results}


def test_what_the_library_writes_is_read() -> None:
    data = google_results("--benchmark_repetitions=3", "--benchmark_context=commit=abc123,build=Release")
    written = json.loads(data)
    results = results_as(GOOGLE_BENCHMARK, data)

    assert GOOGLE_BENCHMARK.recognises(data)
    names = ["BM_Fill/8", "BM_Fill/64", "BM_Fails", "BM_Told/iterations:3/manual_time"]
    assert names == [result.name for result in results.results]
    fill, _, fails, told = results.results
    times = [each for each in written["benchmarks"] if each["name"] == "BM_Fill/8"]
    assert [each["real_time"] / 1e6 for each in times] == pytest.approx(values(fill, "wall_time"))
    assert [each["cpu_time"] / 1e6 for each in times] == pytest.approx(values(fill, "cpu_time"))
    assert [each["bytes_per_second"] for each in times] == values(fill, "bytes_per_second")
    assert {("wall_time", "ms"), ("cpu_time", "ms"), ("bytes_per_second", "bytes/s"), ("items_per_second", "items/s"),
            ("depth", "")} == {(each.metric, each.unit) for each in fill.measurements}  # fmt: skip
    assert "counters that are no number were left out: odd" in [caveat.text for caveat in fill.caveats]
    assert ("it failed: no such file", ()) == (fails.failed, fails.measurements)
    assert [2.0, 2.0, 2.0] == pytest.approx(values(told, "wall_time"))
    assert ("bench", "abc123", "Release") == (results.program, results.commit_sha, results.build)
    assert (written["context"]["host_name"], written["context"]["num_cpus"]) == (
        results.machine.hostname,
        results.machine.cores,
    )
    assert datetime.fromisoformat(written["context"]["date"]) == results.started_at


def test_of_aggregates_alone_the_mean_is_kept_and_said_to_be_one() -> None:
    data = google_results("--benchmark_repetitions=2", "--benchmark_report_aggregates_only=true")
    mean = next(each for each in json.loads(data)["benchmarks"] if each["name"] == "BM_Fill/8_mean")
    results = {result.name: result for result in results_as(GOOGLE_BENCHMARK, data).results}

    assert {"BM_Fill/8", "BM_Fill/64", "BM_Fails", "BM_Told/iterations:3/manual_time"} == set(results)
    assert [mean["real_time"] / 1e6] == pytest.approx(values(results["BM_Fill/8"], "wall_time"))
    assert "mean-only" in {caveat.code for caveat in results["BM_Fill/8"].caveats}


@pytest.mark.parametrize(("unit", "ms"), [("ns", 0.002), ("us", 2.0), ("ms", 2000.0), ("s", 2_000_000.0)])
def test_times_become_milliseconds(unit: str, ms: float) -> None:
    result = read(row(time_unit=unit))["BM_x"]

    assert [ms] == pytest.approx(values(result, "wall_time"))
    assert [ms / 2] == pytest.approx(values(result, "cpu_time"))


def test_repetitions_count_as_they_are_numbered() -> None:
    result = read(row(repetition_index=1, real_time=1e6), row(repetition_index=0, real_time=2e6))["BM_x"]

    assert [2.0, 1.0] == values(result, "wall_time")


def test_aggregates_beside_repetitions_are_passed_over() -> None:
    result = read(row(real_time=3e6), aggregate("mean", real_time=9e6), aggregate("cv", real_time=0.1))["BM_x"]

    assert ([3.0], ()) == (values(result, "wall_time"), result.caveats)


def test_a_fit_of_complexity_is_no_benchmark() -> None:
    fits = (aggregate("BigO", "BM_fit"), aggregate("RMS", "BM_fit", rms=0.1))

    assert {"BM_x"} == set(read(row(), *fits))


def test_before_version_1_5_aggregates_are_known_by_their_names() -> None:
    def old(name: str, time: float) -> dict[str, Any]:
        return {"name": name, "iterations": 5, "real_time": time, "cpu_time": time, "time_unit": "ms"}

    rows = [old("BM_x", 1), old("BM_x", 3), old("BM_x_mean", 2), old("BM_x_median", 2), old("BM_x_stddev", 1)]
    results = read(*rows, old("BM_geometric_mean", 7))

    assert {"BM_x", "BM_geometric_mean"} == set(results)
    assert [1.0, 3.0] == values(results["BM_x"], "wall_time")
    assert [7.0] == values(results["BM_geometric_mean"], "wall_time")


def test_memory_counters_are_bytes() -> None:
    result = read(row(allocs_per_iter=2.5, max_bytes_used=4096, net_heap_growth=-16))["BM_x"]

    found = {(each.metric, each.unit, each.value) for each in result.measurements}
    assert {("allocs_per_iter", "", 2.5), ("max_bytes_used", "bytes", 4096.0), ("net_heap_growth", "bytes", -16.0)} <= (
        found
    )


def test_one_failed_repetition_fails_the_benchmark() -> None:
    results = read(
        row(), row(repetition_index=1, error_occurred=True, error_message="disk full"), row("BM_y", skipped=True)
    )

    assert "it failed: disk full" == results["BM_x"].failed
    assert "it was skipped: it does not say why" == results["BM_y"].failed


def test_two_benchmarks_of_one_name_cannot_be_told_apart() -> None:
    results = read(row(), row(), row("BM_y"), aggregate("mean", "BM_z"), aggregate("mean", "BM_z"))

    assert results["BM_x"].failed.startswith("the file has 2 benchmarks of this name")
    assert results["BM_z"].failed.startswith("the file has 2 benchmarks of this name")
    assert not results["BM_y"].failed


def test_other_aggregates_than_the_mean_do_not_stand_for_it() -> None:
    assert "neither its repetitions nor their mean" in read(row(), aggregate("median", "BM_y"))["BM_y"].failed


@pytest.mark.parametrize(
    ("context", "program"), [({"executable": "./b/bench"}, "bench"), ({"executable": r"C:\b\bench.exe"}, "bench.exe")]
)
def test_the_program_is_named_without_its_folder(context: dict[str, str], program: str) -> None:
    data = json.dumps({"context": context, "benchmarks": [row()]}).encode()

    assert program == results_as(GOOGLE_BENCHMARK, data).program


def test_a_date_without_zone_says_nothing() -> None:
    data = json.dumps({"context": {"date": "2024-03-01 10:00:00"}, "benchmarks": [row()]}).encode()
    zoned = data.replace(b" 10:00:00", b"T10:00:00+02:00")

    assert results_as(GOOGLE_BENCHMARK, data).started_at is None
    assert datetime(2024, 3, 1, 8, tzinfo=UTC) == results_as(GOOGLE_BENCHMARK, zoned).started_at


def test_what_the_library_warns_of_is_a_caveat() -> None:
    result = read(row(), library_build_type="debug", cpu_scaling_enabled=True)["BM_x"]

    assert ["debug-library", "cpu-scaling"] == [caveat.code for caveat in result.caveats]


def test_a_counter_may_bear_the_name_of_a_time() -> None:
    result = read(row(wall_time=5))["BM_x"]

    assert Measurement("wall_time", "", 5.0) in result.measurements
    assert Measurement("wall_time", "ms", 0.002) in result.measurements


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"real_time": None}, "asked for a number from 0 in benchmarks[0].real_time, found nothing"),
        ({"real_time": "12"}, 'real_time, found "12"'),
        ({"real_time": float("nan")}, "real_time, found NaN"),
        ({"cpu_time": float("inf")}, "cpu_time, found Infinity"),
        ({"real_time": -1}, "real_time, found -1"),
        ({"real_time": 10**400}, "real_time, found a number that is too great"),
        ({"time_unit": "h"}, 'ns, us, ms or s in benchmarks[0].time_unit, found "h"'),
        ({"name": 7}, "a text in benchmarks[0].name, found 7"),
        ({"name": ""}, "a name in benchmarks[0].name"),
        ({"repetition_index": 0.5}, "a count in benchmarks[0].repetition_index, found 0.5"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TraceError) as refused:
        read(row(**change))
    assert message in str(refused.value)
    assert str(refused.value).startswith("results.json: asked for")


@pytest.mark.parametrize("benchmarks", [[], [aggregate("BigO")]])
def test_a_file_without_benchmarks_is_refused(benchmarks: list[dict[str, Any]]) -> None:
    with pytest.raises(TraceError, match="found that no benchmark was run"):
        read(*benchmarks, num_cpus=2)
