"""`perfdb record` of benchmark results: a run for each benchmark, as their programs write them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.conftest import GitRepo
from tests.readers.benchmark_programs import google_results, hyperfine_results, pytest_results
from tests.traces import small_trace


@pytest.fixture
def project(git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """A repository with one commit; the current folder is in it."""
    git_repo.commit({"app.cpp": "int main() {}\n"}, "First")
    monkeypatch.chdir(git_repo.path)
    return git_repo


def results(*rows: dict[str, Any], **context: Any) -> str:
    """A file of google/benchmark."""
    plain = {"run_type": "iteration", "real_time": 12_300.0, "cpu_time": 12_000.0, "time_unit": "ns"}
    context = {"host_name": "BUILD-7", "executable": "out/bench", "num_cpus": 8} | context
    return json.dumps({"context": context, "benchmarks": [plain | {"name": "BM_x"} | row for row in rows]})


def listed(perfdb: Run, columns: str, table: str = "run_summary") -> list[tuple[Any, ...]]:
    ran = perfdb("sql", "--format", "json", f"select {columns} from {table} order by all")
    assert (0, "") == (ran.code, ran.err)
    return [tuple(row.values()) for row in json.loads(ran.out)]


def test_each_benchmark_of_google_benchmark_becomes_a_run(perfdb: Run, project: GitRepo) -> None:
    (project.path / "results.json").write_bytes(google_results("--benchmark_repetitions=3"))
    ran = perfdb("record", "results.json")

    sha = project.git("rev-parse", "HEAD")
    assert 3 == ran.code
    assert "error: results.json: BM_Fails: it failed: no such file\n" in ran.err
    assert "error: 1 of 4 traces and benchmarks could not be recorded; the others were.\n" in ran.err
    assert re.search(
        rf"^r[0-9a-f]{{8}}  BM_Fill/8  {sha[:10]}  wall time [\d.]+ (ns|µs) ±[\d.,]+ % \(3 repetitions\)$",
        ran.out,
        re.M,
    )
    assert "BM_Told/iterations:3/manual_time" in ran.out
    assert 1 == ran.out.count("counters that are no number were left out: odd")
    names = ("BM_Fill/64", "BM_Fill/8", "BM_Told/iterations:3/manual_time")
    assert [(name, sha, "bench") for name in names] == listed(perfdb, "example, commit_sha, process")
    assert [("BM_Fill/8", 3)] == listed(
        perfdb, "example, repetitions", "measurement_summary where metric = 'cpu_time' and example = 'BM_Fill/8'"
    )
    assert 0 == perfdb("db", "check").code


def test_commands_of_hyperfine_become_runs(perfdb: Run, project: GitRepo) -> None:
    hyperfine_results(project.path, "git --version", "git --exec-path")
    ran = perfdb("record", "hyperfine.json", "--process", "git")

    assert (0, "") == (ran.code, ran.err)
    assert [("git --exec-path", "git", True), ("git --version", "git", True)] == listed(
        perfdb, "example, process, wall_ms > 0"
    )


def test_tests_of_pytest_benchmark_are_of_the_commit_that_the_plugin_saw(perfdb: Run, project: GitRepo) -> None:
    pytest_results(project.path)
    measured = project.git("rev-parse", "HEAD")
    project.commit({"app.cpp": "int main() { return 2; }\n"}, "Second")
    (project.path / "app.cpp").write_text("int main() { return 3; }\n")

    ran = perfdb("record", "pytest.json")

    assert (0, "") == (ran.code, ran.err)
    assert [("bench_sum.py::test_sum[1]", "First"), ("bench_sum.py::test_sum[2]", "First")] == listed(
        perfdb, "example, subject", "run_summary join revision using (commit_sha)"
    )
    assert [(measured, False)] * 2 == listed(perfdb, "commit_sha, is_dirty", "run")


def test_the_json_of_a_benchmark_has_what_was_measured(perfdb: Run, project: GitRepo) -> None:
    (project.path / "r.json").write_text(results({"real_time": 1e6}, {"real_time": 3e6}))
    (told,) = json.loads(perfdb("record", "r.json", "--json").out)

    assert {"status": "recorded", "example": "BM_x", "process": "bench", "caveats": []}.items() <= told.items()
    assert {"metric": "wall_time", "unit": "ms", "mean": 2.0, "median": 2.0, "repetitions": 2}.items() <= (
        told["measured"][1].items()
    )
    assert not {"samples", "hottest_module"} & set(told)


@pytest.mark.parametrize(
    ("rows", "names"),
    [([{}], {"nightly"}), ([{}, {"name": "BM_y"}], {"nightly/BM_x", "nightly/BM_y"})],
    ids=["one benchmark", "several"],
)
def test_a_name_in_the_call_is_that_of_one_benchmark_or_before_those_of_several(
    perfdb: Run, project: GitRepo, rows: list[dict[str, Any]], names: set[str]
) -> None:
    (project.path / "r.json").write_text(results(*rows))
    perfdb("record", "r.json", "--example", "nightly")

    assert names == {name for (name,) in listed(perfdb, "example")}


def test_the_same_results_again_change_nothing(perfdb: Run, project: GitRepo) -> None:
    (project.path / "r.json").write_text(results({}, {"name": "BM_y"}))
    perfdb("record", "r.json")
    again = perfdb("record", "r.json")

    assert (0, "") == (again.code, again.err)
    assert 2 == again.out.count("unchanged: its results in this file are recorded already for this commit; --again")
    assert 2 == len(listed(perfdb, "run_id"))
    assert 0 == perfdb("record", "r.json", "--again").code
    assert 4 == len(listed(perfdb, "run_id"))


def test_the_same_results_for_another_commit_are_recorded_with_one_note(perfdb: Run, project: GitRepo) -> None:
    (project.path / "r.json").write_text(results({}, {"name": "BM_y"}))
    perfdb("record", "r.json")
    first = project.git("rev-parse", "HEAD")
    project.commit({"app.cpp": "int main() { return 2; }\n"}, "Second")
    ran = perfdb("record", "r.json")

    assert (0, f"note: r.json: the same trace is also recorded for {first[:10]}\n") == (ran.code, ran.err)
    assert 4 == len(listed(perfdb, "run_id"))


def test_a_commit_that_git_does_not_know_is_taken_as_the_file_says_it(perfdb: Run, project: GitRepo) -> None:
    (project.path / "r.json").write_text(results({}, commit="build-1704"))
    (project.path / "s.json").write_text(results({"name": "BM_y"}, commit="HEAD~0"))
    perfdb("record", "r.json", "s.json")

    assert [("BM_x", "build-1704"), ("BM_y", project.git("rev-parse", "HEAD"))] == listed(perfdb, "example, commit_sha")


def test_the_call_knows_better_than_the_file(perfdb: Run, project: GitRepo) -> None:
    (project.path / "r.json").write_text(results({}, commit="build-1704", build="Debug"))
    perfdb("record", "r.json", "--commit", "HEAD", "--build", "Release", "--tag", "pc=fast")

    assert [(project.git("rev-parse", "HEAD"), "Release")] == listed(perfdb, "commit_sha, build")
    assert [("pc", "fast")] == listed(perfdb, "key, value", "run_tag")


@pytest.mark.parametrize(("settings", "build"), [("", "Debug"), ('[record]\nbuild = "Release"\n', "Release")])
def test_the_settings_know_better_than_the_file(perfdb: Run, project: GitRepo, settings: str, build: str) -> None:
    (project.path / "perfdb.toml").write_text(settings)
    (project.path / "r.json").write_text(results({}, build="Debug"))
    perfdb("record", "r.json")

    assert [(build,)] == listed(perfdb, "build")


def test_a_file_that_says_its_commit_needs_no_repository(
    perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "told.json").write_text(results({}, commit="a" * 40))
    (tmp_path / "untold.json").write_text(results({"name": "BM_y"}))
    ran = perfdb("record", "told.json", "untold.json")

    assert 3 == ran.code
    assert "error: untold.json: asked to record for the current commit, found no git repository" in ran.err
    assert [("a" * 40, "BM_x")] == listed(perfdb, "commit_sha, example")


def test_a_folder_may_hold_traces_and_results_of_one_name_and_other_json(perfdb: Run, project: GitRepo) -> None:
    (project.path / "all").mkdir()
    (project.path / "all" / "app.etl").write_bytes(small_trace())
    (project.path / "all" / "app.json").write_text(results({}))
    (project.path / "all" / "package.json").write_text('{"name": "x", "results": [1]}')
    ran = perfdb("record", "all")

    assert (0, "") == (ran.code, ran.err)
    assert [("BM_x", 0), ("app", 40)] == listed(perfdb, "example, samples")


def test_json_that_is_no_results_is_refused_by_name(perfdb: Run, project: GitRepo) -> None:
    (project.path / "package.json").write_text('{"name": "x"}')
    ran = perfdb("record", "package.json")

    assert (3, "") == (ran.code, ran.out)
    assert "package.json: asked for a trace, found something else" in ran.err
    assert "results of google/benchmark (JSON); results of hyperfine (JSON); results of pytest-benchmark" in ran.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (results({})[:-20], "asked for JSON, found none that is whole"),
        (results({"real_time": "fast"}), 'asked for a number from 0 in benchmarks[0].real_time, found "fast"'),
        (results(), "asked for results of benchmarks, found that no benchmark was run"),
    ],
    ids=["cut", "no number", "no benchmark"],
)
def test_what_cannot_be_recorded_leaves_nothing_behind(
    perfdb: Run, project: GitRepo, content: str, message: str
) -> None:
    (project.path / "bad.json").write_text(content)
    ran = perfdb("record", "bad.json")

    assert (3, "") == (ran.code, ran.out)
    assert f"error: bad.json: {message}" in ran.err
    assert 1 == ran.err.count("\n")
    assert not (project.path / "artifacts" / "perfdb.duckdb").exists()


def test_where_all_benchmarks_failed_nothing_is_made(perfdb: Run, project: GitRepo) -> None:
    (project.path / "r.json").write_text(results({"error_occurred": True, "error_message": "no disk"}))
    ran = perfdb("record", "r.json")

    assert (3, "", "error: r.json: BM_x: it failed: no disk\n") == (ran.code, ran.out, ran.err)
    assert not (project.path / "artifacts").exists()


def test_what_is_only_for_traces_does_no_harm(perfdb: Run, project: GitRepo) -> None:
    (project.path / "r.json").write_text(results({}))
    ran = perfdb("record", "r.json", "--interval", "0.5", "--symbols", ".", "--process", "other.exe")

    assert (0, "") == (ran.code, ran.err)
    assert [("bench", 0)] == listed(perfdb, "process, samples")


def test_xperf_cannot_read_results(perfdb: Run, project: GitRepo) -> None:
    (project.path / "r.json").write_text(results({}))
    ran = perfdb("record", "r.json", "--via", "xperf")

    assert (3, "") == (ran.code, ran.out)
    assert ran.err.startswith("error: ")


def test_many_benchmarks_are_recorded_in_their_order(perfdb: Run, project: GitRepo) -> None:
    names = [f"BM_{at}" for at in range(300)]
    (project.path / "r.json").write_text(results(*({"name": name} for name in names)))
    ran = perfdb("record", "r.json")

    assert 0 == ran.code
    assert names == [line.split("  ")[1] for line in ran.out.splitlines()]
    assert [(300,)] == listed(perfdb, "count(distinct run_id)", "measurement")


def test_an_analysis_of_a_folder_leaves_results_out(perfdb: Run, project: GitRepo) -> None:
    (project.path / "all").mkdir()
    (project.path / "all" / "app.etl").write_bytes(small_trace())
    (project.path / "all" / "results.json").write_text(results({}))
    ran = perfdb("report", "analyze", "--directory", "all")

    assert 0 == ran.code
    assert "results.json" not in ran.out + ran.err
