"""pytest-benchmark: what it writes, by itself and by hand, and what is refused."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from perfdb.errors import TraceError
from perfdb.profile.measurement import BenchmarkResult
from perfdb.readers.pytest_benchmark import PYTEST_BENCHMARK, ROUNDS
from tests.conftest import GitRepo
from tests.readers.benchmark_programs import pytest_results
from tests.readers.reading import results_as, values


def read(stats: dict[str, Any], **more: Any) -> BenchmarkResult:
    benchmark = {"name": "test_x", "fullname": "a.py::test_x", "stats": stats} | more
    data = json.dumps({"machine_info": {}, "commit_info": {}, "benchmarks": [benchmark]}).encode()
    assert PYTEST_BENCHMARK.recognises(data)
    return results_as(PYTEST_BENCHMARK, data).results[0]


def test_what_the_plugin_writes_is_read(git_repo: GitRepo) -> None:
    sha = git_repo.commit({"readme": "x", ".gitignore": "*.py\n*.json\n__pycache__/\n"})
    data = pytest_results(git_repo.path)
    written = json.loads(data)
    results = results_as(PYTEST_BENCHMARK, data)

    assert PYTEST_BENCHMARK.recognises(data)
    assert ["bench_sum.py::test_sum[1]", "bench_sum.py::test_sum[2]"] == [result.name for result in results.results]
    for told, result in zip(written["benchmarks"], results.results, strict=True):
        assert [time * 1000 for time in told["stats"]["data"]] == values(result, "wall_time")
        assert [told["extra_info"]["items"]] == values(result, "items")
        assert {"wall_time", "items"} == {each.metric for each in result.measurements}
        assert ((), "") == (result.caveats, result.failed)
    machine, info = results.machine, written["machine_info"]
    assert (info["node"], info["cpu"]["count"]) == (machine.hostname, machine.cores)
    assert f"{info['system']} {info['release']}" == machine.os
    assert ("pytest", sha, False) == (results.program, results.commit_sha, results.is_dirty)
    assert datetime.fromisoformat(written["datetime"]) == results.started_at


def test_changes_that_are_not_committed_are_told(git_repo: GitRepo) -> None:
    git_repo.commit({"readme": "x"})
    (git_repo.path / "readme").write_text("y")

    assert results_as(PYTEST_BENCHMARK, pytest_results(git_repo.path)).is_dirty is True


def test_outside_of_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    results = results_as(PYTEST_BENCHMARK, pytest_results(tmp_path))

    assert (None, None) == (results.commit_sha, results.is_dirty)


def test_saved_results_have_their_mean_alone(tmp_path: Path) -> None:
    pytest_results(tmp_path, "--benchmark-save=one", "--benchmark-storage=saved")
    (saved,) = (tmp_path / "saved").rglob("*.json")
    first = results_as(PYTEST_BENCHMARK, saved.read_bytes()).results[0]

    (mean,) = values(first, "wall_time")
    assert json.loads(saved.read_bytes())["benchmarks"][0]["stats"]["mean"] * 1000 == mean
    assert ["only the mean of 3 rounds is told (--benchmark-save-data has all)"] == [
        caveat.text for caveat in first.caveats
    ]


@pytest.mark.parametrize("count", [1, 2 * ROUNDS - 1])
def test_a_few_rounds_are_repetitions(count: int) -> None:
    result = read({"data": [0.001 * at for at in range(count)]})

    assert (count, ()) == (len(values(result, "wall_time")), result.caveats)


@pytest.mark.parametrize("count", [2 * ROUNDS, 1_234, 123_456])
def test_many_rounds_are_put_together_in_their_order(count: int) -> None:
    rounds = [0.001 * at for at in range(count)]
    result = read({"data": rounds})
    times = values(result, "wall_time")

    together = count // ROUNDS
    assert ROUNDS <= len(times) < 2 * ROUNDS
    assert fmean(rounds[:together]) * 1000 == pytest.approx(times[0])
    assert fmean(rounds[together * (len(times) - 1) :]) * 1000 == pytest.approx(times[-1])
    assert sorted(times) == times
    assert [f"a repetition is the mean of {together:,} rounds in a row: there are {count:,}"] == [
        caveat.text for caveat in result.caveats
    ]


def test_a_test_that_is_there_twice_is_not_guessed_at() -> None:
    benchmark = {"fullname": "a.py::test_x", "stats": {"mean": 1.0}}
    data = json.dumps({"machine_info": {}, "commit_info": {}, "benchmarks": [benchmark, benchmark]}).encode()

    (result,) = results_as(PYTEST_BENCHMARK, data).results
    assert result.failed.startswith("the file has 2 benchmarks of this name")


@pytest.mark.parametrize(
    ("stats", "message"),
    [
        ({}, r"benchmarks\[0\]\.stats\.mean, found nothing"),
        ({"data": [1.0, None]}, r"stats\.data\[1\], found nothing"),
        ({"data": {"a": 1}}, r"an array of numbers in benchmarks\[0\]\.stats\.data, found an object"),
        ({"mean": True}, r"stats\.mean, found true"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_place(stats: dict[str, Any], message: str) -> None:
    with pytest.raises(TraceError, match=message):
        read(stats)
