"""hyperfine: what it exports, by itself and by hand, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfdb.errors import TraceError
from perfdb.profile.measurement import BenchmarkResult
from perfdb.readers.hyperfine import HYPERFINE
from tests.readers.benchmark_programs import hyperfine_results
from tests.readers.reading import results_as, values


def read(*rows: dict[str, Any]) -> tuple[BenchmarkResult, ...]:
    data = json.dumps({"results": [{"command": "app", "mean": 0.5, "times": [0.25, 0.75]} | row for row in rows]})
    assert HYPERFINE.recognises(data.encode())
    return results_as(HYPERFINE, data.encode()).results


def test_what_hyperfine_exports_is_read(tmp_path: Path) -> None:
    data = hyperfine_results(tmp_path, "git --version", "git --exec-path", "--command-name=version")
    written = json.loads(data)["results"]
    results = results_as(HYPERFINE, data)

    assert HYPERFINE.recognises(data)
    assert ["version", "git --exec-path"] == [result.name for result in results.results]
    assert ("", "", None, None) == (results.program, results.machine.hostname, results.started_at, results.commit_sha)
    for told, result in zip(written, results.results, strict=True):
        assert [time * 1000 for time in told["times"]] == values(result, "wall_time")
        assert ([told["user"] * 1000], [told["system"] * 1000]) == (
            values(result, "user_time"),
            values(result, "kernel_time"),
        )
        assert ((), "") == (result.caveats, result.failed)


def test_parameters_tell_commands_of_one_name_apart(tmp_path: Path) -> None:
    words = ("--parameter-list", "what", "version,exec-path")
    named = hyperfine_results(tmp_path, *words, "git --{what}", "--command-name=git")
    plain = hyperfine_results(tmp_path, *words, "git --{what}")

    assert {"git (what=version)", "git (what=exec-path)"} == {
        result.name for result in results_as(HYPERFINE, named).results
    }
    assert {"git --version", "git --exec-path"} == {result.name for result in results_as(HYPERFINE, plain).results}


def test_runs_that_failed_are_counted_in_a_caveat(tmp_path: Path) -> None:
    data = hyperfine_results(tmp_path, "git --no-such-option", "--ignore-failure")
    (result,) = results_as(HYPERFINE, data).results

    assert ["2 of 2 runs failed (exit code 129), and count all the same"] == [caveat.text for caveat in result.caveats]
    assert 2 == len(values(result, "wall_time"))


def test_a_run_that_a_signal_ended_has_no_exit_code() -> None:
    (result,) = read({"exit_codes": [0, None]})

    assert ["1 of 2 runs failed (a signal), and count all the same"] == [caveat.text for caveat in result.caveats]


def test_memory_is_kept_run_by_run_where_it_is_told() -> None:
    told, untold = read({"memory_usage_byte": [4096, 8192]}, {"command": "other", "memory_usage_byte": [0, 0]})

    assert [4096.0, 8192.0] == values(told, "peak_memory")
    assert [] == values(untold, "peak_memory")


@pytest.mark.parametrize("times", [None, []])
def test_without_single_times_the_mean_is_kept_and_said_to_be_one(times: list[float] | None) -> None:
    (result,) = read({"times": times})

    assert ([500.0], ["mean-only"]) == (values(result, "wall_time"), [caveat.code for caveat in result.caveats])


def test_a_command_of_several_lines_has_a_name_of_one() -> None:
    assert "cd x && make" == read({"command": "cd x &&\n  make\n"})[0].name


def test_two_commands_of_one_name_cannot_be_told_apart(tmp_path: Path) -> None:
    twice, other = read({}, {}, {"command": "other"})

    assert ("app", ()) == (twice.name, twice.measurements)
    assert twice.failed.startswith("the file has 2 benchmarks of this name. Give each a name of its own")
    assert ("other", "") == (other.name, other.failed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"times": [0.1, "x"]}, r'results\[0\]\.times\[1\], found "x"'),
        ({"times": [float("nan")]}, r"times\[0\], found NaN"),
        ({"times": [-0.1]}, r"times\[0\], found -0.1"),
        ({"times": 7}, r"an array of numbers in results\[0\]\.times, found 7"),
        ({"times": [], "mean": None}, r"results\[0\]\.mean, found nothing"),
        ({"exit_codes": 7}, r"results\[0\]\.exit_codes, found 7"),
        ({"parameters": []}, r"an object in results\[0\]\.parameters, found an array"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TraceError, match=message):
        read(change)
