"""`perfdb record`, with real git and real `.etl` bytes; what it refuses, and what it keeps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.conftest import GitRepo
from tests.traces import small_trace


@pytest.fixture
def project(git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """A repository with one commit and a trace beside the code; the current folder is in it."""
    git_repo.commit({"app.cpp": "int main() {}\n", ".gitignore": "artifacts/\n"}, "First")
    traces = git_repo.path / "artifacts" / "profile"
    traces.mkdir(parents=True)
    (traces / "dosatsu_profile_my_example_20260105_120000.etl").write_bytes(small_trace())
    monkeypatch.chdir(git_repo.path)
    return git_repo


def listed(perfdb: Run, *words: str) -> list[dict[str, object]]:
    runs: list[dict[str, object]] = json.loads(perfdb("runs", "--format", "json", *words).out)
    return runs


def test_a_trace_becomes_a_run_of_head(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("record", "artifacts/profile")

    sha = project.git("rev-parse", "HEAD")
    assert (0, "") == (ran.code, ran.err)
    assert re.fullmatch(
        rf"r[0-9a-f]{{8}}  my_example  {sha[:10]}  app\.exe \(1000\)  40 samples  40\.0 ms CPU  "
        r"hottest library\.dll 75\.0 %  100 % without symbols\n",
        ran.out,
    )
    run = listed(perfdb)[0]
    assert (sha, "my_example", "app.exe", 40, 40.0, False) == tuple(
        run[key] for key in ("commit_sha", "example", "process", "samples", "cpu_ms", "is_dirty")
    )
    assert (project.path / "artifacts" / "perfdb.duckdb").exists()


def test_uncommitted_changes_make_the_run_dirty(perfdb: Run, project: GitRepo) -> None:
    (project.path / "app.cpp").write_text("int main() { return 1; }\n")

    assert "+  app.exe" in perfdb("record", "artifacts/profile").out
    assert listed(perfdb)[0]["is_dirty"] is True


def test_everything_can_be_said(perfdb: Run, project: GitRepo) -> None:
    first = project.git("rev-parse", "HEAD")
    project.commit({"app.cpp": "int main() { return 2; }\n"}, "Second")

    words = ("--commit", "HEAD~1", "--example", "other", "--process", "OTHER", "--build", "Release")
    ran = perfdb("record", "artifacts/profile", *words, "--tag", "compiler=msvc 19.40", "--json")

    recorded = json.loads(ran.out)[0]
    assert (first, "other", "other.exe", 5) == tuple(
        recorded[key] for key in ("commit_sha", "example", "process", "samples")
    )
    run = listed(perfdb)[0]
    assert ("Release", ["compiler=msvc 19.40"]) == (run["build"], run["tags"])


def test_the_same_trace_again_changes_nothing(perfdb: Run, project: GitRepo) -> None:
    perfdb("record", "artifacts/profile")
    before = listed(perfdb)

    ran = perfdb("record", "artifacts/profile")

    assert ran.code == 0
    assert "unchanged: this trace is recorded already" in ran.out
    assert before == listed(perfdb)
    assert perfdb("record", "artifacts/profile", "--again").code == 0
    assert 2 == len(listed(perfdb))


def test_the_same_trace_for_another_commit_is_recorded_with_a_note(perfdb: Run, project: GitRepo) -> None:
    first = project.git("rev-parse", "HEAD")
    perfdb("record", "artifacts/profile")
    project.commit({"app.cpp": "int main() { return 2; }\n"}, "Second")

    ran = perfdb("record", "artifacts/profile")

    assert ran.code == 0
    assert f"the same trace is also recorded for {first[:10]}" in ran.err
    assert 2 == len(listed(perfdb))


def test_without_git_a_commit_must_be_named(perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.etl").write_bytes(small_trace())

    nameless = perfdb("record", "a.etl")
    named = perfdb("record", "a.etl", "--commit", "build-1704")

    assert (3, "") == (nameless.code, nameless.out)
    assert "--commit REV" in nameless.err
    assert not (tmp_path / "artifacts").exists() or named.code == 0
    assert named.code == 0
    assert "build-1704" == listed(perfdb)[0]["commit_sha"]
    assert perfdb("show", "build-1704").code == 0


def test_a_bad_trace_among_good_ones_costs_itself_alone(perfdb: Run, project: GitRepo) -> None:
    (project.path / "artifacts" / "profile" / "bad.etl").write_bytes(b"not a trace at all")

    ran = perfdb("record", "artifacts/profile")

    assert ran.code == 3
    assert "bad.etl: asked for a trace, found something else" in ran.err
    assert "1 of 2 traces could not be recorded" in ran.err
    assert 1 == len(listed(perfdb))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file"),
        (small_trace()[:40], "found something else"),
        (small_trace(library=0, app=0, other=0, idle=0), "found no CPU sample"),
        (small_trace(library=0, app=0, other=0, idle=9), "9 samples, all of them idle"),
        (small_trace(buffer_bytes=1024)[:1400], "the file ends inside a buffer"),
    ],
    ids=["empty", "cut in its header", "no samples", "idle only", "cut before its samples"],
)
def test_what_cannot_be_recorded_leaves_nothing_behind(
    perfdb: Run, project: GitRepo, content: bytes, message: str
) -> None:
    (project.path / "bad.etl").write_bytes(content)

    ran = perfdb("record", "bad.etl")

    assert (3, "") == (ran.code, ran.out)
    assert message in ran.err
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert not (project.path / "artifacts" / "perfdb.duckdb").exists()


def test_an_unknown_process_is_answered_with_those_there_are(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("record", "artifacts/profile", "--process", "nobody.exe")

    assert ran.code == 3
    assert "The busiest are app.exe (1000), other.exe (2000)" in ran.err


def test_an_unknown_revision_is_refused_before_anything_is_read(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("record", "artifacts/profile", "--commit", "no-such-branch")

    assert ran.code == 3
    assert "found no such revision" in ran.err


def test_what_was_lost_shows_everywhere(perfdb: Run, project: GitRepo) -> None:
    first = project.git("rev-parse", "HEAD")
    perfdb("record", "artifacts/profile", "--example", "x")
    project.commit({"app.cpp": "int main() { return 2; }\n"}, "Second")
    whole = small_trace(events_lost=7, buffers_lost=2, buffer_bytes=1024)
    (project.path / "cut.etl").write_bytes(whole[: len(whole) - 700])

    recorded = perfdb("record", "cut.etl", "--example", "x")

    assert recorded.code == 0
    assert "7 events lost, 2 buffers lost" in recorded.out
    for words in (("runs",), ("show", "HEAD"), ("diff", first, "HEAD")):
        ran = perfdb(*words)
        assert ran.code == 0
        assert "the file ends inside a buffer" in ran.out
        assert "7 events were lost" in ran.out


def test_a_tag_must_have_a_key_and_a_value(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("record", "artifacts/profile", "--tag", "fast")

    assert ran.code == 2
    assert "--tag takes key=value" in ran.err


def test_a_tag_has_one_value(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("record", "artifacts/profile", "--tag", "a=1", "--tag", "a=2")

    assert ran.code == 2
    assert "was given a twice" in ran.err


def test_the_settings_of_the_project_count(perfdb: Run, project: GitRepo) -> None:
    (project.path / "perfdb.toml").write_text(
        """
database = "history/runs.duckdb"
[record]
example_pattern = "dosatsu_profile_my_[example]_[timestamp]"
build = "Debug"
"""
    )

    perfdb("record", "artifacts/profile")

    assert (project.path / "history" / "runs.duckdb").exists()
    assert ("example", "Debug") == (listed(perfdb)[0]["example"], listed(perfdb)[0]["build"])
