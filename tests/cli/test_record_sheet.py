"""`perfdb record` of a trace with a sheet beside it: what the sheet says counts where the call says nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from perfdb.collect.run_sheet import RunSheet, sheet_path, write_sheet
from perfdb.profile.measurement import Measurement
from tests.cli.conftest import Run
from tests.conftest import GitRepo
from tests.traces import small_trace

MEASUREMENTS = (Measurement("wall_time", "ms", 812.0), Measurement("exit_code", "", 3.0))


@pytest.fixture
def project(git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """A repository of two commits, whose second is HEAD, with a trace beside the code."""
    git_repo.commit({"app.cpp": "int main() {}\n"}, "First")
    git_repo.commit({"app.cpp": "int main() { return 2; }\n"}, "Second")
    (git_repo.path / "trace.etl").write_bytes(small_trace())
    monkeypatch.chdir(git_repo.path)
    return git_repo


def sheet(trace: Path, **more: Any) -> Path:
    """Lay a sheet beside a trace."""
    sha256 = more.pop("trace_sha256", hashlib.sha256(trace.read_bytes()).hexdigest())
    path = sheet_path(trace)
    write_sheet(path, RunSheet(sha256, **{"example": "from the sheet", "measurements": MEASUREMENTS} | more))
    return path


def run_of(perfdb: Run) -> dict[str, Any]:
    """The only run, with its measurements."""
    statement = (
        "select example, commit_sha, run.build, is_dirty, process, "
        "(select map(list(key order by key), list(value order by key)) from run_tag) as tags, "
        "(select list([metric, value::varchar] order by metric) from measurement) as measured "
        "from run join run_summary using (run_id, commit_sha)"
    )
    (row,) = json.loads(perfdb("sql", "--format", "json", statement).out)
    return dict(row)


def test_what_the_call_does_not_say_is_taken_from_the_sheet(perfdb: Run, project: GitRepo) -> None:
    first = project.git("rev-parse", "HEAD~1")
    told = {"commit_sha": first, "is_dirty": True, "build": "Release", "process": "other.exe", "tags": {"pc": "fast"}}
    sheet(project.path / "trace.etl", **told)
    ran = perfdb("record", "trace.etl")

    assert (0, "") == (ran.code, ran.err)
    assert f"  from the sheet  {first[:10]}+  other.exe (2000)  5 samples" in ran.out
    found = run_of(perfdb)
    assert {"example": "from the sheet", "process": "other.exe"}.items() <= found.items()
    assert (first, "Release", True) == (found["commit_sha"], found["build"], found["is_dirty"])
    assert {"pc": "fast"} == found["tags"]
    assert [["exit_code", "3.0"], ["wall_time", "812.0"]] == found["measured"]
    assert [("First",)] == [
        tuple(row.values()) for row in json.loads(perfdb("sql", "--format", "json", "select subject from revision").out)
    ]


def test_what_the_call_says_wins_but_measurements_stay(perfdb: Run, project: GitRepo) -> None:
    told = {"commit_sha": "f" * 40, "is_dirty": True, "build": "Debug", "process": "other.exe"}
    sheet(project.path / "trace.etl", tags={"pc": "fast", "os": "11"}, **told)
    words = ("--commit", "HEAD", "--example", "mine", "--build", "Release", "--process", "app.exe", "--tag", "pc=slow")
    ran = perfdb("record", "trace.etl", *words)

    assert (0, "") == (ran.code, ran.err)
    assert {
        "example": "mine", "commit_sha": project.git("rev-parse", "HEAD"), "build": "Release", "is_dirty": False,
        "process": "app.exe", "tags": {"pc": "slow", "os": "11"},
        "measured": [["exit_code", "3.0"], ["wall_time", "812.0"]],
    }.items() <= run_of(perfdb).items()  # fmt: skip


def test_the_sheet_knows_better_than_the_settings(perfdb: Run, project: GitRepo) -> None:
    (project.path / "perfdb.toml").write_text('[record]\nbuild = "Debug"\nprocess = "app.exe"\n')
    sheet(project.path / "trace.etl", build="Release", process="2000")
    perfdb("record", "trace.etl")

    assert {"build": "Release", "process": "other.exe"}.items() <= run_of(perfdb).items()


def test_a_sheet_that_says_little_leaves_the_rest_to_others(perfdb: Run, project: GitRepo) -> None:
    (project.path / "perfdb.toml").write_text('[record]\nbuild = "Debug"\n')
    sheet(project.path / "trace.etl")
    perfdb("record", "trace.etl")

    head = project.git("rev-parse", "HEAD")
    assert {"commit_sha": head, "build": "Debug", "process": "app.exe"}.items() <= run_of(perfdb).items()


def test_the_measured_time_is_the_run_s(perfdb: Run, project: GitRepo) -> None:
    sheet(project.path / "trace.etl")
    told = json.loads(perfdb("record", "trace.etl", "--json").out)[0]

    assert [("exit_code", 3.0), ("wall_time", 812.0)] == [(each["metric"], each["mean"]) for each in told["measured"]]
    assert 812.0 == json.loads(perfdb("runs", "--format", "json").out)[0]["wall_ms"]


def test_with_a_sheet_no_repository_need_be_there(perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trace.etl").write_bytes(small_trace())
    sheet(tmp_path / "trace.etl", commit_sha="c" * 40)

    assert 0 == perfdb("record", "trace.etl").code
    assert "c" * 40 == run_of(perfdb)["commit_sha"]


def test_a_packed_trace_has_the_sheet_that_it_had_before(perfdb: Run, project: GitRepo) -> None:
    trace = project.path / "trace.etl"
    sheet(trace, build="Release")
    (project.path / "trace.etl.gz").write_bytes(gzip.compress(trace.read_bytes()))
    trace.unlink()

    assert 0 == perfdb("record", "trace.etl.gz").code
    assert {"example": "from the sheet", "build": "Release"}.items() <= run_of(perfdb).items()


def test_the_sheet_of_another_trace_is_left_out_with_a_note(perfdb: Run, project: GitRepo) -> None:
    sheet(project.path / "trace.etl", trace_sha256="0" * 64)
    ran = perfdb("record", "trace.etl")

    note = "note: trace.etl: trace.etl.run.json is of another trace, and was left out\n"
    assert (0, note) == (ran.code, ran.err)
    assert {"example": "trace", "measured": None}.items() <= run_of(perfdb).items()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"schema": "perfdb.run/9"}', b'{"schema": "perfdb.run/1"}'])
def test_a_damaged_sheet_costs_its_trace_and_no_other(perfdb: Run, project: GitRepo, damage: bytes) -> None:
    (project.path / "other.etl").write_bytes(small_trace(library=7))
    sheet_path(project.path / "trace.etl").write_bytes(damage)
    ran = perfdb("record", "trace.etl", "other.etl")

    assert 3 == ran.code
    assert "trace.etl.run.json, what is known of the run beside its trace, found that " in ran.err
    assert "error: 1 of 2 traces could not be recorded; the others were.\n" in ran.err
    assert "other" == run_of(perfdb)["example"]


def test_sheets_are_no_results_of_benchmarks(perfdb: Run, project: GitRepo) -> None:
    (project.path / "all").mkdir()
    (project.path / "all" / "trace.etl").write_bytes(small_trace())
    path = sheet(project.path / "all" / "trace.etl")
    folder, alone = perfdb("record", "all"), perfdb("record", path)

    assert (0, "", 1) == (folder.code, folder.err, folder.out.count("\n"))
    assert (3, "") == (alone.code, alone.out)
    assert "found something else" in alone.err


def test_the_same_trace_with_its_sheet_again_changes_nothing(perfdb: Run, project: GitRepo) -> None:
    sheet(project.path / "trace.etl", commit_sha="d" * 40)
    perfdb("record", "trace.etl")

    assert "unchanged: this trace is recorded already" in perfdb("record", "trace.etl").out
    assert "from the sheet" == run_of(perfdb)["example"]


def test_traces_of_the_suite_are_named_after_their_examples(perfdb: Run, project: GitRepo) -> None:
    (project.path / "perfdb.toml").write_text('[profile]\nproject = "indexer"\n')
    (project.path / "trace.etl").rename(project.path / "indexer_profile_bulk_load_20261129-113047.etl")
    perfdb("record", "indexer_profile_bulk_load_20261129-113047.etl")

    assert "bulk_load" == run_of(perfdb)["example"]


def test_a_pattern_that_stands_for_sheets_too_means_the_traces(perfdb: Run, project: GitRepo) -> None:
    beside = sheet(project.path / "trace.etl")

    ran = perfdb("record", "trace.etl*")
    assert (0, "") == (ran.code, ran.err)
    assert "from the sheet" in ran.out

    alone = perfdb("record", beside.name)
    assert 3 == alone.code
    assert "asked for a trace, found something else" in alone.err
